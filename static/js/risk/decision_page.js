/** One record of the decision log in full: what was judged, whether it is untouched, and today's rules on it. */
import { byId, make, pageData, say } from "testudo/dom.js"
import { figure, money, percent } from "testudo/format.js"
import { get, NoAnswer, reason } from "testudo/net/api.js"
import { showVerdicts, summary } from "testudo/desk/verdicts.js"
import { badge } from "testudo/risk/decision_log.js"

/** @typedef {import("testudo/risk/types.js").DecisionFacts} DecisionFacts */

const { decision } = pageData("decision-config")
const WHEN = new Intl.DateTimeFormat(document.documentElement.lang || "en", {
  dateStyle: "full", timeStyle: "long", hour12: false,
})
const failed = byId("decision-failed")

/** What the plan's figures are called, in the order a trader reads them. @type {[string, string, (value: any) => string][]} */
const FACTS = [
  ["symbol", "Symbol", String],
  ["side", "Side", String],
  ["entry", "Entry", number(figure)],
  ["stop", "Stop", number(figure)],
  ["target", "Target", number(figure)],
  ["quantity", "Quantity", number(figure)],
  ["planned_risk", "Worst planned loss", number(money)],
  ["risk_fraction", "Risk", number(percent)],
  ["reward_to_risk", "Reward to risk, net", number((value) => figure(value, 2))],
  ["worth", "Of equity", number(money)],
  ["heat", "Of heat", number(money)],
  ["cause", "Cause", words],
  ["phase", "Phase", words],
  ["name", "Limit", words],
  ["from", "From", String],
  ["to", "To", String],
  ["by", "By", words],
]

async function read() {
  failed.hidden = true
  try {
    const answer = await get(`/api/v1/decisions/${decision}`)
    if (answer.ok) show(answer.body)
    else fail(reason(answer))
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error
    fail(error.message)
  }
}

/** @param {string} why */
function fail(why) {
  failed.hidden = false
  say(/** @type {Element} */ (failed.querySelector("span")), `The record cannot be read. ${why}`)
  say(byId("decision-title"), "Not read")
}

/** @param {DecisionFacts} facts */
function show(facts) {
  byId("decision-title").replaceChildren(facts.title)
  byId("decision-when").replaceChildren(badge(facts.kind), " ", make("time", { datetime: facts.at }, WHEN.format(new Date(facts.at))))
  say(byId("decision-reading"), facts.reading)
  document.title = `${facts.title} · Testudo`
  showJudged(facts)
  showChain(facts)
  showReplay(facts)
  showPlan(facts.payload)
  say(byId("payload"), JSON.stringify(facts.payload, null, 2))
  byId("decision-body").hidden = false
}

/** @param {DecisionFacts} facts */
function showJudged({ verdicts }) {
  byId("verdicts-empty").hidden = verdicts.length > 0
  showVerdicts(byId("verdicts"), verdicts)
  say(byId("verdicts-count"), verdicts.length ? summary(verdicts).text : "")
}

/** @param {string} id @param {"good" | "bad" | "none"} outcome @param {string} title @param {string} text */
function prove(id, outcome, title, text) {
  const panel = byId(id)
  panel.dataset.outcome = outcome
  say(/** @type {Element} */ (panel.querySelector("h2 span")), title)
  say(/** @type {Element} */ (panel.querySelector(".proof-text")), text)
}

/** @param {DecisionFacts} facts */
function showChain({ intact, number, hash, keyed_hash }) {
  say(byId("decision-number"), `#${number}`)
  say(byId("decision-hash"), hash)
  say(byId("decision-keyed"), keyed_hash)
  if (intact) prove("chain", "good", "Untouched", "The keyed hash follows from the record before it and from every figure here.")
  else prove("chain", "bad", "Changed, or its place in the chain", "The hash does not follow from this record and the one before it. Trust neither; ask the operator.")
}

/** @param {DecisionFacts} facts */
function showReplay({ replay, rules_version }) {
  say(byId("decision-rules"), rules_version === null ? "–" : `Version ${rules_version}`)
  const list = /** @type {HTMLElement} */ (byId("replay").querySelector(".differences"))
  list.replaceChildren(...replay.differences.map((text) => make("li", {}, text)))
  if (replay.same === null) prove("replay", "none", "Nothing to replay", "This record judges no plan.")
  else if (replay.same) prove("replay", "good", "Same verdict today", "Today's rules, run on the recorded inputs, say exactly what was said then.")
  else prove("replay", "bad", "Another verdict today", "Run on the recorded inputs, today's rules differ:")
}

/** @param {any} payload */
function showPlan(payload) {
  // Objects (the whole plan, the book) stay in the record below; here are the figures a trader knows.
  const plain = FACTS.filter(([name]) => ["string", "number"].includes(typeof payload?.[name]) && payload[name] !== "")
  byId("plan").hidden = plain.length === 0
  say(byId("plan-title"), payload?.target ? "The plan" : "The figures")
  byId("plan-facts").replaceChildren(...plain.map(([name, title, write]) =>
    make("div", {}, make("dt", {}, title), make("dd", {}, write(payload[name])))))
}

/** A figure in a trader's looks; anything else as it stands. @param {(value: string) => string} write @returns {(value: any) => string} */
function number(write) {
  return (value) => (/^-?\d+(\.\d+)?$/.test(String(value)) ? write(String(value)) : String(value))
}

/** @param {any} code */
function words(code) {
  return String(code).replaceAll("_", " ")
}

failed.querySelector("button")?.addEventListener("click", read)
read()
