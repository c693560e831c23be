"""The legs of a position with several targets: which parts are open, and a pair for each.

The entry is one list, so it fills whole or not at all, and its stop covers everything from the
first moment. Once it rests, the pair becomes one pair per part (`moves.request_split`), and every
later move lays out what is left the same way. Call it with the trade's lock.
"""

from collections.abc import Collection, Iterable
from decimal import Decimal

from risk.manage_rules import read
from risk.part_targets import Part, PartTarget, layout, least_quantity, shares_of
from trading.market.symbols import UnknownSymbol, rules
from trading.models import Leg, MoveReason, Order, Trade
from trading.order_states import TradeState

WHOLE = 0  # the part of a pair that sells everything


def sold(orders: Iterable[Order]) -> set[int]:
    """The parts whose target has sold."""
    return {order.part for order in orders if order.leg == Leg.TARGET and order.filled > 0}


def laid_out(
    trade: Trade,
    quantity: Decimal,
    *,
    stop: Decimal,
    target: Decimal,
    without: Collection[int] = (),
) -> tuple[Part, ...]:
    """The quantity in parts, as the exchange takes them; one where the trade has one target, or
    where it is too small for more. `without`: parts that are sold, or rest already."""
    symbol = rules(trade.account.venue, trade.symbol)
    nearer = read(trade.management).targets
    numbered = [(WHOLE, PartTarget(target, Decimal(1)))]
    if nearer:
        numbered = list(enumerate(shares_of(nearer, target), 1))
        numbered = [each for each in numbered if each[0] not in without] or numbered[-1:]
    least = min(least_quantity(symbol, stop), quantity)
    return layout(quantity, numbered, step=symbol.exit_step, least=least)


def split_is_due(trade: Trade) -> bool:
    """Whether an open position still has one pair and is to be sold in parts. Tried once: where
    the exchange refuses, the whole keeps its stop and the last target."""
    if not trade.management.get("targets") or trade.state != TradeState.OPEN or not trade.held:
        return False
    if trade.moves.filter(why=MoveReason.TARGETS).exists():
        return False
    try:
        parts = laid_out(trade, trade.held, stop=trade.stop_now, target=trade.target_now)
    except UnknownSymbol:
        return False  # delisted: its pair stays as it is
    return len(parts) > 1
