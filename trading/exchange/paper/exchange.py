"""The paper exchange as one synchronous object: requests in, answers out, time passed in.

`PaperExchange(feed, store, now_ms=…)`; `.tick(now_ms)` moves the market on; `.handle(...)` answers
one REST request. No sockets and no clock here: `server.py` adds both, `in_process.py` neither.

What an operation changed is written to the store at once and made durable by `commit`; only then
may its answer leave and its user events be sent. With `autocommit` (in-process) that happens inside
the call; the server commits once for all requests of a moment.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from trading.exchange.paper import (  # noqa: F401  routes
    account_rest,
    commissions,
    errors,
    general_rest,
    list_rest,
    listen_keys,
    market_methods,
    market_rest,
    market_windows,
    order_errors,
    order_rest,
    outside_rest,
    parsing,
    replace_rest,
    reports,
    rest,
    rules_rest,
    user_events,
)
from trading.exchange.paper.accounts import Account, ApiKey
from trading.exchange.paper.administration import Administration
from trading.exchange.paper.contingency import Lists
from trading.exchange.paper.limits import Limits
from trading.exchange.paper.lookups import Lookups
from trading.exchange.paper.matching import Engine
from trading.exchange.paper.public_book import PublicMarket
from trading.exchange.paper.rest import Response
from trading.exchange.paper.routes import Call, Route
from trading.exchange.paper.symbols import listing
from trading.exchange.paper.values import E8, Print

if TYPE_CHECKING:
    from trading.exchange.paper.store import Store
    from trading.exchange.paper.switches import Switches
    from trading.exchange.paper.values import Feed

STEP_MS = 1000  # while orders wait the market is told in steps this long: stops meet its book
MOST_STEPS = 600  # after a long silence the steps are longer
FEED_STATE_MS = 5000  # how often the feed's state is written along; trades tell the rest
MOST_DEPOSIT = 10**9 * E8
UserEvent = tuple[int, dict[str, Any]]  # (account, event)


class PaperExchange(Lookups, Administration):
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
        switches: Switches | None = None,
    ) -> None:
        """`step_ms`: how far the market is told at once while orders wait (seeding takes minutes).

        Restores whatever the store holds. Raises: ValueError, where the books do not balance."""
        self.feed = feed
        self.store = store
        self.seed = seed
        self.autocommit = autocommit
        self.step_ms = step_ms
        self.limits = Limits()
        self.engine_delay_ms = 0  # how late an order reaches the engine: its time is checked again
        self.listen_keys = listen_keys.ListenKeys()
        self.legacy_listen_keys = False  # listenKeys for old clients; Binance answers 410
        self.key_listeners: list[Callable[[ApiKey], None]] = []  # told of revoked keys
        self.symbols = {name: listing(name, *feed.grid(name)) for name in feed.symbols}
        self.print_listeners: list[Callable[[Sequence[Print]], None]] = []
        self.event_listeners: list[Callable[[Sequence[UserEvent]], None]] = []
        self.failure: BaseException | None = None  # the engine broke off: nothing may go on
        self._outbox: list[UserEvent] = []
        self._feed_saved_ms = 0
        self.skew_ms = 0  # how far the clock that clients see is off: a fault on command
        kept = store.meta("feed")
        if kept is not None:
            feed.restore(kept)
            through = kept.get("through", {})
            for name in feed.symbols:  # what a kill kept from it
                feed.recover(name, store.taker_fills(name, through.get(name, 0)))
        self.accounts: dict[int, Account] = {one.id: one for one in store.accounts()}
        self.keys: dict[str, ApiKey] = {one.key: one for one in store.api_keys()}
        self.engine = Engine(
            self.symbols, feed, store.ledger(), counters=store.counters(), switches=switches
        )
        self.public = PublicMarket(feed, self.engine.waiting)  # what everybody sees
        self.engine.pays_bnb = {one.id for one in self.accounts.values() if one.pays_bnb}
        self.engine.rates = {
            one.id: commissions.read(one.commissions)
            for one in self.accounts.values()
            if one.commissions
        }
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
        wrong = self.discrepancies()
        if wrong:
            raise ValueError(f"The books do not balance: {wrong} (in 1e-8).")
        if kept is None:  # a market that began now must begin then after a kill, too
            self._save_feed()
            store.commit()
        self.tick(now_ms)
        for name in self.symbols:  # prints from before a kill are not worked through again
            self.engine.last[name] = feed.last(name).price

    # -- time -------------------------------------------------------------------------------------

    @property
    def now_ms(self) -> int:
        return self.engine.now_ms

    @property
    def server_ms(self) -> int:
        """The time clients are told and measured by."""
        return self.engine.now_ms + self.skew_ms

    def tick(self, now_ms: int) -> None:
        """Move the market on to `now_ms`, filling and triggering what its prints reach.

        Where that raises, the books may be torn: `failure` says so, and nothing is written down,
        answered or moved on from then. What was acknowledged before stands in the store.
        """
        self._refuse_after_failure()
        try:
            self._move_on(now_ms)
        except Exception as error:
            self.failure = error
            raise

    def _refuse_after_failure(self) -> None:
        if self.failure is not None:
            raise RuntimeError("The engine broke off: start the exchange again.") from self.failure

    def _move_on(self, now_ms: int) -> None:
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
        if route.security == "TRADE" and account and account.frozen:
            raise order_errors.may_not_trade(cancels=route.cancels)
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
        if route.free:
            self.limits.refund(address, route.cost(params), self.now_ms)
        return answer

    def commit(self) -> None:
        """Make everything durable, then let the user events go."""
        self._refuse_after_failure()
        if self.store.dirty:
            self.store.commit()
        if self._outbox:
            events, self._outbox = self._outbox, []
            for listener in self.event_listeners:
                listener(events)

    def close(self) -> None:
        """Write the feed's state and close the store."""
        self._save_feed()
        self.commit()
        self.store.close()

    def _save_feed(self) -> None:
        """The feed's state, and the last trade of each symbol that it has seen."""
        through = dict(self.engine.counters.trade)
        self.store.put_meta("feed", self.feed.state() | {"through": through})

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
            event = user_events.position_event(balances, at_ms=now_ms, now_ms=now_ms)
            self._outbox.append((account, event))
        self.store.save(engine)
        if now_ms - self._feed_saved_ms >= FEED_STATE_MS:
            self._feed_saved_ms = now_ms
            self._save_feed()
        if self.autocommit:
            self.commit()
