/** The decision log, the newest first, a page at a time; new records come in on top. */
import { byId, make, say } from "testudo/dom.js"
import { clockTime } from "testudo/format.js"
import { get, NoAnswer, reason } from "testudo/net/api.js"

/** @typedef {import("testudo/risk/types.js").DecisionRow} DecisionRow */

const PAGE = 20

/** @type {Record<string, {name: string, tone: string}>} */
export const KINDS = {
  placed: { name: "Placed", tone: "badge-good" },
  refused: { name: "Refused", tone: "badge-bad" },
  released: { name: "Released", tone: "badge-good" },
  release_refused: { name: "Expired", tone: "badge-bad" },
  limit_changed: { name: "Limits", tone: "" },
  holding: { name: "Holding", tone: "" },
  breaker: { name: "Breaker", tone: "badge-warn" },
  halted: { name: "Halted", tone: "badge-bad" },
  resumed: { name: "Resumed", tone: "badge-good" },
  flattened: { name: "Closed", tone: "badge-warn" },
}

/** @param {string} kind */
export function badge(kind) {
  const { name, tone } = KINDS[kind] ?? { name: kind.replaceAll("_", " "), tone: "" }
  return make("span", { class: `badge ${tone}` }, name)
}

export class DecisionLog {
  #account
  #list = byId("decisions")
  #more = byId("decisions-more", HTMLButtonElement)
  #state = byId("decisions-state")
  /** @type {Set<string>} */
  #known = new Set()
  /** @type {string | null} */
  #next = null
  #reading = 0

  /** @param {string} account id */
  constructor(account) {
    this.#account = account
    this.#more.addEventListener("click", () => this.#older())
  }

  /** The newest page; what is on the list already stays where it is. */
  async read() {
    const turn = ++this.#reading
    const page = await this.#get(null)
    if (turn !== this.#reading || !page) return
    const fresh = page.results.filter((one) => !this.#known.has(one.id))
    // A whole page of new ones may hide a gap behind it: begin anew.
    const anew = this.#known.size === 0 || fresh.length === page.results.length
    if (anew) {
      this.#known.clear()
      this.#list.replaceChildren(...page.results.map((one) => this.#row(one)))
      this.#next = page.next
    } else this.#list.prepend(...fresh.map((one) => this.#row(one)))
    this.#settle()
  }

  async #older() {
    if (!this.#next) return
    this.#more.disabled = true
    const page = await this.#get(this.#next)
    this.#more.disabled = false
    if (!page) return
    const rows = page.results.filter((one) => !this.#known.has(one.id)).map((one) => this.#row(one))
    this.#list.append(...rows)
    this.#next = page.next
    this.#settle()
    rows[0]?.querySelector("a")?.focus()
  }

  /** @param {string | null} cursor @returns {Promise<{results: DecisionRow[], next: string | null} | null>} */
  async #get(cursor) {
    const query = new URLSearchParams({ account: this.#account, limit: String(PAGE) })
    if (cursor) query.set("cursor", cursor)
    try {
      const answer = await get(`/api/v1/decisions?${query}`)
      if (answer.ok) return answer.body
      this.#fail(reason(answer))
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error
      this.#fail(error.message)
    }
    return null
  }

  /** @param {string} why */
  #fail(why) {
    this.#state.hidden = false
    say(this.#state, `The log cannot be read just now. ${why} It is tried again with the next event.`)
  }

  #settle() {
    this.#list.setAttribute("aria-busy", "false")
    this.#state.hidden = this.#known.size > 0
    say(this.#state, "No record yet. The first plan you place, or that is refused, begins the log.")
    this.#more.hidden = this.#next === null
  }

  /** @param {DecisionRow} one */
  #row(one) {
    this.#known.add(one.id)
    return make("li", {},
      make("a", { class: "decision", href: `/risk/decisions/${one.id}/`, "data-kind": one.kind },
        make("time", { class: "decision-at", datetime: one.at }, clockTime(one.at)),
        badge(one.kind),
        make("span", { class: "decision-words" }, make("strong", {}, one.title), make("span", { class: "muted" }, one.reading)),
        make("span", { class: "decision-link" }, `#${one.number}`, make("code", { title: "The first digits of its keyed hash" }, one.hash.slice(0, 8)))))
  }
}
