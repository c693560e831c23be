/**
 * The wire's shapes, for the type checker and the reader. Money, prices and quantities are strings.
 *
 * @typedef {{name: string, base: string, quote: string, tick: string, step: string}} SymbolSpec
 * @typedef {{id: string, name: string, venue: string, currency: string}} Account
 * @typedef {{account: Account, symbols: SymbolSpec[], symbol: string | null,
 *   urls?: Record<string, string>}} DeskConfig
 *
 * @typedef {{code: string, title?: string, ok: boolean, effect?: "block" | "advise",
 *   measured?: string, limit?: string, unit?: string, message: string,
 *   needs_acknowledgement?: boolean}} Verdict
 *
 * @typedef {{before: string, after: string, limit: string}} GaugeFigures
 *
 * @typedef {{lever: "size" | "stop" | "target" | "wait" | "close", title: string, text: string,
 *   plan?: {risk_fraction?: string, stop?: string, target?: string}, until?: string | null,
 *   close?: string[]}} Fix a plan near the refused one that passes; verified by the server
 *
 * @typedef {{break_even?: boolean, break_even_r?: string, trail_r?: string, trail_percent?: string,
 *   trail_atr?: string, close_after_minutes?: string}} Management rules for the open position
 * @typedef {{expires_at?: string, management?: Management,
 *   targets?: {price: string, share: string}[]}} Wish
 *
 * @typedef {{ok: boolean, kind: "now" | "pullback" | "breakout", account: string, symbol: string,
 *   side: "long" | "short", entry: string, worst_entry: string, stop: string, target: string,
 *   quantity: string, notional: string, risk_fraction: string, risk_budget: string,
 *   planned_risk: string, rounding_loss: string, bound: string, reward_to_risk: string | null,
 *   reward_to_risk_gross: string | null, planned_profit: string, entry_fee: string,
 *   exit_fee: string, currency: string, quoted_price: string, quoted_at: string,
 *   expires_at?: string | null, management?: Management,
 *   parts?: {price: string, share: string, quantity: string}[], verdicts: Verdict[], fixes?: Fix[],
 *   gauges: {heat: GaugeFigures, day_loss: GaugeFigures}}} Preview
 *
 * @typedef {{account: string, symbol: string, side: "long" | "short", entry: string, stop: string,
 *   target: string, risk_fraction?: string} & Wish} Drawing
 *
 * @typedef {{id: string, version: number, account: string, symbol: string, base?: string,
 *   side: "long" | "short", kind: string, waits?: "line" | "exchange" | null,
 *   expires_at?: string | null, state: string, state_text: string, entry: string, worst_entry: string,
 *   stop: string, target: string, planned_stop?: string, planned_target?: string,
 *   move?: {stop: string, target: string, why: string, state: string} | null,
 *   targets?: {price: string, share: string, sold: boolean}[], sold_quantity?: string,
 *   quantity: string, planned_risk: string, risk_budget: string,
 *   initial_risk: string | null, reward_to_risk: string | null, entry_price: string | null,
 *   exit_price: string | null, entered_quantity: string, held_quantity: string,
 *   protected: boolean, unprotected: boolean, unprotected_since?: string | null, order_ms: number | null, protected_ms: number | null,
 *   r_multiple: string | null, profit: string | null, fees: string | null,
 *   exit_reason: string | null, placed_at: string, opened_at: string | null,
 *   closed_at: string | null, currency: string}} Trade
 *
 * @typedef {{price: string, bid: string, ask: string, at: number,
 *   candle?: [number, string, string, string, string, string]}} Tick
 *
 * @typedef {{value: string, limit: string, room: string}} Room
 * @typedef {{account: string, currency: string, state: string, equity: string, cash: string,
 *   heat: Room, day_loss: Room, positions: {value: number | string, limit: number | string},
 *   streak: {value: number | string, limit: number | string}, messages: string[],
 *   state_reason?: string, warnings?: string[],
 *   exchange?: import("testudo/desk/exchange_trouble.js").ExchangeTrouble | null}} Risk
 */
export {}
