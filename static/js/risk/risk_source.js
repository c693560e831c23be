/**
 * What the account risks, as fresh as it can be had: read over HTTP, moved on by the socket's frames,
 * read again after events and every ten seconds. Knows how old it is.
 * Events: "change" (`facts` is new), "state" (`state` is new).
 */
import { debounce } from "testudo/dom.js"
import { get, NoAnswer, reason } from "testudo/net/api.js"
import { heedServerClock } from "testudo/risk/countdown.js"

const EVERY_MS = 10_000
/** Two reads failed and no frame came: what is shown may be wrong. */
const STALE_MS = 25_000

/** @typedef {import("testudo/risk/types.js").RiskFacts} RiskFacts */
/** @typedef {"loading" | "live" | "read" | "stale" | "failed" | "offline"} SourceState "read": without the socket */

export class RiskSource extends EventTarget {
  /** @type {RiskFacts | null} */
  facts = null
  /** @type {SourceState} */
  state = "loading"
  /** Why there is nothing newer. */
  trouble = ""
  #url
  #feed
  #reading = 0
  #freshAt = -Infinity
  /** @type {import("testudo/risk/types.js").LiveRisk | null} the newest frame: an answer on its way may be older */
  #frame = null
  refresh = debounce(() => this.read(), 150)

  /** @param {string} url @param {import("testudo/desk/account_feed.js").AccountFeed} feed */
  constructor(url, feed) {
    super()
    this.#url = url
    this.#feed = feed
    feed.addEventListener("risk", (event) => this.#move(/** @type {CustomEvent} */ (event).detail))
    feed.addEventListener("event", () => this.refresh())
    feed.addEventListener("refetch", () => this.refresh())
    feed.addEventListener("state", () => this.#judge())
    for (const name of ["online", "offline"]) addEventListener(name, () => this.#judge())
    document.addEventListener("visibilitychange", () => document.hidden || this.read())
    setInterval(() => document.hidden || this.read(), EVERY_MS)
    setInterval(() => this.#judge(), 1000)
  }

  async read() {
    const turn = ++this.#reading
    try {
      const answer = await get(this.#url)
      if (turn !== this.#reading) return
      if (answer.ok) this.take(answer.body)
      else this.trouble = reason(answer)
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error
      if (turn !== this.#reading) return
      this.trouble = error.message
    }
    this.#judge()
  }

  /** The whole, as a read or a switch answers it. @param {RiskFacts} facts */
  take(facts) {
    this.trouble = ""
    this.facts = withFrame(facts, this.#frame)
    this.#freshAt = performance.now()
    heedServerClock(facts.at)
    this.dispatchEvent(new Event("change"))
    this.#judge()
  }

  /** The figures that move with every tick. @param {import("testudo/risk/types.js").LiveRisk} live */
  #move(live) {
    if (this.#frame && Date.parse(live.at) < Date.parse(this.#frame.at)) return
    this.#frame = live
    const facts = this.facts
    if (!facts) return
    this.facts = withFrame(facts, live)
    this.#freshAt = performance.now()
    // Why a state changed, and the way back, is not in a frame.
    if (live.state && live.state !== facts.state) this.refresh()
    this.dispatchEvent(new Event("change"))
    this.#judge()
  }

  #judge() {
    const now = this.#stateNow()
    if (now === this.state) return
    this.state = now
    this.dispatchEvent(new Event("state"))
  }

  /** @returns {SourceState} */
  #stateNow() {
    if (!navigator.onLine) return "offline"
    if (!this.facts) return this.trouble ? "failed" : "loading"
    if (performance.now() - this.#freshAt > STALE_MS || this.trouble) return "stale"
    return this.#feed.up ? "live" : "read"
  }
}

/** The facts with a frame's figures in, where the frame is the newer. @param {RiskFacts} facts @param {import("testudo/risk/types.js").LiveRisk | null} frame @returns {RiskFacts} */
function withFrame(facts, frame) {
  if (!frame || Date.parse(frame.at) < Date.parse(facts.at)) return facts
  const moved = new Map((frame.gauges ?? []).map((gauge) => [gauge.code, gauge]))
  const { at, equity, drawdown, heat, day_lost, open_risk } = frame
  return {
    ...facts,
    at,
    open_risk,
    equity: equity ?? facts.equity,
    drawdown: drawdown ?? facts.drawdown,
    heat: heat === undefined ? facts.heat : { ...facts.heat, value: heat },
    day: day_lost === undefined ? facts.day : { ...facts.day, lost: day_lost },
    gauges: facts.gauges.map((gauge) => ({ ...gauge, ...moved.get(gauge.code) })),
  }
}
