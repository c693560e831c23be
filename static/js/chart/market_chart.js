/**
 * The chart itself: candles, volume, the live candle, older history on scrolling back, colours from
 * the theme. Prices become numbers here, for drawing only.
 * Events: "read" (detail: {candle, live}) for the read-out; "interval".
 */
import {
  CandlestickSeries,
  createChart,
  CrosshairMode,
  HistogramSeries,
  LineStyle,
} from "lightweight-charts"
import { token } from "testudo/dom.js"
import { Candles } from "testudo/chart/candles.js"

const LOCALE = document.documentElement.lang || "en"
const at = (/** @type {Intl.DateTimeFormatOptions} */ options) =>
  new Intl.DateTimeFormat(LOCALE, { hour12: false, ...options })
const FULL = at({ weekday: "short", day: "2-digit", month: "short", hour: "2-digit", minute: "2-digit" })
const MARKS = [
  at({ year: "numeric" }),
  at({ month: "short" }),
  at({ day: "numeric", month: "short" }),
  at({ hour: "2-digit", minute: "2-digit" }),
  at({ hour: "2-digit", minute: "2-digit", second: "2-digit" }),
]

export class MarketChart extends EventTarget {
  #chart
  #volume
  /** @type {Map<string, any>} */
  #lines = new Map()

