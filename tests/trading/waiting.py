"""Entries that wait, on the virtual floor: drawing them, and filling them at the exchange."""

from datetime import timedelta
from decimal import Decimal

from risk.symbols import floor_to_tick
from testudo import clock
from trading import orders, reconcile
from trading.exchange.factory import exchange_for
from trading.exchange.paper.values import to_e8
from trading.models import Order, Trade
from trading.plans import Drawing

SECOND = timedelta(seconds=1)
TICK = Decimal("0.01")


def at(price: Decimal, share: str) -> Decimal:
    return floor_to_tick(price * (1 + Decimal(share)), TICK)


def drawn_away(floor, away: str, *, symbol="BTCUSDT", stop="-0.012", target="0.04", **changes):
    """A long whose entry lies `away` from the ask; stop and target at fractions of that entry."""
    ask = floor.quote_of("paper", symbol).ask
    entry = at(ask, away)
    facts = {
        "symbol": symbol,
        "side": "long",
        "entry": entry,
        "stop": at(entry, stop),
        "target": at(entry, target),
        "quoted_price": ask,
        "quoted_at": clock.now(),
    }
    return Drawing(**{**facts, **changes})


def place(floor, account, drawing) -> Trade:
    return orders.place_trade(account, drawing, quote_of=floor.quote_of)


def leg(trade, name: str) -> Order:
    """The newest order of that leg."""
    return trade.orders.filter(leg=name).order_by("client_order_id").last()  # ends in the attempt


def fill(floor, trade: Trade, share: str) -> Decimal:
    """The resting entry is bought in part, as a maker. Returns how much."""
    engine = floor.paper.engine
    entry = leg(trade, "entry")
    order = next(o for o in engine.orders.values() if o.client_id == entry.client_order_id)
    step = 1000  # of BTCUSDT and its kin, in e8
    part = to_e8(entry.quantity * Decimal(share)) // step * step
    part = min(part, order.remaining)
    engine.fill(order, order.price, part, is_maker=True)
    engine.settle()
    floor.paper.tick(clock.now_ms())
    floor.paper.commit()
    return Decimal(part) / 10**8


def heard(floor, trade: Trade) -> Trade:
    """What the user stream brings about: the trade is read back, and a turn follows."""
    reconcile.catch_up_trade(trade.pk, exchange=exchange_for(trade.account))
    floor.turn(trade.account)
    trade.refresh_from_db()
    return trade


def pass_seconds(floor, trade: Trade, seconds: int) -> Trade:
    """Each second a turn, as the guard takes it."""
    for _ in range(seconds):
        floor.advance(SECOND)
        floor.turn(trade.account)
    trade.refresh_from_db()
    return trade
