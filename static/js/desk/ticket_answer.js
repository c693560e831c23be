/** Shows the server's answer to the drawing: size, worst loss, R:R, gauges, verdicts. Sizes nothing. */
import { Decimal } from "testudo/decimal.js"
import { byId, make, say } from "testudo/dom.js"
import { figure, money, percent, signed } from "testudo/format.js"
import { KINDS, untilText } from "testudo/desk/entry_kinds.js"
import { fixList } from "testudo/desk/fixes.js"
import { drawBar } from "testudo/desk/gauges.js"
import { name, showVerdicts, summary } from "testudo/desk/verdicts.js"
import { wishWords } from "testudo/desk/wish_words.js"

/** @typedef {import("testudo/desk/types.js").Preview} PreviewBody */

/** What kept the size from using the whole budget, in a trader's words. @type {Record<string, string>} */
const BOUNDS = {
  cash: "Your cash allows no larger size; the budget is not used up.",
  max_quantity: "The exchange takes no larger order of this symbol.",
  market_max_quantity: "The exchange takes no larger market order, and a stop becomes one.",
  max_notional: "The exchange takes no order worth more than this.",
  max_position: "The exchange lets an account hold no more of this coin.",
}

const TEXTS = ["size", "reward", "loss", "profit", "notional", "fees", "gross", "budget", "rounding"]

/** Event "fix" (detail: {fix}): a plan that would pass was chosen. */
export class TicketAnswer extends EventTarget {
  #box = byId("answer")
  #spoken = byId("spoken")
  #spokenAt = 0
  #offered = "[]"
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #speaking

  /** @param {import("testudo/desk/types.js").SymbolSpec} symbol @param {number} places decimals of its prices */
  constructor(symbol, places) {
    super()
    this.symbol = symbol
    this.places = places
    // Where there is room, every rule is in view; on a phone, only what speaks against the plan.
    byId("passes-box", HTMLDetailsElement).open = matchMedia("(min-width: 1041px)").matches
    say(byId("size-unit"), symbol.base)
    // On a low screen the ways out are below the fold of the ticket.
    byId("to-fixes").addEventListener("click", () => {
      byId("fixes").scrollIntoView({ block: "center" })
      byId("fixes").querySelector("button")?.focus({ preventScroll: true })
    })
  }

  /** The figures shown belong to an earlier drawing. @param {boolean} on */
  wait(on) {
    this.#box.classList.toggle("is-waiting", on)
    this.#box.setAttribute("aria-busy", String(on))
  }

  /** @param {PreviewBody} p */
  show(p) {
    const profit = Decimal.of(p.planned_profit)
    this.#box.classList.remove("is-empty")
    say(byId("kind-badge"), `${p.side === "long" ? "Buy" : "Sell"} ${KINDS[p.kind].name.toLowerCase()}`)
    const shown = { worst: figure(p.worst_entry, this.places), entry: figure(p.entry, this.places), until: untilText(p.expires_at) }
    say(byId("kind-text"), KINDS[p.kind].text(shown))
    say(byId("size"), figure(p.quantity))
    say(byId("reward"), p.reward_to_risk === null ? "–" : `${figure(p.reward_to_risk, 2)}`)
    say(byId("loss"), `${money(p.planned_risk)} of ${money(p.risk_budget)} ${p.currency}`)
    say(byId("profit"), `${signed(profit, 2)} ${p.currency}`)
    byId("profit").className = profit.sign > 0 ? "profit" : profit.sign < 0 ? "loss" : ""
    say(byId("notional"), `${money(p.notional)} ${p.currency}`)
    say(byId("fees"), `${money(p.entry_fee)} + ${money(p.exit_fee)}`)
    say(byId("gross"), p.reward_to_risk_gross === null ? "–" : figure(p.reward_to_risk_gross, 2))
    say(byId("budget"), `${percent(p.risk_fraction)} of equity`)
    say(byId("rounding"), `${figure(Decimal.of(p.rounding_loss), 4)} ${p.currency}`)
    const bound = p.bound === "budget" ? "" : (BOUNDS[p.bound] ?? `Held down by: ${p.bound.replaceAll("_", " ")}.`)
    const said = byId("manage-said")
    said.replaceChildren(...wishWords(p, this.symbol.base, this.places).map((text) => make("li", {}, text)))
    said.hidden = !said.childElementCount
    say(byId("bound"), bound)
    byId("bound").hidden = !bound
    drawBar(svg("loss-bar"), { before: "0", after: p.planned_risk, limit: p.risk_budget })
    this.#gauge("gauge-heat", p.gauges.heat, p.currency)
    this.#gauge("gauge-day", p.gauges.day_loss, p.currency)
    this.#protocol(p)
    say(byId("foot-size"), `${figure(p.quantity)} ${this.symbol.base}`)
    say(byId("foot-risk"), `risk ${money(p.planned_risk)} ${p.currency}${p.reward_to_risk ? ` · ${figure(p.reward_to_risk, 2)}R` : ""}`)
  }

