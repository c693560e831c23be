"""The paper exchange as one synchronous object: requests in, answers out, time passed in.

`PaperExchange(feed, store, now_ms=…)`; `.tick(now_ms)` moves the market on; `.handle(...)` answers
one REST request. No sockets and no clock here: `server.py` adds both, `in_process.py` neither.

What an operation changed is written to the store at once and made durable by `commit`; only then
may its answer leave and its user events be sent. With `autocommit` (in-process) that happens inside
the call; the server commits once for all requests of a moment.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from trading.exchange.paper import (  # noqa: F401  routes
    account_rest,
    errors,
    general_rest,
    list_rest,
    market_rest,
    order_rest,
    parsing,
    reports,
    rest,
)
from trading.exchange.paper.accounts import Account, ApiKey, new_key
from trading.exchange.paper.contingency import Lists
from trading.exchange.paper.filters import Reference
from trading.exchange.paper.ledger import NotEnough
from trading.exchange.paper.limits import Limits
from trading.exchange.paper.matching import Engine
from trading.exchange.paper.orders import Order
from trading.exchange.paper.rest import Response
from trading.exchange.paper.routes import Call, Route
from trading.exchange.paper.symbols import SYMBOLS
from trading.exchange.paper.values import E8, Print

if TYPE_CHECKING:
    from trading.exchange.paper.store import Store
    from trading.exchange.paper.values import Feed

STEP_MS = 1000  # while orders wait the market is told in steps this long: stops meet its book
MOST_STEPS = 600  # after a long silence the steps are longer
FEED_STATE_MS = 1000  # how often the feed's state is written along
MOST_DEPOSIT = 10**9 * E8
UserEvent = tuple[int, dict[str, Any]]  # (account, event)


class PaperExchange:
    """One exchange over one market feed and one durable store."""

    def __init__(
        self,
        feed: Feed,
        store: Store,
        *,
        now_ms: int,
        seed: int = 1,
        autocommit: bool = True,
        step_ms: int = STEP_MS,
    ) -> None:
        """`step_ms`: how far the market is told at once while orders wait (seeding takes minutes).

        Restores whatever the store holds. Raises: ValueError, where the books do not balance."""
        self.feed = feed
        self.store = store
        self.seed = seed
        self.autocommit = autocommit
        self.step_ms = step_ms
        self.limits = Limits()
        self.symbols = {name: SYMBOLS[name] for name in feed.symbols}
        self.print_listeners: list[Callable[[Sequence[Print]], None]] = []
        self.event_listeners: list[Callable[[Sequence[UserEvent]], None]] = []
        self._outbox: list[UserEvent] = []
        self._feed_saved_ms = 0
        kept = store.meta("feed")
        if kept is not None:
            feed.restore(kept)
        self.accounts: dict[int, Account] = {one.id: one for one in store.accounts()}
        self.keys: dict[str, ApiKey] = {one.key: one for one in store.api_keys()}
        self.engine = Engine(self.symbols, feed, store.ledger(), counters=store.counters())
        self.lists = Lists(self.engine)
        for listed in store.open_lists():
            self.engine.lists[listed.id] = listed
        for order in store.open_orders():
            self.engine.remember(order)
            if order.status != "PENDING_NEW":
                self.engine.waiting[order.symbol].add(order)
        for name in self.symbols:
            self.engine.last[name] = feed.last(name).price
        self.engine.now_ms = now_ms
        wrong = self.engine.ledger.discrepancies()
        if wrong:
            raise ValueError(f"The books do not balance: {wrong} (in 1e-8).")
        self.tick(now_ms)

    # -- time -------------------------------------------------------------------------------------

    @property
    def now_ms(self) -> int:
        return self.engine.now_ms

    def tick(self, now_ms: int) -> None:
        """Move the market on to `now_ms`, filling and triggering what its prints reach."""
        busy = any(self.engine.waiting.values())
        start = self.engine.now_ms
        step = max(self.step_ms, (now_ms - start) // MOST_STEPS)
        steps = range(start + step, now_ms, step) if busy else range(0)
        for until in (*steps, now_ms):
            prints = self.feed.advance(until)
            for trade in prints:
                self.engine.on_print(trade)
            self.engine.now_ms = max(self.engine.now_ms, until)
            if prints:
                for listener in self.print_listeners:
                    listener(prints)
        self._finish()

    # -- requests ---------------------------------------------------------------------------------

    def handle(
        self,
        method: str,
        path: str,
        query: str,
        body: str,
        headers: Mapping[str, str],
        now_ms: int,
        *,
        address: str = "127.0.0.1",
    ) -> Response:
        """Answer one REST request. Never raises for bad input."""
        self.tick(now_ms)
        return rest.answer(self, method, path, query, body, headers, address)

    def call(
        self, route: Route, params: Mapping[str, str], key: ApiKey | None, address: str
    ) -> Any:
        """Run an authenticated call: counts, handler, what it changed. Raises: BinanceError."""
        params = {name: v for name, v in params.items() if name not in parsing.SIGNING}
        if route.accepts is not None and not params.keys() <= route.accepts:
            read = len(params.keys() & route.accepts)
            raise errors.unread_parameters(read, len(params))
        if route.security == "TRADE" and key and not key.may_trade:
            raise errors.rejected_key()
        account = self.accounts[key.account] if key else None
        if route.orders and account:
            self.limits.count_orders(account.id, route.orders, self.now_ms)
        try:
            answer = route.handler(self, Call(params, self.now_ms, account, key))
        except Exception:
            if route.orders and account:
                self.limits.give_back(account.id, route.orders, self.now_ms)
            raise
        finally:
            self._finish()
        if route.orders:
            self.limits.refund(address, route.cost(params), self.now_ms)
        return answer

    def commit(self) -> None:
        """Make everything durable, then let the user events go."""
        if self.store.dirty:
            self.store.commit()
        if self._outbox:
            events, self._outbox = self._outbox, []
            for listener in self.event_listeners:
                listener(events)

    def close(self) -> None:
        """Write the feed's state and close the store."""
        self.store.put_meta("feed", self.feed.state())
        self.commit()
        self.store.close()

    def _finish(self) -> None:
        """Write what an operation changed, and queue its events."""
        engine, now_ms = self.engine, self.engine.now_ms
        if not (engine.events or engine.ledger.touched or engine.changed_orders):
            return
        for trade in engine.new_trades:
            order = engine.changed_orders[trade.order_id]
            if order.filled == trade.quantity:  # its first fill: it no longer counts as unfilled
                self.limits.give_back(trade.account, 1, now_ms)
        self._outbox += engine.events
        engine.events.clear()
        touched: dict[int, list[str]] = {}
        for account, asset in sorted(engine.ledger.touched):
            touched.setdefault(account, []).append(asset)
        for account, assets in touched.items():
            balances = [
                (one, engine.ledger.free(account, one), engine.ledger.locked(account, one))
                for one in assets
            ]
            event = reports.position_event(balances, at_ms=now_ms, now_ms=now_ms)
            self._outbox.append((account, event))
        self.store.save(engine)
        if now_ms - self._feed_saved_ms >= FEED_STATE_MS:
            self._feed_saved_ms = now_ms
            self.store.put_meta("feed", self.feed.state())
        if self.autocommit:
            self.commit()

    # -- for handlers -----------------------------------------------------------------------------

    def auto_id(self, what: str = "order", offset: int = 1) -> str:
        """A client id for who sent none: 22 characters that follow from the seed and the number."""
        counters = self.engine.counters
        text = f"{self.seed}:{what}:{counters.order}:{counters.execution}:{offset}"
        return hashlib.sha256(text.encode()).hexdigest()[:22]

    def reference(self, symbol: str) -> Reference:
        """The prices the filters compare with: the average of the last minutes, and the last."""
        minutes = self.symbols[symbol].average_minutes
        candles = self.feed.klines(symbol, "1m", None, None, minutes)
        volume = sum(candle.volume for candle in candles)
        last = self.engine.last[symbol]
        average = sum(candle.quote_volume for candle in candles) * E8 // volume if volume else last
        return Reference(average=average, last=last)

    def find_order(
        self, account: int, symbol: str, order_id: int | None, client_id: str | None
    ) -> Order | None:
        """An order, open or ended, by number and/or client id; an open one goes first."""
        mine = self.engine.by_account.get(account, {})
        if order_id is None:
            for order in mine.values():
                if order.client_id == client_id and order.symbol == symbol:
                    return order
        elif order_id in mine:
            order = mine[order_id]
            agrees = client_id is None or order.client_id == client_id
            return order if agrees and order.symbol == symbol else None
        return self.store.order(account, symbol, order_id, client_id)

    # -- administration ---------------------------------------------------------------------------

    def open_account(self, balances: Mapping[str, int]) -> tuple[Account, ApiKey]:
        """A new account with a key and opening balances (e8 by asset)."""
        number = max(self.accounts, default=0) + 1
        account = Account(number, self.now_ms, self.now_ms)
        key = new_key(number, self.now_ms)
        self.accounts[number], self.keys[key.key] = account, key
        self.store.put_account(account)
        self.store.put_key(key)
        for asset, amount in balances.items():
            self._issue(number, asset, amount)
        self._finish()
        if self.autocommit:
            self.commit()
        return account, key

    def deposit(self, account: int, asset: str, amount: int) -> None:
        """Money from outside; negative takes it out. Raises: ValueError, where it cannot."""
        self._issue(account, asset, amount)
        event = reports.balance_event(asset, amount, at_ms=self.now_ms, now_ms=self.now_ms)
        self.engine.events.append((account, event))
        self._finish()

    def _issue(self, account: int, asset: str, amount: int) -> None:
        known = {name for one in self.symbols.values() for name in (one.base, one.quote)}
        if asset not in known | {"BNB"}:
            raise ValueError(f"{asset} is not traded here. Choose from {', '.join(sorted(known))}.")
        if account not in self.accounts:
            raise ValueError(f"There is no account {account}.")
        if abs(amount) > MOST_DEPOSIT or self.engine.ledger.free(account, asset) > MOST_DEPOSIT:
            raise ValueError("More than 1000000000 units of an asset do not fit in an account.")
        try:
            self.engine.ledger.issue(account, asset, amount)
        except NotEnough as error:
            raise ValueError(str(error)) from None

    def move(self, symbol: str, price: int, over_ms: int) -> None:
        """Walk the market to a price. Raises: ValueError, KeyError."""
        self.feed.move(symbol, price, at_ms=self.now_ms, over_ms=over_ms)
        self.store.put_meta("feed", self.feed.state())
        if self.autocommit:
            self.commit()
