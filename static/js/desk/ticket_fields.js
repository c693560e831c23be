/**
 * The ticket's price fields, steppers, side, risk and reward chips: a second way to move the lines.
 * A typed price that cannot be is said at its field and asks nothing of the server.
 */
import { Decimal } from "testudo/decimal.js"
import { byId, say } from "testudo/dom.js"
import { signed } from "testudo/format.js"
import { radios } from "testudo/desk/controls.js"
import { LINES } from "testudo/desk/plan.js"

/** @typedef {import("testudo/desk/plan.js").LineName} LineName */

export class TicketFields extends EventTarget {
  #plan
  #sides
  /** @type {Map<LineName, string>} what is wrong with what was typed */
  #problems = new Map()
  /** @type {import("testudo/desk/types.js").Preview | null} */
  #answer = null

  /** @param {import("testudo/desk/plan.js").Plan} plan */
  constructor(plan) {
    super()
    this.#plan = plan
    this.#sides = radios(byId("sides"), (chosen) =>
      plan.turn(/** @type {"long" | "short"} */ (chosen.dataset.side)),
    )
    for (const line of LINES) this.#listen(line)
    byId("follow").addEventListener("click", () => plan.follow(!plan.following))
    plan.addEventListener("following", () => this.#showFollowing())
    plan.addEventListener("change", () => this.#refresh())
    for (const chip of chips("reward")) {
      chip.addEventListener("click", () => this.#aim(/** @type {string} */ (chip.dataset.reward)))
    }
    for (const chip of chips("risk")) {
      chip.addEventListener("click", () => plan.risk(chip.dataset.risk))
    }
    byId("plan-form").addEventListener("submit", (event) => event.preventDefault())
    this.#showFollowing()
  }

  /** Every field holds a price that can be asked about. */
  get valid() {
    return this.#problems.size === 0
  }

  /** @param {LineName} line */
  #input(line) {
    return byId(`in-${line}`, HTMLInputElement)
  }

  /** @param {LineName} line */
  #listen(line) {
    const input = this.#input(line)
    input.addEventListener("input", () => this.#type(line))
    input.addEventListener("blur", () => this.#settle(line))
    input.addEventListener("keydown", (event) => {
      const step = { ArrowUp: 1n, ArrowDown: -1n }[event.key]
      if (!step) return
      event.preventDefault()
      this.#step(line, step * (event.shiftKey ? 10n : 1n))
    })
    for (const button of input.parentElement?.querySelectorAll("button") ?? []) {
      button.addEventListener("click", (event) =>
        this.#step(line, BigInt(button.dataset.step ?? "1") * (event.shiftKey ? 10n : 1n)),
      )
    }
  }

  /** @param {LineName} line @param {bigint} ticks */
  #step(line, ticks) {
    this.#problems.delete(line)
    this.#plan.move(line, this.#plan[line] + ticks)
    this.#write(line)
  }

  /** @param {LineName} line */
  #type(line) {
    const read = this.#plan.grid.read(this.#input(line).value)
    if ("problem" in read) {
      this.#problems.set(line, read.problem)
      this.#complain(line, read.problem)
      this.dispatchEvent(new CustomEvent("invalid", { detail: { line, message: read.problem } }))
      return
    }
    const mended = this.#problems.delete(line)
    this.#complain(line, "")
    const before = this.#plan[line]
    this.#plan.move(line, read.ticks)
    if (mended && before === read.ticks) this.dispatchEvent(new Event("valid"))
  }

  /** On leaving, the field shows the price as it is sent. @param {LineName} line */
  #settle(line) {
    if (!this.#problems.has(line)) this.#write(line)
  }

  /** @param {LineName} line @param {string} message */
  #complain(line, message) {
    const error = byId(`err-${line}`)
    error.hidden = !message
    say(error, message)
    this.#input(line).setAttribute("aria-invalid", String(Boolean(message)))
  }

  #refresh() {
    for (const line of LINES) {
      // What is being typed stays as typed.
      if (document.activeElement !== this.#input(line)) {
        this.#problems.delete(line)
        this.#write(line)
      }
      say(byId(`away-${line}`), line === "entry" ? "" : this.away(line))
    }
    const side = this.#sides.items.find((item) => item.dataset.side === this.#plan.side)
    if (side) this.#sides.choose(side)
    for (const chip of chips("risk")) {
      chip.setAttribute("aria-pressed", String(chip.dataset.risk === this.#plan.riskFraction))
    }
  }

  /** @param {LineName} line */
  #write(line) {
    this.#input(line).value = this.#plan.grid.text(this.#plan[line])
    this.#complain(line, "")
  }

  /** Distance from the entry in percent. @param {LineName} line */
  away(line) {
    const { entry } = this.#plan
    const share = new Decimal((this.#plan[line] - entry) * 100n, 0).over(new Decimal(entry, 0), 2)
    return share ? `${signed(share, 2)} %` : ""
  }

  #showFollowing() {
    byId("follow").setAttribute("aria-pressed", String(this.#plan.following))
  }

  /** The server's answer: its own complaints go to their fields, its figures serve the reward chips. @param {{status: number, body: any}} answer */
  take({ status, body }) {
    this.#answer = status === 200 ? body : null
    for (const line of LINES) if (!this.#problems.has(line)) this.#complain(line, "")
    for (const { field, message } of body?.errors ?? []) {
      if (LINES.includes(field)) this.#complain(field, message)
    }
    if (this.#answer && !this.#plan.riskFraction) {
      const used = Decimal.of(this.#answer.risk_fraction)
      for (const chip of chips("risk")) {
        const same = Decimal.of(/** @type {string} */ (chip.dataset.risk)).compare(used) === 0
        chip.setAttribute("aria-pressed", String(same))
      }
    }
  }

  /** Proposes the target that pays `reward` R after fees, from the server's size, loss and fees. @param {string} reward */
  #aim(reward) {
    const a = this.#answer
    if (!a) return
    const quantity = Decimal.of(a.quantity)
    const fees = Decimal.of(a.entry_fee).plus(Decimal.of(a.exit_fee))
    const wanted = Decimal.of(a.planned_risk).times(Decimal.of(reward)).plus(fees)
    const distance = wanted.over(quantity, 18)
    if (!distance) return
    // The exit fee grows with the target: add its share of the way, then let the server judge.
    const stop = Decimal.of(a.stop)
    const feeShare = Decimal.of(a.exit_fee).over(quantity.times(stop), 8) ?? Decimal.of("0")
    const padded = distance.plus(distance.times(feeShare).times(Decimal.of("1.05")))
    const entry = Decimal.of(a.entry)
    const price = a.side === "long" ? entry.plus(padded) : entry.minus(padded)
    if (price.sign > 0) this.#plan.move("target", this.#plan.grid.atOrAbove(price.toString()))
  }
}

/** @param {string} name @returns {HTMLElement[]} */
const chips = (name) => [...document.querySelectorAll(`[data-${name}]`)].map((c) => /** @type {HTMLElement} */ (c))
