/**
 * The plan being drawn: entry, stop and target as whole ticks. The one state that chart, handles and
 * ticket share. Event "change" (detail: {line}) after any move; "following" when that is switched.
 */

/** @typedef {"entry" | "stop" | "target"} LineName */
export const LINES = /** @type {const} */ (["entry", "stop", "target"])

/** The drawing a fresh plan begins with: stop 0.5 % away, target at about three R after fees. */
const STOP_PER_MILLE = 5n
const TARGET_R = 3n
/** Both fees of a round trip at 0.1 % each, in per mille. The server's figure is the one that counts. */
const FEES_PER_MILLE = 2n

export class Plan extends EventTarget {
  entry = 0n
  stop = 0n
  target = 0n
  /** @type {"long" | "short"} */
  side = "long"
  /** While true, the entry keeps to the best ask until the trader moves it. */
  following = true
  #shaped = false
  /** Risk chosen on the ticket; undefined leaves the profile's. @type {string | undefined} */
  riskFraction = undefined

  /** @param {import("testudo/ticks.js").TickGrid} grid */
  constructor(grid) {
    super()
    this.grid = grid
  }

  get drawn() {
    return this.entry > 0n
  }

  /** One R in ticks. */
  get distance() {
    return this.entry > this.stop ? this.entry - this.stop : this.stop - this.entry
  }

  /** A fresh plan at the price given. @param {bigint} entry */
  begin(entry) {
    this.following = true
    this.#shaped = false
    this.#shape(entry)
    this.#changed("all")
    this.dispatchEvent(new Event("following"))
  }

  /** @param {bigint} entry */
  #shape(entry) {
    const away = this.side === "long" ? 1n : -1n
    this.entry = entry
    this.stop = entry - (away * (entry * STOP_PER_MILLE)) / 1000n
    const oneR = STOP_PER_MILLE + FEES_PER_MILLE
    this.target = entry + (away * (entry * (TARGET_R * oneR + FEES_PER_MILLE))) / 1000n
  }

  /**
   * @param {LineName} line @param {bigint} ticks
   */
  move(line, ticks) {
    const to = ticks < 1n ? 1n : ticks
    if (line === "entry") this.follow(false)
    this.#shaped = true
    if (this[line] === to) return
    this[line] = to
    // Which side the stop is on says what the trade is; on the entry itself it says nothing.
    if (this.stop !== this.entry) this.side = this.stop < this.entry ? "long" : "short"
    this.#changed(line)
  }

  /** The best ask moved. An untouched drawing travels with it; a shaped one keeps stop and target. @param {bigint} ask */
  ask(ask) {
    if (!this.drawn) return this.begin(ask)
    if (!this.following || ask === this.entry) return
    if (!this.#shaped) this.#shape(ask)
    else if (this.side === "long" && ask > this.stop && ask < this.target) this.entry = ask
    else if (this.side === "short" && ask < this.stop && ask > this.target) this.entry = ask
    else return this.follow(false) // the market has reached a line: the plan no longer fits it
    this.#changed("entry")
  }

  /** @param {boolean} on */
  follow(on) {
    if (this.following === on) return
    this.following = on
    this.dispatchEvent(new Event("following"))
  }

  /** Mirrors stop and target around the entry. @param {"long" | "short"} side */
  turn(side) {
    if (side === this.side) return
    this.side = side
    this.stop = 2n * this.entry - this.stop
    this.target = 2n * this.entry - this.target
    if (this.stop < 1n) this.stop = 1n
    if (this.target < 1n) this.target = 1n
    this.#changed("all")
  }

  /** @param {string | undefined} fraction */
  risk(fraction) {
    this.riskFraction = fraction
    this.#changed("risk")
  }

  /** Takes a plan the server found to pass, whole, as one change. @param {{risk_fraction?: string, stop?: string, target?: string}} plan */
  adopt({ risk_fraction, ...lines }) {
    if (risk_fraction !== undefined) this.riskFraction = risk_fraction
    for (const line of /** @type {const} */ (["stop", "target"])) {
      const text = lines[line]
      const read = text === undefined ? null : this.grid.read(text)
      if (read && "ticks" in read) this[line] = read.ticks
    }
    if (lines.stop !== undefined || lines.target !== undefined) this.#shaped = true
    this.#changed("all")
  }

  snapshot() {
    const { entry, stop, target, side } = this
    return { entry, stop, target, side }
  }

  /** @param {ReturnType<Plan["snapshot"]>} before */
  restore(before) {
    Object.assign(this, before)
    this.#changed("all")
  }

  /** What the server is asked. @param {string} account @param {string} symbol */
  drawing(account, symbol) {
    /** @type {import("testudo/desk/types.js").Drawing} */
    const drawing = {
      account,
      symbol,
      side: this.side,
      entry: this.grid.text(this.entry),
      stop: this.grid.text(this.stop),
      target: this.grid.text(this.target),
    }
    if (this.riskFraction) drawing.risk_fraction = this.riskFraction
    return drawing
  }

  /** @param {string} line */
  #changed(line) {
    this.dispatchEvent(new CustomEvent("change", { detail: { line } }))
  }
}
