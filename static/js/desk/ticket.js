/**
 * The ticket as a whole: plan → answer → review → order. Decides what the one button does and, when it
 * can do nothing, says why. Events: "placed" (detail: {trade}), "restart", "show-trades" (detail: {ids}).
 */
import { byId, say } from "testudo/dom.js"
import { figure, money, signed } from "testudo/format.js"
import { reason } from "testudo/net/api.js"
import { LINES } from "testudo/desk/plan.js"
import { Placing } from "testudo/desk/placing.js"
import { Preview } from "testudo/desk/preview.js"
import { ManageFields } from "testudo/desk/manage_fields.js"
import { name } from "testudo/desk/verdicts.js"
import { TicketAnswer } from "testudo/desk/ticket_answer.js"
import { TicketFields } from "testudo/desk/ticket_fields.js"

/** @typedef {import("testudo/desk/types.js").Preview} PreviewBody */

const FOLLOW_MS = 1000
/** The same drawing is asked about again this often: prices, equity and rules move on. */
const AGAIN_MS = 3000
const NAMES = { entry: "Entry", stop: "Stop", target: "Target" }

export class Ticket extends EventTarget {
  #parts
  #preview
  #fields
  #manage
  #answer
  #placing
  #button = byId("go", HTMLButtonElement)
  /** @type {{body: PreviewBody, drawing: import("testudo/desk/types.js").Drawing} | null} */
  #good = null
  /** Why the latest drawing has no answer. */
  #trouble = ""
  #followedAt = -Infinity
  #askedAt = 0
  #dragging = false
  /** Review was pressed before the answer was there. */
  #impatient = false

