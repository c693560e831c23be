/**
 * From plan to order: Review, then Confirm. Sends one intent under one Idempotency-Key, however often
 * it is sent again. Events: "step" (detail: {step}), "placed" (detail: {trade}), "refused",
 * "fix" (detail: {fix}): a plan that would pass was chosen.
 */
import { byId, icon, make, say } from "testudo/dom.js"
import { figure, money, percent } from "testudo/format.js"
import { call, newKey, NoAnswer, reason } from "testudo/net/api.js"
import { KINDS, untilText } from "testudo/desk/entry_kinds.js"
import { fixList } from "testudo/desk/fixes.js"
import { wishList } from "testudo/desk/wish_words.js"
import { name, showVerdicts, summary } from "testudo/desk/verdicts.js"

/** @typedef {import("testudo/desk/types.js").Preview} PreviewBody */
/** @typedef {"plan" | "review" | "sending" | "unsure" | "refused" | "placed"} Step */

export class Placing extends EventTarget {
  /** @type {Step} */
  step = "plan"
  #url
  #symbol
  #places
  /** @type {{plan: PreviewBody, drawing: import("testudo/desk/types.js").Drawing, key: string} | null} */
  #intent = null
  #box = byId("review")
  #ticket = byId("ticket")

  /**
   * @param {string} url @param {import("testudo/desk/types.js").SymbolSpec} symbol
   * @param {number} places decimals of its prices
   */
  constructor(url, symbol, places) {
    super()
    this.#url = url
    this.#places = places
    this.#symbol = symbol
  }

  /** Codes of the advice the trader has ticked; every one is needed. */
  get acknowledged() {
    const boxes = [...this.#box.querySelectorAll("input[type=checkbox]")]
    const ticked = boxes.filter((box) => /** @type {HTMLInputElement} */ (box).checked)
    return { all: boxes.length === ticked.length, codes: ticked.map((box) => /** @type {HTMLInputElement} */ (box).value) }
  }

  /** @param {PreviewBody} plan @param {import("testudo/desk/types.js").Drawing} drawing */
  review(plan, drawing) {
    this.#intent = { plan, drawing, key: newKey() }
    this.#box.replaceChildren(...this.#sentences(plan))
    this.#to("review")
    this.#box.focus()
  }

  /** Back to the drawing. Not while an order may be on its way. */
  back() {
    if (this.step === "sending" || this.step === "unsure") return
    this.#intent = null
    this.#to("plan")
  }

  async confirm() {
    const intent = this.#intent
    if (!intent || this.step === "sending") return
    const { plan, drawing, key } = intent
    const body = {
      ...drawing,
      kind: plan.kind,
      quoted_price: plan.quoted_price,
      quoted_at: plan.quoted_at,
      acknowledged: this.acknowledged.codes,
    }
    this.#to("sending")
    try {
      const answer = await call("POST", this.#url, { body, headers: { "Idempotency-Key": key } })
      if (answer.status === 201) this.#placed(answer.body)
      else if (answer.status >= 500 || answer.body?.code === "request_in_progress") this.#unsure(reason(answer))
      else this.#refused(answer)
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error
      this.#unsure(error.message)
    }
  }

  /** @param {import("testudo/desk/types.js").Trade} trade */
  #placed(trade) {
    this.#intent = null
    this.#box.replaceChildren(
      make("p", { class: "review-title review-good" }, icon("check"), "Placed. The loop has it."),
      make("p", { class: "muted" }, trade.state_text ?? ""),
      make("p", { class: "muted" }, "Follow it below: the entry, the stop on the exchange, the exit, each as it happens."),
    )
    this.#to("placed")
    this.dispatchEvent(new CustomEvent("placed", { detail: { trade } }))
  }

  /** @param {import("testudo/net/api.js").Answer} answer */
  #refused(answer) {
    this.#intent = null
    const list = make("ul", { class: "verdicts" })
    const verdicts = answer.body?.verdicts ?? []
    showVerdicts(list, verdicts)
    const fixes = fixList(answer.body?.fixes, (fix) => this.dispatchEvent(new CustomEvent("fix", { detail: { fix } })))
    this.#box.replaceChildren(
      make("p", { class: "review-title review-bad" }, icon("cross"), verdicts.length ? `Refused: ${summary(verdicts).text}.` : "Not placed."),
      make("p", {}, "Nothing was sent to the exchange."),
      verdicts.length ? list : make("p", { class: "review-reason" }, reason(answer)),
      ...(fixes ? [fixes] : []),
    )
    this.#to("refused")
    this.#box.focus()
    this.dispatchEvent(new Event("refused"))
  }

  /** @param {string} why */
  #unsure(why) {
    const old = this.#box.querySelector(".review-unsure")
    const text = `${why} The order may or may not have been taken. Ask again: it is the same order and is never placed twice.`
    if (old) say(/** @type {Element} */ (old.lastElementChild), text)
    else {
      this.#box.prepend(
        make("div", { class: "notice notice-warn review-unsure", role: "alert" }, icon("warn"), make("p", {}, text)),
      )
    }
    this.#to("unsure")
  }

  /** @param {Step} step */
  #to(step) {
    this.step = step
    this.#ticket.dataset.step = step
    this.#box.hidden = step === "plan"
    this.dispatchEvent(new CustomEvent("step", { detail: { step } }))
  }

  /** @param {PreviewBody} p */
  #sentences(p) {
    const { base } = this.#symbol
    const buys = p.side === "long" ? "Buy" : "Sell"
    const row = (/** @type {string} */ kind, /** @type {string} */ title, /** @type {string} */ price, /** @type {string} */ text) =>
      make("div", { class: `review-line plan-${kind}` },
        make("dt", {}, make("span", { class: "swatch", "aria-hidden": "true" }), title),
        make("dd", {}, make("strong", {}, price), make("span", {}, text)))
    const advice = p.verdicts.filter((v) => !v.ok && v.needs_acknowledgement)
    const kind = KINDS[p.kind]
    const shown = { worst: figure(p.worst_entry, this.#places), entry: figure(p.entry, this.#places), until: untilText(p.expires_at) }
    return [
      make("p", { class: "review-title" }, `${buys} ${figure(p.quantity)} ${base} ${p.kind === "now" ? "now" : `on a ${p.kind}`}`),
      make("dl", { class: "review-lines" },
        row("entry", "Entry", kind.price(shown), kind.how(shown)),
        row("stop", "Stop", figure(p.stop, this.#places), `${p.kind === "now" ? "rests" : "rests, once it is bought,"} on the exchange. You lose at most ${money(p.planned_risk)} ${p.currency}, fees in`),
        row("target", "Target", figure(p.target, this.#places), `pays ${money(p.planned_profit)} ${p.currency} after fees, ${p.reward_to_risk === null ? "–" : figure(p.reward_to_risk, 2)} R`)),
      ...wishList(p, base, this.#places),
      make("p", { class: "muted review-note" }, `1 R is ${money(p.planned_risk)} ${p.currency}, of a budget of ${money(p.risk_budget)} (${percent(p.risk_fraction)} of equity). A market that gaps past the stop can cost more.`),
      ...advice.map((verdict) =>
        make("label", { class: "review-advice" },
          make("input", { type: "checkbox", value: verdict.code }),
          make("span", {}, make("strong", {}, `${name(verdict)}. `), verdict.message, " I go on knowing this."))),
    ]
  }
}
