/**
 * Moving the stop or target of an open position: two fields, what the move means, one confirmation.
 * The chart's dragged line opens it with the new price filled in. A refusal is said, and the fields
 * go back to where the lines are.
 */
import { Decimal } from "testudo/decimal.js"
import { make, say } from "testudo/dom.js"
import { figure, money, signed } from "testudo/format.js"
import { call, NoAnswer, reason } from "testudo/net/api.js"

/** @typedef {import("testudo/desk/types.js").Trade} Trade */
/** @typedef {"stop" | "target"} Line */

const LINES = /** @type {const} */ (["stop", "target"])
const NAMES = { stop: "Stop", target: "Target" }

export class MoveForm extends EventTarget {
  element
  #url
  #grid
  /** @type {Trade} */ #trade
  /** @type {Record<Line, HTMLInputElement>} */ #fields
  #said = make("p", { class: "move-said" })
  #error = make("p", { class: "field-error", role: "alert", hidden: true })
  #go = make("button", { class: "button button-small button-primary", type: "submit" }, "Move")
  /** One key for one wish, however often it has to be sent. @type {{body: string, key: string} | null} */
  #intent = null

  /** @param {string} url of the trades @param {Trade} trade @param {import("testudo/ticks.js").TickGrid} grid */
  constructor(url, trade, grid) {
    super()
    this.#url = url
    this.#trade = trade
    this.#grid = grid
    const field = (/** @type {Line} */ line) => {
      const id = `move-${line}-${trade.id}`
      const input = /** @type {HTMLInputElement} */ (make("input", { id, name: line, inputmode: "decimal", spellcheck: "false", autocomplete: "off" }))
      input.addEventListener("input", () => this.#weigh())
      input.addEventListener("keydown", (event) => this.#step(event, line))
      return { input, box: make("div", { class: "move-field" }, make("label", { for: id }, NAMES[line]), input) }
    }
    const made = { stop: field("stop"), target: field("target") }
    this.#fields = { stop: made.stop.input, target: made.target.input }
    const keep = make("button", { class: "button button-small", type: "button" }, "Keep it")
    keep.addEventListener("click", () => this.close())
    this.element = make("form", { class: "move-form", "aria-label": `Move stop and target of ${trade.symbol}`, novalidate: true, hidden: true },
      made.stop.box, made.target.box, this.#said, make("div", { class: "consequence-buttons" }, this.#go, keep), this.#error)
    this.element.addEventListener("submit", (event) => {
      event.preventDefault()
      this.#send()
    })
    this.element.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.close()
    })
  }

  get open() {
    return !this.element.hidden
  }

  /** The newest word on the trade. Fields that were not touched follow it. @param {Trade} trade */
  take(trade) {
    const before = this.#trade
    this.#trade = trade
    if (!this.open) return
    for (const line of LINES) if (this.#fields[line].value === this.#shown(before, line)) this.#fields[line].value = this.#shown(trade, line)
    this.#weigh()
  }

  /** @param {Partial<Record<Line, string>>} [lines] prices that were chosen already */
  show(lines = {}) {
    for (const line of LINES) this.#fields[line].value = lines[line] ?? this.#shown(this.#trade, line)
    this.#error.hidden = true
    this.element.hidden = false
    this.#weigh()
    const first = LINES.find((line) => lines[line] !== undefined) ?? "stop"
    this.#fields[first].focus()
    this.#fields[first].select()
  }

  close() {
    if (!this.open) return
    this.element.hidden = true
    this.#intent = null
    this.dispatchEvent(new Event("closed")) // the lines on the chart go back
  }

  /** @param {Trade} trade @param {Line} line */
  #shown(trade, line) {
    return this.#grid.text(this.#grid.of(trade[line]))
  }

  /** Arrows move one tick, with Shift ten. @param {KeyboardEvent} event @param {Line} line */
  #step(event, line) {
    const way = event.key === "ArrowUp" ? 1n : event.key === "ArrowDown" ? -1n : 0n
    const read = this.#grid.read(this.#fields[line].value)
    if (way === 0n || !("ticks" in read)) return
    event.preventDefault()
    const to = read.ticks + way * (event.shiftKey ? 10n : 1n)
    this.#fields[line].value = this.#grid.text(to < 1n ? 1n : to)
    this.#weigh()
  }

