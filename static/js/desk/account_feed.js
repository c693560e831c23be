/**
 * What happens to the account, over /ws/account/: numbered, resumed after a drop, re-fetched on a gap.
 * Events: "event" (detail: {event, text, trade}), "refetch" (state must be read again over HTTP),
 * "state" (detail: {up, final}), "risk" (detail: the newest figures; unnumbered, the latest counts).
 */
import { LiveSocket } from "testudo/net/live_socket.js"

export class AccountFeed extends EventTarget {
  /** The number of the last message taken in; null before the first hello. @type {number | null} */
  lastSeq = null
  up = false
  #socket

  /** @param {string} path of the socket */
  constructor(path) {
    super()
    this.#socket = new LiveSocket(path)
    this.#socket.addEventListener("message", (event) =>
      this.#hear(/** @type {CustomEvent} */ (event).detail),
    )
    this.#socket.addEventListener("down", (event) => {
      this.up = false
      const { final } = /** @type {CustomEvent} */ (event).detail
      this.dispatchEvent(new CustomEvent("state", { detail: { up: false, final } }))
    })
  }

  /** @param {any} frame */
  #hear(frame) {
    if (frame.type === "hello") this.#greet(frame.seq)
    else if (frame.type === "event") this.#take(frame)
    else if (frame.type === "risk") this.dispatchEvent(new CustomEvent("risk", { detail: frame.risk }))
    else if (frame.type === "refetch") this.#startOver(frame.seq)
    else if (frame.type === "error") console.warn(`Account feed: ${frame.code}: ${frame.detail}`)
  }

  /** @param {number} seq */
  #greet(seq) {
    this.up = true
    this.dispatchEvent(new CustomEvent("state", { detail: { up: true, final: false } }))
    if (this.lastSeq === null) this.#startOver(seq)
    else if (this.lastSeq < seq) this.#socket.send({ op: "resume", last_seq: this.lastSeq })
    else if (this.lastSeq > seq) this.#startOver(seq) // the server lost its count: trust HTTP
  }

  /** @param {{seq: number, event: string, text: string, trade: object | null}} frame */
  #take(frame) {
    if (this.lastSeq !== null && frame.seq <= this.lastSeq) return // heard already
    if (this.lastSeq === null || frame.seq > this.lastSeq + 1) this.#startOver(frame.seq)
    this.lastSeq = frame.seq
    this.dispatchEvent(new CustomEvent("event", { detail: frame }))
  }

  /** @param {number} seq */
  #startOver(seq) {
    this.lastSeq = seq
    this.dispatchEvent(new Event("refetch"))
  }
}
