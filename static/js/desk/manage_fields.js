/**
 * The ticket's fields for the time after the entry: nearer targets, break-even, trailing, time stop;
 * and until when an entry may wait. What cannot be is said beside its field and asks nothing of the
 * server; what the server refuses is said there too. Events: "change"; "invalid" (detail: {message}).
 */
import { Decimal } from "testudo/decimal.js"
import { byId, say } from "testudo/dom.js"

/** @typedef {import("testudo/desk/types.js").Wish} Wish */
/** @typedef {"parts" | "even" | "trail" | "time" | "expires" | "manage"} Group */

const GROUPS = /** @type {const} */ (["parts", "even", "trail", "time", "expires", "manage"])
/** Which group shows the server's word about a field; the first that fits. @type {[RegExp, Group][]} */
const FIELDS = [
  [/^targets/, "parts"],
  [/^management\.break_even/, "even"],
  [/^management\.(trail|atr)/, "trail"],
  [/^management\.close/, "time"],
  [/^expires_at/, "expires"],
  [/^management/, "manage"],
]
const FIGURE = /^\d{1,9}(\.\d{1,8})?$/
const PARTS = [1, 2]
const HUNDREDTH = Decimal.of("0.01")

class Wrong extends Error {}

export class ManageFields extends EventTarget {
  #grid
  #box = byId("manage", HTMLDetailsElement)
  #even = byId("in-even", HTMLInputElement)
  /** @type {Map<Group, string>} */
  #problems = new Map()
  /** @type {Wish} */
  #wish = {}

  /** @param {import("testudo/ticks.js").TickGrid} grid */
  constructor(grid) {
    super()
    this.#grid = grid
    this.#box.addEventListener("input", () => this.#read())
    this.#even.addEventListener("change", () => {
      input("even-r").disabled = !this.#even.checked
    })
  }

  get valid() {
    return this.#problems.size === 0
  }

  /** What of the drawing these fields say. @returns {Wish} */
  wish() {
    return this.#wish
  }

  #read() {
    this.#problems.clear()
    const parts = this.#try("parts", () => this.#parts()) ?? []
    const management = { ...this.#try("even", () => this.#breakEven()), ...this.#try("trail", () => this.#trail()), ...this.#try("time", () => this.#time()) }
    const expires = this.#try("expires", () => moment(input("expires")))
    this.#wish = {}
    if (parts.length) this.#wish.targets = parts
    if (Object.keys(management).length) this.#wish.management = management
    if (expires) this.#wish.expires_at = expires
    for (const group of GROUPS) this.#complain(group, this.#problems.get(group) ?? "")
    this.#summarise()
    const [message] = this.#problems.values()
    if (message) this.dispatchEvent(new CustomEvent("invalid", { detail: { message } }))
    else this.dispatchEvent(new Event("change"))
  }

  /** @template T @param {Group} group @param {() => T} read @returns {T | undefined} */
  #try(group, read) {
    try {
      return read()
    } catch (error) {
      if (!(error instanceof Wrong)) throw error
      this.#problems.set(group, error.message)
      return undefined
    }
  }

  #parts() {
    const parts = []
    for (const number of PARTS) {
      const share = input(`part-${number}-share`).value.trim()
      const price = input(`part-${number}-price`).value.trim()
      if (!share && !price) continue
      if (!share || !price) throw new Wrong(share ? "Give the price of this part too." : "Give the share of this part too, in percent.")
      const read = this.#grid.read(price)
      if ("problem" in read) throw new Wrong(read.problem)
      const percent = Decimal.of(figureOf(share, "a share in percent, for example 50"))
      parts.push({ price: this.#grid.text(read.ticks), share: percent.times(HUNDREDTH).toString() })
    }
    return parts
  }

  /** @returns {import("testudo/desk/types.js").Management} */
  #breakEven() {
    if (!this.#even.checked) return {}
    const at = input("even-r").value.trim()
    return at ? { break_even: true, break_even_r: figureOf(at, "a profit in R, for example 1.5") } : { break_even: true }
  }

  /** @returns {import("testudo/desk/types.js").Management} */
  #trail() {
    const by = input("trail").value.trim()
    return by ? { [byId("in-trail-by", HTMLSelectElement).value]: figureOf(by, "a distance, for example 1.5") } : {}
  }

  /** @returns {import("testudo/desk/types.js").Management} */
  #time() {
    const after = input("time").value.trim()
    if (!after) return {}
    if (!/^\d{1,6}$/.test(after)) throw new Wrong("Give a whole number, for example 4.")
    const minutes = BigInt(after) * BigInt(byId("in-time-by", HTMLSelectElement).value)
    return { close_after_minutes: String(minutes) }
  }

  #summarise() {
    const { targets, management, expires_at } = this.#wish
    const said = [
      targets && `${targets.length + 1} targets`,
      management?.break_even && "break-even",
      (management?.trail_r || management?.trail_percent || management?.trail_atr) && "trailing",
      management?.close_after_minutes && "time stop",
      expires_at && "expiry",
    ].filter(Boolean)
    say(byId("manage-summary"), said.join(", ") || "stop and target stay where they are")
  }

  /** The server's complaints go to their fields. @param {{body: any}} answer */
  take({ body }) {
    if (this.#problems.size) return
    for (const group of GROUPS) this.#complain(group, "")
    for (const { field, message } of body?.errors ?? []) {
      const found = FIELDS.find(([pattern]) => pattern.test(field))
      if (found) this.#complain(found[1], message)
    }
  }

  /** @param {Group} group @param {string} message */
  #complain(group, message) {
    const error = byId(`err-${group}`)
    error.hidden = !message
    say(error, message)
    for (const field of this.#box.querySelectorAll(`[aria-describedby~="err-${group}"]`)) {
      field.setAttribute("aria-invalid", String(Boolean(message)))
    }
    if (message) this.#box.open = true
  }
}

/** @param {string} name */
const input = (name) => byId(`in-${name}`, HTMLInputElement)

/** @param {string} text @param {string} wanted */
function figureOf(text, wanted) {
  if (text.includes(",")) throw new Wrong(`Write the decimals with a dot: ${text.replace(",", ".")}.`)
  if (!FIGURE.test(text)) throw new Wrong(`Give ${wanted}.`)
  return text
}

/** The local moment typed, as the server reads moments. @param {HTMLInputElement} field */
function moment(field) {
  if (field.validity.badInput) throw new Wrong("Give the whole date and time.")
  return field.value ? new Date(field.value).toISOString() : ""
}
