/** Above the chart: symbol, price, bid and ask, interval, and the candle under the crosshair. */
import { Decimal } from "testudo/decimal.js"
import { byId, make, say } from "testudo/dom.js"
import { figure, signed } from "testudo/format.js"
import { radios } from "testudo/desk/controls.js"

const REMEMBERED = "testudo.interval"

export class MarketBar extends EventTarget {
  interval = "5m"
  #places
  /** @type {string | null} */
  #before = null

  /** @param {number} places decimals of the symbol's prices */
  constructor(places) {
    super()
    this.#places = places
    const group = radios(byId("intervals"), (chosen) => this.#choose(chosen.dataset.interval ?? ""))
    const kept = remembered()
    const first = group.items.find((item) => item.dataset.interval === kept)
      ?? group.items.find((item) => item.dataset.interval === this.interval)
    if (first) {
      group.choose(first)
      this.interval = first.dataset.interval ?? this.interval
    }
    byId("symbol").addEventListener("change", (event) => {
      const url = new URL(location.href)
      url.searchParams.set("symbol", /** @type {HTMLSelectElement} */ (event.target).value)
      location.assign(url)
    })
  }

  /** @param {string} interval */
  #choose(interval) {
    if (interval === this.interval) return
    this.interval = interval
    try {
      localStorage.setItem(REMEMBERED, interval)
    } catch {
      // Kept for this page only.
    }
    this.dispatchEvent(new Event("interval"))
  }

  /** @param {import("testudo/desk/types.js").Tick} tick @param {string} symbol */
  price(tick, symbol) {
    const shown = byId("price")
    const text = figure(tick.price, this.#places)
    if (this.#before !== null && this.#before !== tick.price) {
      const up = Decimal.of(tick.price).compare(Decimal.of(this.#before)) > 0
      shown.dataset.direction = up ? "up" : "down"
    }
    this.#before = tick.price
    say(shown, text)
    say(byId("bid"), figure(tick.bid, this.#places))
    say(byId("ask"), figure(tick.ask, this.#places))
    document.title = `${text} ${symbol} · Testudo`
  }

  /** @param {import("testudo/chart/candles.js").Candle} candle */
  read(candle) {
    const [open, high, low, close, volume] = candle.text
    const from = Decimal.of(open)
    const change = Decimal.of(close).minus(from).times(Decimal.of("100")).over(from, 2)
    const cell = (/** @type {string} */ name, /** @type {string} */ value) =>
      make("span", {}, make("b", {}, name), ` ${value}`)
    const tone = change && change.sign !== 0 ? (change.sign > 0 ? "profit" : "loss") : ""
    byId("readout").replaceChildren(
      cell("O", figure(open, this.#places)), cell("H", figure(high, this.#places)),
      cell("L", figure(low, this.#places)), cell("C", figure(close, this.#places)),
      make("span", { class: tone }, change ? `${signed(change, 2)} %` : ""),
      cell("V", figure(Number(volume).toFixed(2), 2)))
  }
}

function remembered() {
  try {
    return localStorage.getItem(REMEMBERED)
  } catch {
    return null
  }
}
