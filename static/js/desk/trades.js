/** The account's trades as the page knows them: the newest version of each. Event "change". */
import { get, NoAnswer } from "testudo/net/api.js"

/** @typedef {import("testudo/desk/types.js").Trade} Trade */

const OVER = new Set(["closed", "expired", "rejected", "canceled"])

export class Trades extends EventTarget {
  /** @type {Map<string, Trade>} */
  #byId = new Map()
  #url
  #account
  #reading = 0
  /** @type {"loading" | "ready" | "failed"} */
  state = "loading"

  /** @param {string} url @param {string} account */
  constructor(url, account) {
    super()
    this.#url = url
    this.#account = account
  }

  /** @returns {Trade[]} newest first */
  get open() {
    return this.#sorted((trade) => !OVER.has(trade.state))
  }

  /** @returns {Trade[]} newest first */
  get over() {
    return this.#sorted((trade) => OVER.has(trade.state))
  }

  /** @param {(trade: Trade) => boolean} keep */
  #sorted(keep) {
    const when = (/** @type {Trade} */ t) => t.closed_at ?? t.placed_at ?? ""
    return [...this.#byId.values()].filter(keep).sort((a, b) => (when(a) < when(b) ? 1 : -1))
  }

  /** Events may overtake each other and the reply of a read: the higher version stands. @param {Trade | null} trade */
  take(trade) {
    if (!trade || trade.account !== this.#account) return
    const known = this.#byId.get(trade.id)
    if (known && known.version > trade.version) return
    this.#byId.set(trade.id, trade)
    this.dispatchEvent(new Event("change"))
  }

  /** Reads everything again. A failed read is tried again, and the panel says so meanwhile. */
  async read() {
    const turn = ++this.#reading
    const account = encodeURIComponent(this.#account)
    try {
      const [open, closed] = await Promise.all([
        get(`${this.#url}?account=${account}&state=open`),
        get(`${this.#url}?account=${account}&state=closed`),
      ])
      if (turn !== this.#reading) return
      this.state = open.ok && closed.ok ? "ready" : "failed"
      // What the server no longer calls open, and no event told of, must not linger as open.
      if (open.ok) {
        const live = new Set(open.body.results.map((/** @type {Trade} */ t) => t.id))
        const ended = new Set(closed.ok ? closed.body.results.map((/** @type {Trade} */ t) => t.id) : [])
        for (const trade of this.open) {
          if (!live.has(trade.id) && !ended.has(trade.id)) this.#byId.delete(trade.id)
        }
      }
      for (const answer of [open, closed]) {
        for (const trade of answer.ok ? answer.body.results : []) this.take(trade)
      }
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error
      if (turn !== this.#reading) return
      this.state = "failed"
    }
    if (this.state === "failed") setTimeout(() => turn === this.#reading && this.read(), 3000)
    this.dispatchEvent(new Event("change"))
  }
}
