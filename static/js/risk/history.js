/**
 * How equity, heat, exposure and drawdown went: four charts under one cursor, or a table. The cursor
 * moves by pointer or by arrow keys, and says the moment's figures.
 */
import { Decimal } from "testudo/decimal.js"
import { byId, make, say } from "testudo/dom.js"
import { clockTime, figure, money, percent } from "testudo/format.js"
import { get, NoAnswer, reason } from "testudo/net/api.js"
import { radios } from "testudo/desk/controls.js"
import { HistoryChart } from "testudo/risk/history_chart.js"

/** @typedef {import("testudo/risk/types.js").Point} Point */

/** The newest stretch is read again this often; between, the charts live on the frames. */
const AGAIN_MS = 300_000
const PAGE_STEP = 10

const compact = new Intl.NumberFormat(document.documentElement.lang || "en", { notation: "compact", maximumFractionDigits: 1 })
const whole = new Intl.NumberFormat(document.documentElement.lang || "en", { maximumFractionDigits: 0 })
const share = (/** @type {number} */ value) => `${Math.abs(value * 100).toFixed(2)} %`

/** @type {import("testudo/risk/history_chart.js").ChartText[]} */
const CHARTS = [
  { name: "equity", title: "Equity", colour: "--text", text: (p) => `${money(p.equity)} · NAV ${figure(p.nav, 4)}`, axis: (v) => whole.format(v) },
  { name: "heat", title: "Heat, and open risk from the price now", colour: "--line-stop", second: { name: "open_risk", title: "Open risk" }, text: (p) => `${money(p.heat)} · ${money(p.open_risk)}`, axis: (v) => whole.format(v), floor: true, steps: true },
  { name: "exposure", title: "Exposure", colour: "--muted", text: (p) => money(p.exposure), axis: (v) => compact.format(v), floor: true, steps: true },
  { name: "drawdown", title: "Drawdown from the peak", colour: "--line-stop", text: (p) => percent(p.drawdown), axis: share, floor: true, down: true },
]

export class History {
  #url
  #hours = "24"
  #turn = 0
  /** @type {Point[]} */
  #points = []
  /** @type {number[]} */
  #times = []
  /** @type {number | null} */
  #at = null
  #box = byId("history-charts")
  #table = byId("history-table")
  #state = byId("history-state")
  #charts = CHARTS.map((about) => new HistoryChart(about, (index) => this.#point(index, false)))
  #asTable = false
  #spans
  /** A first look that finds the last day empty looks further back, once. */
  #widens = true

