"""What PostgreSQL knows of one account, before any price: the part of the book no tick changes.

Read in one statement, however many trades there are. Money is in the account's reporting currency.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_CEILING, Context, Decimal
from typing import Any
from uuid import UUID

from django.db import connection

from testudo import clock
from trading.book_known import Known, known_of
from trading.book_reads import ORDERS, READ
from trading.market.prices import Quote
from trading.models import AccountRisk, ExchangeAccount, Fill, Leg
from trading.order_states import LIVE, TERMINAL
from trading.positions import FillFact, OrderFact, position_of

ZERO = Decimal(0)
QuoteOf = Callable[[str, str], Quote | None]  # (venue, symbol) → latest prices
ALGO = ("STOP_LOSS", "TAKE_PROFIT")  # what the types of an exchange's algo orders begin with
HOLDING_FEE = Decimal("0.001")  # what selling one at its stop costs: Binance's standard rate


@dataclass(frozen=True, slots=True, kw_only=True)
class Stake:
    """One unfinished trade or managed holding, without a price."""

    symbol: str
    side: str
    quantity: Decimal  # held, base asset; of a pending entry: planned
    entry: Decimal  # average paid; of a pending entry: its worst
    stop: Decimal | None  # None: a holding without one
    fee_rate: Decimal
    planned_risk: Decimal | None = None  # of a pending entry; None: something is held
    cash: Decimal = ZERO  # reserved for a pending entry
    trade_id: UUID | None = None  # None: a declared holding
    counts: bool = True  # as a position: a declared holding takes none of the trader's places


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """One closed trade, as the pauses look at it."""

    id: UUID
    closed_at: datetime
    profit: Decimal | None
    initial_risk: Decimal | None
    symbol: str
    setup: str
    stopped_out: bool
    in_plan: bool  # it ended at its stop or target, not by hand
    counted: bool  # the streak's breaker has it in

    @property
    def lost(self) -> bool:
        return self.profit is None or self.profit < 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Unfinished orders of one symbol."""

    symbol: str
    algo_orders: int
    orders: int
    order_lists: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BookFacts:
    """One account without prices, as of its stamp."""

    stamp: str
    booked: Decimal  # cash by our own ledger
    free: Decimal  # cash the exchange lets us use
    stakes: tuple[Stake, ...]
    past: tuple[Past, ...]  # newest first
    standing: tuple[Standing, ...]
    placed_at: tuple[datetime, ...]  # of the latest trades, whatever became of them
    day_flows: Decimal
    week_flows: Decimal
    half_size: bool  # the streak's breaker is half-open
    order_room: int | None  # orders the exchange still takes in its tightest window; None: unknown


def facts_of_account(account: ExchangeAccount) -> BookFacts:
    """Read it now: one statement, one snapshot. Raises: AccountRisk.DoesNotExist."""
    with connection.cursor() as cursor:
        cursor.execute(READ.ready(), parameters(account))
        found = cursor.fetchone()
    if found is None:
        raise AccountRisk.DoesNotExist(f"Account {account.pk} has no risk row.")
    left = iter(found)
    return facts_from(left, known_of(left))


def parameters(account: ExchangeAccount) -> dict[str, Any]:
    """What FACTS and KNOWN are asked with."""
    return {
        "account": account.pk,
        "venue": account.venue,
        "currency": account.currency,
        "now": clock.now(),
    }


def facts_from(columns: Iterator[Any], known: Known) -> BookFacts:
    """The column FACTS, taken from the front, with what was known in the same statement."""
    # Every number in it is an amount: no float is ever made.
    said = json.loads(next(columns), parse_float=Decimal, parse_int=Decimal)
    cash, trades, closed, placed_at, managed, flows = said
    free, locked, ledger, moved = cash or (ZERO, ZERO, None, ZERO)
    return BookFacts(
        stamp=known.stamp,
        booked=free + locked + moved if ledger is None else ledger,
        free=max(free + moved, ZERO),
        stakes=(
            *(stake for trade in trades for stake in _stakes(*trade)),
            *(stake_of_holding(*each) for each in managed),
        ),
        past=tuple(_past(*each) for each in closed),
        standing=tuple(_standing(trades)),
        placed_at=tuple(datetime.fromisoformat(at) for at in placed_at),
        day_flows=flows[0] or ZERO,
        week_flows=flows[1] or ZERO,
        half_size=known.half_size,
        order_room=known.order_room,
    )


