/**
 * The banner of an exchange that does not answer: what fails, what still protects, what still works
 * and what waits. The sentences are the server's. Its box is a live region (role="alert").
 */
import { icon, make } from "testudo/dom.js"
import { clockTime } from "testudo/format.js"

/**
 * @typedef {{venue: string, name: string, phase: "open" | "half_open", parts: string[], title: string,
 *   since: string | null, retry_at: string | null, fails: string, protects: string, works: string,
 *   waits: string}} ExchangeTrouble
 */

export class ExchangeBanner {
  #box
  #shown = ""

  /** @param {HTMLElement} box */
  constructor(box) {
    this.#box = box
  }

  /** @param {ExchangeTrouble | null | undefined} trouble null: the exchange answers */
  show(trouble) {
    const key = trouble ? JSON.stringify([trouble.title, trouble.fails, trouble.works]) : ""
    if (key === this.#shown) return
    this.#shown = key
    this.#box.replaceChildren(...(trouble ? [banner(trouble)] : []))
  }
}

/** @param {ExchangeTrouble} trouble */
function banner({ title, phase, since, fails, protects, works, waits }) {
  const line = (/** @type {string} */ name, /** @type {string} */ text) =>
    make("div", {}, make("dt", { class: "label" }, name), make("dd", {}, text))
  return make("div", { class: "exchange-trouble", "data-phase": phase },
    make("p", { class: "exchange-trouble-head" }, icon("warn"), make("strong", {}, title),
      make("span", {}, `${fails}${since ? ` Since ${clockTime(since)}.` : ""}`)),
    make("dl", { class: "exchange-trouble-lines" },
      line("Still protects you", protects), line("Still works", works), line("Waits", waits)))
}
