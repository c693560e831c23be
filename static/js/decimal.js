/**
 * Exact decimals on BigInt, for figures the page derives for display (a live profit, a distance).
 * A JavaScript number never becomes money: it may only choose where something is drawn.
 */
export class Decimal {
  /** @param {bigint} units @param {number} scale value = units / 10^scale */
  constructor(units, scale) {
    this.units = units
    this.scale = scale
  }

  /**
   * Reads plain notation only ("-12.50"); anything else is a TypeError.
   * @param {string} text
   */
  static of(text) {
    const parts = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text)
    if (!parts) throw new TypeError(`Not a plain decimal: ${text}`)
    const fraction = parts[3] ?? ""
    return new Decimal(BigInt(parts[1] + parts[2] + fraction), fraction.length)
  }

  /** @param {string | null | undefined} text @returns {Decimal | null} */
  static maybe(text) {
    return text === null || text === undefined || text === "" ? null : Decimal.of(text)
  }

  /** @param {number} scale */
  #at(scale) {
    return this.units * 10n ** BigInt(scale - this.scale)
  }

  /** @param {Decimal} other */
  plus(other) {
    const scale = Math.max(this.scale, other.scale)
    return new Decimal(this.#at(scale) + other.#at(scale), scale)
  }

  /** @param {Decimal} other */
  minus(other) {
    const scale = Math.max(this.scale, other.scale)
    return new Decimal(this.#at(scale) - other.#at(scale), scale)
  }

  /** @param {Decimal} other */
  times(other) {
    return new Decimal(this.units * other.units, this.scale + other.scale)
  }

  /**
   * Division to `places` decimals, half away from zero; null where the divisor is zero.
   * @param {Decimal} other @param {number} places
   */
  over(other, places) {
    if (other.units === 0n) return null
    const top = this.units * 10n ** BigInt(places + other.scale)
    const bottom = other.units * 10n ** BigInt(this.scale)
    return new Decimal(halfUp(top, bottom), places)
  }

  /** @param {number} places */
  round(places) {
    if (places >= this.scale) return new Decimal(this.#at(places), places)
    return new Decimal(halfUp(this.units, 10n ** BigInt(this.scale - places)), places)
  }

  /** @param {Decimal} other */
  compare(other) {
    const scale = Math.max(this.scale, other.scale)
    const [a, b] = [this.#at(scale), other.#at(scale)]
    return a < b ? -1 : a > b ? 1 : 0
  }

  get sign() {
    return this.units < 0n ? -1 : this.units > 0n ? 1 : 0
  }

  abs() {
    return this.units < 0n ? new Decimal(-this.units, this.scale) : this
  }

  toString() {
    const digits = String(this.units < 0n ? -this.units : this.units).padStart(this.scale + 1, "0")
    const cut = digits.length - this.scale
    const fraction = this.scale ? `.${digits.slice(cut)}` : ""
    return `${this.units < 0n ? "-" : ""}${digits.slice(0, cut)}${fraction}`
  }

  /** For lengths and positions on the screen only. */
  forDrawing() {
    return Number(this.toString())
  }
}

/** @param {bigint} top @param {bigint} bottom */
function halfUp(top, bottom) {
  const negative = top < 0n !== bottom < 0n
  const [a, b] = [top < 0n ? -top : top, bottom < 0n ? -bottom : bottom]
  const rounded = (2n * a + b) / (2n * b)
  return negative ? -rounded : rounded
}
