"""I3: when a position had no stop while the exchange could be reached, and whether that may be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tests.drills.ledger import at, naked_spans
from tests.drills.seen import Finding, Seen, Span
from trading.client_ids import client_id
from trading.decide import POLL_EVERY
from trading.exchange.paper.orders import Order as VenueOrder
from trading.exchange.paper.values import to_e8
from trading.models import Trade


@dataclass(frozen=True, slots=True)
class Naked:
    """A time in which a position had no stop and the exchange could be reached."""

    trade_id: str
    since: datetime
    until: datetime
    began: datetime  # when it became naked, reachable or not
    database_down: bool = False  # meanwhile, for a part of it
    unheard: bool = False  # by the trader's hand or a fault, and no stream told of it

    @property
    def lasted(self) -> timedelta:
        return self.until - self.since


MOST = timedelta(seconds=5)
MOST_WITHOUT_DATABASE = timedelta(seconds=10)
MOST_UNHEARD = POLL_EVERY + MOST


def never_naked(seen: Seen) -> Iterator[Finding]:
    """I3: no position without its stop beyond the bound, while the exchange could be reached.

    Without the database nobody may send anything, for nobody could say what was sent before. Who is
    caught naked by its death is bound by how soon trading must go on after it (M6). What was taken
    away by hand while the stream had fallen silent is found by the next poll (R13).

    After a full fill whose legs were accepted never at all: but for a move or a close, which takes
    them down, for what a fault or the trader's own hand did to them, and where the price jumped
    past entry and stop at once: then the exchange refuses to arm them.
    """
    taken_down = {at(each.updated_ms) for each in seen.venue.orders if each.status == "CANCELED"}
    for naked in naked_times(seen):
        seconds = naked.lasted.total_seconds()
        said = f"{naked.trade_id} was naked for {seconds:.3f} s from {naked.since:%X.%f}"
        most = MOST_WITHOUT_DATABASE if naked.database_down else MOST
        most = MOST_UNHEARD if naked.unheard else most
        if naked.lasted > most:
            yield Finding("I3", said)
            continue
        trade = Trade.objects.get(pk=naked.trade_id)
        entry = next(each for each in orders_of(seen, trade) if each.side == "BUY")
        whole = entry.status == "FILLED" and at(entry.updated_ms) <= naked.began
        if (trade.symbol, naked.began) in seen.jumps:
            continue
        if whole and naked.began not in taken_down and not seen.excuses(naked.trade_id):
            yield Finding("I3", f"{said}, though its legs were accepted and nobody touched them")


def naked_times(seen: Seen) -> list[Naked]:
    """When positions were naked while the exchange could be reached."""
    found = []
    for trade in Trade.objects.filter(account=seen.account):
        orders, hurt = orders_of(seen, trade), seen.excuses(str(trade.pk))
        ids = {order.id for order in orders}
        trades = [each for each in seen.venue.trades if each.order_id in ids]
        spans = naked_spans(
            orders, trades, base=trade.base_asset, dust=to_e8(trade.dust), now_ms=seen.venue.now_ms
        )
        for since, until in spans:
            found += [
                Naked(
                    str(trade.pk),
                    *part,
                    began=at(since),
                    database_down=any(_meet(*part, down) for down in seen.database_down),
                    unheard=hurt and any(lost.holds(at(since)) for lost in seen.unheard),
                )
                for part in _without(at(since), at(until), seen.unreachable)
            ]
    return found


def orders_of(seen: Seen, trade: Trade) -> list[VenueOrder]:
    """What the exchange holds of a trade: by our rows and the ids only we make."""
    prefix = client_id(trade.pk, "E")[:-5]
    rows = set(trade.orders.values_list("client_order_id", flat=True))
    return [
        order
        for order in seen.venue.orders
        if order.client_id in rows or order.client_id.startswith(prefix)
    ]


def _meet(since: datetime, until: datetime, other: Span) -> bool:
    return since < (other.until or until) and other.since < until


def _without(
    since: datetime, until: datetime, holes: Sequence[Span]
) -> list[tuple[datetime, datetime]]:
    """The parts of an interval outside all holes."""
    parts = [(since, until)]
    for hole in holes:
        end = hole.until or until
        parts = [
            part
            for start, stop in parts
            for part in ((start, min(stop, hole.since)), (max(start, end), stop))
            if part[0] < part[1]
        ]
    return parts
