/**
 * A WebSocket that comes back: exponential back-off with jitter, at once when the device is online
 * or the page visible again. Events: "open", "message" (detail: parsed frame), "down" (detail: {code}).
 */
const FIRST_MS = 400
const MOST_MS = 15_000
/** Closes that trying again cannot mend: signed out, not our account. */
const FINAL = new Set([4401, 4404])
/** A link that says nothing this long is dead, whatever TCP believes. */
const SILENCE_MS = 45_000

export class LiveSocket extends EventTarget {
  #url
  #attempt = 0
  /** @type {WebSocket | null} */
  #socket = null
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #silence
  #stopped = false
  #watchSilence

  /** @param {string} path such as "/ws/market/?venue=paper" @param {{watchSilence?: boolean}} [options] */
  constructor(path, { watchSilence = false } = {}) {
    super()
    this.#url = `${location.protocol === "https:" ? "wss:" : "ws:"}//${location.host}${path}`
    this.#watchSilence = watchSilence
    addEventListener("online", () => this.#soon())
    addEventListener("offline", () => this.#socket?.close())
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") this.#soon()
    })
    // A page leaving must not try again, and a page back from the cache must.
    addEventListener("pagehide", () => this.stop())
    addEventListener("pageshow", (event) => {
      if (event.persisted) this.start()
    })
    this.start()
  }

  get open() {
    return this.#socket?.readyState === WebSocket.OPEN
  }

  start() {
    this.#stopped = false
    this.#connect()
  }

  stop() {
    this.#stopped = true
    clearTimeout(this.#timer)
    clearTimeout(this.#silence)
    this.#socket?.close()
  }

  /** @param {unknown} frame @returns {boolean} whether it left */
  send(frame) {
    if (!this.open) return false
    this.#socket?.send(JSON.stringify(frame))
    return true
  }

  #connect() {
    clearTimeout(this.#timer)
    if (this.#stopped || (this.#socket && this.#socket.readyState <= WebSocket.OPEN)) return
    const socket = new WebSocket(this.#url)
    this.#socket = socket
    socket.addEventListener("open", () => {
      this.#attempt = 0
      this.#heard()
      this.dispatchEvent(new Event("open"))
    })
    socket.addEventListener("message", (event) => {
      this.#heard()
      this.dispatchEvent(new CustomEvent("message", { detail: JSON.parse(event.data) }))
    })
    socket.addEventListener("close", (event) => this.#lost(socket, event.code))
  }

  #heard() {
    clearTimeout(this.#silence)
    if (this.#watchSilence) {
      this.#silence = setTimeout(() => this.#socket?.close(), SILENCE_MS)
    }
  }

  /** @param {WebSocket} socket @param {number} code */
  #lost(socket, code) {
    if (socket !== this.#socket) return
    clearTimeout(this.#silence)
    this.#socket = null
    if (FINAL.has(code)) this.#stopped = true
    this.dispatchEvent(new CustomEvent("down", { detail: { code, final: FINAL.has(code) } }))
    if (this.#stopped) return
    const wait = Math.min(MOST_MS, FIRST_MS * 2 ** this.#attempt++)
    this.#timer = setTimeout(() => this.#connect(), wait * (0.5 + Math.random() / 2))
  }

  #soon() {
    if (this.#socket || this.#stopped) return
    this.#attempt = 0
    this.#connect()
  }
}
