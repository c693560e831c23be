/** The risk page: makes the parts and joins them. Each part's own job is in its own file. */
import { byId, debounce, pageData, say } from "testudo/dom.js"
import { get, NoAnswer } from "testudo/net/api.js"
import { showLink } from "testudo/shell.js"
import { AccountFeed } from "testudo/desk/account_feed.js"
import { ExchangeBanner } from "testudo/desk/exchange_trouble.js"
import { clearNotice, notice } from "testudo/desk/notices.js"
import { ofTrade, UnprotectedAlarm } from "testudo/desk/unprotected.js"
import { AccountFigures } from "testudo/risk/account_figures.js"
import { DecisionLog } from "testudo/risk/decision_log.js"
import { History } from "testudo/risk/history.js"
import { Holdings } from "testudo/risk/holdings.js"
import { LimitGauges } from "testudo/risk/limit_gauges.js"
import { PendingChanges } from "testudo/risk/pending_changes.js"
import { RiskSource } from "testudo/risk/risk_source.js"
import { StatePanel } from "testudo/risk/state_panel.js"
import { askFlatten, askHalt, askResume } from "testudo/risk/switches.js"

/** @typedef {import("testudo/risk/types.js").RiskFacts} RiskFacts */

/** @type {{account: import("testudo/desk/types.js").Account}} */
const { account } = pageData("risk-config")
const base = `/api/v1/accounts/${account.id}`
const feed = new AccountFeed(`/ws/account/?account=${account.id}`)
const source = new RiskSource(`${base}/risk`, feed)
const state = new StatePanel()
const gauges = new LimitGauges(byId("limits"))
const figures = new AccountFigures()
const history = new History(`${base}/risk/history`)
const holdings = new Holdings(account, () => source.read())
const alarm = new UnprotectedAlarm(byId("unprotected"))
const banner = new ExchangeBanner(byId("exchange-trouble"))
/** Positions without a stop, by trade. @type {Map<string, import("testudo/desk/unprotected.js").Unprotected>} */
let naked = new Map()
const log = new DecisionLog(account.id)
const pending = new PendingChanges(byId("pending"), showPending)
/** What the wishes that wait were last read for. */
let seen = ""
let limitsDrawn = ""

/** @param {RiskFacts} facts */
function show(facts) {
  state.show(facts)
  gauges.show(facts.gauges)
  figures.show(facts)
  holdings.show(facts)
  history.live(facts)
  drawLimits(facts)
  naked = new Map(facts.unprotected.map(({ trade, ...rest }) => [trade, { id: trade, ...rest }]))
  showNaked()
  banner.show(facts.exchange)
  if (facts.warnings.length) notice("warnings", "warn", facts.warnings.join(" "))
  else clearNotice("warnings")
  if (facts.messages.length && facts.state === "active") notice("messages", "warn", facts.messages.join(" "))
  else clearNotice("messages")
  // Whatever moved the account's version may have moved a wish, too.
  const now = `${facts.version}/${facts.pending_changes}`
  if (now !== seen) readPending()
  seen = now
}

function showNaked() {
  alarm.show([...naked.values()])
  figures.unprotected(new Set([...naked.values()].map((each) => each.symbol)))
}

/** The lines that heat and drawdown must stay under. @param {RiskFacts} facts */
function drawLimits(facts) {
  const limit = facts.gauges.find((one) => one.code === "drawdown")
  const drawdown = limit?.unit.startsWith("of ") ? limit.limit : null
  const lines = { heat: facts.heat.limit, drawdown }
  const key = JSON.stringify(lines)
  if (key === limitsDrawn) return
  limitsDrawn = key
  history.limits(lines)
}

/** @param {import("testudo/risk/types.js").Profile} profile */
function showPending(profile) {
  pending.show(profile)
  byId("pending-empty").hidden = profile.pending.length > 0
  say(byId("pending-empty"), "None. What you loosen in the settings waits here, and can be withdrawn.")
}

async function readPending() {
  try {
    const answer = await get(`/api/v1/risk-profile?account=${account.id}`)
    if (answer.ok) showPending(answer.body)
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error
    seen = "" // asked for again with the next figures
  }
}

const LINKS = /** @type {const} */ ({ loading: "connecting", live: "live", read: "connecting", stale: "stale", failed: "stale", offline: "offline" })
const TROUBLES = {
  stale: "These figures are old: nothing new has come for a while; trying again. Stops rest on the exchange and hold without this page.",
  failed: "The account cannot be read just now; trying again. Stops rest on the exchange and hold without this page.",
  offline: "You are offline. These figures are from before; stops rest on the exchange and hold without this page.",
}

function showFreshness() {
  showLink(LINKS[source.state], source.state === "read" ? "Without live events: read every ten seconds." : "")
  byId("main").dataset.source = source.state
  document.querySelector(".strip")?.classList.toggle("is-stale", ["stale", "failed", "offline"].includes(source.state))
  const trouble = TROUBLES[/** @type {"stale"} */ (source.state)]
  if (trouble) notice("source", "alarm", trouble)
  else clearNotice("source")
}

source.addEventListener("change", () => source.facts && show(source.facts))
source.addEventListener("state", showFreshness)
const readLog = debounce(() => log.read(), 300)
feed.addEventListener("event", (event) => {
  const { event: name, text, trade } = /** @type {CustomEvent} */ (event).detail
  // Warnings and switches are said at once; the page's own figures follow by themselves.
  if (text && /risk_warning|breaker_changed|trading_halted|trading_resumed/.test(name)) notice("alert", name.endsWith("resumed") ? "good" : "warn", text)
  // At once, as the event has it; the figures that are read after it have the last word.
  if (trade?.unprotected) naked.set(trade.id, ofTrade(trade))
  else if (trade) naked.delete(trade.id)
  if (trade) showNaked()
  readLog()
})
feed.addEventListener("refetch", readLog)
feed.addEventListener("state", (event) => {
  const { final } = /** @type {CustomEvent} */ (event).detail
  if (final) notice("session", "alarm", "Your session has ended. Reload the page and sign in again; positions keep their stops.")
})
for (const [id, question] of /** @type {const} */ ([["halt", askHalt], ["flatten", askFlatten], ["resume", askResume]])) {
  byId(id).addEventListener("click", async () => {
    const answer = await question(account.id)
    if (!answer) return
    source.take(answer.body)
    clearNotice("alert")
    readLog()
  })
}

showFreshness()
source.read()
history.load()
log.read()