  /** Nothing to show for this drawing; `text` says why. @param {string} text */
  clear(text) {
    this.#box.classList.add("is-empty")
    for (const id of TEXTS) say(byId(id), "–")
    byId("bound").hidden = true
    byId("manage-said").hidden = true
    for (const id of ["foot-size", "foot-risk"]) say(byId(id), "")
    byId("profit").className = ""
    say(byId("kind-badge"), "No size")
    say(byId("kind-text"), text)
    byId("verdicts").replaceChildren()
    this.#offer([])
    byId("passes-box").hidden = true
    say(byId("protocol-text"), "The Protocol judges a plan that can exist.")
    byId("protocol-text").parentElement?.setAttribute("data-outcome", "none")
    svg("loss-bar").replaceChildren()
    for (const id of ["gauge-heat", "gauge-day"]) {
      byId(id).querySelector(".bar")?.replaceChildren()
      say(/** @type {Element} */ (byId(id).querySelector(".gauge-text")), "–")
    }
    this.#speak(text)
  }

  /** @param {string} id @param {import("testudo/desk/types.js").GaugeFigures} figures @param {string} currency */
  #gauge(id, figures, currency) {
    const text = `${money(figures.before)} → ${money(figures.after)} of ${money(figures.limit)} ${currency}`
    say(/** @type {Element} */ (byId(id).querySelector(".gauge-text")), text)
    drawBar(/** @type {SVGElement} */ (byId(id).querySelector(".bar")), figures)
  }

  /** @param {PreviewBody} p */
  #protocol(p) {
    const said = summary(p.verdicts)
    say(byId("protocol-text"), said.text)
    byId("protocol-text").parentElement?.setAttribute("data-outcome", said.kind)
    showVerdicts(byId("verdicts"), p.verdicts, byId("passes"))
    this.#offer(p.fixes)
    const passed = p.verdicts.filter((v) => v.ok).length
    byId("passes-box").hidden = passed === 0
    say(byId("passes-text"), passed === p.verdicts.length ? "Each rule, its figure and its limit" : `${passed} of ${p.verdicts.length} rules pass`)
    const first = p.verdicts.find((v) => !v.ok)
    this.#speak(
      `Size ${figure(p.quantity)} ${this.symbol.base}, worst loss ${money(p.planned_risk)} ${p.currency}. ` +
        `${said.text}.${first ? ` ${name(first)}: ${first.message}` : ""}`,
    )
  }

  /** Rebuilt only when it differs: the same plan is asked about every few seconds, and a finger may be on a button. @param {import("testudo/desk/types.js").Fix[]} [fixes] */
  #offer(fixes = []) {
    const key = JSON.stringify(fixes)
    if (key === this.#offered) return
    this.#offered = key
    const list = fixList(fixes, (fix) => this.dispatchEvent(new CustomEvent("fix", { detail: { fix } })))
    byId("fixes").replaceChildren(...(list ? [list] : []))
    byId("to-fixes").hidden = list === null
  }

  /** At most every half second, the last state only. @param {string} text */
  #speak(text) {
    clearTimeout(this.#speaking)
    const wait = Math.max(150, this.#spokenAt + 500 - performance.now())
    this.#speaking = setTimeout(() => {
      this.#spokenAt = performance.now()
      say(this.#spoken, text)
    }, wait)
  }
}

/** @param {string} id */
const svg = (id) => /** @type {SVGElement} */ (/** @type {unknown} */ (byId(id)))
