/** Bars of a limit: what is used, what this plan adds, where the limit is. Widths are SVG attributes. */
import { Decimal } from "testudo/decimal.js"
import { makeSvg } from "testudo/dom.js"

/** @param {Decimal} part @param {Decimal} whole @returns {number} 0 to 100, for drawing */
function share(part, whole) {
  const exact = part.over(whole, 4)
  return exact ? Math.max(0, Math.min(100, exact.forDrawing() * 100)) : 0
}

/**
 * Draws `after` of `limit`, the part up to `before` plain and the rest as the plan's own. Where the
 * limit is passed, the scale shrinks and the limit is a mark inside the bar.
 * @param {SVGElement} svg @param {{before: string, after: string, limit: string}} figures
 */
export function drawBar(svg, { before, after, limit }) {
  const [had, has, most] = [before, after, limit].map((text) => Decimal.of(text))
  const over = has.compare(most) > 0
  const scale = over ? has : most
  const [from, to, mark] = [share(had, scale), share(has, scale), share(most, scale)]
  const rect = (/** @type {number} */ x, /** @type {number} */ width, /** @type {string} */ kind) =>
    makeSvg("rect", { x: `${x}%`, y: "0", width: `${Math.max(0, width)}%`, height: "100%", class: kind })
  const parts = [rect(0, 100, "bar-room"), rect(0, from, "bar-had"), rect(from, to - from, "bar-adds")]
  if (over) parts.push(makeSvg("rect", { x: `${mark}%`, y: "0", width: "2", height: "100%", class: "bar-limit" }))
  svg.replaceChildren(...parts)
  svg.classList.toggle("is-over", over)
  svg.classList.toggle("is-near", !over && to >= 80)
}
