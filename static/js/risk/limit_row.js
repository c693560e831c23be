/** One limit as a field: what it means, its cap and default, and what a change to it does. Event "change". */
import { byId, make, say } from "testudo/dom.js"
import { compare, inWords, read, typed } from "testudo/risk/limit_texts.js"

/** @typedef {import("testudo/risk/types.js").LimitValue} LimitValue */
/** @typedef {import("testudo/risk/types.js").Profile} Profile */
/** @typedef {"same" | "tighter" | "looser" | "wrong"} Effect */

export class LimitRow extends EventTarget {
  element
  /** @type {Effect} */
  effect = "same"
  /** @type {LimitValue} */
  value
  #limit
  #input
  #error
  #tag = make("span", { class: "badge limit-effect", hidden: true })
  #wait = make("p", { class: "row-wait", hidden: true })
  /** @type {LimitValue} */
  #current
  #ends
  #tighter

  /** @param {import("testudo/risk/limit_texts.js").LimitText} limit @param {Profile} profile */
  constructor(limit, profile) {
    super()
    const { name, title, kind, unit, text } = limit
    this.#limit = limit
    this.#current = this.value = profile.limits[name]
    this.#ends = profile.caps[name]
    this.#tighter = profile.tighter[name]
    const id = `limit-${name}`
    const toggle = kind === "switch"
    this.#input = /** @type {HTMLInputElement} */ (make("input", {
      id, name, "aria-describedby": `${id}-about ${id}-ends ${id}-effect ${id}-error`,
      ...(toggle ? { type: "checkbox", role: "switch" } : { inputmode: kind === "count" ? "numeric" : "decimal", spellcheck: "false" }),
    }))
    this.#error = make("p", { class: "field-error", id: `${id}-error`, role: "alert", hidden: true })
    this.#tag.id = `${id}-effect`
    this.element = make("div", { class: "limit-row", "data-name": name },
      make("div", { class: "row-words" }, make("label", { for: id }, title), make("p", { class: "muted", id: `${id}-about` }, text)),
      make("div", { class: "row-value" }, make("div", { class: "row-input" }, this.#input, make("span", { class: "unit" }, toggle ? "" : unit)), this.#tag),
      make("p", { class: "row-ends", id: `${id}-ends` }, this.#endsText(profile.defaults[name])),
      this.#wait, this.#error)
    this.#input.addEventListener(toggle ? "change" : "input", () => this.#read())
    this.#write()
  }

  get name() {
    return this.#limit.name
  }

  get title() {
    return this.#limit.title
  }

  get current() {
    return this.#current
  }

  /** Sets the field, as a preset does. @param {LimitValue} value */
  set(value) {
    this.value = value
    this.#write()
    this.#judge()
  }

  /** What the server now holds, and what waits. @param {Profile} profile */
  take(profile) {
    this.#current = profile.limits[this.name]
    const waiting = profile.pending.find((one) => one.name === this.name)
    this.#wait.hidden = !waiting
    if (waiting) say(this.#wait, `Waits to become ${inWords(this.#limit, waiting.to)}; see above.`)
    this.set(this.#current)
  }

  /** @param {LimitValue} value */
  words(value) {
    return inWords(this.#limit, value)
  }

  /** The server's complaint, or none. @param {string} message */
  complain(message) {
    this.#error.hidden = !message
    say(this.#error, message)
    this.#input.setAttribute("aria-invalid", String(Boolean(message)))
  }

  focus() {
    this.#input.focus()
  }

  /** @param {LimitValue} preset */
  #endsText(preset) {
    // The unit stands beside the field already.
    const short = (/** @type {LimitValue} */ value) => inWords({ ...this.#limit, unit: "" }, value)
    const standard = `standard ${short(preset)}`
    if (this.#limit.kind === "switch") return standard
    const cap = this.#tighter === "lower" ? `at most ${short(this.#ends[1])}` : `at least ${short(this.#ends[0])}`
    return `${cap} · ${standard}`
  }

  #write() {
    if (this.#limit.kind === "switch") this.#input.checked = Boolean(this.value)
    else this.#input.value = typed(this.#limit, this.value)
    this.complain("")
  }

  #read() {
    const found = this.#limit.kind === "switch" ? { value: this.#input.checked } : read(this.#limit, this.#input.value)
    if ("problem" in found) this.#refuse(found.problem)
    else if (compare(found.value, this.#ends[0]) < 0 || compare(found.value, this.#ends[1]) > 0) {
      this.#refuse(`The Protocol allows ${this.words(this.#ends[0])} to ${this.words(this.#ends[1])}.`)
    } else {
      this.value = found.value
      this.complain("")
      this.#judge()
    }
    this.dispatchEvent(new Event("change"))
  }

  /** @param {string} why */
  #refuse(why) {
    this.effect = "wrong"
    this.complain(why)
    this.#showEffect()
  }

  #judge() {
    const way = compare(this.value, this.#current)
    if (way === 0) this.effect = "same"
    else this.effect = way < 0 === (this.#tighter === "lower") ? "tighter" : "looser"
    this.#showEffect()
  }

  #showEffect() {
    this.element.dataset.effect = this.effect
    const shown = this.effect === "tighter" || this.effect === "looser"
    this.#tag.hidden = !shown
    this.#tag.className = `badge limit-effect ${this.effect === "tighter" ? "badge-good" : "badge-warn"}`
    say(this.#tag, this.effect === "tighter" ? "Acts at once" : this.effect === "looser" ? "Waits" : "")
  }
}

/** The reset zone: a change to it waits, whichever way. */
export class ZoneRow extends EventTarget {
  element
  #select
  #error = make("p", { class: "field-error", id: "reset_zone-error", role: "alert", hidden: true })
  #tag = make("span", { class: "badge badge-warn limit-effect", id: "reset_zone-effect", hidden: true }, "Waits")
  #current = "UTC"

  /** @param {import("testudo/risk/limit_texts.js").LimitText} words */
  constructor({ title, text }) {
    super()
    this.#select = /** @type {HTMLSelectElement} */ (make("select", { id: "limit-reset_zone", name: "reset_zone", "aria-describedby": "reset_zone-about reset_zone-effect reset_zone-error" }))
    this.element = make("div", { class: "limit-row", "data-name": "reset_zone" },
      make("div", { class: "row-words" }, make("label", { for: "limit-reset_zone" }, title), make("p", { class: "muted", id: "reset_zone-about" }, text)),
      make("div", { class: "row-value" }, make("div", { class: "row-input" }, this.#select), this.#tag),
      make("p", { class: "row-ends" }, "any IANA zone · standard UTC"),
      this.#error)
    this.#select.addEventListener("change", () => {
      this.#tag.hidden = this.value === this.#current
      this.element.dataset.effect = this.changed ? "looser" : "same"
      this.complain("")
      this.dispatchEvent(new Event("change"))
    })
  }

  get value() {
    return this.#select.value
  }

  get current() {
    return this.#current
  }

  get changed() {
    return this.value !== this.#current
  }

  /** @param {string} zone */
  take(zone) {
    this.#current = zone
    const zones = new Set(["UTC", zone, ...Intl.supportedValuesOf("timeZone")])
    this.#select.replaceChildren(...[...zones].sort().map((one) => make("option", { value: one }, one)))
    this.#select.value = zone
    this.#tag.hidden = true
    this.element.dataset.effect = "same"
    this.complain("")
  }

  /** @param {string} message */
  complain(message) {
    this.#error.hidden = !message
    say(this.#error, message)
    this.#select.setAttribute("aria-invalid", String(Boolean(message)))
  }

  focus() {
    byId("limit-reset_zone").focus()
  }
}
