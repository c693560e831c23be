/** One figure over time: a small chart with its own read-out and, where there is one, its limit. Numbers draw here, the text is the server's. */
import { AreaSeries, createChart, CrosshairMode, LineSeries, LineStyle, LineType } from "lightweight-charts"
import { make, say, token } from "testudo/dom.js"

const LOCALE = document.documentElement.lang || "en"
const at = (/** @type {Intl.DateTimeFormatOptions} */ options) => new Intl.DateTimeFormat(LOCALE, { hour12: false, ...options })
const FULL = at({ weekday: "short", day: "2-digit", month: "short", hour: "2-digit", minute: "2-digit" })
const MARKS = [at({ year: "numeric" }), at({ month: "short" }), at({ day: "numeric", month: "short" }), at({ hour: "2-digit", minute: "2-digit" }), at({ hour: "2-digit", minute: "2-digit", second: "2-digit" })]

/**
 * @typedef {{name: string, title: string, colour: string, second?: {name: string, title: string},
 *   text: (point: import("testudo/risk/types.js").Point) => string,
 *   axis: (value: number) => string, floor?: boolean, down?: boolean, steps?: boolean}} ChartText
 *   `floor`: the scale begins at zero; `down`: more is worse and is drawn downwards; `steps`: it jumps
 */

export class HistoryChart {
  /** @type {import("testudo/risk/types.js").Point[]} */
  #points = []
  /** @type {number[]} */
  #times = []
  #about
  #readout = make("span", { class: "history-value" })
  #pane = make("div", { class: "history-pane" })
  #chart
  #series
  #second
  /** @type {any} */
  #limit = null

  /** @param {ChartText} about @param {(index: number | null) => void} onPoint the moment under the pointer */
  constructor(about, onPoint) {
    this.#about = about
    this.element = make("div", { class: "history-chart", "data-chart": about.name },
      make("p", { class: "history-head" }, make("span", { class: "label" }, about.title), this.#readout), this.#pane)
    this.#chart = createChart(this.#pane, {
      autoSize: true,
      layout: { attributionLogo: false, fontSize: 10, fontFamily: token("--sans") },
      crosshair: { mode: CrosshairMode.Magnet, horzLine: { visible: false, labelVisible: false } },
      rightPriceScale: { borderVisible: false, minimumWidth: 62, invertScale: Boolean(about.down), scaleMargins: { top: 0.12, bottom: 0.08 } },
      timeScale: {
        borderVisible: false, timeVisible: true, secondsVisible: false, fixLeftEdge: true, fixRightEdge: true,
        tickMarkFormatter: (/** @type {number} */ time, /** @type {number} */ mark) => MARKS[mark]?.format(time * 1000) ?? null,
      },
      localization: { timeFormatter: (/** @type {any} */ time) => FULL.format(time * 1000), priceFormatter: about.axis },
      // The page scrolls, not the chart: the span is chosen above it.
      handleScroll: false,
      handleScale: false,
    })
    const shape = { lineWidth: /** @type {2} */ (2), lineType: about.steps ? LineType.WithSteps : LineType.Simple, priceLineVisible: false, lastValueVisible: false, crosshairMarkerRadius: 3, priceFormat: { type: /** @type {const} */ ("custom"), formatter: about.axis, minMove: 0.000001 } }
    this.#series = this.#chart.addSeries(AreaSeries, {
      ...shape,
      ...(about.floor ? { autoscaleInfoProvider: (/** @type {() => any} */ original) => this.#fromZero(original()) } : {}),
    })
    this.#second = about.second ? this.#chart.addSeries(LineSeries, { ...shape, lineWidth: 1, lineStyle: LineStyle.Dashed, crosshairMarkerVisible: false }) : null
    this.#chart.subscribeCrosshairMove((/** @type {any} */ param) => {
      if (param.sourceEvent) onPoint(param.time ? this.#times.indexOf(param.time) : null)
    })
    this.recolour()
  }

  /** Begins at zero, and shows the limit once it is within reach. @param {any} info */
  #fromZero(info) {
    if (!info) return info
    const top = info.priceRange.maxValue
    const limit = this.#limit?.options().price ?? 0
    return { ...info, priceRange: { minValue: 0, maxValue: top > limit * 0.4 ? Math.max(top, limit) : top || limit || 1 } }
  }

  /** @param {import("testudo/risk/types.js").Point[]} points @param {number[]} times in seconds, rising */
  show(points, times) {
    this.#points = points
    this.#times = times
    const of = (/** @type {string} */ name) => points.map((point, i) => ({ time: times[i], value: Number(point[/** @type {"equity"} */ (name)]) }))
    this.#series.setData(/** @type {any} */ (of(this.#about.name)))
    if (this.#second && this.#about.second) this.#second.setData(/** @type {any} */ (of(this.#about.second.name)))
    this.#chart.timeScale().fitContent()
    this.read(null)
  }

  /** Brings the newest moment in. @param {import("testudo/risk/types.js").Point} point @param {number} time */
  live(point, time) {
    const add = (/** @type {any} */ series, /** @type {string} */ name) => series.update({ time, value: Number(point[/** @type {"equity"} */ (name)]) })
    add(this.#series, this.#about.name)
    if (this.#second && this.#about.second) add(this.#second, this.#about.second.name)
  }

  /** @param {string | null} limit drawn as a line @param {string} [title] */
  limit(limit, title = "limit") {
    if (this.#limit) this.#series.removePriceLine(this.#limit)
    this.#limit = limit === null ? null : this.#series.createPriceLine({ price: Number(limit), title, color: token("--line-stop"), lineStyle: LineStyle.Dashed, lineWidth: 1, axisLabelVisible: false })
  }

  /** Shows the moment with this index; null for the newest. @param {number | null} index */
  read(index) {
    const point = this.#points.at(index ?? -1)
    say(this.#readout, point ? this.#about.text(point) : "–")
    if (index === null || !point) this.#chart.clearCrosshairPosition()
    else this.#chart.setCrosshairPosition(Number(point[/** @type {"equity"} */ (this.#about.name)]), /** @type {any} */ (this.#times[index]), this.#series)
  }

  recolour() {
    const line = token(this.#about.colour)
    this.#chart.applyOptions({
      layout: { background: { color: token("--panel") }, textColor: token("--faint") },
      grid: { vertLines: { visible: false }, horzLines: { color: token("--grid") } },
      crosshair: { vertLine: { color: token("--line-strong"), labelBackgroundColor: token("--panel-3") } },
    })
    const clear = token("--panel-2")
    this.#series.applyOptions({ lineColor: line, topColor: clear, bottomColor: clear, ...(this.#about.down ? { invertFilledArea: true } : {}) })
    this.#second?.applyOptions({ color: token("--faint") })
    this.#limit?.applyOptions({ color: token("--line-stop") })
  }
}
