/**
 * What the API says of risk, for the type checker and the reader. Money and fractions are strings.
 *
 * @typedef {{code: string, title: string, used: string, limit: string, room: string, share: string,
 *   unit: string, warn: boolean, broken: boolean, text: string}} Gauge
 *   `share` is used over limit, 1 is full; `unit` a currency, what is counted, or "of …" for a fraction
 * @typedef {{cause: string, title: string, phase: "closed" | "open" | "half_open",
 *   opened_at: string | null, until: string | null, reason: string, way_back: string}} BreakerFacts
 * @typedef {{start_equity: string, late: boolean, ends_at: string, lost: string, flows: string}} Period
 * @typedef {import("testudo/desk/types.js").Risk & {state_reason: string, state_until: string | null,
 *   at: string, version: number, locked: string, available: string, nav: string, peak_nav: string,
 *   drawdown: string, day: Period, week: Period, gauges: Gauge[], breakers: BreakerFacts[],
 *   holdings: Holding[],
 *   by_symbol: {symbol: string, side: "long" | "short", heat: string, exposure: string,
 *     open_risk: string}[],
 *   unprotected: {trade: string, symbol: string, base: string, held_quantity: string, state: string,
 *     since: string}[],
 *   naked: {days: number, trades: number, p50_ms: number, p99_ms: number, longest_ms: number,
 *     unprotected_now: number},
 *   warnings: string[], pending_changes: number, open_risk?: string}} RiskFacts
 *   `open_risk` only where a frame brought it; else it is the sum of `by_symbol`
 *
 * @typedef {{asset: string, quantity: string, value: string | null}} Holding what counts nowhere
 * @typedef {{id: string, symbol: string, asset: string, quantity: string, entry: string,
 *   stop: string | null, declared_at: string, worth: string, heat: string}} Managed
 *   `worth` counts in equity, `heat` in heat
 *
 * @typedef {{at: string, equity: string, heat: string, open_risk: string, day_lost: string,
 *   drawdown: string, state: string,
 *   gauges: Omit<Gauge, "title" | "limit" | "unit">[]}} LiveRisk
 *
 * @typedef {{at: string, equity: string, nav: string, heat: string, exposure: string,
 *   open_risk: string, drawdown: string}} Point
 *
 * @typedef {string | number | boolean} LimitValue
 * @typedef {{id: string, name: string, title: string, from: LimitValue, to: LimitValue,
 *   asked_at: string, earliest_at: string, waits_for: string[], text: string}} Change
 * @typedef {{account: string, limits: Record<string, LimitValue>,
 *   caps: Record<string, [LimitValue, LimitValue]>, defaults: Record<string, LimitValue>,
 *   tighter: Record<string, "lower" | "higher">, presets: Record<string, Record<string, LimitValue>>,
 *   titles: Record<string, string>, units: Record<string, string>, texts: Record<string, string>,
 *   reset_zone: string, pending: Change[]}} Profile
 *
 * @typedef {{id: string, number: number, kind: string, at: string, hash: string, title: string,
 *   reading: string, symbol: string | null, codes: string[], rules_version: string | null}} DecisionRow
 * @typedef {DecisionRow & {payload: any, keyed_hash: string, verdicts: import("testudo/desk/types.js").Verdict[],
 *   replay: {same: boolean | null, differences: string[]}, intact: boolean}} DecisionFacts
 */
export {}
