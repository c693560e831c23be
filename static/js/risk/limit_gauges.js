/** A card for each limit: the room left, a bar, the sentence, the share in use. Built once, then brought up to date in place. */
import { Decimal } from "testudo/decimal.js"
import { make, makeSvg, say } from "testudo/dom.js"
import { figure, money, percent } from "testudo/format.js"

/** @typedef {import("testudo/risk/types.js").Gauge} Gauge */

/** Where the warning begins, of the limit. */
const WARN_AT = 80

/** Units that are money: an asset's own letters, as the exchange writes them. */
const isMoney = (/** @type {string} */ unit) => /^[A-Z0-9]{2,10}$/.test(unit)

/** @param {string} value @param {string} unit */
function amount(value, unit) {
  if (isMoney(unit)) return money(value)
  return unit.startsWith("of ") ? percent(value) : figure(value)
}

/** The unit after a figure; a fraction has its sign. @param {string} unit */
const after = (unit) => (unit && !unit.startsWith("of ") ? ` ${unit}` : "")

export class LimitGauges {
  #list
  /** @type {Map<string, LimitCard>} */
  #cards = new Map()

  /** @param {HTMLElement} list */
  constructor(list) {
    this.#list = list
  }

  /** @param {Gauge[]} gauges */
  show(gauges) {
    const known = gauges.length === this.#cards.size && gauges.every((g) => this.#cards.has(g.code))
    if (!known) {
      this.#cards = new Map(gauges.map((gauge) => [gauge.code, new LimitCard(gauge)]))
      this.#list.replaceChildren(...[...this.#cards.values()].map((card) => card.element))
      this.#list.setAttribute("aria-busy", "false")
    }
    for (const gauge of gauges) this.#cards.get(gauge.code)?.show(gauge)
  }
}

class LimitCard {
  #title = make("h3", { class: "limit-title" })
  #mark = make("span", { class: "badge", hidden: true })
  #room = make("p", { class: "limit-room" })
  #text = make("span")
  #share = make("span", { class: "limit-share" })
  #fill = makeSvg("rect", { x: "0", y: "0", height: "100%", width: "0%", class: "bar-had" })
  #bar
  #meter

  /** @param {Gauge} gauge */
  constructor(gauge) {
    this.#bar = makeSvg("svg", { class: "bar", width: "100%", height: "6", "aria-hidden": "true" },
      makeSvg("rect", { x: "0", y: "0", height: "100%", width: "100%", class: "bar-room" }),
      this.#fill,
      makeSvg("rect", { x: `${WARN_AT}%`, y: "0", height: "100%", width: "1", class: "bar-warn-at" }))
    this.#meter = make("div", { role: "meter", "aria-label": gauge.title, "aria-valuemin": "0", "aria-valuemax": "100" })
    this.#meter.append(this.#bar)
    this.element = make("li", { class: "limit", "data-code": gauge.code },
      make("div", { class: "limit-head" }, this.#title, this.#mark),
      this.#room, this.#meter, make("p", { class: "limit-text" }, this.#text, this.#share))
  }

  /** @param {Gauge} gauge */
  show(gauge) {
    const share = Decimal.of(gauge.share).times(Decimal.of("100"))
    const drawn = Math.max(0, Math.min(100, share.forDrawing()))
    const state = gauge.broken ? "broken" : gauge.warn ? "warn" : "fine"
    this.element.dataset.state = state
    say(this.#title, gauge.title)
    this.#mark.hidden = state === "fine"
    this.#mark.className = `badge ${state === "broken" ? "badge-alarm" : "badge-warn"}`
    say(this.#mark, state === "broken" ? "Limit reached" : "Over 80 %")
    const unit = after(gauge.unit)
    const full = Decimal.of(gauge.room).sign <= 0
    // "3 left" of counted things: what they are stands below.
    this.#room.replaceChildren(full ? "No room" : amount(gauge.room, gauge.unit), make("span", { class: "unit" }, full ? "" : isMoney(gauge.unit) ? `${unit} left` : " left"))
    say(this.#text, gauge.text)
    say(this.#share, `${figure(share, 0)} %`)
    this.#fill.setAttribute("width", `${drawn}%`)
    this.#bar.classList.toggle("is-near", state === "warn")
    this.#bar.classList.toggle("is-over", state === "broken")
    this.#meter.setAttribute("aria-valuenow", drawn.toFixed(0))
    this.#meter.setAttribute("aria-valuetext", `${figure(share, 0)} % used, ${amount(gauge.room, gauge.unit)}${unit} left`)
  }
}
