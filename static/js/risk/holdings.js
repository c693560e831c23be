/**
 * The account's coins: those declared managed, which count in equity and heat, and those apart, which
 * count nowhere. Declares and ends. Rows stay in place while their figures move.
 */
import { byId, make, say } from "testudo/dom.js"
import { figure, money } from "testudo/format.js"
import { get, NoAnswer, reason } from "testudo/net/api.js"
import { notice } from "testudo/desk/notices.js"
import { askDeclare, askEnd, askStop } from "testudo/risk/holding_dialogs.js"

/** @typedef {import("testudo/risk/types.js").RiskFacts} RiskFacts */
/** @typedef {import("testudo/risk/types.js").Holding} Holding */
/** @typedef {import("testudo/risk/types.js").Managed} Managed */

const NONE_MANAGED = "None. A coin you declare managed counts like a trade of yours."
const NONE_APART = "None. Coins you bring to the account are listed here until you declare them managed."

export class Holdings {
  #account
  #changed
  #managed = new Rows(byId("managed"))
  #apart = new Rows(byId("apart"))
  /** @type {Managed[]} */
  #declared = []
  /** @type {RiskFacts | null} */
  #facts = null
  /** What the managed ones were last read for. */
  #seen = ""
  #reading = 0

  /** @param {{id: string, currency: string}} account @param {() => void} changed called once one was declared or ended */
  constructor(account, changed) {
    this.#account = account
    this.#changed = changed
  }

  /** @param {RiskFacts} facts */
  show(facts) {
    this.#facts = facts
    this.#showApart()
    // Worth and heat move with the prices, as these figures do; with none declared, only by an act.
    const moved = this.#declared.length ? [facts.holdings, facts.by_symbol] : []
    const now = JSON.stringify([facts.version, moved])
    if (now !== this.#seen) this.#read()
    this.#seen = now
  }

  async #read() {
    const turn = ++this.#reading
    try {
      const answer = await get(`/api/v1/accounts/${this.#account.id}/holdings`)
      if (turn !== this.#reading) return
      if (answer.ok) return this.#showManaged(answer.body.results)
      this.#fail(reason(answer))
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error
      if (turn === this.#reading) this.#fail(error.message)
    }
  }

  /** @param {string} why */
  #fail(why) {
    this.#seen = "" // asked for again with the next figures
    if (this.#declared.length) return
    byId("managed-empty").hidden = false
    say(byId("managed-empty"), `These cannot be read just now: ${why}`)
  }

  /** @param {Managed[]} declared */
  #showManaged(declared) {
    this.#declared = declared
    const { currency } = this.#account
    this.#managed.show(declared.map((one) => ({
      key: one.id,
      name: `${figure(one.quantity)} ${one.asset}`,
      mark: one.stop === null ? "No stop: all of it is heat" : "",
      lines: [
        `Bought at ${figure(one.entry)}${one.stop === null ? "" : `, stop at ${figure(one.stop)}`}`,
        `${money(one.worth)} ${currency} in equity, ${money(one.heat)} ${currency} in heat`,
      ],
      first: { action: one.stop === null ? "Give a stop" : "Move stop", label: `Move the stop of ${one.asset}`, act: () => this.#moveStop(one) },
      action: "Stop counting",
      label: `Stop counting ${one.asset}`,
      act: () => this.#end(one),
    })))
    byId("managed-empty").hidden = declared.length > 0
    say(byId("managed-empty"), NONE_MANAGED)
    this.#showApart()
  }

  #showApart() {
    const { currency } = this.#account
    const apart = this.#facts?.holdings ?? []
    this.#apart.show(apart.map((one) => {
      const symbol = one.asset + currency
      const partly = this.#declared.some((each) => each.symbol === symbol)
      return {
        key: one.asset,
        name: `${figure(one.quantity)} ${one.asset}`,
        mark: "",
        lines: [
          one.value === null ? "No price just now" : `Worth ${money(one.value)} ${currency}`,
          partly ? `Part of your ${one.asset} is managed. To declare more, stop counting that first.` : "",
        ],
        action: partly ? "" : "Declare",
        label: `Declare ${one.asset} managed`,
        act: () => this.#declare(one),
      }
    }))
    byId("apart-empty").hidden = apart.length > 0
    say(byId("apart-empty"), NONE_APART)
  }

  /** @param {Holding} holding */
  async #declare(holding) {
    const answer = await askDeclare(this.#account, holding, this.#facts?.heat.room)
    if (!answer) return
    /** @type {Managed} */
    const { quantity, asset, worth, heat } = answer.body
    const { currency } = this.#account
    this.#done(`${figure(quantity)} ${asset} counts now: ${money(worth)} ${currency} in equity, ${money(heat)} ${currency} in heat.`)
  }

  /** @param {Managed} one */
  async #end(one) {
    if (await askEnd(this.#account, one)) this.#done(`${figure(one.quantity)} ${one.asset} counts nowhere now.`)
  }

  /** @param {Managed} one */
  async #moveStop(one) {
    const answer = await askStop(this.#account, one)
    if (!answer) return
    /** @type {Managed} */
    const { asset, stop, heat } = answer.body
    this.#done(`${asset} counts by its stop at ${figure(stop ?? "")}: ${money(heat)} ${this.#account.currency} in heat.`)
  }

  /** @param {string} text */
  #done(text) {
    notice("holding", "good", text)
    byId("holdings-title").focus() // the button that was pressed goes
    this.#read()
    this.#changed()
  }
}

