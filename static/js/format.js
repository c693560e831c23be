/** Figures as the reader sees them. Takes decimal strings, gives text; never does sums. */
import { Decimal } from "testudo/decimal.js"

const LOCALE = document.documentElement.lang || "en"
export const MINUS = "−"

/** @type {Map<string, Intl.NumberFormat>} */
const formats = new Map()

/** @param {number} least @param {number} most */
function format(least, most) {
  const key = `${least}-${most}`
  let made = formats.get(key)
  if (!made) {
    made = new Intl.NumberFormat(LOCALE, {
      minimumFractionDigits: least,
      maximumFractionDigits: most,
    })
    formats.set(key, made)
  }
  return made
}

/**
 * A decimal string with grouping; `places` fixes the decimals, otherwise trailing zeros go.
 * Intl reads the string itself, so no digit passes through a float.
 * @param {string | Decimal | null | undefined} value @param {number} [places]
 */
export function figure(value, places) {
  if (value === null || value === undefined || value === "") return "–"
  const exact = value instanceof Decimal ? value : Decimal.of(value)
  const shown = places === undefined ? exact : exact.round(places)
  const text = /** @type {never} */ (shown.abs().toString())
  const out = format(places ?? 0, places ?? 18).format(text)
  return shown.sign < 0 ? MINUS + out : out
}

/** With its sign always shown. @param {string | Decimal | null | undefined} value @param {number} places */
export function signed(value, places) {
  if (value === null || value === undefined || value === "") return "–"
  const exact = (value instanceof Decimal ? value : Decimal.of(value)).round(places)
  return exact.sign > 0 ? `+${figure(exact, places)}` : figure(exact, places)
}

/** Money: two decimals, unless the sum is so small that these would hide it. @param {string | Decimal | null | undefined} value */
export function money(value) {
  if (value === null || value === undefined || value === "") return "–"
  const exact = value instanceof Decimal ? value : Decimal.of(value)
  const below = (/** @type {string} */ line) => exact.sign !== 0 && exact.abs().compare(Decimal.of(line)) < 0
  return figure(exact, below("0.0001") ? 8 : below("0.01") ? 4 : 2)
}

/** @param {string | Decimal | null | undefined} fraction 0.01 is 1 % @param {number} [places] */
export function percent(fraction, places = 2) {
  if (fraction === null || fraction === undefined || fraction === "") return "–"
  const exact = fraction instanceof Decimal ? fraction : Decimal.of(fraction)
  return `${figure(exact.times(Decimal.of("100")), places)} %`
}

/** @param {number} ms */
export function duration(ms) {
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`
  if (ms < 3_600_000) return `${Math.floor(ms / 60_000)} min`
  return `${Math.floor(ms / 3_600_000)} h ${Math.floor((ms % 3_600_000) / 60_000)} min`
}

/** @param {string} iso */
export function clockTime(iso) {
  return new Intl.DateTimeFormat(LOCALE, {
    day: "2-digit",
    month: "short",
    hour: "2-digit",
    minute: "2-digit",
    hour12: false,
  }).format(new Date(iso))
}
