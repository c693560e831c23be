/** The trade desk: makes the parts and joins them. Each part's own job is in its own file. */
import { byId, debounce, pageData, say } from "testudo/dom.js"
import { duration } from "testudo/format.js"
import { get, NoAnswer } from "testudo/net/api.js"
import { showLink } from "testudo/shell.js"
import { TickGrid } from "testudo/ticks.js"
import { LineTags } from "testudo/chart/line_tags.js"
import { MarketChart } from "testudo/chart/market_chart.js"
import { PositionTool } from "testudo/chart/position_tool.js"
import { TradeLines } from "testudo/chart/trade_lines.js"
import { AccountFeed } from "testudo/desk/account_feed.js"
import { AccountStrip } from "testudo/desk/account_strip.js"
import { MarketBar } from "testudo/desk/market_bar.js"
import { MarketFeed } from "testudo/desk/market_feed.js"
import { clearNotice, notice } from "testudo/desk/notices.js"
import { Plan } from "testudo/desk/plan.js"
import { nearerTargets } from "testudo/desk/position_row.js"
import { Positions } from "testudo/desk/positions.js"
import { ofTrade, UnprotectedAlarm } from "testudo/desk/unprotected.js"
import { Ticket } from "testudo/desk/ticket.js"
import { Trades } from "testudo/desk/trades.js"
import { planKeys } from "testudo/desk/plan_keys.js"

/** @type {import("testudo/desk/types.js").DeskConfig} */
const config = pageData("desk-config")
const { account, symbols } = config
const wanted = new URLSearchParams(location.search).get("symbol") ?? config.symbol
const symbol = symbols.find((one) => one.name === wanted) ?? symbols[0]
if (!symbol) throw new Error(`No symbol of ${account.venue} is quoted in ${account.currency}.`)
byId("symbol", HTMLSelectElement).value = symbol.name
const urls = {
  candles: "/api/v1/candles",
  preview: "/api/v1/plans/preview",
  trades: "/api/v1/trades",
  risk: `/api/v1/accounts/${account.id}/risk`,
  market_socket: `/ws/market/?venue=${account.venue}`,
  account_socket: `/ws/account/?account=${account.id}`,
  ...config.urls,
}
const grid = new TickGrid(symbol.tick)
const plan = new Plan(grid)
const feed = new MarketFeed(urls.market_socket)
const events = new AccountFeed(urls.account_socket)
const trades = new Trades(urls.trades, account.id)
const strip = new AccountStrip(urls.risk)
const bar = new MarketBar(grid.places)
const alarm = new UnprotectedAlarm(byId("unprotected"))
const positions = new Positions(trades, feed, urls.trades, symbols)

const pane = byId("chart")
const chart = new MarketChart(pane, symbol, grid, fetchCandles)
const tool = new PositionTool(chart, plan, new LineTags(byId("tags")))
const handles = new TradeLines(chart, grid)
const ticket = new Ticket({ config, urls, symbol, plan, feed, tool })
planKeys({ plan, tool, ticket, trades, symbol: symbol.name })

/** @param {string} interval @param {number} [end] */
async function fetchCandles(interval, end) {
  const query = new URLSearchParams({ account: account.id, symbol: symbol.name, interval, limit: "500" })
  if (end) query.set("end", String(end))
  const answer = await get(`${urls.candles}?${query}`)
  if (!answer.ok) throw new NoAnswer(answer.body?.detail ?? `The server answered ${answer.status}.`)
  return answer.body.candles
}

/** The chart says what it is doing until candles are on it. */
async function loadChart() {
  const state = byId("chart-state")
  byId("chart-retry").hidden = true
  state.hidden = false
  state.dataset.state = "loading"
  say(byId("chart-state-text"), "Loading candles")
  try {
    await chart.load(bar.interval)
    state.hidden = chart.candles.last !== null
    if (!chart.candles.last) {
      state.dataset.state = "empty"
      say(byId("chart-state-text"), `No ${bar.interval} candles of ${symbol.name} yet.`)
    }
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error
    state.dataset.state = "failed"
    say(byId("chart-state-text"), `Candles cannot be loaded. ${error.message}`)
    byId("chart-retry").hidden = false
  }
}

