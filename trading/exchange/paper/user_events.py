"""The user data stream's events on the wire.

Source: binance-spot-api-docs, user-data-stream.md. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from trading.exchange.paper.orders import MARKET_LIKE, NEW, Order, OrderList, Trade
from trading.exchange.paper.reports import NO_TRADE_GROUP, Json
from trading.exchange.paper.values import E8, from_e8


@dataclass(frozen=True, slots=True)
class Prevention:
    """What self-trade prevention did to one order, for its event."""

    match_id: int
    last_quantity: int
    counter_order_id: int
    price: int
    quantity: int  # that would have traded


def execution_report(
    order: Order,
    execution: str,
    *,
    execution_id: int,
    at_ms: int,
    now_ms: int,
    fill: Trade | None = None,
    cancel_id: str = "",
    prevented: Prevention | None = None,
    was_named: str = "",
) -> Json:
    """The executionReport event: what happened to an order (`x`) and where it stands now (`X`).

    An order that ends as a market order is on the book (`w`) in its NEW only, as
    faqs/market_orders_faq.md shows it; `W` stays from then on.
    """
    event: Json = {
        "e": "executionReport",
        "E": now_ms,
        "s": order.symbol,
        "c": cancel_id or order.client_id,
        "S": order.side,
        "o": order.type,
        "f": order.time_in_force,
        "q": from_e8(order.quantity),
        "p": from_e8(order.price),
        "P": from_e8(order.stop_price),
        "F": from_e8(order.iceberg),
        "g": order.list_id,
        "C": was_named or (order.client_id if cancel_id else ""),
        "x": execution,
        "X": order.status,
        "r": "NONE",
        "i": order.id,
        "l": from_e8(fill.quantity if fill else 0),
        "z": from_e8(order.filled),
        "L": from_e8(fill.price if fill else 0),
        "n": from_e8(fill.commission) if fill else "0",
        "N": fill.commission_asset if fill else None,
        "T": at_ms,
        "t": fill.id if fill else -1,
        "I": execution_id,
        "w": order.is_on_book and (order.type not in MARKET_LIKE or execution == NEW),
        "m": bool(fill.is_maker) if fill else False,
        "M": False,
        "O": order.created_ms,
        "Z": from_e8(order.quote_filled),
        "Y": from_e8(fill.quote if fill else 0),
        "Q": from_e8(order.quote_quantity),
        "V": order.stp_mode,
    }
    if order.working_ms >= 0:
        event["W"] = order.working_ms
    if order.trailing_delta:
        event["d"] = order.trailing_delta
        event["D"] = order.trailing_ms
    if order.prevented_match_id is not None:
        event["v"] = order.prevented_match_id
        event["A"] = from_e8(order.prevented)
    if prevented is not None:
        event |= {
            "B": from_e8(prevented.last_quantity),
            "u": NO_TRADE_GROUP,
            "U": prevented.counter_order_id,
            "Cs": order.symbol,
            "pl": from_e8(prevented.quantity),
            "pL": from_e8(prevented.price),
            "pY": from_e8(prevented.price * prevented.quantity // E8),
        }
    if order.strategy_id is not None:
        event["j"] = order.strategy_id
    if order.strategy_type is not None:
        event["J"] = order.strategy_type
    if order.expiry_reason is not None:
        event["eR"] = order.expiry_reason
    return event


def list_event(listed: OrderList, *, at_ms: int, now_ms: int) -> Json:
    """The listStatus event."""
    return {
        "e": "listStatus",
        "E": now_ms,
        "s": listed.symbol,
        "g": listed.id,
        "c": listed.contingency,
        "l": listed.status_type,
        "L": listed.order_status,
        "r": "NONE",
        "C": listed.client_id,
        "T": at_ms,
        "O": [{"s": listed.symbol, "i": number, "c": name} for number, name in listed.members],
    }


def position_event(balances: Sequence[tuple[str, int, int]], *, at_ms: int, now_ms: int) -> Json:
    """The outboundAccountPosition event: (asset, free, locked) of what may have changed."""
    return {
        "e": "outboundAccountPosition",
        "E": now_ms,
        "u": at_ms,
        "B": [
            {"a": asset, "f": from_e8(free), "l": from_e8(locked)}
            for asset, free, locked in balances
        ],
    }


def balance_event(asset: str, delta: int, *, at_ms: int, now_ms: int) -> Json:
    """The balanceUpdate event: money from outside, or to outside."""
    return {"e": "balanceUpdate", "E": now_ms, "a": asset, "d": from_e8(delta), "T": at_ms}
