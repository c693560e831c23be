/**
 * Draws the plan on the chart: a stop zone, a target zone and three lines, as a lightweight-charts
 * series primitive. It only draws; `position_tool.js` moves the lines.
 */
import { token } from "testudo/dom.js"

/** @typedef {import("testudo/desk/plan.js").LineName} LineName */
/**
 * @typedef {{entry: number, stop: number, target: number, lastTime: number | null}} Levels
 *   prices as numbers: for drawing only
 */

const HIT_MOUSE = 6

export class PositionPrimitive {
  /** @type {any} */ #chart = null
  /** @type {any} */ #series = null
  /** @type {() => void} */ #requestUpdate = () => {}
  /** Whether the scale fitted itself before a line was held. */
  #autoScaled = true
  #read
  #price
  #colours = palette()
  #onLayout
  #alsoInView
  visible = true
  /** The line being held, drawn stronger. @type {LineName | null} */
  held = null

  /**
   * @param {{read: () => Levels | null, price: (level: number) => string, onLayout: () => void,
   *   alsoInView: () => number[]}} options `alsoInView`: further prices the scale must show
   */
  constructor({ read, price, onLayout, alsoInView }) {
    this.#read = read
    this.#price = price
    this.#onLayout = onLayout
    this.#alsoInView = alsoInView
  }

  /** @param {{chart: any, series: any, requestUpdate: () => void}} host */
  attached({ chart, series, requestUpdate }) {
    this.#chart = chart
    this.#series = series
    this.#requestUpdate = requestUpdate
  }

  detached() {
    this.#chart = this.#series = null
    this.#requestUpdate = () => {}
  }

  redraw() {
    this.#requestUpdate()
  }

  recolour() {
    this.#colours = palette()
    this.#requestUpdate()
  }

  /** While a line is held the scale must not move under the pointer. @param {boolean} on */
  freeze(on) {
    const scale = this.#series?.priceScale()
    if (!scale) return
    if (on) this.#autoScaled = scale.options().autoScale
    scale.applyOptions({ autoScale: on ? false : this.#autoScaled })
    this.#requestUpdate()
  }

  /** @returns {Levels | null} */
  get #levels() {
    return this.visible ? this.#read() : null
  }

  /** @param {LineName} line @returns {number | null} its height in the pane */
  y(line) {
    const levels = this.#levels
    return levels && this.#series ? this.#series.priceToCoordinate(levels[line]) : null
  }

  /** The line within reach of this height. @param {number} y @param {number} [reach] @returns {LineName | null} */
  lineAt(y, reach = HIT_MOUSE) {
    /** @type {LineName | null} */
    let nearest = null
    let least = reach
    // Stop and target first: where they lie on the entry, they are what the trader means to pull off it.
    for (const line of /** @type {LineName[]} */ (["stop", "target", "entry"])) {
      const at = this.y(line)
      if (at !== null && Math.abs(at - y) < least) {
        least = Math.abs(at - y)
        nearest = line
      }
    }
    return nearest
  }

  // From here on: the primitive interface of lightweight-charts.

  updateAllViews() {
    this.#onLayout()
  }

  paneViews() {
    return [
      { zOrder: () => "bottom", renderer: () => ({ draw: (/** @type {any} */ t) => this.#drawZones(t) }) },
      { zOrder: () => "top", renderer: () => ({ draw: (/** @type {any} */ t) => this.#drawLines(t) }) },
    ]
  }

  priceAxisViews() {
    const levels = this.#levels
    if (!levels) return []
    return /** @type {LineName[]} */ (["entry", "stop", "target"]).map((line) => ({
      coordinate: () => this.#series.priceToCoordinate(levels[line]) ?? -100,
      text: () => this.#price(levels[line]),
      textColor: () => this.#colours.onLine,
      backColor: () => this.#colours[line],
    }))
  }

  /** @returns {any} */
  autoscaleInfo() {
    const levels = this.#levels
    const plan = levels ? [levels.entry, levels.stop, levels.target] : []
    const prices = [...plan, ...this.#alsoInView()]
    if (prices.length === 0) return null
    return { priceRange: { minValue: Math.min(...prices), maxValue: Math.max(...prices) } }
  }

  /** @param {number} _x @param {number} y @returns {any} */
  hitTest(_x, y) {
    const line = this.lineAt(y)
    return line && { externalId: `plan-${line}`, zOrder: "top", cursorStyle: "ns-resize" }
  }

  /** The zones begin at the last candle, where the plan's future begins. @param {number} width */
  #left(width) {
    const time = this.#levels?.lastTime
    const x = time ? this.#chart.timeScale().timeToCoordinate(time) : null
    return Math.max(0, Math.min(x ?? width * 0.6, width * 0.72))
  }

  /** @param {any} target */
  #drawZones(target) {
    const [entry, stop, goal] = [this.y("entry"), this.y("stop"), this.y("target")]
    if (entry === null || stop === null || goal === null) return
    target.useMediaCoordinateSpace((/** @type {any} */ { context, mediaSize }) => {
      const left = this.#left(mediaSize.width)
      const width = mediaSize.width - left
      context.fillStyle = this.#colours.stopZone
      context.fillRect(left, Math.min(entry, stop), width, Math.abs(entry - stop))
      context.fillStyle = this.#colours.targetZone
      context.fillRect(left, Math.min(entry, goal), width, Math.abs(entry - goal))
    })
  }

  /** @param {any} target */
  #drawLines(target) {
    target.useBitmapCoordinateSpace(
      (/** @type {any} */ { context, bitmapSize, mediaSize, verticalPixelRatio, horizontalPixelRatio }) => {
        const left = this.#left(mediaSize.width) * horizontalPixelRatio
        for (const line of /** @type {LineName[]} */ (["entry", "stop", "target"])) {
          const at = this.y(line)
          if (at === null) continue
          const y = Math.round(at * verticalPixelRatio) + 0.5
          context.strokeStyle = this.#colours[line]
          context.lineWidth = Math.max(1, Math.round(verticalPixelRatio * (this.held === line ? 2 : 1.25)))
          strike(context, left, bitmapSize.width, y, [])
          context.globalAlpha = 0.5
          strike(context, 0, left, y, [2 * horizontalPixelRatio, 4 * horizontalPixelRatio])
          context.globalAlpha = 1
        }
      },
    )
  }
}

/** @param {CanvasRenderingContext2D} context @param {number} from @param {number} to @param {number} y @param {number[]} dash */
function strike(context, from, to, y, dash) {
  context.setLineDash(dash)
  context.beginPath()
  context.moveTo(from, y)
  context.lineTo(to, y)
  context.stroke()
  context.setLineDash([])
}

function palette() {
  return {
    entry: token("--line-entry"),
    stop: token("--line-stop"),
    target: token("--line-target"),
    stopZone: token("--zone-stop"),
    targetZone: token("--zone-target"),
    onLine: token("--bg"),
  }
}
