/** The limits in a trader's words, and their values as typed and as sent. */
import { Decimal } from "testudo/decimal.js"
import { figure } from "testudo/format.js"

/** @typedef {import("testudo/risk/types.js").LimitValue} LimitValue */
/** @typedef {import("testudo/risk/types.js").Profile} Profile */
/** @typedef {"percent" | "ratio" | "count" | "switch"} LimitKind "percent": 0.01 on the wire, 1 in the field */
/** @typedef {{name: string, title: string, kind: LimitKind, unit: string, text: string}} LimitText */

/** What belongs together on the page; names, units and sentences are the server's. */
export const GROUPS = [
  { title: "Each trade", text: "What one plan may risk, and what it must offer.", names: ["max_risk", "min_reward_to_risk", "max_spread_share", "max_slippage_r"] },
  { title: "The whole account", text: "What all trades together may lose.", names: ["max_heat", "max_day_loss", "max_week_loss", "max_drawdown"] },
  { title: "Pace", text: "How much at once, how often.", names: ["max_positions", "max_trades_a_day"] },
  { title: "After losses", text: "When to stand aside.", names: ["max_losing_streak", "max_stop_outs", "stop_out_pause_hours", "symbol_cooldown_minutes", "lock_losing_symbols", "lock_losing_setups"] },
]

/** A limit in the server's words. @param {Profile} profile @param {string} name @returns {LimitText} */
export function textOf({ limits, titles, units, texts }, name) {
  const unit = units[name] ?? ""
  /** @type {Record<string, LimitKind>} */
  const kinds = { boolean: "switch", number: "count", string: unit.startsWith("of ") ? "percent" : "ratio" }
  const kind = kinds[typeof limits[name]] ?? "ratio"
  return { name, title: titles[name] ?? name.replaceAll("_", " "), kind, unit: kind === "percent" ? `% ${unit}` : unit, text: texts[name] ?? "" }
}

const HUNDRED = Decimal.of("100")

/** As it stands in a field. @param {LimitText} limit @param {LimitValue} value */
export function typed({ kind }, value) {
  if (kind === "percent") return trimmed(Decimal.of(String(value)).times(HUNDRED))
  return kind === "ratio" ? trimmed(Decimal.of(String(value))) : String(value)
}

/** In a sentence: `3 %`, `2 R`, `on`. @param {LimitText} limit @param {LimitValue} value */
export function inWords(limit, value) {
  if (limit.name === "reset_zone") return String(value)
  if (limit.kind === "switch") return /^true$/i.test(String(value)) ? "on" : "off"
  const number = figure(typed(limit, value))
  if (limit.kind === "percent") return `${number} %`
  return limit.unit ? `${number} ${limit.unit}` : number
}

/** @param {Decimal} value */
function trimmed(value) {
  const text = value.toString()
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text
}

/**
 * What was typed, as it is sent.
 * @param {LimitText} limit @param {string} text @returns {{value: LimitValue} | {problem: string}}
 */
export function read({ kind, unit }, text) {
  const plain = text.trim().replace(/\s*%$/, "")
  if (plain === "") return { problem: `Type a number${unit ? `, in ${unit}` : ""}.` }
  if (/^\d+,\d+$/.test(plain)) return { problem: `Write the decimal point as a dot: ${plain.replace(",", ".")}.` }
  if (kind === "count") {
    if (!/^[0-9]{1,6}$/.test(plain)) return { problem: "Type a whole number, digits only." }
    return { value: Number(plain) }
  }
  if (!/^[0-9]{1,6}(\.[0-9]{1,8})?$/.test(plain)) return { problem: "Type a plain number such as 2.5, digits and one dot." }
  const exact = Decimal.of(plain)
  return { value: trimmed(kind === "percent" ? exact.times(Decimal.of("0.01")) : exact) }
}

/** @param {LimitValue} a @param {LimitValue} b @returns {number} below, at or above zero; off is below on */
export function compare(a, b) {
  if (typeof a === "boolean" || typeof b === "boolean") return Number(a) - Number(b)
  return Decimal.of(String(a)).compare(Decimal.of(String(b)))
}
