/** Time left, ticking: elements that name a moment are rewritten each second, by the server's clock. */
import { say } from "testudo/dom.js"

/** The server's clock minus this device's, in ms. */
let offset = 0

/** Learns the server's time from an answer that is fresh. @param {string} at */
export function heedServerClock(at) {
  const server = Date.parse(at)
  if (Number.isFinite(server)) offset = server - Date.now()
}

/** @param {string} at @returns {number} ms until then; negative once it has passed */
export const msUntil = (at) => Date.parse(at) - Date.now() - offset

/** `23 h 59 min`, `4 min 09 s`: two units, the finer one only where it matters. @param {number} ms */
export function left(ms) {
  const seconds = Math.max(0, Math.ceil(ms / 1000))
  const [d, h, m, s] = [Math.floor(seconds / 86_400), Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60, seconds % 60]
  const two = (/** @type {number} */ n) => String(n).padStart(2, "0")
  if (d) return `${d} d ${h} h`
  if (h) return `${h} h ${two(m)} min`
  if (m) return `${m} min ${two(s)} s`
  return `${s} s`
}

/** Shows the time left until `at` in this element from now on; `over` once it has passed. @param {HTMLElement} element @param {string | null} at @param {string} [over] */
export function countDown(element, at, over = "now") {
  if (at === null) delete element.dataset.until
  else element.dataset.until = at
  element.dataset.over = over
  tick(element)
}

/** @param {HTMLElement} element */
function tick(element) {
  const { until, over = "now" } = element.dataset
  if (!until) return
  const ms = msUntil(until)
  say(element, ms > 0 ? left(ms) : over)
}

setInterval(() => {
  for (const element of document.querySelectorAll("[data-until]")) tick(/** @type {HTMLElement} */ (element))
}, 1000)
