/** The panel under the chart: open trades live, closed ones, and what has happened. */
import { byId, make, say } from "testudo/dom.js"
import { tabs } from "testudo/desk/controls.js"
import { TickGrid } from "testudo/ticks.js"
import { closedRow, PositionRow } from "testudo/desk/position_row.js"

const LOG_LENGTH = 60
const CLOSED_SHOWN = 12

/** Event "back": a move was given up or refused; the lines on the chart go back to where they are. */
export class Positions extends EventTarget {
  /** @type {Map<string, PositionRow>} */
  #rows = new Map()
  #trades
  #feed
  #url
  /** @type {Map<string, import("testudo/desk/position_row.js").Looks>} */
  #looks

  /**
   * @param {import("testudo/desk/trades.js").Trades} trades
   * @param {import("testudo/desk/market_feed.js").MarketFeed} feed
   * @param {string} url @param {import("testudo/desk/types.js").SymbolSpec[]} symbols
   */
  constructor(trades, feed, url, symbols) {
    super()
    this.#trades = trades
    this.#feed = feed
    this.#url = url
    this.#looks = new Map(
      symbols.map(({ name, base, tick }) => {
        const grid = new TickGrid(tick)
        return [name, { base, places: grid.places, grid }]
      }),
    )
    tabs(/** @type {HTMLElement} */ (document.querySelector(".positions .tabs")))
    trades.addEventListener("change", () => this.#refresh())
    feed.addEventListener("prices", () => this.#mark())
    feed.addEventListener("state", () => this.#mark())
  }

  #refresh() {
    const { open, over, state } = this.#trades
    const box = byId("open-rows")
    const live = new Set(open.map((trade) => trade.id))
    for (const [id, row] of this.#rows) {
      if (live.has(id)) continue
      row.element.remove()
      this.#rows.delete(id)
    }
    for (const trade of [...open].reverse()) {
      const row = this.#rows.get(trade.id)
      if (row) row.take(trade)
      else {
        const made = new PositionRow(this.#url, trade, this.#looksOf(trade))
        this.#rows.set(trade.id, made)
        made.mover?.addEventListener("moved", (event) => this.#trades.take(/** @type {CustomEvent} */ (event).detail.trade))
        made.mover?.addEventListener("stale", () => this.#trades.read())
        made.mover?.addEventListener("closed", () => this.dispatchEvent(new Event("back")))
        box.prepend(made.element)
      }
    }
    say(byId("count-open"), String(open.length))
    byId("open-empty").hidden = open.length > 0
    if (state === "failed") say(byId("open-empty"), "Your trades cannot be read just now. Trying again; stops rest on the exchange regardless.")
    else say(byId("open-empty"), state === "loading" ? "Reading your trades." : "No open trade. Drag entry, stop and target on the chart, then review the ticket.")
    byId("closed-empty").hidden = over.length > 0
    byId("closed-rows").replaceChildren(...over.slice(0, CLOSED_SHOWN).map((trade) => closedRow(trade, this.#looksOf(trade))))
    this.#mark()
  }

  /** @param {import("testudo/desk/types.js").Trade} trade */
  #looksOf(trade) {
    return this.#looks.get(trade.symbol) ?? { base: trade.base ?? "", places: undefined }
  }

  /** A line was dragged on the chart: ask before it is moved. @param {string} id @param {"stop" | "target"} line @param {string} price */
  proposeMove(id, line, price) {
    byId("tab-open").click()
    const row = this.#rows.get(id)
    row?.element.scrollIntoView({ block: "nearest" })
    row?.proposeMove({ [line]: price })
  }

  /** Leads to these open trades. @param {string[]} ids */
  show(ids) {
    byId("tab-open").click()
    const row = ids.map((id) => this.#rows.get(id)).find(Boolean)
    row?.element.scrollIntoView({ block: "nearest" })
    const focus = row?.element.querySelector("button") ?? byId("panel-open")
    focus.focus()
  }

  #mark() {
    const stale = this.#feed.state !== "live"
    for (const trade of this.#trades.open) {
      this.#rows.get(trade.id)?.mark(this.#feed.latest[trade.symbol], stale)
    }
  }

  /** @param {string} text */
  log(text) {
    const list = byId("log")
    const time = new Date().toLocaleTimeString(document.documentElement.lang, { hour12: false })
    list.prepend(make("li", {}, make("time", { class: "muted" }, time), make("span", {}, text)))
    while (list.childElementCount > LOG_LENGTH) list.lastElementChild?.remove()
    byId("log-empty").hidden = true
  }
}
