/** What an open trade is worth at a price: exact, for display only. The journal's figures are the server's. */
import { Decimal } from "testudo/decimal.js"

/**
 * @param {import("testudo/desk/types.js").Trade} trade
 * @param {import("testudo/desk/types.js").Tick | undefined} tick
 * @returns {{profit: Decimal, r: Decimal | null, toStop: Decimal | null} | null}
 *   profit before the exit fee; `toStop` the way left to the stop in percent of the price
 */
export function markToMarket(trade, tick) {
  const entry = Decimal.maybe(trade.entry_price)
  if (!tick || !entry || Decimal.of(trade.held_quantity).sign === 0) return null
  // A long is worth what it can be sold at.
  const price = Decimal.of(trade.side === "long" ? tick.bid : tick.ask)
  const towards = trade.side === "long" ? price.minus(entry) : entry.minus(price)
  // What was sold at a nearer target counts as well: the R shown is the whole trade's.
  const exit = Decimal.maybe(trade.exit_price)
  const gained = exit && (trade.side === "long" ? exit.minus(entry) : entry.minus(exit))
  const taken = gained ? gained.times(Decimal.of(trade.sold_quantity ?? "0")) : Decimal.of("0")
  const profit = towards.times(Decimal.of(trade.held_quantity)).plus(taken)
  const risk = Decimal.maybe(trade.initial_risk)
  const stop = Decimal.of(trade.stop)
  const room = trade.side === "long" ? price.minus(stop) : stop.minus(price)
  const toStop = room.times(Decimal.of("100")).over(price, 2)
  return { profit, r: risk ? profit.over(risk, 2) : null, toStop }
}
