/** The line under the header: equity, heat, the day's loss left, streak, state. Read again after events. */
import { byId, debounce, say } from "testudo/dom.js"
import { money } from "testudo/format.js"
import { get, NoAnswer } from "testudo/net/api.js"
import { drawBar } from "testudo/desk/gauges.js"

const EVERY_MS = 10_000

export class AccountStrip {
  #url
  #reading = 0
  /** Reads soon, once, however many events ask. */
  refresh = debounce(() => this.read(), 150)

  /** @param {string} url */
  constructor(url) {
    this.#url = url
    setInterval(() => {
      if (!document.hidden) this.read()
    }, EVERY_MS)
    byId("account").addEventListener("change", (event) => {
      location.search = `?account=${/** @type {HTMLSelectElement} */ (event.target).value}`
    })
  }

  async read() {
    const turn = ++this.#reading
    try {
      const answer = await get(this.#url)
      if (turn === this.#reading) this.#show(answer.ok ? answer.body : null)
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error
      if (turn === this.#reading) this.#show(null)
    }
  }

  /** @param {import("testudo/desk/types.js").Risk | null} risk null: what is shown is old */
  #show(risk) {
    document.querySelector(".strip")?.classList.toggle("is-stale", risk === null)
    if (!risk) return
    say(byId("strip-equity"), money(risk.equity))
    say(byId("strip-heat"), `${money(risk.heat.value)} / ${money(risk.heat.limit)}`)
    say(byId("strip-day"), money(risk.day_loss.room))
    this.#bar("strip-heat-bar", risk.heat)
    this.#bar("strip-day-bar", risk.day_loss)
    this.#count("strip-positions", risk.positions)
    this.#count("strip-streak", risk.streak)
    const state = byId("strip-state")
    say(state, risk.state.replaceAll("_", " "))
    state.dataset.state = risk.state
    state.title = risk.messages.join(" ")
  }

  /** @param {string} id @param {{value: number | string, limit: number | string}} count */
  #count(id, { value, limit }) {
    say(byId(id), `${value} / ${limit}`)
    byId(id).classList.toggle("is-full", Number(value) >= Number(limit))
  }

  /** @param {string} id @param {import("testudo/desk/types.js").Room} room */
  #bar(id, { value, limit }) {
    const had = value.startsWith("-") ? "0" : value
    drawBar(/** @type {any} */ (byId(id)), { before: had, after: had, limit })
  }
}