function showTradeLines() {
  if (handles.held) return // drawn again when it is dropped
  /** @type {import("testudo/chart/trade_lines.js").Handle[]} */
  const movable = []
  /** @type {Map<string, {price: number, title: string, colour: string}>} */
  const lines = new Map()
  for (const trade of trades.open.filter((one) => one.symbol === symbol.name)) {
    const add = (/** @type {string} */ name, /** @type {string} */ price, /** @type {string} */ colour) =>
      lines.set(`${trade.id}-${name}`, { price: Number(price), title: name, colour })
    add(trade.entry_price ? "in at" : "entry", trade.entry_price ?? trade.entry, "--muted")
    add("stop", trade.stop, "--line-stop")
    add("target", trade.target, "--line-target")
    for (const [at, part] of nearerTargets(trade).entries()) add(`part ${at + 1}`, part.price, "--line-target")
    if (trade.state !== "open") continue
    for (const line of /** @type {const} */ (["stop", "target"])) {
      movable.push({ id: trade.id, line, ticks: grid.of(trade[line]) })
    }
  }
  handles.keep(movable)
  chart.keepLines(lines)
}

function watchPrices() {
  feed.watch([symbol.name, ...trades.open.map((trade) => trade.symbol)])
}

function showFeed() {
  const { state, ageMs } = feed
  const age = Number.isFinite(ageMs) ? duration(Math.max(0, ageMs)) : "no data yet"
  byId("strip-feed").dataset.state = state
  say(byId("strip-feed"), `${state} · ${age}`)
  showLink(events.up || state !== "live" ? state : "connecting", `Market feed: ${state}, ${age} old.`)
  document.querySelector(".desk")?.setAttribute("data-feed", state)
  if (state === "live") return clearNotice("feed")
  if (state === "connecting" && !Number.isFinite(ageMs)) return
  const lead = state === "offline" ? "You are offline." : state === "stale" ? "The market feed is silent." : "The connection is lost; trying again."
  notice("feed", "alarm", `${lead} Prices are ${age} old. Nothing new can be placed until they flow; stops rest on the exchange and hold without this page.`)
}

feed.addEventListener("prices", (event) => {
  const tick = /** @type {CustomEvent} */ (event).detail[symbol.name]
  if (!tick) return
  bar.price(tick, symbol.name)
  if (tick.candle) chart.live(tick.candle)
})
feed.addEventListener("state", showFeed)
feed.addEventListener("age", showFeed)
feed.addEventListener("back", () => chart.mend().catch(() => {})) // the next reconnection tries again

events.addEventListener("event", (event) => {
  const { text, trade } = /** @type {CustomEvent} */ (event).detail
  if (text) positions.log(text)
  trades.take(trade)
  strip.refresh()
})
events.addEventListener("risk", (event) => strip.live(/** @type {CustomEvent} */ (event).detail))
events.addEventListener("refetch", () => {
  trades.read()
  strip.refresh()
})
events.addEventListener("state", (event) => {
  const { up, final } = /** @type {CustomEvent} */ (event).detail
  if (up) clearNotice("account")
  else if (final) notice("account", "alarm", "Your session has ended. Reload the page and sign in again; positions keep their stops.")
  else notice("account", "warn", "Events of your account do not arrive just now; trying again. What is shown below may be old.")
  showFeed()
})
trades.addEventListener("change", () => {
  showTradeLines()
  watchPrices()
  alarm.show(trades.open.filter((trade) => trade.unprotected).map(ofTrade))
  ticket.heed()
})
ticket.addEventListener("placed", (event) => {
  trades.take(/** @type {CustomEvent} */ (event).detail.trade)
  strip.refresh()
})
handles.addEventListener("wish", (event) => {
  const { id, line, price } = /** @type {CustomEvent} */ (event).detail
  positions.proposeMove(id, line, price)
})
handles.addEventListener("back", showTradeLines)
positions.addEventListener("back", showTradeLines)
ticket.addEventListener("show-trades", (event) => positions.show(/** @type {CustomEvent} */ (event).detail.ids))
bar.addEventListener("interval", loadChart)
byId("chart-retry").addEventListener("click", loadChart)
chart.addEventListener("read", debounceFrame((/** @type {any} */ event) => bar.read(event.detail.candle)))
document.documentElement.addEventListener("testudo:theme", debounce(() => {
  chart.recolour()
  tool.primitive.recolour()
  showTradeLines()
}, 30))

/** Once per drawn frame, with the latest. @param {(event: any) => void} action */
function debounceFrame(action) {
  /** @type {any} */
  let latest = null
  return (/** @type {any} */ event) => {
    if (!latest) requestAnimationFrame(() => {
      action(latest)
      latest = null
    })
    latest = event
  }
}

watchPrices()
strip.read()
loadChart()
