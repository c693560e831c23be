/** The Protocol's verdicts as rows: icon, rule, measured of limit, and the sentence that says what to do. */
import { Decimal } from "testudo/decimal.js"
import { figure, percent } from "testudo/format.js"
import { icon, make } from "testudo/dom.js"

/** @typedef {import("testudo/desk/types.js").Verdict} Verdict */

const LOOKS = {
  pass: { icon: "check", word: "Passes" },
  advice: { icon: "warn", word: "Advice" },
  refused: { icon: "cross", word: "Refused" },
}

/** @param {Verdict} verdict @returns {keyof typeof LOOKS} */
export function outcome(verdict) {
  if (verdict.ok) return "pass"
  return verdict.effect === "advise" ? "advice" : "refused"
}

/** @param {Verdict} verdict */
function measure({ measured, limit, unit = "" }) {
  // Rules that are simply kept or not measure nothing.
  if (!unit || measured === undefined || limit === undefined) return ""
  const share = unit.startsWith("of ")
  const show = (/** @type {string} */ value) => (share ? percent(value) : shorten(value))
  const suffix = share || COUNTS.has(unit) ? "" : ` ${unit}`
  return `${show(measured)} / ${show(limit)}${suffix}`
}

/** Units the rule's title says already. */
const COUNTS = new Set(["positions", "trades", "losses in a row"])

/** At most two decimals in a narrow column, four where they are all there is. @param {string} value */
function shorten(value) {
  const exact = Decimal.of(value)
  const places = Math.min(exact.scale, exact.abs().compare(Decimal.of("0.1")) < 0 ? 4 : 2)
  return figure(exact.round(places))
}

/** @param {Verdict} verdict */
export function name({ title, code }) {
  return title ?? code.replaceAll("_", " ")
}

/** @param {Verdict} verdict */
function row(verdict) {
  const kind = outcome(verdict)
  const look = LOOKS[kind]
  return make(
    "li",
    { class: `verdict verdict-${kind}`, "data-code": verdict.code },
    icon(look.icon),
    make(
      "div",
      { class: "verdict-body" },
      make(
        "p",
        { class: "verdict-head" },
        make("span", { class: "visually-hidden" }, `${look.word}: `),
        make("span", { class: "verdict-title" }, name(verdict)),
        make("span", { class: "verdict-measure" }, measure(verdict)),
      ),
      make("p", { class: "verdict-message" }, verdict.message),
    ),
  )
}

/**
 * What speaks against the plan, refusals first, into `list`; what passes into `passes`, where given.
 * @param {HTMLElement} list @param {Verdict[]} verdicts @param {HTMLElement} [passes]
 */
export function showVerdicts(list, verdicts, passes = list) {
  const of = (/** @type {string} */ kind) => verdicts.filter((v) => outcome(v) === kind).map(row)
  list.replaceChildren(...of("refused"), ...of("advice"))
  if (passes === list) list.append(...of("pass"))
  else passes.replaceChildren(...of("pass"))
}

/** @param {Verdict[]} verdicts @returns {{text: string, kind: keyof typeof LOOKS}} */
export function summary(verdicts) {
  const count = (/** @type {string} */ kind) => verdicts.filter((v) => outcome(v) === kind).length
  const [refused, advice] = [count("refused"), count("advice")]
  const rules = (/** @type {number} */ n) => (n === 1 ? "1 rule" : `${n} rules`)
  if (refused) return { kind: "refused", text: `${rules(refused)} of ${verdicts.length} ${refused === 1 ? "refuses" : "refuse"} this plan` }
  if (advice) return { kind: "advice", text: `Allowed, with ${advice === 1 ? "one piece" : `${advice} pieces`} of advice to acknowledge` }
  return { kind: "pass", text: `All ${rules(verdicts.length)} pass` }
}
