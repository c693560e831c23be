/** The chart's chips and the desk's keys: place by tap, reset, show or hide; E, S, T, H, Enter, Escape. */
import { byId } from "testudo/dom.js"
import { LINES } from "testudo/desk/plan.js"

/** @typedef {import("testudo/desk/plan.js").LineName} LineName */

/**
 * @param {{plan: import("testudo/desk/plan.js").Plan,
 *   tool: import("testudo/chart/position_tool.js").PositionTool,
 *   ticket: import("testudo/desk/ticket.js").Ticket,
 *   trades: import("testudo/desk/trades.js").Trades, symbol: string}} parts
 */
export function planKeys({ plan, tool, ticket, trades, symbol }) {
  const chips = LINES.map((line) => ({
    line,
    chip: /** @type {HTMLElement} */ (document.querySelector(`[data-place=${line}]`)),
  }))
  const toggle = byId("toggle-plan")
  const show = (/** @type {boolean} */ on) => {
    tool.show(on)
    toggle.setAttribute("aria-pressed", String(on))
  }

  for (const { line, chip } of chips) {
    chip.addEventListener("click", () => {
      if (!tool.shown) show(true)
      tool.arm(tool.armed === line ? null : line)
    })
  }
  tool.addEventListener("armed", (event) => {
    const { line } = /** @type {CustomEvent} */ (event).detail
    for (const one of chips) one.chip.setAttribute("aria-pressed", String(one.line === line))
  })
  toggle.addEventListener("click", () => show(!tool.shown))
  byId("reset-plan").addEventListener("click", () => {
    show(true)
    ticket.restart()
  })
  // Where a trade is open already, its own lines have the chart; a new plan is drawn on request.
  let met = false
  trades.addEventListener("change", () => {
    if (met || trades.state !== "ready") return
    met = true
    if (trades.open.some((trade) => trade.symbol === symbol)) show(false)
  })
  ticket.addEventListener("placed", () => show(false))
  ticket.addEventListener("restart", () => show(true))

  /** Where the keyboard began, for Escape. @type {ReturnType<typeof plan.snapshot> | null} */
  let before = null
  document.addEventListener("focusin", (event) => {
    if (event.target instanceof HTMLElement && event.target.matches(".tag")) before = plan.snapshot()
  })
  document.addEventListener("keydown", (event) => {
    const target = /** @type {HTMLElement} */ (event.target)
    if (event.ctrlKey || event.metaKey || event.altKey) return
    const onTag = target.matches(".tag")
    if (onTag && event.key === "Escape" && before) return plan.restore(before)
    if (onTag && event.key === "Enter") return ticket.act()
    if (target.matches("input, select, textarea, button, a, [role=radio]")) return
    const line = /** @type {Record<string, LineName>} */ ({ e: "entry", s: "stop", t: "target" })[event.key.toLowerCase()]
    const tag = line && document.querySelector(`.tag-${line}`)
    if (tag instanceof HTMLElement && !tag.hidden) tag.focus()
    else if (event.key.toLowerCase() === "h") show(!tool.shown)
  })
}
