/** May the account take new risk, and if not: why, and the way back. Exits go on in every state, and it says so. */
import { byId, icon, make, say } from "testudo/dom.js"
import { clockTime } from "testudo/format.js"
import { countDown } from "testudo/risk/countdown.js"

/** @typedef {import("testudo/risk/types.js").RiskFacts} RiskFacts */
/** @typedef {import("testudo/risk/types.js").BreakerFacts} BreakerFacts */

/** @type {Record<string, {name: string, icon: string, text: string}>} */
export const STATES = {
  active: {
    name: "Active",
    icon: "shield",
    text: "New trades are taken, each within the limits below.",
  },
  reducing: {
    name: "Reducing",
    icon: "down",
    text: "No new risk just now. Exits go on: you can always close, cancel an entry or tighten a stop.",
  },
  halted: {
    name: "Halted",
    icon: "halt",
    text: "No new risk. Stops and targets stay on the exchange, and exits go on: you can always close.",
  },
}

const PHASES = { open: "Open", half_open: "Half-open: half size" }

export class StatePanel {
  #panel = byId("state")
  #breakers = byId("breakers")
  /** @type {string} */
  #shown = ""

  /** @param {RiskFacts} facts */
  show(facts) {
    const known = STATES[facts.state] ?? { name: facts.state.replaceAll("_", " "), icon: "warn", text: facts.messages.join(" ") }
    this.#panel.dataset.state = facts.state
    say(byId("state-name"), known.name)
    document.querySelector("#state-icon")?.setAttribute("href", `#i-${known.icon}`)
    const silent = facts.exchange && facts.state === "active"
    say(byId("state-text"), silent ? "Nothing of yours holds new trades back, but they wait until the exchange answers." : known.text)
    const halted = facts.state === "halted"
    byId("halt", HTMLButtonElement).disabled = false
    byId("flatten", HTMLButtonElement).disabled = false
    byId("halt").hidden = halted
    byId("resume").hidden = !halted
    this.#list(facts)
  }

  /** @param {RiskFacts} facts */
  #list({ breakers, state, state_reason, state_until }) {
    const at_work = breakers.filter((one) => one.phase !== "closed")
    // Only what differs is built anew: a reader may be in the middle of it.
    const key = JSON.stringify([at_work, state, state_reason, state_until])
    if (key === this.#shown) return
    this.#shown = key
    const rows = at_work.map(row)
    if (!rows.length && state !== "active" && state_reason) rows.push(row({ cause: "state", title: "Why", phase: "open", opened_at: null, until: state_until, reason: state_reason, way_back: "" }))
    this.#breakers.replaceChildren(...rows)
    const armed = breakers.filter((one) => one.phase === "closed").map((one) => one.title)
    byId("armed").hidden = armed.length === 0 && at_work.length > 0
    if (armed.length) byId("armed").replaceChildren(make("span", { class: "label" }, at_work.length ? "Other breakers, closed" : "Breakers, all closed"), ` ${armed.join(" · ")}`)
    else say(byId("armed"), "No breaker is open.")
  }
}

/** @param {BreakerFacts} breaker */
function row(breaker) {
  const until = make("span", { class: "breaker-left" })
  if (breaker.until) countDown(until, breaker.until, "about to move on")
  const opened = breaker.opened_at ? `since ${clockTime(breaker.opened_at)}` : ""
  return make("li", { class: "breaker", "data-cause": breaker.cause, "data-phase": breaker.phase },
    icon(breaker.phase === "half_open" ? "info" : "warn"),
    make("div", { class: "breaker-body" },
      make("p", { class: "breaker-head" },
        make("strong", {}, breaker.title),
        breaker.cause === "state" ? null : make("span", { class: `badge ${breaker.phase === "open" ? "badge-alarm" : "badge-warn"}` }, PHASES[/** @type {"open"} */ (breaker.phase)] ?? breaker.phase),
        make("span", { class: "muted" }, opened)),
      breaker.reason ? make("p", {}, breaker.reason) : null,
      breaker.way_back ? make("p", { class: "breaker-way" }, make("span", { class: "label" }, "Way back"), ` ${breaker.way_back}`) : null),
    breaker.until ? make("p", { class: "breaker-until" }, make("span", { class: "label" }, "Moves on in"), until) : make("p", { class: "breaker-until muted" }, breaker.cause === "state" ? "" : "Not by itself"))
}