  /**
   * @param {HTMLElement} pane
   * @param {import("testudo/desk/types.js").SymbolSpec} symbol
   * @param {import("testudo/ticks.js").TickGrid} grid
   * @param {(interval: string, end?: number) => Promise<any[]>} fetchCandles
   */
  constructor(pane, symbol, grid, fetchCandles) {
    super()
    this.pane = pane
    this.symbol = symbol
    const prices = new Intl.NumberFormat(LOCALE, {
      minimumFractionDigits: grid.places,
      maximumFractionDigits: grid.places,
    })
    const narrow = pane.clientWidth < 600
    this.#chart = createChart(pane, {
      autoSize: true,
      layout: { attributionLogo: false, fontSize: narrow ? 10 : 11, fontFamily: token("--sans") },
      crosshair: { mode: CrosshairMode.Normal },
      rightPriceScale: { borderVisible: false, minimumWidth: narrow ? 58 : 74 },
      timeScale: {
        borderVisible: false,
        timeVisible: true,
        secondsVisible: false,
        // Room to the right of the last candle: that is where a plan lives.
        rightOffset: narrow ? 14 : 32,
        barSpacing: narrow ? 5 : 7,
        tickMarkFormatter: (/** @type {number} */ time, /** @type {number} */ mark) =>
          MARKS[mark]?.format(time * 1000) ?? null,
      },
      localization: {
        timeFormatter: (/** @type {any} */ time) => FULL.format(time * 1000),
        priceFormatter: (/** @type {number} */ price) => prices.format(price),
      },
      // A vertical swipe over the chart scrolls the page on a phone.
      handleScroll: { vertTouchDrag: false },
    })
    this.series = this.#chart.addSeries(CandlestickSeries, {
      priceFormat: { type: "price", precision: grid.places, minMove: grid.step },
      priceLineStyle: LineStyle.Dotted,
    })
    this.series.priceScale().applyOptions({ scaleMargins: { top: 0.08, bottom: 0.2 } })
    this.#volume = this.#chart.addSeries(HistogramSeries, {
      priceScaleId: "volume",
      priceFormat: { type: "volume" },
      lastValueVisible: false,
      priceLineVisible: false,
    })
    this.#volume.priceScale().applyOptions({ scaleMargins: { top: 0.86, bottom: 0 } })
    this.recolour()
    this.candles = new Candles(fetchCandles)
    this.#listen()
  }

  /** @param {string} interval */
  async load(interval) {
    if (!(await this.candles.load(interval))) return
    this.#draw()
    this.#chart.timeScale().resetTimeScale()
    this.#chart.timeScale().applyOptions({ timeVisible: interval !== "1d" })
  }

  /** Reads history again after a gap, leaving the view where it is. */
  async mend() {
    if (await this.candles.load(this.candles.interval)) this.#draw()
  }

  /** The market's live minute. @param {[number, string, string, string, string, string]} minute */
  live(minute) {
    const candle = this.candles.live(minute)
    if (!candle) return
    this.series.update(/** @type {any} */ (candle))
    this.#volume.update(/** @type {any} */ ({ time: candle.time, value: candle.volume }))
    if (!this.#pointed) this.#tell(candle, true)
  }

  /** The last candle's open time in seconds. */
  get lastTime() {
    return this.candles.last?.time ?? null
  }

  get axisWidth() {
    return this.series.priceScale().width()
  }

  get paneHeight() {
    return this.#chart.panes()[0]?.getHeight() ?? this.pane.clientHeight
  }

  /** @param {number} y @returns {number | null} for choosing a tick */
  priceAt(y) {
    return this.series.coordinateToPrice(y)
  }

  /** Pan and zoom off while a line is held. @param {boolean} on */
  hold(on) {
    this.#chart.applyOptions({
      handleScroll: on ? false : { vertTouchDrag: false, mouseWheel: true, pressedMouseMove: true, horzTouchDrag: true },
      handleScale: !on,
    })
  }

  /**
   * Lines of an open trade; the same key moves its line, an absent key removes it.
   * @param {Map<string, {price: number, title: string, colour: string}>} wanted
   */
  keepLines(wanted) {
    for (const [key, line] of this.#lines) {
      if (wanted.has(key)) continue
      this.series.removePriceLine(line)
      this.#lines.delete(key)
    }
    for (const [key, { price, title, colour }] of wanted) {
      const options = { price, title, color: token(colour), axisLabelColor: token(colour), axisLabelTextColor: token("--bg"), lineStyle: LineStyle.LargeDashed, lineWidth: /** @type {1} */ (1) }
      const line = this.#lines.get(key)
      if (line) line.applyOptions(options)
      else this.#lines.set(key, this.series.createPriceLine(options))
    }
  }

  /** A line of an open trade is being dragged. @param {string} key @param {number} price */
  moveLine(key, price) {
    this.#lines.get(key)?.applyOptions({ price })
  }

  /** Prices of the lines kept, for the scale. */
  get lineLevels() {
    return [...this.#lines.values()].map((line) => line.options().price)
  }

  recolour() {
    const [up, down] = [token("--candle-up"), token("--candle-down")]
    const [upLine, downLine] = [token("--candle-up-line"), token("--candle-down-line")]
    const label = token("--panel-3")
    this.#chart.applyOptions({
      layout: { background: { color: token("--panel") }, textColor: token("--faint") },
      grid: { vertLines: { color: token("--grid") }, horzLines: { color: token("--grid") } },
      crosshair: {
        vertLine: { color: token("--line-strong"), labelBackgroundColor: label },
        horzLine: { color: token("--line-strong"), labelBackgroundColor: label },
      },
    })
    this.series.applyOptions({
      upColor: up, downColor: down, borderUpColor: upLine, borderDownColor: downLine,
      wickUpColor: upLine, wickDownColor: downLine, priceLineColor: token("--muted"),
    })
    this.#volume.applyOptions({ color: token("--volume") })
  }

  #draw() {
    this.series.setData(/** @type {any} */ (this.candles.all))
    this.#volume.setData(
      /** @type {any} */ (this.candles.all.map(({ time, volume }) => ({ time, value: volume }))),
    )
    if (this.candles.last) this.#tell(this.candles.last, true)
  }

  #pointed = false

  /** @param {import("testudo/chart/candles.js").Candle} candle @param {boolean} live */
  #tell(candle, live) {
    this.dispatchEvent(new CustomEvent("read", { detail: { candle, live } }))
  }

  #listen() {
    this.#chart.subscribeCrosshairMove((/** @type {any} */ param) => {
      const candle = param.time ? this.candles.at(param.time) : null
      this.#pointed = Boolean(candle)
      if (candle) this.#tell(candle, false)
      else if (this.candles.last) this.#tell(this.candles.last, true)
    })
    this.#chart.timeScale().subscribeVisibleLogicalRangeChange(async (range) => {
      if (range && range.from < 30 && (await this.candles.loadOlder())) this.#draw()
    })
  }
}
