/**
 * Lets the trader drag the stop or target line of an open position. Dropping it asks for nothing yet:
 * event "wish" (detail: {id, line, price}) leads to the confirmation under the chart.
 */

/** @typedef {{id: string, line: "stop" | "target", ticks: bigint}} Handle */

const REACH = 6
const REACH_TOUCH = 16

export class TradeLines extends EventTarget {
  #chart
  #grid
  /** @type {Handle[]} */ #handles = []
  /** @type {{handle: Handle, pointer: number, offset: number, ticks: bigint} | null} */ #drag = null

  /** @param {import("testudo/chart/market_chart.js").MarketChart} chart @param {import("testudo/ticks.js").TickGrid} grid */
  constructor(chart, grid) {
    super()
    this.#chart = chart
    this.#grid = grid
    const { pane } = chart
    // After the plan's own tool: a line of the plan at the same height goes first.
    pane.addEventListener("pointerdown", (event) => this.#press(event), { capture: true })
    pane.addEventListener("pointermove", (event) => this.#move(event))
    pane.addEventListener("pointerup", (event) => this.#drop(event, true))
    pane.addEventListener("pointercancel", (event) => this.#drop(event, false))
    addEventListener("keydown", (event) => event.key === "Escape" && this.#letGo())
  }

  /** @param {Handle[]} handles */
  keep(handles) {
    this.#handles = handles
  }

  get held() {
    return this.#drag !== null
  }

  /** @param {{clientY: number}} event */
  #height(event) {
    return event.clientY - this.#chart.pane.getBoundingClientRect().top
  }

  /** @param {Handle} handle */
  #y(handle) {
    return this.#chart.series.priceToCoordinate(this.#grid.drawn(handle.ticks))
  }

  /** @param {PointerEvent} event */
  #press(event) {
    if (event.defaultPrevented || this.#drag || event.button !== 0 || !event.isPrimary) return
    if (event.clientX > this.#chart.pane.getBoundingClientRect().right - this.#chart.axisWidth) return
    const at = this.#height(event)
    const reach = event.pointerType === "touch" ? REACH_TOUCH : REACH
    const near = this.#handles
      .map((handle) => ({ handle, offset: at - (this.#y(handle) ?? Infinity) }))
      .filter(({ offset }) => Math.abs(offset) <= reach)
      .sort((a, b) => Math.abs(a.offset) - Math.abs(b.offset))[0]
    if (!near) return
    event.preventDefault()
    event.stopPropagation()
    this.#chart.pane.setPointerCapture(event.pointerId)
    this.#drag = { ...near, pointer: event.pointerId, ticks: near.handle.ticks }
    this.#chart.hold(true)
  }

  /** @param {PointerEvent} event */
  #move(event) {
    const drag = this.#drag
    if (!drag || event.pointerId !== drag.pointer) return
    const y = Math.max(2, Math.min(this.#chart.paneHeight - 2, this.#height(event) - drag.offset))
    const drawn = this.#chart.priceAt(y)
    if (drawn === null) return
    drag.ticks = this.#grid.nearest(drawn)
    this.#chart.moveLine(`${drag.handle.id}-${drag.handle.line}`, this.#grid.drawn(drag.ticks))
  }

  /** @param {PointerEvent} event @param {boolean} wanted */
  #drop(event, wanted) {
    const drag = this.#drag
    if (!drag || event.pointerId !== drag.pointer) return
    const { handle, ticks } = drag
    const price = this.#grid.text(ticks)
    this.#letGo(wanted && ticks !== handle.ticks)
    if (wanted && ticks !== handle.ticks) {
      this.dispatchEvent(new CustomEvent("wish", { detail: { id: handle.id, line: handle.line, price } }))
    }
  }

  /** @param {boolean} [stays] whether the line waits where it was dropped */
  #letGo(stays = false) {
    const drag = this.#drag
    if (!drag) return
    this.#drag = null
    if (this.#chart.pane.hasPointerCapture(drag.pointer)) this.#chart.pane.releasePointerCapture(drag.pointer)
    this.#chart.hold(false)
    if (!stays) this.dispatchEvent(new Event("back"))
  }
}
