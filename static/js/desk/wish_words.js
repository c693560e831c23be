/** What the trader wished for the open position, in sentences, as the server has understood it. */
import { make } from "testudo/dom.js"
import { figure, percent } from "testudo/format.js"

/**
 * @param {import("testudo/desk/types.js").Preview} p @param {string} base @param {number} places
 * @returns {string[]}
 */
export function wishWords(p, base, places) {
  const rules = p.management ?? {}
  const lines = (p.parts ?? []).map((part, at, all) => {
    const last = at === all.length - 1
    const share = last && all.length > 1 ? "The rest" : percent(part.share)
    return `${share} is sold at ${figure(part.price, places)}: ${figure(part.quantity)} ${base}.`
  })
  if (lines.length) lines.push("Each part has its own stop at the same price. They are laid out once the entry has filled, for a moment without a stop.")
  if (rules.break_even) {
    const at = rules.break_even_r ? `${figure(rules.break_even_r)} R of profit` : lines.length ? "half way to the target, or at the nearer target" : "half way to the target"
    lines.push(`At ${at} the stop goes to where selling brings back the entry and both fees.`)
  }
  const trails = rules.trail_r ? `${figure(rules.trail_r)} R` : rules.trail_percent ? `${figure(rules.trail_percent)} %` : rules.trail_atr ? `${figure(rules.trail_atr)} ATR` : ""
  if (trails) lines.push(`The stop follows ${trails} behind the price, in steps of at least 0.25 R, and never comes back.`)
  if (rules.close_after_minutes) lines.push(`It is closed at the market ${span(rules.close_after_minutes)} after it was bought.`)
  return lines
}

/** @param {string} minutes */
function span(minutes) {
  for (const [unit, name] of /** @type {const} */ ([[1440n, "day"], [60n, "hour"]])) {
    const count = BigInt(minutes) / unit
    if (count > 0n && BigInt(minutes) % unit === 0n) return `${count} ${name}${count > 1n ? "s" : ""}`
  }
  return `${minutes} minute${minutes === "1" ? "" : "s"}`
}

/**
 * The same as a list, for the review; nothing where nothing was wished.
 * @param {import("testudo/desk/types.js").Preview} p @param {string} base @param {number} places
 */
export function wishList(p, base, places) {
  const lines = wishWords(p, base, places)
  return lines.length ? [make("ul", { class: "manage-said" }, ...lines.map((text) => make("li", {}, text)))] : []
}
