"""The stage of a schedule: a fresh paper exchange, the platform's actors, one account or two.

Real services, the real adapter with python-binance, the real paper exchange, real PostgreSQL with
real commits; sockets, Celery and the wall clock are played by `cast.py` and `world.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from unittest import mock

import redis
from django.contrib.auth import get_user_model

from tests.drills.cast import PROBE_ANSWERED, Guard, UserStream, Workers
from tests.drills.invariants import Seen, Span
from tests.drills.ledger import read_ledger
from tests.drills.market import StandingMarket
from tests.drills.wire import Wire
from tests.drills.world import World
from testudo import clock
from testudo.db.ids import new_id
from testudo.events.models import OutboxEvent
from trading import rate_budget, subscribers, wake
from trading.connecting import store_account
from trading.credentials import ApiKeys
from trading.exchange import venue_client, venue_clock
from trading.exchange.binance import BinanceExchange
from trading.exchange.paper.exchange import PaperExchange
from trading.exchange.paper.faults import CATALOGUE
from trading.exchange.paper.faults_desk import FaultDesk
from trading.exchange.paper.in_process import InProcessAdapter
from trading.exchange.paper.store import Store
from trading.exchange.paper.values import from_e8, to_e8
from trading.exchange.venues import venue_urls
from trading.market import prices
from trading.market.prices import Quote
from trading.market.symbols import store_rules
from trading.models import (
    ExchangeAccount,
    GlobalHalt,
    Order,
    RequestBan,
    Trade,
    Venue,
    VenueBreaker,
    VenueHealth,
)
from trading.order_states import FINISHED, TERMINAL, State, TradeState

START = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
PRICES = {"BTCUSDT": "60000", "ETHUSDT": "3000", "SOLUSDT": "150"}
GROSS_SYMBOL = "SOLUSDT"  # without OPO: its legs are sized by us, net of the fee
SYMBOLS = tuple(PRICES)
MONEY = "10000"
LATENCY = (0.001, 0.03)  # seconds, each way


class Stage:
    """What a schedule is played on."""

    def __init__(self, world: World, paper: PaperExchange, *, seed: int) -> None:
        self.world, self.paper = world, paper
        self.workers = Workers(world)
        self.guard = Guard(world)
        self.accounts: list[ExchangeAccount] = []
        self.streams: dict[int, UserStream] = {}  # by the exchange's account number
        self.hands: dict[int, BinanceExchange] = {}  # the trader's own key, beside ours
        self.traders: list[Any] = []
        self.unreachable: list[Span] = []
        self.jumps: set[tuple[str, datetime]] = set()
        self.unheard: dict[int, list[Span]] = {}  # by account
        self.by_hand: set[int] = set()
        self.strangers: list[str] = []
        self.event_faults: list[str] = []  # armed ones that concern events
        self.desk = FaultDesk(
            paper, deliver=lambda events: None, forget=self._forget, revoke=self._revoke, seed=seed
        )
        self.wire = Wire(
            paper,
            self.desk,
            latency=lambda: world.noise.uniform(*LATENCY),
            travel=world.travel,
            reach=world.reach,
        )
        paper.event_listeners.append(self._events)
        world.each_time.append(lambda: paper.tick(clock.now_ms()))
        guard = world.process("guard")
        guard.on_death.append(self.guard.forget)
        for name in ("worker-1", "worker-2", "guard", "stream", "web"):
            world.process(name).on_death.append(_forget_memory)

    def open_account(self, **balances: str) -> ExchangeAccount:
        """An account at the exchange and ours for it, its stream connected."""
        amounts = {asset: to_e8(amount) for asset, amount in balances.items()}
        there, key = self.paper.open_account(amounts)
        who = f"t{new_id().hex[4:32]}"
        user = get_user_model().objects.create_user(who, f"{who}@example.com")
        keys = ApiKeys(key.key, key.secret)
        account = store_account(user, venue=Venue.PAPER, name="Drill", keys=keys)
        hand = self.paper.add_key(there.id)
        self.hands[there.id] = BinanceExchange(venue_urls(Venue.PAPER), hand.key, hand.secret)
        self.hands[there.id].mount(InProcessAdapter(self.paper, clock.now_ms))
        stream = UserStream(self.world, account, reachable=lambda: True)
        self.streams[there.id] = stream
        self.accounts.append(account)
        stream.connect()
        account.refresh_from_db()
        return account

    def number_of(self, account: ExchangeAccount) -> int:
        """The exchange's number of an account of ours."""
        return next(n for n, stream in self.streams.items() if stream.account.pk == account.pk)

    def quote_of(self, venue: str, symbol: str) -> Quote | None:
        """The market now; none while Redis is away."""
        if not self.workers.redis_up:
            return None
        book = self.paper.feed.book(symbol, 1)
        now = clock.now()
        return Quote(
            symbol=symbol,
            price=Decimal(from_e8(self.paper.feed.last(symbol).price)),
            bid=Decimal(from_e8(book.bids[0].price)),
            ask=Decimal(from_e8(book.asks[0].price)),
            at=now,
            seen=now,
        )

    def seen(self, account: ExchangeAccount) -> Seen:
        """What the invariants are asked with."""
        number = self.number_of(account)
        ledger = read_ledger(self.paper.store, number, symbols=SYMBOLS, now_ms=self.paper.now_ms)
        excused = {
            entry["at"]
            for entry in self.desk.faults.log
            if CATALOGUE[entry["fault"]].layer == "market"
        }
        return Seen(
            account=account,
            venue=ledger,
            entries=[sent for sent in self.wire.entries if sent.account == number],
            bans=self.wire.known_bans,
            requests=[request.sent for request in self.wire.requests],
            unreachable=[*self.unreachable, *self.wire.silences, *self.wire.bans],
            unheard=self.unheard.get(number, []),
            jumps=self.jumps,
            excused=excused,
            most_weight=self.wire.most_weight,
            by_hand=self.by_hand,
            strangers=self.strangers,
        )

    # -- the exchange's events ----------------------------------------------------------------

    def _events(self, events: Sequence[tuple[int, dict[str, Any]]]) -> None:
        noise = self.world.noise
        for number, event in events:
            stream = self.streams.get(number)
            if stream is None:
                continue
            after = noise.uniform(*LATENCY)
            copies = 1
            if "F16" in self.event_faults:
                copies = 3
            if "F17" in self.event_faults:
                after += noise.uniform(0, 2)
            if "F18" in self.event_faults:
                after += 90
            for copy in range(copies):
                stream.hear(event, after=after + 0.001 * copy)

    def _forget(self, number: int | None) -> None:
        """The exchange lost subscriptions and says nothing (F20)."""
        for known, stream in self.streams.items():
            if number in (None, known):
                stream.lose_subscription()
                self.note_unheard(known, PROBE_ANSWERED)

    def note_unheard(self, number: int, seconds: float) -> None:
        """From now on, until it is noticed, no stream tells what is done to this account."""
        until = clock.now() + timedelta(seconds=seconds)
        self.unheard.setdefault(number, []).append(Span(clock.now(), until))

    def _revoke(self, number: int | None) -> None:
        for known, stream in self.streams.items():
            if number in (None, known):
                stream.drop("eventStreamTerminated")

    def note_frame(self, group: str, message: dict[str, str]) -> None:
        """A frame for the pages; one with another account's id in it is a breach."""
        for account in self.accounts:
            if str(account.pk) in message["text"] and str(account.pk) not in group:
                self.strangers.append(f"a frame of {account.pk} went to {group}")


