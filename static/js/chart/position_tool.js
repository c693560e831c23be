/**
 * Lets the trader move entry, stop and target: by dragging the line or its tag, by the keyboard on
 * the tag (an ARIA slider), and by choosing a line and tapping the chart.
 */
import { figure } from "testudo/format.js"
import { LINES } from "testudo/desk/plan.js"
import { PositionPrimitive } from "testudo/chart/position_primitive.js"

/** @typedef {import("testudo/desk/plan.js").LineName} LineName */

const REACH_TOUCH = 16

export class PositionTool extends EventTarget {
  /** The line the next tap on the chart places. @type {LineName | null} */
  armed = null
  #chart
  #plan
  #tags
  #pane
  /** @type {{line: LineName, pointer: number, offset: number, before: any} | null} */
  #drag = null

  /**
   * @param {import("testudo/chart/market_chart.js").MarketChart} chart
   * @param {import("testudo/desk/plan.js").Plan} plan
   * @param {import("testudo/chart/line_tags.js").LineTags} tags
   */
  constructor(chart, plan, tags) {
    super()
    this.#chart = chart
    this.#plan = plan
    this.#tags = tags
    this.#pane = chart.pane
    this.primitive = new PositionPrimitive({
      read: () => this.#levels(),
      price: (level) => figure(plan.grid.text(plan.grid.nearest(level)), plan.grid.places),
      onLayout: () => this.#layOut(),
      alsoInView: () => chart.lineLevels,
    })
    chart.series.attachPrimitive(/** @type {any} */ (this.primitive))
    plan.addEventListener("change", () => this.primitive.redraw())
    this.#listen()
  }

  /** @param {boolean} on */
  show(on) {
    this.primitive.visible = on
    if (!on) this.arm(null)
    this.#tags.show(on)
    this.primitive.redraw()
  }

  /** @param {LineName} line @param {import("testudo/chart/line_tags.js").TagText} content */
  write(line, content) {
    this.#tags.write(line, content)
  }

  get shown() {
    return this.primitive.visible
  }

  /** @param {LineName | null} line */
  arm(line) {
    this.armed = line
    this.#pane.classList.toggle("is-armed", line !== null)
    this.dispatchEvent(new CustomEvent("armed", { detail: { line } }))
  }

  #levels() {
    const { plan, last } = { plan: this.#plan, last: this.#chart.lastTime }
    if (!plan.drawn) return null
    const drawn = (/** @type {LineName} */ line) => plan.grid.drawn(plan[line])
    return { entry: drawn("entry"), stop: drawn("stop"), target: drawn("target"), lastTime: last }
  }

  #layOut() {
    for (const line of LINES) this.#tags.place(line, this.primitive.y(line), this.#chart.paneHeight)
    this.#tags.spread(this.#chart.axisWidth)
  }

  #listen() {
    const pane = this.#pane
    // Capture: the line is taken before the chart sees the press and begins to pan.
    pane.addEventListener("pointerdown", (event) => this.#press(event), { capture: true })
    pane.addEventListener("touchstart", (event) => this.#holdTouch(event), {
      capture: true,
      passive: false,
    })
    pane.addEventListener("pointermove", (event) => this.#move(event))
    pane.addEventListener("pointerup", (event) => this.#release(event))
    pane.addEventListener("pointercancel", () => this.#abort())
    pane.addEventListener("click", (event) => this.#tap(event))
    addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return
      if (this.#drag) this.#abort()
      else if (this.armed) this.arm(null)
    })
    for (const line of LINES) {
      const tag = this.#tags.element(line)
      tag.addEventListener("pointerdown", (event) => this.#take(event, line))
      tag.addEventListener("keydown", (event) => this.#key(event, line))
    }
  }

  /** @param {{clientY: number}} event height within the pane */
  #height(event) {
    return event.clientY - this.#pane.getBoundingClientRect().top
  }

  /** @param {{clientX: number}} event */
  #onAxis(event) {
    return event.clientX > this.#pane.getBoundingClientRect().right - this.#chart.axisWidth
  }

  /** @param {PointerEvent} event */
  #press(event) {
    if (this.armed || !this.shown || this.#onAxis(event)) return
    const reach = event.pointerType === "touch" ? REACH_TOUCH : undefined
    const line = this.primitive.lineAt(this.#height(event), reach)
    if (line) this.#take(event, line)
  }

  /** A touch on a line must not scroll the page. @param {TouchEvent} event */
  #holdTouch(event) {
    if (this.#drag) {
      event.preventDefault()
      event.stopPropagation()
    }
  }

  /** @param {PointerEvent} event @param {LineName} line */
  #take(event, line) {
    const at = this.primitive.y(line)
    if (event.button !== 0 || !event.isPrimary || at === null || this.#drag) return
    event.preventDefault()
    event.stopPropagation()
    this.#pane.setPointerCapture(event.pointerId)
    const offset = this.#height(event) - at
    this.#drag = { line, pointer: event.pointerId, offset, before: this.#plan.snapshot() }
    this.primitive.held = line
    this.primitive.freeze(true)
    this.#chart.hold(true)
    this.#tags.hold(line)
    this.#tags.element(line).focus({ preventScroll: true })
    this.dispatchEvent(new CustomEvent("drag", { detail: { line } }))
  }

  /** @param {PointerEvent} event */
  #move(event) {
    const drag = this.#drag
    if (!drag || event.pointerId !== drag.pointer) return
    const edge = this.#chart.paneHeight - 2
    const y = Math.max(2, Math.min(edge, this.#height(event) - drag.offset))
    const drawn = this.#chart.priceAt(y)
    if (drawn !== null) this.#plan.move(drag.line, this.#plan.grid.nearest(drawn))
  }

  /** @param {PointerEvent} event */
  #release(event) {
    if (this.#drag && event.pointerId === this.#drag.pointer) this.#letGo()
  }

  #abort() {
    if (!this.#drag) return
    this.#plan.restore(this.#drag.before)
    this.#letGo()
  }

  #letGo() {
    const pointer = this.#drag?.pointer
    this.#drag = null
    if (pointer !== undefined && this.#pane.hasPointerCapture(pointer)) {
      this.#pane.releasePointerCapture(pointer)
    }
    this.primitive.held = null
    this.primitive.freeze(false)
    this.#chart.hold(false)
    this.#tags.hold(null)
    this.dispatchEvent(new CustomEvent("drop"))
  }

  /** @param {MouseEvent} event */
  #tap(event) {
    if (!this.armed || this.#onAxis(event)) return
    const drawn = this.#chart.priceAt(this.#height(event))
    if (drawn === null) return
    this.#plan.move(this.armed, this.#plan.grid.nearest(drawn))
    this.arm(null)
  }

  /** Arrows move one tick, with Shift ten, Page keys a tenth of R. @param {KeyboardEvent} event @param {LineName} line */
  #key(event, line) {
    const tenth = this.#plan.distance / 10n || 1n
    const few = event.shiftKey ? 10n : 1n
    /** @type {Record<string, bigint>} */
    const steps = {
      ArrowUp: few,
      ArrowRight: few,
      ArrowDown: -few,
      ArrowLeft: -few,
      PageUp: tenth,
      PageDown: -tenth,
    }
    const step = steps[event.key]
    if (step === undefined) return
    event.preventDefault()
    this.#plan.move(line, this.#plan[line] + step)
  }
}
