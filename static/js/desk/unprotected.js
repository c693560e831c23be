/**
 * The alarm over every page that shows a position: which ones no stop covers, in words, an icon and
 * the alarm's colours. Its box is a live region (role="alert") that is empty while nothing is wrong.
 */
import { icon, make } from "testudo/dom.js"
import { figure } from "testudo/format.js"

/** @typedef {{id: string, symbol: string, base?: string, held_quantity: string, state: string, since?: string | null}} Unprotected */

const CLOCK = new Intl.DateTimeFormat(document.documentElement.lang || "en", {
  hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false,
})

export class UnprotectedAlarm {
  #box
  #links
  #shown = ""

  /** @param {HTMLElement} box @param {{links?: boolean}} [options] links: lead to each trade's page */
  constructor(box, { links = true } = {}) {
    this.#box = box
    this.#links = links
  }

  /** Builds it anew only where something differs: an alert must not speak twice. @param {Unprotected[]} positions */
  show(positions) {
    const key = JSON.stringify(positions.map(({ id, held_quantity, state }) => [id, held_quantity, state]))
    if (key === this.#shown) return
    const first = this.#shown === ""
    this.#shown = key
    // What the server painted already says it: let it stand.
    const painted = [...this.#box.children].map((line) => /** @type {HTMLElement} */ (line).dataset.trade)
    if (first && painted.length && painted.join() === positions.map(({ id }) => id).join()) return
    this.#box.replaceChildren(...positions.map((each) => this.#line(each)))
  }

  /** @param {Unprotected} position */
  #line({ id, symbol, base = "", held_quantity, state, since }) {
    const held = `${figure(held_quantity)} ${base}`.trim()
    const from = since ? ` since ${CLOCK.format(new Date(since))}` : ""
    return make("p", { class: "unprotected-line", "data-trade": id },
      icon("warn"),
      make("strong", { class: "unprotected-word" }, "UNPROTECTED"),
      make("span", { class: "unprotected-text" },
        `${symbol}: ${held} held without a stop on the exchange${from}. ${whatIsDone(state)} `,
        this.#links ? make("a", { href: `/journal/${id}/` }, `See ${symbol}`) : null))
  }
}

/** @param {string} state of the trade */
export const whatIsDone = (state) =>
  state === "closing"
    ? "It is being sold at the market now."
    : "A stop is being placed; if the exchange takes none, the position is sold."

/** A trade of the wire as the alarm takes it. @param {import("testudo/desk/types.js").Trade} trade @returns {Unprotected} */
export const ofTrade = ({ id, symbol, base, held_quantity, state, unprotected_since }) =>
  ({ id, symbol, base, held_quantity, state, since: unprotected_since })
