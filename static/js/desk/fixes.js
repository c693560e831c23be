/**
 * What would pass: the server's nearest plans, one to a lever. Those that change the drawing are
 * buttons that do it; to wait or to close another trade first is told, with the way there.
 */
import { icon, make } from "testudo/dom.js"
import { clockTime } from "testudo/format.js"

/** @typedef {import("testudo/desk/types.js").Fix} Fix */

const ICONS = { size: "settings", wait: "clock", close: "leave" }

/**
 * @param {Fix[] | undefined} fixes @param {(fix: Fix) => void} take
 * @returns {HTMLElement | null} null where there is nothing to offer
 */
export function fixList(fixes, take) {
  if (!fixes?.length) return null
  return make("div", { class: "fixes", role: "group", "aria-label": "What would pass" },
    make("p", { class: "label" }, "What would pass"),
    make("ul", {}, ...fixes.map((fix) => make("li", {}, row(fix, take)))))
}

/** @param {Fix} fix @param {(fix: Fix) => void} take */
function row(fix, take) {
  const words = make("span", { class: "fix-words" },
    make("strong", {}, fix.title), make("span", { class: "muted" }, fix.text),
    fix.until ? make("span", { class: "muted" }, `From ${clockTime(fix.until)} on.`) : null)
  // A line of the chart in its own colour; anything else by its sign.
  const look = fix.lever === "stop" || fix.lever === "target"
    ? make("span", { class: `swatch fix-swatch plan-${fix.lever}`, "aria-hidden": "true" })
    : icon(ICONS[fix.lever] ?? "info")
  if (!fix.plan && !fix.close?.length) return make("div", { class: "fix fix-told", "data-lever": fix.lever }, look, words)
  const says = fix.plan ? "Use" : "Show"
  const button = make("button", { class: "fix", type: "button", "data-lever": fix.lever }, look, words, make("span", { class: "fix-do" }, says))
  button.addEventListener("click", () => take(fix))
  return button
}
