/**
 * Asks the server what it makes of the drawing. At most one question per 80 ms, numbered; an answer
 * older than one already shown is dropped, and one that is not to the latest question is marked so.
 * Events: "asking"; "answer" (detail: {status, body, drawing, latest}); "failed" (detail: {message}).
 */
import { call, NoAnswer } from "testudo/net/api.js"

const PACE_MS = 80

export class Preview extends EventTarget {
  #url
  #asked = 0
  #shown = 0
  #lastAt = -Infinity
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer
  /** @type {import("testudo/desk/types.js").Drawing | null} */
  #next = null
  /** The drawing last asked about, and the one whose answer is shown, as text. */
  #wished = ""
  #answered = ""

  /** @param {string} url */
  constructor(url) {
    super()
    this.#url = url
  }

  /** The answer shown belongs to the drawing as it stands. */
  get current() {
    return this.#answered !== "" && this.#answered === this.#wished
  }

  /** @param {import("testudo/desk/types.js").Drawing} drawing */
  ask(drawing) {
    this.#next = drawing
    this.#wished = JSON.stringify(drawing)
    // Asking again about what is shown (the market moves, the account too) marks nothing as old.
    if (!this.current) this.dispatchEvent(new Event("asking"))
    clearTimeout(this.#timer)
    const wait = Math.max(0, this.#lastAt + PACE_MS - performance.now())
    // A first move waits as well: the pointer is seldom still after it.
    this.#timer = setTimeout(() => this.#send(), Math.max(wait, this.#lastAt < 0 ? 0 : 16))
  }

  /** Nothing valid to ask: answers on their way are for a plan that is gone. */
  forget() {
    clearTimeout(this.#timer)
    this.#next = null
    this.#shown = ++this.#asked
    this.#wished = this.#answered = ""
  }

  async #send() {
    const drawing = this.#next
    if (!drawing) return
    this.#next = null
    this.#lastAt = performance.now()
    const turn = ++this.#asked
    let answer
    try {
      answer = await call("POST", this.#url, { body: drawing })
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error
      if (turn === this.#asked) this.#fail(error.message, drawing)
      return
    }
    if (turn <= this.#shown) return // late: a newer answer is on the page
    this.#shown = turn
    this.#answered = JSON.stringify(drawing)
    const latest = this.current
    this.dispatchEvent(new CustomEvent("answer", { detail: { ...answer, drawing, latest } }))
  }

  /** @param {string} message @param {import("testudo/desk/types.js").Drawing} drawing */
  #fail(message, drawing) {
    this.dispatchEvent(new CustomEvent("failed", { detail: { message } }))
    this.#timer = setTimeout(() => {
      if (this.#next === null) this.ask(drawing)
    }, 2000)
  }
}
