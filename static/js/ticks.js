/**
 * Prices of one symbol as whole ticks (BigInt). A pixel or a wheel chooses a tick; the text sent to
 * the server is that tick times the tick size, exactly.
 */
export class TickGrid {
  /** @param {string} tick the exchange's tick size, e.g. "0.01000000" */
  constructor(tick) {
    const parts = /^(\d+)(?:\.(\d+))?$/.exec(tick)
    const fraction = (parts?.[2] ?? "").replace(/0+$/, "")
    this.unit = parts ? BigInt(parts[1] + fraction) : 0n
    if (this.unit <= 0n) throw new TypeError(`Not a tick size: ${tick}`)
    this.places = fraction.length
    /** For drawing only. */
    this.step = Number(this.unit) / 10 ** this.places
  }

  /** The nearest tick to where something is drawn. @param {number} drawn */
  nearest(drawn) {
    return BigInt(Math.max(1, Math.round(drawn / this.step)))
  }

  /** @param {bigint} ticks @returns {string} the price, plain, with the symbol's decimals */
  text(ticks) {
    const digits = String(ticks * this.unit).padStart(this.places + 1, "0")
    const cut = digits.length - this.places
    return this.places ? `${digits.slice(0, cut)}.${digits.slice(cut)}` : digits
  }

  /** For drawing only. @param {bigint} ticks */
  drawn(ticks) {
    return Number(ticks) * this.step
  }

  /**
   * Reads what was typed. The page snaps only what is dragged: a typed price off the tick is said,
   * with the two nearest valid ones.
   * @param {string} typed
   * @returns {{ticks: bigint} | {problem: string}}
   */
  read(typed) {
    const text = typed.trim()
    if (text === "") return { problem: "Type a price." }
    if (/^\d+,\d+$/.test(text)) {
      return { problem: `Write the decimal point as a dot: ${text.replace(",", ".")}.` }
    }
    const parts = /^([0-9]{1,18})(?:\.([0-9]{0,18}))?$/.exec(text)
    if (!parts) return { problem: "Type a plain number such as 64000.50, digits and one dot." }
    const fraction = (parts[2] ?? "").replace(/0+$/, "")
    const scale = Math.max(fraction.length, this.places)
    const value = BigInt(parts[1] + fraction.padEnd(scale, "0"))
    const unit = this.unit * 10n ** BigInt(scale - this.places)
    if (value === 0n) return { problem: "A price is above zero." }
    if (value % unit === 0n) return { ticks: value / unit }
    const below = value / unit
    return {
      problem: `Prices move in steps of ${this.text(1n)}. Use ${
        below > 0n ? `${this.text(below)} or ` : ""
      }${this.text(below + 1n)}.`,
    }
  }

  /** The server's own figure for a price, on the grid. @param {string} price */
  of(price) {
    const read = this.read(price)
    if ("ticks" in read) return read.ticks
    throw new TypeError(`${price} is not on the tick ${this.text(1n)}`)
  }

  /** The tick at or above an exact decimal string of any length. @param {string} price */
  atOrAbove(price) {
    const [whole, fraction = ""] = price.split(".")
    const scale = Math.max(fraction.length, this.places)
    const value = BigInt(whole + fraction.padEnd(scale, "0"))
    const unit = this.unit * 10n ** BigInt(scale - this.places)
    return (value + unit - 1n) / unit
  }
}