def _forget_memory() -> None:
    """What a process keeps in memory is gone with it."""
    venue_clock._clocks.clear()
    rate_budget._budgets.clear()


def _own_budget(stack: ExitStack, here: Stage, seed: int) -> None:
    """The counter of requests in Redis is this schedule's own; gone while Redis is."""
    mark, redis_client = f"{seed}:{new_id().hex}", rate_budget.client

    def client() -> Any:
        if not here.workers.redis_up:
            raise redis.ConnectionError("Redis is away")
        return redis_client()

    def minute(self: Any, now_ms: int) -> str:
        return f"weight:{{{mark}}}:{now_ms // rate_budget.MINUTE_MS}"

    ban = property(lambda self: f"ban:{{{mark}}}")
    stack.enter_context(mock.patch.object(rate_budget, "client", client))
    stack.enter_context(mock.patch.object(rate_budget.RateBudget, "_minute", minute))
    stack.enter_context(mock.patch.object(rate_budget.RateBudget, "_ban_key", ban))


class _Stopwatch:
    """The monotonic clock of a virtual world: it goes with virtual time."""

    def monotonic(self) -> float:
        return (clock.now() - START).total_seconds()


@contextmanager
def stage(seed: int) -> Iterator[Stage]:
    """A fresh stage for one schedule; everything is put back after it."""
    with ExitStack() as stack:
        moment = stack.enter_context(clock.use(clock.VirtualClock(START)))
        world = World(seed, moment)
        market = StandingMarket(PRICES, now_ms=clock.to_ms(START))
        paper = PaperExchange(market, Store(":memory:"), now_ms=clock.to_ms(START), seed=seed)
        stack.callback(paper.store.abandon)
        _forget_memory()
        stack.enter_context(world.installed(seed))
        set_here = Stage(world, paper, seed=seed)
        stack.enter_context(mock.patch.object(venue_client, "_transport", set_here.wire))
        stack.enter_context(mock.patch.object(venue_clock, "time", _Stopwatch()))
        stack.enter_context(prices.quoted_by(set_here.quote_of))
        stack.enter_context(mock.patch.object(subscribers, "looked_at", list))  # every page is open
        stack.enter_context(mock.patch.object(subscribers, "_send", set_here.note_frame))
        for waker in wake._wakers.values():
            stack.enter_context(mock.patch.object(waker, "wake", set_here.workers.wake))
        _own_budget(stack, set_here, seed)
        _clean()
        listing = paper.handle("GET", "/api/v3/exchangeInfo", "", "", {}, clock.now_ms()).json()
        for raw in listing["symbols"]:
            raw["opoAllowed"] = raw["symbol"] != GROSS_SYMBOL
        store_rules(Venue.PAPER, listing)
        yield set_here


def _clean() -> None:
    """What earlier schedules left undone is nobody's any more; what all accounts share begins anew.

    A schedule that failed leaves work behind, and the guard would find it.
    """
    VenueHealth.objects.all().delete()
    VenueBreaker.objects.all().delete()
    RequestBan.objects.all().delete()
    GlobalHalt.objects.all().delete()
    ExchangeAccount.objects.filter(removed_at=None).update(removed_at=clock.now())
    Order.objects.exclude(state__in=TERMINAL).update(state=State.EXPIRED)
    Trade.objects.exclude(state__in=FINISHED).update(state=TradeState.EXPIRED)
    Trade.objects.filter(state=TradeState.CLOSED, counted_at=None).update(counted_at=clock.now())
    OutboxEvent.objects.filter(delivered_at=None).update(delivered_at=clock.now())
