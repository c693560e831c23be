"""Self-trade prevention: what happens where an account would trade with itself. Pure.

The taker's mode decides (faqs/stp_faq.md). Accounts have no trade groups here, and between orders
of one account TRANSFER is DECREMENT, on Binance too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trading.exchange.paper import orders as o
from trading.exchange.paper.orders import Order, PreventedMatch
from trading.exchange.paper.user_events import Prevention

if TYPE_CHECKING:
    from trading.exchange.paper.execution import Execution

TAKES_TAKER = frozenset({o.EXPIRE_TAKER, o.EXPIRE_BOTH})
TAKES_MAKER = frozenset({o.EXPIRE_MAKER, o.EXPIRE_BOTH})


def prevent(engine: Execution, taker: Order, maker: Order, left: int) -> int:
    """Keep the two apart. Returns how much of the taker that used up."""
    mode = taker.stp_mode
    price, would = maker.price, min(left, maker.remaining)
    if mode in (o.DECREMENT, o.TRANSFER):
        mode, from_taker, from_maker = o.DECREMENT, would, would
    else:
        from_taker = taker.remaining if mode in TAKES_TAKER else 0
        from_maker = maker.remaining if mode in TAKES_MAKER else 0
    prevented = engine.counters.prevented
    number = prevented.get(taker.symbol, -1) + 1
    prevented[taker.symbol] = number
    engine.new_prevented.append(
        PreventedMatch(
            symbol=taker.symbol,
            id=number,
            account=taker.account,
            taker_order_id=taker.id,
            maker_order_id=maker.id,
            mode=mode,
            price=price,
            taker_quantity=from_taker,
            maker_quantity=from_maker,
            at_ms=engine.now_ms,
        )
    )
    for order, lost, counter in ((maker, from_maker, taker), (taker, from_taker, maker)):
        if lost:
            _reduce(engine, order, lost, Prevention(number, lost, counter.id, price, would))
    return left if mode in TAKES_TAKER else from_taker


def _reduce(engine: Execution, order: Order, lost: int, what: Prevention) -> None:
    """Take a quantity off an order; with nothing left it expires."""
    order.prevented += lost
    order.prevented_match_id = what.match_id
    order.updated_ms = engine.now_ms
    if order.remaining:
        order.shown = min(order.shown, order.remaining)
        engine.waiting[order.symbol].changed(order)
        if order.locked:
            engine.relock(order)
        engine.report(order, "TRADE_PREVENTION", prevented=what)
        return
    engine.end(order, o.EXPIRED_IN_MATCH, prevented=what)
    engine.close(order)