  /**
   * @param {{config: import("testudo/desk/types.js").DeskConfig, urls: Record<string, string>,
   *   symbol: import("testudo/desk/types.js").SymbolSpec, plan: import("testudo/desk/plan.js").Plan,
   *   feed: import("testudo/desk/market_feed.js").MarketFeed,
   *   tool: import("testudo/chart/position_tool.js").PositionTool}} parts
   */
  constructor(parts) {
    super()
    const { plan, feed, tool, urls, symbol } = parts
    this.#parts = parts
    this.#preview = new Preview(urls.preview)
    this.#fields = new TicketFields(plan)
    this.#manage = new ManageFields(plan.grid)
    this.#answer = new TicketAnswer(symbol, plan.grid.places)
    this.#placing = new Placing(urls.trades, symbol, plan.grid.places)
    say(byId("ticket-symbol"), `${symbol.base}/${symbol.quote}`)
    this.#answer.clear("Waiting for the first price.")

    plan.addEventListener("change", () => this.#ask())
    this.#fields.addEventListener("valid", () => this.#ask())
    this.#fields.addEventListener("invalid", (event) => {
      this.#preview.forget()
      this.#none(`${NAMES[/** @type {keyof typeof NAMES} */ (/** @type {CustomEvent} */ (event).detail.line)]}: ${/** @type {CustomEvent} */ (event).detail.message}`)
    })
    this.#manage.addEventListener("change", () => this.#ask())
    this.#manage.addEventListener("invalid", (event) => {
      this.#preview.forget()
      this.#none(/** @type {CustomEvent} */ (event).detail.message)
    })
    this.#preview.addEventListener("asking", () => this.#answer.wait(true))
    this.#preview.addEventListener("answer", (event) => this.#take(/** @type {CustomEvent} */ (event).detail))
    this.#preview.addEventListener("failed", (event) => this.#none(/** @type {CustomEvent} */ (event).detail.message))
    feed.addEventListener("prices", () => this.#follow())
    feed.addEventListener("state", () => this.heed())
    feed.addEventListener("age", () => {
      if (this.#placing.step === "plan" && performance.now() - this.#askedAt > AGAIN_MS) this.#ask()
      this.heed()
    })
    tool.addEventListener("drag", () => {
      this.#dragging = true
      if (this.#placing.step === "review") this.#placing.back()
    })
    tool.addEventListener("drop", () => {
      this.#dragging = false
    })
    this.#placing.addEventListener("step", () => this.heed())
    this.#placing.addEventListener("placed", (event) =>
      this.dispatchEvent(new CustomEvent("placed", { detail: /** @type {CustomEvent} */ (event).detail })),
    )
    for (const part of [this.#answer, this.#placing]) {
      part.addEventListener("fix", (event) => this.#adopt(/** @type {CustomEvent} */ (event).detail.fix))
    }
    byId("review").addEventListener("change", () => this.heed())
    this.#button.addEventListener("click", () => this.act())
    byId("back").addEventListener("click", () => this.#placing.back())
  }

  /** The button's doing, also Enter on a line. */
  act() {
    if (this.#button.disabled) return
    const { step } = this.#placing
    if (step === "plan" && !this.#preview.current) this.#impatient = true
    else if (step === "plan" && this.#good) this.#placing.review(this.#good.body, this.#good.drawing)
    else if (step === "review" || step === "unsure") this.#placing.confirm()
    else if (step === "refused") {
      this.#placing.back()
      this.#ask()
    } else if (step === "placed") this.restart()
  }

  /** A fresh plan at the ask. */
  restart() {
    if (this.#placing.step === "sending" || this.#placing.step === "unsure") return
    const ask = this.#askPrice()
    this.#placing.back()
    if (ask) this.#parts.plan.begin(ask)
    this.dispatchEvent(new Event("restart"))
  }

  /** One tap towards a plan that passes; the server judges it like any other. @param {import("testudo/desk/types.js").Fix} fix */
  #adopt({ plan, close }) {
    this.#placing.back()
    if (plan) {
      this.#parts.plan.adopt(plan)
      byId("ticket").focus({ preventScroll: true }) // the button pressed goes with the refusal
    } else if (close) this.dispatchEvent(new CustomEvent("show-trades", { detail: { ids: close } }))
  }

  #askPrice() {
    const { feed, symbol, plan } = this.#parts
    const tick = feed.latest[symbol.name]
    if (!tick) return null
    return plan.grid.atOrAbove(plan.side === "short" ? tick.bid : tick.ask)
  }

  /** The entry keeps to the ask, once a second, while nothing else is going on. */
  #follow() {
    const { plan } = this.#parts
    const ask = this.#askPrice()
    if (!ask || this.#dragging || this.#placing.step !== "plan") return
    if (plan.drawn && (!plan.following || performance.now() - this.#followedAt < FOLLOW_MS)) return
    if (document.activeElement === byId("in-entry")) return
    this.#followedAt = performance.now()
    plan.ask(ask)
  }

  #ask() {
    const { plan, config, symbol } = this.#parts
    if (this.#placing.step === "review" || this.#placing.step === "refused") this.#placing.back()
    if (!plan.drawn || !this.#fields.valid || !this.#manage.valid) return
    this.#askedAt = performance.now()
    this.#writeTags()
    this.#preview.ask({ ...plan.drawing(config.account.id, symbol.name), ...this.#manage.wish() })
    this.heed()
  }

  /** @param {{status: number, ok: boolean, body: any, drawing: any, latest: boolean}} answer */
  #take(answer) {
    if (answer.latest) this.#answer.wait(false)
    this.#fields.take(answer)
    this.#manage.take(answer)
    if (answer.status !== 200) return this.#none(reason(answer))
    this.#trouble = ""
    this.#good = { body: answer.body, drawing: answer.drawing }
    this.#answer.show(answer.body)
    this.#writeTags()
    this.heed()
    if (answer.latest && this.#impatient) {
      this.#impatient = false
      this.act()
    }
  }

  /** @param {string} why */
  #none(why) {
    this.#impatient = false
    this.#good = null
    this.#trouble = why
    this.#answer.wait(false)
    this.#answer.clear(why)
    this.#writeTags()
    this.heed()
  }

  /** Why nothing can be placed now; empty when it can. */
  #obstacle() {
    const { feed } = this.#parts
    const { step } = this.#placing
    if (step === "sending" || step === "refused" || step === "placed" || step === "unsure") return ""
    if (feed.state === "offline") return "You are offline. Placing waits for the connection."
    if (feed.state !== "live") return feed.state === "stale" ? `Prices are ${Math.round(feed.ageMs / 1000)} s old. Placing waits until they flow.` : "Waiting for live prices."
    if (!this.#good) return this.#trouble || "Waiting for the server's answer."
    if (!this.#preview.current && step === "plan") return "…"
    const refused = this.#good.body.verdicts.find((v) => !v.ok && v.effect !== "advise")
    if (refused) return `${name(refused)}: ${refused.message}`
    if (!this.#good.body.ok && !this.#good.body.verdicts.some((v) => !v.ok)) return "The Protocol refuses this plan."
    if (step === "review" && !this.#placing.acknowledged.all) return "Tick each piece of advice to go on."
    return ""
  }

  /** Sets the button and its reason to how things stand. */
  heed() {
    const { step } = this.#placing
    const obstacle = this.#obstacle()
    const long = this.#parts.plan.side === "long"
    // While an answer is on its way all stays as it is: what flickers cannot be read, or pressed.
    if (obstacle === "…") return
    const labels = { plan: "Review", review: `Confirm ${long ? "buy" : "sell"}`, sending: "Sending…", unsure: "Ask again", refused: "Change the plan", placed: "Plan another" }
    say(this.#button, labels[step])
    this.#button.disabled = step === "sending" || obstacle !== ""
    byId("back").hidden = step !== "review"
    const blocked = byId("blocked")
    blocked.hidden = !obstacle
    say(blocked, obstacle)
  }

  /** The texts on the chart's tags, spoken and seen. */
  #writeTags() {
    const { plan, tool, symbol } = this.#parts
    if (!plan.drawn) return
    const p = this.#good?.body
    const { currency } = this.#parts.config.account
    const far = plan.grid.drawn(plan.entry * 2n)
    for (const line of LINES) {
      const away = line === "entry" ? "" : this.#fields.away(line)
      const extra = !p ? "" : {
        entry: `${figure(p.quantity)} ${symbol.base}`,
        stop: signed(`-${p.planned_risk}`, 2),
        target: signed(p.planned_profit, 2),
      }[line]
      const spoken = [
        `${NAMES[line]} ${figure(plan.grid.text(plan[line]), plan.grid.places)}`,
        away && `${away.replace("+", "").replace("−", "")} ${plan[line] > plan.entry ? "above" : "below"} entry`,
        p && `risk ${money(p.planned_risk)} ${currency}, size ${figure(p.quantity)} ${symbol.base}`,
        p && (p.ok ? "all rules pass" : "refused by a rule"),
        this.#trouble,
      ].filter(Boolean).join(", ")
      tool.write(line, { text: away, more: extra, spoken, now: plan.grid.drawn(plan[line]), least: 0, most: far })
    }
  }
}