def _stakes(
    key: str, symbol: str, base: str, side: str, quantity: Decimal, worst_entry: Decimal,
    stop: Decimal, stop_now: Decimal, fee_rate: Decimal, planned_risk: Decimal, orders: list,
    fills: list,
) -> Iterator[Stake]:  # fmt: skip
    """What is held, and what may still be bought: of an entry filled in part both, as one position.

    Cash for the rest is reserved here until the exchange itself has locked it.
    """
    position = position_of(
        [
            OrderFact(leg=leg, state=state, quantity=amount, filled=filled)
            for leg, state, amount, filled, *_ in orders
        ],
        [_fill(base, *each) for each in fills],
    )
    facts = {"symbol": symbol, "side": side, "fee_rate": fee_rate}
    bought = position.entry_price is not None
    held = bought and position.held > ZERO
    if held:
        yield Stake(
            **facts,
            trade_id=UUID(key),
            quantity=position.held,
            entry=position.entry_price,
            stop=stop_now,
        )
    entry_state = next(state for leg, state, *_ in orders if leg == Leg.ENTRY)
    if held and entry_state in TERMINAL:
        return
    left = quantity - position.entered if held else quantity
    if not left:
        return
    yield Stake(
        **facts,
        trade_id=None if held else UUID(key),
        quantity=left,
        entry=worst_entry,
        stop=stop,
        planned_risk=_share(planned_risk, left, quantity),
        cash=ZERO if bought or entry_state in LIVE else quantity * worst_entry,
        counts=not held,
    )


def _share(amount: Decimal, part: Decimal, whole: Decimal) -> Decimal:
    """The part's share of an amount, rounded up at the 18 places a column holds."""
    if part == whole:
        return amount
    up = Context(prec=60, rounding=ROUND_CEILING)
    return up.divide(amount * part, whole).quantize(Decimal("1E-18"), context=up)


def _fill(
    base: str, leg: str, price: Decimal, quantity: Decimal, commission: Decimal, asset: str,
    commission_quote: Decimal, at: str,
) -> FillFact:  # fmt: skip
    return FillFact(
        leg=leg,
        price=price,
        quantity=quantity,
        commission_base=commission if asset == base else ZERO,
        commission_quote=commission_quote,
        at=datetime.fromisoformat(at),
    )


def stake_of_holding(symbol: str, quantity: Decimal, entry: Decimal, stop: Decimal | None) -> Stake:
    return Stake(
        symbol=symbol,
        side="long",
        quantity=quantity,
        entry=entry,
        stop=stop,
        fee_rate=HOLDING_FEE,
        counts=False,
    )


def _past(
    key: str, closed_at: str, profit: Decimal | None, risk: Decimal | None, symbol: str,
    setup: str, reason: str, counted: bool,
) -> Past:  # fmt: skip
    return Past(
        id=UUID(key),
        closed_at=datetime.fromisoformat(closed_at),
        profit=profit,
        initial_risk=risk,
        symbol=symbol,
        setup=setup,
        stopped_out=reason == "stop" and profit is not None and profit < 0,
        in_plan=reason in ("stop", "target"),
        counted=counted,
    )


def _standing(trades: Iterable[Sequence[Any]]) -> Iterable[Standing]:
    by_symbol: dict[str, list[Sequence[Any]]] = defaultdict(list)
    for trade in trades:
        for order in trade[ORDERS]:
            if order[1] not in TERMINAL:
                by_symbol[trade[1]].append(order)
    for symbol, orders in by_symbol.items():
        yield Standing(
            symbol=symbol,
            algo_orders=sum(kind.startswith(ALGO) for *_, kind, _ in orders),
            orders=len(orders),
            order_lists=len({sent_with for *_, sent_with in orders} - {""}),
        )


def cash_moved(fill: Fill, currency: str) -> Decimal:
    """What a fill of ours did to the cash."""
    paid = fill.commission if fill.commission_asset == currency else ZERO
    return (fill.quote_quantity if fill.order.side == "SELL" else -fill.quote_quantity) - paid
