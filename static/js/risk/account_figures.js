/** The account in figures: the strip, by symbol, day and week. Changed in place. */
import { Decimal } from "testudo/decimal.js"
import { byId, icon, make, say } from "testudo/dom.js"
import { figure, money, percent, signed } from "testudo/format.js"
import { countDown } from "testudo/risk/countdown.js"

/** @typedef {import("testudo/risk/types.js").RiskFacts} RiskFacts */

const CLOCK = new Intl.DateTimeFormat(document.documentElement.lang || "en", {
  hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false,
})

export class AccountFigures {
  /** @type {Record<string, string>} */
  #shown = {}
  /** @type {Set<string>} */
  #naked = new Set()

  /** @param {RiskFacts} facts */
  show(facts) {
    say(byId("fig-equity"), money(facts.equity))
    say(byId("fig-nav"), figure(facts.nav, 4))
    say(byId("fig-peak"), figure(facts.peak_nav, 4))
    say(byId("fig-drawdown"), percent(facts.drawdown))
    say(byId("fig-heat"), `${money(facts.heat.value)} / ${money(facts.heat.limit)}`)
    say(byId("fig-available"), money(facts.available))
    say(byId("fig-locked"), money(facts.locked))
    say(byId("fig-at"), CLOCK.format(new Date(facts.at)))
    this.#period("day", facts)
    this.#period("week", facts)
    const late = facts.day.late ? "day's" : facts.week.late ? "week's" : ""
    byId("periods-late").hidden = !late
    say(byId("periods-late"), late && `≈ The ${facts.day.late && facts.week.late ? "day's and week's" : late} first equity was taken late: the exchange could not be read at the reset.`)
    this.#showNaked(facts.naked)
    this.#table("symbols", facts.by_symbol, "Nothing is at risk: no open trade, no pending entry.", (one) => [
      make("th", { scope: "row" }, make("span", { class: "side-mark" }, icon(one.side === "short" ? "down" : "up"), one.symbol, make("span", { class: "muted" }, ` ${one.side}`))),
      cell(money(one.heat)), cell(money(one.open_risk)), cell(money(one.exposure)),
    ])
    this.unprotected(this.#naked)
  }

  /** Marks the rows of these symbols. @param {Set<string>} symbols */
  unprotected(symbols) {
    this.#naked = symbols
    for (const row of document.querySelectorAll("#symbols tbody tr")) {
      const is = symbols.has(/** @type {HTMLElement} */ (row).dataset.symbol ?? "")
      row.classList.toggle("is-naked", is)
      const mark = row.querySelector(".badge-alarm")
      if (!is) mark?.remove()
      else if (!mark) row.querySelector("th")?.append(make("span", { class: "badge badge-alarm" }, icon("warn"), "UNPROTECTED"))
    }
  }

  /** @param {RiskFacts["naked"]} naked */
  #showNaked({ days, trades, p50_ms, p99_ms, longest_ms }) {
    const ms = (/** @type {number} */ each) => (trades ? `${figure(String(each))} ms` : "–")
    say(byId("naked-p50"), ms(p50_ms))
    say(byId("naked-p99"), ms(p99_ms))
    say(byId("naked-longest"), ms(longest_ms))
    say(byId("naked-over"), trades ? `Over ${trades} trade${trades === 1 ? "" : "s"} of the last ${days} days that bought anything.` : `No trade of the last ${days} days bought anything yet.`)
  }

  /** @param {"day" | "week"} name @param {RiskFacts} facts */
  #period(name, facts) {
    const period = facts[name]
    const row = byId(`period-${name}`)
    const at = (/** @type {string} */ key) => /** @type {HTMLElement} */ (row.querySelector(`[data-cell=${key}]`))
    const lost = Decimal.of(period.lost)
    say(at("start"), `${period.late ? "≈ " : ""}${money(period.start_equity)}`)
    say(at("lost"), lost.sign < 0 ? `gained ${money(lost.abs())}` : money(lost))
    at("lost").className = `right ${lost.sign > 0 ? "loss" : lost.sign < 0 ? "profit" : ""}`
    say(at("flows"), signed(period.flows, 2))
    countDown(at("ends"), period.ends_at, "now")
  }

  /**
   * @template T
   * @param {string} id @param {T[]} rows @param {string} none @param {(row: T) => HTMLElement[]} cells
   */
  #table(id, rows, none, cells) {
    const key = JSON.stringify(rows)
    if (this.#shown[id] === key) return
    this.#shown[id] = key
    const table = byId(id)
    const wrap = /** @type {HTMLElement} */ (table.parentElement)
    wrap.hidden = rows.length === 0
    table.querySelector("tbody")?.replaceChildren(...rows.map((row) => make("tr", { "data-symbol": /** @type {any} */ (row).symbol }, ...cells(row))))
    byId(`${id}-empty`).hidden = rows.length > 0
    say(byId(`${id}-empty`), none)
  }
}

/** @param {string} text */
const cell = (text) => make("td", { class: "right" }, text)
