/**
 * Live prices over /ws/market/. Knows how old they are, and says so.
 * Events: "prices" (detail: Record<symbol, Tick>), "state" (detail: {state}), "age" once a second,
 * "back" after a reconnection, when history may have a gap.
 */
import { LiveSocket } from "testudo/net/live_socket.js"

/** Older than this, prices are stale and nothing new may be placed (PROTOCOL: data age). */
export const STALE_MS = 5000

/** @typedef {"connecting" | "live" | "stale" | "offline"} FeedState */

export class MarketFeed extends EventTarget {
  /** @type {Record<string, import("testudo/desk/types.js").Tick>} */
  latest = {}
  /** @type {FeedState} */
  state = "connecting"
  /** @type {Set<string>} */
  #symbols = new Set()
  #socket
  #heardAt = -Infinity
  #ageThen = 0
  #acked = 0
  #unacked = 0
  #ackAsked = false
  #opened = false

  /** @param {string} path of the socket */
  constructor(path) {
    super()
    this.#socket = new LiveSocket(path)
    this.#socket.addEventListener("open", () => {
      this.#subscribe()
      if (this.#opened) this.dispatchEvent(new Event("back"))
      this.#opened = true
      this.#judge()
    })
    this.#socket.addEventListener("message", (event) =>
      this.#hear(/** @type {CustomEvent} */ (event).detail),
    )
    this.#socket.addEventListener("down", () => this.#judge())
    setInterval(() => this.#judge(), 500)
    setInterval(() => this.dispatchEvent(new Event("age")), 1000)
  }

  /** Milliseconds since the market was last known to be alive; Infinity before the first frame. */
  get ageMs() {
    return performance.now() - this.#heardAt + this.#ageThen
  }

  /** @param {Iterable<string>} symbols */
  watch(symbols) {
    const wanted = new Set(symbols)
    if (wanted.size === this.#symbols.size && [...wanted].every((s) => this.#symbols.has(s))) return
    this.#symbols = wanted
    this.#subscribe()
  }

  #subscribe() {
    if (this.#symbols.size) this.#socket.send({ op: "subscribe", symbols: [...this.#symbols] })
  }

  /** @param {any} frame */
  #hear(frame) {
    if (frame.type === "error") {
      console.warn(`Market feed: ${frame.code}: ${frame.detail}`)
      return
    }
    if (frame.type !== "market") return
    this.#heardAt = performance.now()
    this.#ageThen = frame.age_ms ?? 0
    Object.assign(this.latest, frame.prices)
    this.#ack(frame.seq)
    this.#judge()
    this.dispatchEvent(new CustomEvent("prices", { detail: frame.prices }))
  }

  /** Acks what has been drawn, once a frame: the server slows down for a page that falls behind. @param {number} seq */
  #ack(seq) {
    this.#unacked = seq
    if (this.#ackAsked) return
    this.#ackAsked = true
    // A hidden page draws no frames, but it still reads its messages.
    const later = document.hidden ? (/** @type {() => void} */ f) => setTimeout(f, 50) : requestAnimationFrame
    later(() => {
      this.#ackAsked = false
      if (this.#unacked !== this.#acked && this.#socket.send({ op: "ack", seq: this.#unacked })) {
        this.#acked = this.#unacked
      }
    })
  }

  #judge() {
    const state = this.#stateNow()
    if (state === this.state) return
    this.state = state
    this.dispatchEvent(new CustomEvent("state", { detail: { state } }))
  }

  /** @returns {FeedState} */
  #stateNow() {
    if (!navigator.onLine) return "offline"
    if (this.ageMs <= STALE_MS) return "live"
    if (!this.#socket.open) return "connecting"
    return this.#heardAt === -Infinity ? "connecting" : "stale"
  }
}
