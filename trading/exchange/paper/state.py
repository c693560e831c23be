"""What the engine knows: open orders and lists, queues, counters, and notes of what changed. Pure.

Every change is noted: `changed_orders`, `changed_lists`, `new_trades` and the ledger's marks say
what to write down, `events` what to tell the accounts. The owner empties them after each operation.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from trading.exchange.paper import orders as o
from trading.exchange.paper import user_events
from trading.exchange.paper.commissions import Commissions
from trading.exchange.paper.ledger import Ledger
from trading.exchange.paper.orders import Amendment, Order, OrderList, PreventedMatch, Trade
from trading.exchange.paper.reference import ReferencePrice
from trading.exchange.paper.switches import Switches
from trading.exchange.paper.symbols import Symbol
from trading.exchange.paper.user_events import Prevention
from trading.exchange.paper.values import Book, Fill
from trading.exchange.paper.waiting import Waiting


class Market(Protocol):
    """What the engine needs of a feed."""

    def book(self, symbol: str, depth: int = 20) -> Book: ...

    def take(
        self, symbol: str, side: str, limit: int | None, quantity: int, at_ms: int
    ) -> list[Fill]: ...

    def cross(
        self, symbol: str, price: int, quantity: int, *, buyer_is_maker: bool, at_ms: int
    ) -> int: ...


@dataclass(slots=True)
class Counters:
    """The last number given out of each kind. Restored from the store."""

    order: int = 0
    order_list: int = -1
    execution: int = 0
    trade: dict[str, int] = field(default_factory=dict)
    printed: dict[str, int] = field(default_factory=dict)  # newest market print worked through
    rank: int = 0  # time priority on the books
    prevented: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Tally:
    """The open orders of one account on one symbol, as filters count them."""

    named: dict[str, Order] = field(default_factory=dict)  # by client id
    algos: int = 0
    icebergs: int = 0
    lists: dict[int, int] = field(default_factory=dict)  # list id → its open orders


class State:
    """Open orders and lists of every account. Closed ones are in the store only."""

    def __init__(
        self,
        symbols: dict[str, Symbol],
        market: Market,
        ledger: Ledger,
        *,
        counters: Counters | None = None,
        switches: Switches | None = None,
    ) -> None:
        self.symbols = symbols
        self.market = market
        self.ledger = ledger
        self.counters = counters or Counters()
        self.switches = switches or Switches()
        self.orders: dict[int, Order] = {}
        self.lists: dict[int, OrderList] = {}
        self.by_account: dict[int, dict[int, Order]] = {}
        self.tallies: dict[tuple[int, str], Tally] = {}
        self.references: dict[str, ReferencePrice] = {}
        self.pays_bnb: set[int] = set()  # accounts that pay their commissions in BNB
        self.rates: dict[int, Commissions] = {}  # of accounts that have their own
        self.waiting = {name: Waiting() for name in symbols}
        self.last: dict[str, int] = {}
        self.now_ms = 0
        self.changed_orders: dict[int, Order] = {}
        self.changed_lists: dict[int, OrderList] = {}
        self.new_trades: list[Trade] = []
        self.new_prevented: list[PreventedMatch] = []
        self.new_amendments: list[Amendment] = []
        self.events: list[tuple[int, dict[str, Any]]] = []
        # Our own trades whose price nobody who waits for it was told of yet: (symbol, price).
        self.untold: deque[tuple[str, int]] = deque()
        self.before_fill: Callable[[Order], None] = _nothing  # what lists make of it: contingency
        self.after_close: Callable[[Order], None] = _nothing
        self.after_amend: Callable[[OrderList, Order, bool], None] = _nothing_either
        self.asset_limits: dict[str, int] = {}  # MAX_ASSET, by asset
        # Faults on command (faults_market.py): less from the book, orders that never fill again.
        self.thins: Callable[[Order, int], int] | None = None
        self.frozen: set[int] = set()
        self.exchange_rules: dict[str, int] = {}  # EXCHANGE_MAX_NUM_*: 0 or absent is off

    def remember(self, order: Order) -> None:
        """Take an open order into the index."""
        self.orders[order.id] = order
        self.by_account.setdefault(order.account, {})[order.id] = order
        tally = self.tally(order.account, order.symbol)
        tally.named[order.client_id] = order
        tally.algos += order.type in o.TRIGGERED_TYPES
        tally.icebergs += order.iceberg > 0
        if order.list_id != -1:
            tally.lists[order.list_id] = tally.lists.get(order.list_id, 0) + 1

    def forget(self, order: Order) -> None:
        """Take an order out of the index; nothing happens where it is not in."""
        if self.orders.pop(order.id, None) is None:
            return
        del self.by_account[order.account][order.id]
        tally = self.tally(order.account, order.symbol)
        if tally.named.get(order.client_id) is order:
            del tally.named[order.client_id]
        tally.algos -= order.type in o.TRIGGERED_TYPES
        tally.icebergs -= order.iceberg > 0
        if order.list_id != -1:
            tally.lists[order.list_id] -= 1
            if not tally.lists[order.list_id]:
                del tally.lists[order.list_id]

    def tally(self, account: int, symbol: str) -> Tally:
        """What an account has open on a symbol."""
        found = self.tallies.get((account, symbol))
        if found is None:
            found = self.tallies[account, symbol] = Tally()
        return found

    def next_rank(self) -> int:
        """The place at the end of a queue."""
        self.counters.rank += 1
        return self.counters.rank

    def report(
        self,
        order: Order,
        execution: str,
        *,
        fill: Trade | None = None,
        cancel_id: str = "",
        prevented: Prevention | None = None,
        was_named: str = "",
    ) -> None:
        """Note that an order changed, and tell its account."""
        if execution == o.NEW and order.is_on_book:
            order.working_ms = self.now_ms  # `W` comes with `w`
        self.counters.execution += 1
        self.changed_orders[order.id] = order
        event = user_events.execution_report(
            order,
            execution,
            execution_id=self.counters.execution,
            at_ms=self.now_ms,
            now_ms=self.now_ms,
            fill=fill,
            cancel_id=cancel_id,
            prevented=prevented,
            was_named=was_named,
        )
        self.events.append((order.account, event))


def _nothing(order: Order) -> None:
    """What an order without a list has to do with lists."""


def _nothing_either(listed: OrderList, order: Order, renamed: bool) -> None:
    """What an amendment means to a list nobody watches."""
