"""What the engine knows: open orders and lists, queues, counters, and notes of what changed. Pure.

Every change is noted: `changed_orders`, `changed_lists`, `new_trades` and the ledger's marks say
what to write down, `events` what to tell the accounts. The owner empties them after each operation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from trading.exchange.paper import reports
from trading.exchange.paper.ledger import Ledger
from trading.exchange.paper.orders import Order, OrderList, Trade
from trading.exchange.paper.symbols import Symbol
from trading.exchange.paper.values import Book, Level
from trading.exchange.paper.waiting import Waiting


class Market(Protocol):
    """What the engine needs of a feed."""

    def book(self, symbol: str, depth: int = 20) -> Book: ...

    def take(
        self, symbol: str, side: str, limit: int | None, quantity: int, at_ms: int
    ) -> list[Level]: ...


@dataclass(frozen=True, slots=True)
class Switches:
    """What Binance does not document. Each is decided here once and tested both ways."""

    market_lot_on_triggers: bool = True  # MARKET_LOT_SIZE binds stops that end as market orders
    opo_fee_from_free: bool = True  # an OPO entry's fee comes from free holdings where enough


@dataclass(slots=True)
class Counters:
    """The last number given out of each kind. Restored from the store."""

    order: int = 0
    order_list: int = -1
    execution: int = 0
    trade: dict[str, int] = field(default_factory=dict)
    printed: dict[str, int] = field(default_factory=dict)  # newest market print worked through


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
        self.waiting = {name: Waiting() for name in symbols}
        self.last: dict[str, int] = {}
        self.now_ms = 0
        self.changed_orders: dict[int, Order] = {}
        self.changed_lists: dict[int, OrderList] = {}
        self.new_trades: list[Trade] = []
        self.events: list[tuple[int, dict[str, Any]]] = []
        self.before_fill: Callable[[Order], None] = _nothing  # what lists make of it: contingency
        self.after_close: Callable[[Order], None] = _nothing

    def remember(self, order: Order) -> None:
        self.orders[order.id] = order
        self.by_account.setdefault(order.account, {})[order.id] = order

    def forget(self, order: Order) -> None:
        self.orders.pop(order.id, None)
        self.by_account.get(order.account, {}).pop(order.id, None)

    def report(
        self, order: Order, execution: str, *, fill: Trade | None = None, cancel_id: str = ""
    ) -> None:
        """Note that an order changed, and tell its account."""
        self.counters.execution += 1
        self.changed_orders[order.id] = order
        event = reports.execution_report(
            order,
            execution,
            execution_id=self.counters.execution,
            at_ms=self.now_ms,
            now_ms=self.now_ms,
            fill=fill,
            cancel_id=cancel_id,
        )
        self.events.append((order.account, event))


def _nothing(order: Order) -> None:
    """What an order without a list has to do with lists."""