  /** The lines that differ from where they are; null while something typed is no price. */
  #wish() {
    /** @type {Partial<Record<Line, string>>} */
    const wish = {}
    for (const line of LINES) {
      const read = this.#grid.read(this.#fields[line].value)
      const wrong = "problem" in read
      this.#fields[line].setAttribute("aria-invalid", String(wrong))
      if (wrong) return { problem: `${NAMES[line]}: ${read.problem}` }
      if (read.ticks !== this.#grid.of(this.#trade[line])) wish[line] = this.#grid.text(read.ticks)
    }
    return { wish }
  }

  /** What the move would mean, for display; the server decides. */
  #weigh() {
    const { wish, problem } = this.#wish()
    const moves = wish && Object.keys(wish).length > 0
    this.#go.toggleAttribute("disabled", !moves)
    if (problem) return say(this.#said, problem)
    if (!wish || !moves) return say(this.#said, "A stop moves towards the price only. Type or drag a new price.")
    const parts = LINES.filter((line) => wish[line]).map((line) => `${NAMES[line]} ${figure(this.#trade[line], this.#grid.places)} → ${figure(/** @type {string} */ (wish[line]), this.#grid.places)}.`)
    if (wish.stop) parts.push(this.#atStop(wish.stop))
    parts.push("While the exchange swaps them the position has no stop for some milliseconds.")
    say(this.#said, parts.join(" "))
  }

  /** @param {string} stop what selling everything there would come to, before the exit fee */
  #atStop(stop) {
    const { entry_price: paid, held_quantity: held, initial_risk: risk, currency, side } = this.#trade
    const entry = Decimal.maybe(paid)
    if (!entry) return ""
    const way = side === "long" ? Decimal.of(stop).minus(entry) : entry.minus(Decimal.of(stop))
    const result = way.times(Decimal.of(held))
    const r = Decimal.maybe(risk)
    const inR = r ? ` (${signed(result.over(r, 2), 2)} R)` : ""
    const heat = result.sign < 0 ? `${money(result.times(Decimal.of("-1")))} ${currency} stays at risk` : "nothing of the entry stays at risk"
    return `At the new stop: ${signed(result, 2)} ${currency}${inR} before the exit fee, so ${heat}.`
  }

  async #send() {
    const { wish } = this.#wish()
    if (!wish || Object.keys(wish).length === 0) return
    const body = JSON.stringify(wish)
    if (this.#intent?.body !== body) this.#intent = { body, key: crypto.randomUUID() }
    this.#go.setAttribute("disabled", "")
    this.#error.hidden = true
    try {
      const headers = { "Idempotency-Key": this.#intent.key, "If-Match": `"${this.#trade.version}"` }
      const answer = await call("PATCH", `${this.#url}/${this.#trade.id}`, { body: wish, headers })
      if (answer.ok) {
        this.dispatchEvent(new CustomEvent("moved", { detail: { trade: answer.body } }))
        return this.close()
      }
      this.#refused(answer)
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error
      this.#complain(`${error.message} The stop still rests on the exchange. Send it again: it moves once.`)
    }
    this.#weigh()
  }

  /** A stale look asks the trader to confirm once more; any other refusal puts the lines back. @param {import("testudo/net/api.js").Answer} answer */
  #refused(answer) {
    this.#intent = null
    if (answer.status === 412) {
      this.dispatchEvent(new Event("stale"))
      return this.#complain("The trade has changed meanwhile. Look at it again, then move.")
    }
    for (const line of LINES) this.#fields[line].value = this.#shown(this.#trade, line)
    this.#complain(answer.body?.errors?.[0]?.message ?? reason(answer))
    this.dispatchEvent(new Event("closed"))
  }

  /** @param {string} text */
  #complain(text) {
    say(this.#error, text)
    this.#error.hidden = false
  }
}
