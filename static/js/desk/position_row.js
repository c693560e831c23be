/** One open trade as a row: built once, brought up to date in place, so that focus and pointer stay. */
import { Decimal } from "testudo/decimal.js"
import { icon, make, say } from "testudo/dom.js"
import { clockTime, figure, money, signed } from "testudo/format.js"
import { waitingBadge } from "testudo/desk/entry_kinds.js"
import { call, NoAnswer, reason } from "testudo/net/api.js"
import { markToMarket } from "testudo/desk/mark.js"
import { MoveForm } from "testudo/desk/move_form.js"

/** @typedef {import("testudo/desk/types.js").Trade} Trade */
/** @typedef {import("testudo/desk/types.js").Tick} Tick */
/** @typedef {{base: string, places: number | undefined, grid?: import("testudo/ticks.js").TickGrid}} Looks the symbol's coin, price decimals and ticks */

const WAITING = new Set(["approved", "entering"])

export class PositionRow {
  element
  #url
  /** @type {Trade} */ #trade
  /** @type {Record<string, HTMLElement>} */ #cells = {}
  #buttons
  #ask
  #looks
  #error
  #size = make("span", { class: "position-size" })
  #state = make("span", { class: "position-state" })
  /** @type {MoveForm | null} */ mover = null

  /** @param {string} url of the trades @param {Trade} trade @param {Looks} looks */
  constructor(url, trade, looks) {
    this.#url = url
    this.#trade = trade
    this.#looks = looks
    const cell = (/** @type {string} */ name, /** @type {string} */ label) => {
      const value = make("span", { class: "cell-value" })
      this.#cells[name] = value
      return make("div", { class: `cell cell-${name}` }, make("span", { class: "label cell-label" }, label), value)
    }
    this.#buttons = make("div", { class: "cell cell-actions" })
    this.#ask = make("div", { class: "consequence", role: "group", "aria-label": "Confirm", hidden: true })
    this.#error = make("p", { class: "field-error", role: "alert", hidden: true })
    this.element = make("article", { class: "position", "aria-label": `${trade.symbol} ${trade.side}` },
      make("div", { class: "position-cells" },
        cell("what", "Trade"), cell("profit", "Profit"), cell("r", "R"), cell("room", "To stop"),
        cell("entry", "Entry"), cell("stop", "Stop"), cell("target", "Target"), cell("guard", "Stop on exchange"),
        this.#buttons),
      this.#ask, this.#error)
    this.#cells.what.append(
      icon(trade.side === "long" ? "up" : "down"),
      make("a", { class: "position-link", href: `/journal/${trade.id}/`, title: "Its own page: every step in milliseconds, what the exchange answered" }, make("strong", {}, trade.symbol)),
      this.#size, this.#state)
    if (looks.grid) {
      this.mover = new MoveForm(url, trade, looks.grid)
      this.element.append(this.mover.element)
    }
    this.take(trade)
  }

  /** @param {Trade} trade */
  take(trade) {
    const before = this.#trade
    this.#trade = trade
    const c = this.#cells
    say(this.#size, `${trade.side} ${figure(holds(trade) ? trade.held_quantity : trade.quantity)} ${this.#looks.base}`)
    this.#state.replaceChildren(stateOf(trade), ...(trade.waits ? [" ", waitingBadge(trade)] : []))
    const { places } = this.#looks
    say(c.entry, figure(trade.entry_price ?? trade.entry, places))
    for (const line of /** @type {const} */ (["stop", "target"])) {
      const to = trade.move?.[line]
      const moving = to && !Decimal.of(to).minus(Decimal.of(trade[line])).sign ? undefined : to
      const nearer = line === "target" ? nearerTargets(trade).map((part) => `${figure(part.price, places)} · `).join("") : ""
      say(c[line], nearer + (moving ? `${figure(trade[line], places)} → ${figure(moving, places)}` : figure(trade[line], places)))
    }
    this.mover?.take(trade)
    if (trade.state !== "open") this.mover?.close()
    this.#showGuard(trade)
    if (before.state !== trade.state || before.waits !== trade.waits || !this.#buttons.firstChild) this.#offer(trade)
  }

  /** @param {Tick | undefined} tick @param {boolean} stale */
  mark(tick, stale) {
    const worth = markToMarket(this.#trade, tick)
    const { profit, r, room } = this.#cells
    this.element.classList.toggle("is-stale", stale)
    if (!worth) {
      for (const cell of [profit, r, room]) say(cell, "–")
      profit.className = r.className = "cell-value"
      return
    }
    const tone = worth.profit.sign > 0 ? "profit" : worth.profit.sign < 0 ? "loss" : ""
    profit.className = r.className = `cell-value ${tone}`
    const arrow = worth.profit.sign > 0 ? "▲ " : worth.profit.sign < 0 ? "▼ " : ""
    say(profit, `${arrow}${signed(worth.profit, 2)} ${this.#trade.currency}`)
    say(r, worth.r ? `${signed(worth.r, 2)} R` : "–")
    say(room, worth.toStop ? `${figure(worth.toStop, 2)} %` : "–")
  }

  /** @param {Trade} trade */
  #showGuard(trade) {
    const cell = this.#cells.guard
    this.element.classList.toggle("is-naked", trade.unprotected)
    // The alarm over the desk speaks; here it is only seen, for the row is redrawn with every event.
    if (trade.unprotected) cell.replaceChildren(make("span", { class: "badge badge-alarm" }, icon("warn"), "UNPROTECTED"))
    else if (trade.protected) {
      const took = trade.protected_ms === null ? "" : ` in ${trade.protected_ms} ms`
      cell.replaceChildren(make("span", { class: "badge badge-good", title: "From the first fill until the exchange confirmed the stop." }, icon("shield"), `Protected${took}`))
    } else cell.replaceChildren(make("span", { class: "badge" }, holds(trade) ? "Being settled" : "Nothing held"))
  }

  /** @param {Trade} trade */
  #offer(trade) {
    this.#ask.hidden = true
    this.#buttons.replaceChildren()
    if (trade.state === "open") {
      const button = make("button", { class: "button button-small", type: "button" }, "Close")
      button.addEventListener("click", () => this.#consider("close"))
      if (this.mover) {
        const move = make("button", { class: "button button-small", type: "button" }, "Move")
        move.addEventListener("click", () => this.proposeMove())
        this.#buttons.append(move)
      }
      this.#buttons.append(button)
    } else if (WAITING.has(trade.state)) {
      const button = make("button", { class: "button button-small", type: "button" }, trade.waits ? "Withdraw" : "Cancel")
      button.addEventListener("click", () => this.#consider("cancel"))
      this.#buttons.append(button)
    } else this.#buttons.append(make("span", { class: "muted" }, "Closing…"))
  }

  /** Opens the fields of stop and target. @param {Partial<Record<"stop" | "target", string>>} [lines] as dragged */
  proposeMove(lines) {
    this.#ask.hidden = true
    this.mover?.show(lines)
  }

  /** The consequence is said before anything is done. @param {"close" | "cancel"} what */
  #consider(what) {
    const t = this.#trade
    const verb = t.side === "long" ? "sells" : "buys back"
    const shown = this.#cells.profit.textContent
    const text = what === "close"
      ? `Closing ${verb} ${figure(t.held_quantity)} ${this.#looks.base} at the market now, and removes its stop and target. Shown now: ${shown}${this.#cells.r.textContent === "–" ? "" : `, ${this.#cells.r.textContent}`}, before the exit fee and slippage.`
      : t.waits === "line"
        ? "Withdrawing takes the plan back before it is sent. Its risk is free again."
        : "Withdrawing cancels what rests of the entry. A part already filled stays, with its stop; a fill that comes first wins."
    const yes = make("button", { class: "button button-small button-primary", type: "button" }, what === "close" ? "Close at market" : "Withdraw the entry")
    const no = make("button", { class: "button button-small", type: "button" }, "Keep it")
    yes.addEventListener("click", () => this.#act(what, yes))
    no.addEventListener("click", () => {
      this.#ask.hidden = true
      this.#buttons.querySelector("button")?.focus()
    })
    this.#ask.replaceChildren(make("p", {}, text), make("div", { class: "consequence-buttons" }, yes, no))
    this.#ask.hidden = false
    no.focus()
  }

  /** @param {"close" | "cancel"} what @param {HTMLElement} button */
  async #act(what, button) {
    button.setAttribute("disabled", "")
    this.#error.hidden = true
    try {
      const answer = await call("POST", `${this.#url}/${this.#trade.id}/${what}`, { body: {} })
      if (!answer.ok) throw new NoAnswer(reason(answer))
      this.#ask.hidden = true
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error
      button.removeAttribute("disabled")
      say(this.#error, `${error.message} ${what === "close" ? "The stop still rests on the exchange." : ""}`)
      this.#error.hidden = false
    }
  }
}

/** Targets before the last that have not sold yet. @param {Trade} trade */
export const nearerTargets = (trade) => (trade.targets ?? []).slice(0, -1).filter((part) => !part.sold)

/** @param {Trade} trade */
const stateOf = (trade) =>
  trade.state === "open" && trade.opened_at ? `${trade.state_text}, since ${clockTime(trade.opened_at)}` : trade.state_text

/** @param {Trade} trade */
const holds = (trade) => Decimal.of(trade.held_quantity).sign > 0

/** A finished trade as a line that leads to its journal page. @param {Trade} trade @param {Looks} looks */
export function closedRow(trade, { places }) {
  const filled = trade.r_multiple !== null
  const sign = filled ? Decimal.of(/** @type {string} */ (trade.r_multiple)).sign : 0
  const tone = sign > 0 ? "profit" : sign < 0 ? "loss" : ""
  return make("a", { class: "closed", href: `/journal/${trade.id}/` },
    make("span", { class: "closed-what" }, icon(trade.side === "long" ? "up" : "down"), make("strong", {}, trade.symbol)),
    make("span", { class: `closed-r ${tone}` }, filled ? `${sign > 0 ? "▲ " : sign < 0 ? "▼ " : ""}${signed(trade.r_multiple, 2)} R` : "–"),
    make("span", { class: `closed-profit ${tone}` }, filled ? `${signed(trade.profit, 2)} ${trade.currency}` : ""),
    make("span", { class: "closed-how muted" }, trade.state_text),
    make("span", { class: "closed-prices muted" }, filled ? `${figure(trade.entry_price, places)} → ${figure(trade.exit_price, places)}` : `risk ${money(trade.planned_risk)}`))
}
