/** The three kinds of entry in a trader's words: what happens to each, and how long it waits. */
import { make } from "testudo/dom.js"
import { clockTime } from "testudo/format.js"

/** @typedef {{worst: string, entry: string, until: string}} Figures as shown */
/** @typedef {{name: string, text: (f: Figures) => string, price: (f: Figures) => string,
 *   how: (f: Figures) => string}} Kind */

/** @type {Record<"now" | "pullback" | "breakout", Kind>} */
export const KINDS = {
  now: {
    name: "Now",
    text: ({ worst }) => `Fills at once at ${worst} or better, or not at all.`,
    price: ({ worst }) => worst,
    how: () => "or better, all at once or not at all",
  },
  pullback: {
    name: "Pullback",
    text: ({ entry, until }) => `Rests on the exchange at ${entry} until the market comes to it${by(until)}.`,
    price: ({ entry }) => entry,
    // The exchange arms no stop for a part: the page must say so.
    how: ({ until }) =>
      `rests on the exchange until the market comes to it${by(until)}. If only a part fills, it has no stop for two seconds: then the rest is canceled and the part gets its stop and target`,
  },
  breakout: {
    name: "Breakout",
    text: ({ entry, until }) => `Armed here; sent when the price reaches ${entry}${by(until)}.`,
    price: ({ entry }) => entry,
    how: ({ worst, until }) =>
      `waits here, not on the exchange${by(until)}. When the price reaches it, every rule is asked again; then it buys at ${worst} or better, all at once or not at all. If Testudo is down, nothing is bought`,
  },
}

/** @param {string} until */
const by = (until) => (until ? `, until ${until} at the latest` : "")

/** @param {string | null | undefined} iso */
export const untilText = (iso) => (iso ? clockTime(iso) : "")

/** The kind of an entry that waits, and until when. @param {import("testudo/desk/types.js").Trade} trade */
export function waitingBadge(trade) {
  const kind = KINDS[/** @type {keyof typeof KINDS} */ (trade.kind)]
  const where = trade.waits === "line" ? "It waits here for the price, not on the exchange." : "It rests on the exchange."
  return make("span", { class: "badge position-waits", title: where }, `${kind.name}, until ${untilText(trade.expires_at)}`)
}
