/** The candles shown: history from the API, the live one rolled up from the market's live minute. */

/**
 * @typedef {{time: number, open: number, high: number, low: number, close: number, volume: number,
 *   text: string[]}} Candle
 *   `text` keeps the server's own open, high, low, close, volume for the read-out; the numbers draw.
 * @typedef {[number, string, string, string, string, string]} Row
 */

export const SECONDS = { "1m": 60, "5m": 300, "15m": 900, "1h": 3600, "4h": 14_400, "1d": 86_400 }

export class Candles {
  /** @type {Candle[]} */
  all = []
  interval = ""
  #fetch
  #turn = 0
  #older = false
  #exhausted = false
  /** Volume of the live minute already counted. */
  #minute = { time: 0, volume: 0 }

  /** @param {(interval: string, end?: number) => Promise<Row[]>} fetchCandles */
  constructor(fetchCandles) {
    this.#fetch = fetchCandles
  }

  get last() {
    return this.all.at(-1) ?? null
  }

  /** @param {number} time */
  at(time) {
    return this.all.find((candle) => candle.time === time) ?? null
  }

  /** @param {string} interval @returns {Promise<boolean>} false where a later call overtook it */
  async load(interval) {
    const turn = ++this.#turn
    const rows = await this.#fetch(interval)
    if (turn !== this.#turn) return false
    this.interval = interval
    this.all = rows.map(read)
    this.#exhausted = false
    this.#minute = { time: 0, volume: 0 }
    return true
  }

  /** @returns {Promise<boolean>} whether anything older came */
  async loadOlder() {
    const first = this.all[0]
    if (this.#older || this.#exhausted || !first) return false
    this.#older = true
    const turn = this.#turn
    try {
      const rows = await this.#fetch(this.interval, first.time * 1000 - 1)
      if (turn !== this.#turn) return false
      const older = rows.map(read).filter((candle) => candle.time < first.time)
      this.#exhausted = older.length === 0
      this.all = [...older, ...this.all]
      return older.length > 0
    } finally {
      this.#older = false
    }
  }

  /** @param {Row} row the live minute @returns {Candle | null} the candle it belongs to, brought up to date */
  live(row) {
    const minute = read(row)
    const width = SECONDS[/** @type {keyof typeof SECONDS} */ (this.interval)]
    const last = this.last
    if (!width || !last) return null
    const time = minute.time - (minute.time % width)
    if (time < last.time) return null
    const more = this.#growth(minute, last)
    if (time === last.time && width > 60) {
      last.high = Math.max(last.high, minute.high)
      last.low = Math.min(last.low, minute.low)
      last.close = minute.close
      last.volume += more
      last.text = [last.text[0], larger(last, minute, 1), smaller(last, minute, 2), row[4], String(last.volume)]
      return last
    }
    const candle = { ...minute, time }
    if (time === last.time) this.all[this.all.length - 1] = candle
    else this.all.push(candle)
    return candle
  }

  /** How much volume this minute brought since it was last seen. @param {Candle} minute @param {Candle} last */
  #growth(minute, last) {
    const seen = this.#minute
    this.#minute = { time: minute.time, volume: minute.volume }
    if (seen.time === minute.time) return Math.max(0, minute.volume - seen.volume)
    // The first minute after loading is in the history's last candle already.
    return seen.time === 0 && minute.time >= last.time ? 0 : minute.volume
  }
}

/** @param {Row} row @returns {Candle} */
function read([time, open, high, low, close, volume]) {
  return {
    time,
    open: Number(open),
    high: Number(high),
    low: Number(low),
    close: Number(close),
    volume: Number(volume),
    text: [open, high, low, close, volume],
  }
}

/** @param {Candle} a @param {Candle} b @param {number} i */
const larger = (a, b, i) => (Number(b.text[i]) > Number(a.text[i]) ? b.text[i] : a.text[i])
/** @param {Candle} a @param {Candle} b @param {number} i */
const smaller = (a, b, i) => (Number(b.text[i]) < Number(a.text[i]) ? b.text[i] : a.text[i])