/**
 * @typedef {{key: string, name: string, mark: string, lines: string[], action: string, label: string,
 *   act: () => void, first?: {action: string, label: string, act: () => void}}} Row `action` names the
 *   button; without one there is no button. `first` is one more before it
 */

/** A list whose rows keep their place, and their focus, while their words change. */
class Rows {
  #list
  /** @type {Map<string, {element: HTMLElement, show: (row: Row) => void}>} */
  #rows = new Map()

  /** @param {HTMLElement} list */
  constructor(list) {
    this.#list = list
  }

  /** @param {Row[]} rows */
  show(rows) {
    const kept = new Map(rows.map((row) => [row.key, this.#rows.get(row.key) ?? made()]))
    for (const [key, { element }] of this.#rows) if (!kept.has(key)) element.remove()
    this.#rows = kept
    rows.forEach((row, place) => {
      const one = /** @type {{element: HTMLElement, show: (row: Row) => void}} */ (kept.get(row.key))
      one.show(row)
      if (this.#list.children[place] !== one.element) this.#list.insertBefore(one.element, this.#list.children[place] ?? null)
    })
  }
}

function made() {
  const name = make("strong", {})
  const mark = make("span", { class: "badge badge-warn" })
  const words = make("div", {}, make("p", { class: "managed-name" }, name, mark))
  const button = make("button", { class: "button button-small", type: "button" })
  const extra = make("button", { class: "button button-small", type: "button", hidden: true })
  const element = make("li", { class: "managed-row" }, words, make("div", { class: "managed-buttons" }, extra, button))
  let act = () => {}
  let first = () => {}
  extra.addEventListener("click", () => first())
  button.addEventListener("click", () => act())
  /** @param {Row} row */
  const show = (row) => {
    act = row.act
    say(name, row.name)
    say(mark, row.mark)
    mark.hidden = !row.mark
    const lines = row.lines.filter(Boolean)
    while (words.children.length > lines.length + 1) words.lastElementChild?.remove()
    while (words.children.length < lines.length + 1) words.append(make("p", { class: "muted managed-line" }))
    lines.forEach((line, n) => say(words.children[n + 1], line))
    button.hidden = !row.action
    say(button, row.action)
    button.setAttribute("aria-label", row.label)
    extra.hidden = !row.first
    if (!row.first) return
    first = row.first.act
    say(extra, row.first.action)
    extra.setAttribute("aria-label", row.first.label)
  }
  return { element, show }
}
