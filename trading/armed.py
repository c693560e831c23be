"""What waits for a price, and what is done when the price has come.

The levels are read from PostgreSQL, the truth; `price_watch` keeps them in memory beside the ticks
and hands back what was reached. Reaching a level decides nothing: it is noted in the trade's row
and a turn of the loop is woken, which asks every rule again.

To let something else wait for a price, add its purpose here.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.db import transaction

from risk.wording import plain
from testudo import clock
from trading import events, managing
from trading.bookkeeping import lock_trade, story_of
from trading.crossings import Crossings, Level
from trading.entries import is_armed
from trading.market import prices
from trading.models import EntryKind, Trade
from trading.order_states import TradeState
from trading.settlement import tell
from trading.wake import wake_turn

FRESH = timedelta(seconds=5)  # a price older than that reaches nothing


@dataclass(frozen=True, slots=True)
class Purpose:
    """One reason to wait for a price."""

    levels: Callable[[str], Iterator[Level]]  # of a venue, as PostgreSQL has them now
    reached: Callable[[UUID, Decimal, datetime], bool]  # note it; False: it waits no longer


def levels_of(venue: str) -> list[Level]:
    """Everything that waits for a price of this venue now."""
    return [level for purpose in PURPOSES.values() for level in purpose.levels(venue)]


def note_reached(level: Level, price: Decimal, at: datetime) -> bool:
    """The market was at `price` at that moment, and reached this level. Safe to repeat."""
    return PURPOSES[level.purpose].reached(level.key, price, at)


def sweep(venue: str) -> int:
    """The safety net: the same with the latest prices of Redis. Returns how many were reached."""
    index, now = Crossings(), clock.now()
    levels = levels_of(venue)
    index.set(levels)
    noted = 0
    for symbol in {level.symbol for level in levels}:
        quote = prices.latest(venue, symbol)
        if quote is None or now - quote.seen > FRESH:
            continue
        for level in index.reached(symbol, quote.price):
            noted += note_reached(level, quote.price, now)
    return noted


def _breakouts(venue: str) -> Iterator[Level]:
    """The lines of armed breakouts: above the market for a long."""
    rows = Trade.objects.filter(is_armed(), account__venue=venue)
    for key, symbol, entry, side in rows.values_list("pk", "symbol", "entry", "side"):
        yield Level(key, "breakout", symbol, entry, side == "long")


def _breakout_reached(trade_id: UUID, price: Decimal, at: datetime) -> bool:
    with transaction.atomic():
        trade = lock_trade(trade_id)
        waits = trade.state == TradeState.APPROVED and trade.released_at is None
        if trade.kind != EntryKind.BREAKOUT or not waits or trade.crossed_at is not None:
            return False
        trade.crossed_at = at
        trade.version += 1
        trade.save(update_fields=["crossed_at", "version"])
        with story_of(trade.orders.first()):
            fact = {"account_id": trade.account_id, "trade_id": trade.pk, "symbol": trade.symbol}
            text = (
                f"The price of {plain(price)} reached the line at {plain(trade.entry)}. "
                "Every rule is asked again."
            )
            tell(trade.account_id, events.LineReached(**fact, text=text))
        wake_turn(trade.account_id)
    return True


PURPOSES = {
    "breakout": Purpose(_breakouts, _breakout_reached),
    managing.PURPOSE: Purpose(managing.levels, managing.reached),
}
