/**
 * The line under the header: equity, heat, the day's loss left, streak, state. Read again after events,
 * moved on by live frames. Why no new risk is taken, and what is near its limit, stays as a notice.
 */
import { Decimal } from "testudo/decimal.js"
import { byId, debounce, say } from "testudo/dom.js"
import { money } from "testudo/format.js"
import { get, NoAnswer } from "testudo/net/api.js"
import { drawBar } from "testudo/desk/gauges.js"
import { ExchangeBanner } from "testudo/desk/exchange_trouble.js"
import { clearNotice, notice } from "testudo/desk/notices.js"

const EVERY_MS = 10_000
const RISK_LINK = "See the way back"
/** Freqtrade's users could not tell whether exits go on when trading "stopped": every state says it. */
const CLOSED = {
  reducing: "No new risk just now; exits, tighter stops and cancels go on.",
  halted: "Trading is halted: no new risk. Stops stay on the exchange, and exits go on.",
}

export class AccountStrip {
  #url
  #reading = 0
  #banner = new ExchangeBanner(byId("exchange-trouble"))
  /** @type {import("testudo/desk/types.js").Risk | null} */
  #risk = null
  /** Reads soon, once, however many events ask. */
  refresh = debounce(() => this.read(), 150)

  /** @param {string} url */
  constructor(url) {
    this.#url = url
    setInterval(() => {
      if (!document.hidden) this.read()
    }, EVERY_MS)
  }

  async read() {
    const turn = ++this.#reading
    try {
      const answer = await get(this.#url)
      if (turn === this.#reading) this.#show(answer.ok ? answer.body : null)
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error
      if (turn === this.#reading) this.#show(null)
    }
  }

  /** The figures that move with every tick. @param {import("testudo/risk/types.js").LiveRisk} live */
  live(live) {
    const risk = this.#risk
    if (!risk) return
    if (live.state && live.state !== risk.state) this.refresh() // the reason is not in a frame
    const lost = live.gauges?.find((gauge) => gauge.code === "daily_loss")
    const heat = live.heat === undefined ? risk.heat : { ...risk.heat, value: live.heat }
    const day_loss = lost ? { ...risk.day_loss, value: lost.used, room: lost.room } : risk.day_loss
    this.#show({ ...risk, equity: live.equity ?? risk.equity, heat, day_loss })
  }

  /** @param {import("testudo/desk/types.js").Risk | null} risk null: what is shown is old */
  #show(risk) {
    document.querySelector(".strip")?.classList.toggle("is-stale", risk === null)
    if (!risk) return
    this.#risk = risk
    say(byId("strip-equity"), money(risk.equity))
    say(byId("strip-heat"), `${money(risk.heat.value)} / ${money(risk.heat.limit)}`)
    say(byId("strip-day"), money(risk.day_loss.room))
    this.#bar("strip-heat-bar", risk.heat)
    this.#bar("strip-day-bar", risk.day_loss)
    this.#count("strip-positions", risk.positions)
    this.#count("strip-streak", risk.streak)
    const state = byId("strip-state")
    say(state, risk.state.replaceAll("_", " "))
    state.dataset.state = risk.state
    byId("strip-risk").title = risk.messages.join(" ")
    this.#warn(risk)
    this.#banner.show(risk.exchange)
  }

  /** @param {import("testudo/desk/types.js").Risk} risk */
  #warn({ state, state_reason = "", warnings = [] }) {
    const badge = byId("strip-warnings")
    badge.hidden = warnings.length === 0
    say(badge, warnings.length === 1 ? "1 warning" : `${warnings.length} warnings`)
    const closed = CLOSED[/** @type {"halted"} */ (state)]
    const link = { href: byId("strip-risk", HTMLAnchorElement).href, text: RISK_LINK }
    const why = state_reason ? ` Why: ${state_reason.replace(/\.$/, "")}.` : ""
    if (closed) notice("trading-state", state === "halted" ? "alarm" : "warn", `${closed}${why}`, link)
    else clearNotice("trading-state")
    if (warnings.length) notice("risk-warnings", "warn", warnings.join(" "), { ...link, text: "See the limits" })
    else clearNotice("risk-warnings")
  }

  /** @param {string} id @param {{value: number | string, limit: number | string}} count */
  #count(id, { value, limit }) {
    say(byId(id), `${value} / ${limit}`)
    byId(id).classList.toggle("is-full", Number(value) >= Number(limit))
  }

  /** @param {string} id @param {import("testudo/desk/types.js").Room} room */
  #bar(id, { value, limit }) {
    const had = value.startsWith("-") ? "0" : value
    if (Decimal.of(limit).sign <= 0) return
    drawBar(/** @type {any} */ (byId(id)), { before: had, after: had, limit })
  }
}
