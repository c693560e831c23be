"""The exchange's own ledger of one account, from its store: what every drill checks against."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from testudo import clock
from trading.exchange.paper.orders import FILLED, OPEN, WORKING, Order, Trade
from trading.exchange.paper.store import Store
from trading.exchange.paper.values import E8

MOST_ROWS = 10**7
Naked = tuple[int, int]  # from, to: milliseconds of the exchange's clock


def amount(units: int) -> Decimal:
    """Units of 1e-8 as an exact amount."""
    return Decimal(units) / E8


def at(ms: int) -> datetime:
    return clock.from_ms(ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueLedger:
    """Everything the exchange holds of one account. Integers in e8, times in ms of its clock."""

    account: int
    orders: tuple[Order, ...]  # in the order they were taken in
    trades: tuple[Trade, ...]
    balances: dict[str, Decimal]  # free and locked
    deposited: dict[str, Decimal]  # money from outside, less what went out
    discrepancies: dict[str, int]  # where the exchange's own money is not conserved
    now_ms: int

    def named(self) -> dict[str, list[Order]]:
        """Its orders by client id; one taken in twice is there twice."""
        found: dict[str, list[Order]] = defaultdict(list)
        for order in self.orders:
            found[order.client_id].append(order)
        return found

    def trades_of(self, order_id: int) -> list[Trade]:
        return [trade for trade in self.trades if trade.order_id == order_id]


def read_ledger(store: Store, account: int, *, symbols: Sequence[str], now_ms: int) -> VenueLedger:
    """The ledger of one account. What was written and not committed counts, as for its clients."""
    orders = [
        order
        for symbol in symbols
        for order in store.orders(
            account, symbol, from_id=0, start_ms=None, end_ms=None, limit=MOST_ROWS
        )
    ]
    trades = [
        trade
        for symbol in symbols
        for trade in store.trades(
            account, symbol,
            order_id=None, from_id=0, start_ms=None, end_ms=None, limit=MOST_ROWS,
        )
    ]  # fmt: skip
    ledger = store.ledger()
    held = ledger.balances.get(account, {})
    deposited: dict[str, Decimal] = defaultdict(Decimal)
    for transfer in store.transfers(account, None, None, None):
        deposited[transfer.asset] += amount(transfer.amount)
    return VenueLedger(
        account=account,
        orders=tuple(sorted(orders, key=lambda order: order.id)),
        trades=tuple(sorted(trades, key=lambda trade: (trade.at_ms, trade.symbol, trade.id))),
        balances={asset: amount(one.free + one.locked) for asset, one in held.items()},
        deposited=dict(deposited),
        discrepancies=ledger.discrepancies(),
        now_ms=now_ms,
    )


def is_open(order: Order) -> bool:
    return order.status in OPEN


def naked_spans(
    orders: Sequence[Order], trades: Sequence[Trade], *, base: str, dust: int, now_ms: int
) -> list[Naked]:
    """When the position of these orders was larger than the stops that rested for it.

    Pure, from the exchange's times alone: a stop covers from when it rests (with its pair, or as
    the entry it hangs on filled whole) until it ends. A market exit is over the moment it begins.
    `dust`: what needs no stop, because it cannot be sold.
    """
    changes: dict[int, tuple[int, int]] = {}

    def change(at_ms: int, held: int, cover: int) -> None:
        before = changes.get(at_ms, (0, 0))
        changes[at_ms] = (before[0] + held, before[1] + cover)

    for trade in trades:
        fee = trade.commission if trade.commission_asset == base else 0
        change(trade.at_ms, (trade.quantity if trade.is_buyer else -trade.quantity) - fee, 0)
    released = _released(orders)
    for order in orders:
        if order.side != "SELL" or order.type not in ("STOP_LOSS", "STOP_LOSS_LIMIT"):
            continue
        since_ms = released.get(order.list_id, order.created_ms)
        if since_ms is None:
            continue  # the leg of an entry that never filled whole
        change(since_ms, 0, order.quantity)
        left = order.quantity
        for trade in trades:
            if trade.order_id == order.id:
                change(trade.at_ms, 0, -trade.quantity)
                left -= trade.quantity
        if not is_open(order):
            change(max(order.updated_ms, since_ms), 0, -left)
    spans: list[Naked] = []
    held = cover = 0
    since: int | None = None
    for at_ms in sorted(changes):
        held, cover = held + changes[at_ms][0], cover + changes[at_ms][1]
        naked = held - cover >= dust
        if naked and since is None:
            since = at_ms
        elif not naked and since is not None:
            spans.append((since, at_ms))
            since = None
    if since is not None:
        spans.append((since, now_ms))
    return spans


def _released(orders: Sequence[Order]) -> dict[int, int | None]:
    """When the legs of each list with a working order went live: as that filled whole, or never."""
    return {
        order.list_id: order.updated_ms if order.status == FILLED else None
        for order in orders
        if order.role == WORKING
    }