  /** @param {string} url */
  constructor(url) {
    this.#url = url
    this.#box.append(...this.#charts.map((chart) => chart.element))
    this.#spans = radios(byId("spans"), (chosen) => {
      this.#widens = false
      this.#hours = chosen.dataset.hours ?? "24"
      this.load()
    })
    radios(byId("views"), (chosen) => this.#show(chosen.dataset.view === "table"))
    this.#box.addEventListener("keydown", (event) => this.#key(event))
    this.#box.addEventListener("blur", () => this.#point(null, false))
    byId("history-retry").addEventListener("click", () => this.load())
    document.documentElement.addEventListener("testudo:theme", () => setTimeout(() => this.#charts.forEach((chart) => chart.recolour()), 30))
    setInterval(() => document.hidden || this.load(true), AGAIN_MS)
  }

  /** @param {boolean} [quietly] a failure leaves what is shown */
  async load(quietly = false) {
    const turn = ++this.#turn
    if (!quietly) this.#tell("Reading the history", false)
    try {
      const answer = await get(`${this.#url}?hours=${this.#hours}`)
      if (turn !== this.#turn) return
      if (answer.ok) this.#take(answer.body.points)
      else if (!quietly) this.#tell(`The history cannot be read. ${reason(answer)}`, true)
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error
      if (turn === this.#turn && !quietly) this.#tell(`The history cannot be read. ${error.message}`, true)
    }
  }

  /** @param {Point[]} points oldest first */
  #take(points) {
    const widest = this.#spans.items.at(-1)
    if (this.#widens && !points.length && widest) {
      this.#widens = false
      this.#hours = widest.dataset.hours ?? this.#hours
      this.#spans.choose(widest)
      this.load()
      return
    }
    this.#widens = false
    /** @type {Map<number, Point>} one a second: charts know nothing finer */
    const bySecond = new Map(points.map((point) => [Math.floor(Date.parse(point.at) / 1000), point]))
    this.#times = [...bySecond.keys()].sort((a, b) => a - b)
    this.#points = this.#times.map((time) => /** @type {Point} */ (bySecond.get(time)))
    for (const chart of this.#charts) chart.show(this.#points, this.#times)
    this.#tell(this.#points.length ? "" : "Nothing is recorded in this span yet. Points come with prices and fills while something is at risk.", false)
    this.#point(null, false)
    if (this.#asTable) this.#fill()
  }

  /** The newest figures, as they come. @param {import("testudo/risk/types.js").RiskFacts} facts */
  live(facts) {
    const last = this.#points.at(-1)
    const before = this.#times.at(-1)
    if (!last || before === undefined) return
    const time = Math.max(before, Math.floor(Date.parse(facts.at) / 10_000) * 10)
    const exposure = facts.gauges.find((one) => one.code === "leverage")?.used ?? last.exposure
    const open_risk = facts.open_risk ?? facts.by_symbol.reduce((sum, one) => sum.plus(Decimal.of(one.open_risk)), Decimal.of("0")).toString()
    const point = { at: facts.at, equity: facts.equity, nav: facts.nav, heat: facts.heat.value, drawdown: facts.drawdown, exposure, open_risk }
    if (time === before) this.#points[this.#points.length - 1] = point
    else {
      this.#points.push(point)
      this.#times.push(time)
    }
    for (const chart of this.#charts) {
      chart.live(point, time)
      if (this.#at === null) chart.read(null)
    }
  }

  /** @param {Record<string, string | null>} limits by chart */
  limits(limits) {
    CHARTS.forEach(({ name }, i) => this.#charts[i].limit(limits[name] ?? null))
  }

  /** @param {string} text @param {boolean} failed */
  #tell(text, failed) {
    this.#state.hidden = !text
    say(byId("history-state-text"), text)
    byId("history-retry").hidden = !failed
  }

  /** @param {number | null} index @param {boolean} aloud by key: the value is spoken */
  #point(index, aloud) {
    this.#at = index !== null && index < 0 ? null : index
    for (const chart of this.#charts) chart.read(this.#at)
    const shown = this.#at ?? this.#points.length - 1
    this.#box.setAttribute("aria-valuemax", String(Math.max(0, this.#points.length - 1)))
    if (!aloud && this.#at !== null) return
    this.#box.setAttribute("aria-valuenow", String(Math.max(0, shown)))
    const point = this.#points[shown]
    this.#box.setAttribute("aria-valuetext", point ? `${clockTime(point.at)}: equity ${money(point.equity)}, heat ${money(point.heat)}, open risk ${money(point.open_risk)}, exposure ${money(point.exposure)}, drawdown ${percent(point.drawdown)}` : "No history yet")
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const last = this.#points.length - 1
    const from = this.#at ?? last
    const to = { ArrowLeft: from - 1, ArrowDown: from - 1, ArrowRight: from + 1, ArrowUp: from + 1, PageUp: from + PAGE_STEP, PageDown: from - PAGE_STEP, Home: 0, End: last }[event.key]
    if (to === undefined || last < 0) return
    event.preventDefault()
    this.#point(Math.max(0, Math.min(last, to)), true)
  }

  /** @param {boolean} table */
  #show(table) {
    this.#asTable = table
    this.#box.hidden = table
    this.#table.hidden = !table
    if (table) this.#fill()
  }

  #fill() {
    const cell = (/** @type {string} */ text) => make("td", { class: "right" }, text)
    const rows = this.#points.map((p) => make("tr", {}, make("th", { scope: "row" }, clockTime(p.at)), cell(money(p.equity)), cell(figure(p.nav, 4)), cell(money(p.heat)), cell(money(p.open_risk)), cell(money(p.exposure)), cell(percent(p.drawdown))))
    this.#table.querySelector("tbody")?.replaceChildren(...rows.reverse())
  }
}
