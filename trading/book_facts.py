"""What PostgreSQL knows of one account, before any price: the part of the book no tick changes.

Read with a constant number of queries, however many trades there are, in a fixed order: open trades
before closed ones, so that a trade that closes in between counts twice, never not at all. Money is
in the account's reporting currency.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import connection
from django.db.models import Case, F, Q, Sum, When

from trading.book_known import Known, read_known
from trading.market.prices import Quote
from trading.models import (
    AccountFlow,
    AccountRisk,
    ExchangeAccount,
    Fill,
    ManagedHolding,
    Order,
    Trade,
)
from trading.order_states import FINISHED, TERMINAL
from trading.positions import FillFact, position_of

ZERO = Decimal(0)
QuoteOf = Callable[[str, str], Quote | None]  # (venue, symbol) → latest prices
MOST_PAST = 160  # closed trades looked at: eight days of the most a day may have
MOST_PLACED = 40  # more than any day may have: trades of today are counted among them
HOLDING_FEE = Decimal("0.001")  # what selling one at its stop costs: Binance's standard rate

# The exchange's word on the cash, and what our own fills after it did to it: see `cash_moved`.
_CASH = """
SELECT b.free, b.locked, b.booked, coalesce((
    SELECT sum(
        CASE o.side WHEN 'SELL' THEN f.quote_quantity ELSE -f.quote_quantity END
        - CASE f.commission_asset WHEN b.asset THEN f.commission ELSE 0 END
    )
    FROM trading_fill f JOIN trading_order o ON o.id = f.order_id
    WHERE f.account_id = b.account_id AND f.at > b.as_of
), 0)
FROM trading_balance b WHERE b.account_id = %(account)s AND b.asset = %(currency)s
"""
# Two walks of an index; the second one's rows say only when they were placed.
_HISTORY = """
(SELECT NULL::timestamptz, id, closed_at, profit, initial_risk, symbol, setup, exit_reason,
    counted_at IS NOT NULL
FROM trading_trade WHERE account_id = %(account)s AND state = 'closed'
ORDER BY closed_at DESC LIMIT %(past)s)
UNION ALL
(SELECT placed_at, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
FROM trading_trade WHERE account_id = %(account)s ORDER BY placed_at DESC LIMIT %(placed)s)
"""


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


def facts_of_account(
    account: ExchangeAccount, *, risk: AccountRisk, known: Known | None = None
) -> BookFacts:
    """Read it now. The stamp is read first: what changes meanwhile outdates it, never hides.

    `known`: where the caller has asked that already, in this very transaction or just now.
    """
    known = known or read_known(account.pk, venue=account.venue)
    trades = list(
        Trade.objects.filter(account=account).exclude(state__in=FINISHED)
        .prefetch_related("orders", "fills")
    )  # fmt: skip
    holdings = ManagedHolding.objects.filter(account=account, ended_at=None)
    booked, free = read_cash(account)
    past, placed_at = _history(account)
    day_flows, week_flows = _flows(account, risk)
    return BookFacts(
        stamp=known.stamp,
        booked=booked,
        free=free,
        stakes=(*(_stake(trade) for trade in trades), *(_holding(each) for each in holdings)),
        past=past,
        standing=tuple(_standing(trades)),
        placed_at=placed_at,
        day_flows=day_flows,
        week_flows=week_flows,
        half_size=known.half_size,
        order_room=known.order_room,
    )


def _stake(trade: Trade) -> Stake:
    position = position_of(trade.orders.all(), _fills(trade))
    if position.entry_price is None or position.held <= ZERO:
        bought = position.entry_price is not None
        return Stake(
            trade_id=trade.pk,
            symbol=trade.symbol,
            side=trade.side,
            quantity=trade.quantity,
            entry=trade.worst_entry,
            stop=trade.stop,
            fee_rate=trade.fee_rate,
            planned_risk=trade.planned_risk,
            cash=ZERO if bought else trade.quantity * trade.worst_entry,
        )
    return Stake(
        trade_id=trade.pk,
        symbol=trade.symbol,
        side=trade.side,
        quantity=position.held,
        entry=position.entry_price,
        stop=trade.stop,
        fee_rate=trade.fee_rate,
    )


def _fills(trade: Trade) -> list[FillFact]:
    """The prefetched fills of a trade, their legs looked up among its prefetched orders."""
    legs = {order.pk: order.leg for order in trade.orders.all()}
    return [
        FillFact(
            leg=legs[fill.order_id],
            price=fill.price,
            quantity=fill.quantity,
            commission_base=fill.commission if fill.commission_asset == trade.base_asset else ZERO,
            commission_quote=fill.commission_quote,
            at=fill.at,
        )
        for fill in trade.fills.all()
    ]


def _holding(row: ManagedHolding) -> Stake:
    return Stake(
        symbol=row.symbol,
        side="long",
        quantity=row.quantity,
        entry=row.entry,
        stop=row.stop,
        fee_rate=HOLDING_FEE,
        counts=False,
    )


def read_cash(account: ExchangeAccount) -> tuple[Decimal, Decimal]:
    """(total by our ledger, free at the exchange with our newer fills in) of the currency."""
    with connection.cursor() as cursor:
        cursor.execute(_CASH, {"account": account.pk, "currency": account.currency})
        found = cursor.fetchone()
    if found is None:
        return ZERO, ZERO
    free, locked, ledger, moved = found
    return free + locked + moved if ledger is None else ledger, max(free + moved, ZERO)


def cash_moved(fill: Fill, currency: str) -> Decimal:
    """What a fill of ours did to the cash."""
    paid = fill.commission if fill.commission_asset == currency else ZERO
    return (fill.quote_quantity if fill.order.side == "SELL" else -fill.quote_quantity) - paid


def _flows(account: ExchangeAccount, risk: AccountRisk) -> tuple[Decimal, Decimal]:
    """Deposits less withdrawals since the day's and the week's equity was stored."""
    since = {"day": risk.day_start_at, "week": risk.week_start_at}
    sums = {
        name: Sum(Case(When(booked_at__gt=at, then=F("value"))))
        for name, at in since.items()
        if at is not None
    }
    if not sums:
        return ZERO, ZERO
    first = min(at for at in since.values() if at is not None)
    rows = AccountFlow.objects.filter(Q(account=account, booked_at__gt=first) & ~Q(kind="opening"))
    found = rows.aggregate(**sums)
    return found.get("day") or ZERO, found.get("week") or ZERO


def _history(account: ExchangeAccount) -> tuple[tuple[Past, ...], tuple[datetime, ...]]:
    """The latest closed trades, newest first, and when the latest of all were placed."""
    with connection.cursor() as cursor:
        asked = {"account": account.pk, "past": MOST_PAST, "placed": MOST_PLACED}
        cursor.execute(_HISTORY, asked)
        rows = cursor.fetchall()
    past = [_past(*facts) for at, *facts in rows if at is None]
    past.sort(key=lambda each: each.closed_at, reverse=True)
    return tuple(past), tuple(at for at, *_ in rows if at is not None)


def _past(
    key: UUID, closed_at: datetime, profit: Decimal | None, risk: Decimal | None, symbol: str,
    setup: str, reason: str, counted: bool,
) -> Past:  # fmt: skip
    return Past(
        id=key,
        closed_at=closed_at,
        profit=profit,
        initial_risk=risk,
        symbol=symbol,
        setup=setup,
        stopped_out=reason == "stop" and profit is not None and profit < 0,
        in_plan=reason in ("stop", "target"),
        counted=counted,
    )


def _standing(trades: Iterable[Trade]) -> Iterable[Standing]:
    by_symbol: dict[str, list[Order]] = defaultdict(list)
    for trade in trades:
        for order in trade.orders.all():
            if order.state not in TERMINAL:
                by_symbol[order.symbol].append(order)
    for symbol, orders in by_symbol.items():
        yield Standing(
            symbol=symbol,
            algo_orders=sum(o.type.startswith(("STOP_LOSS", "TAKE_PROFIT")) for o in orders),
            orders=len(orders),
            order_lists=len({order.list_client_order_id for order in orders} - {""}),
        )
