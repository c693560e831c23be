"""Bugs planted on purpose into a schedule: each breaks one rule, and the drill must fail by it.

A plant replaces one function of the product for the length of a schedule, in this process only;
nothing of it is reachable in production. `with_faults` are always armed beside it, so that the bug
gets its chance in few schedules; the same faults without the bug leave every invariant whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from unittest import mock

from django.db import transaction
from django.db.models import QuerySet

from tests.drills.stage import Stage
from testudo import clock
from testudo.db.batch import Batch
from trading import bookkeeping, decide, ooda, order_reports, resolving, risk_lock, submission
from trading.exchange.binance import BinanceExchange
from trading.exchange.port import Unknown
from trading.exchange.venue_client import VenueClient
from trading.models import AccountBreaker, AccountRisk, Fill, GlobalHalt, Order
from trading.order_states import State

Patches = Iterator[Any]


@dataclass(frozen=True, slots=True)
class Plant:
    """`patches(stage)` yields what breaks the product, as context managers."""

    says: str
    patches: Callable[[Stage], Patches]
    with_faults: Sequence[str] = ()
    most_seeds: int = 150  # caught by then


@contextmanager
def planted(name: str, stage: Stage) -> Iterator[None]:
    """Plant a bug inside the block; "" plants none."""
    with ExitStack() as stack:
        for patch in PLANTS[name].patches(stage) if name else ():
            stack.enter_context(patch)
        yield


def _blind_retry(stage: Stage) -> Patches:
    send = submission._send

    def again(orders: Any, exchange: Any) -> Any:
        outcome = send(orders, exchange)
        return send(orders, exchange) if isinstance(outcome, Unknown) else outcome

    yield mock.patch.object(submission, "_send", again)


def _no_lock(stage: Stage) -> Patches:
    yield mock.patch.object(QuerySet, "select_for_update", lambda self, *args, **options: self)
    statement = risk_lock._ACCOUNT.replace("FOR NO KEY UPDATE", "")
    assert statement != risk_lock._ACCOUNT
    yield mock.patch.object(risk_lock, "_ACCOUNT", statement)


def _memory_breaker(stage: Stage) -> Patches:
    def forget() -> None:
        AccountBreaker.objects.all().delete()
        AccountRisk.objects.update(state=AccountRisk.TradingState.ACTIVE, reason="")
        GlobalHalt.objects.update(halted=False, reason="")

    for name in ("worker-1", "worker-2", "guard", "stream", "web"):
        stage.world.process(name).on_start.append(forget)
    yield ExitStack()


def _trade_id_alone(stage: Stage) -> Patches:
    def by_number(account_id: Any, executed: Any) -> list[Any]:
        known = set(Fill.objects.filter(account_id=account_id).values_list(
            "exchange_trade_id", flat=True
        ))  # fmt: skip
        return [each for each in executed if each.trade_id not in known]

    yield mock.patch.object(bookkeeping, "_not_booked", by_number)


def _gross_stop(stage: Stage) -> Patches:
    place = BinanceExchange.place_bracket

    def gross(self: Any, bracket: Any, *, signed_at: Any) -> Any:
        if bracket.kind == "OTOCO":
            whole = bracket.entry.quantity
            bracket = replace(
                bracket,
                above=replace(bracket.above, quantity=whole),
                below=replace(bracket.below, quantity=whole),
            )
        return place(self, bracket, signed_at=signed_at)

    yield mock.patch.object(BinanceExchange, "place_bracket", gross)


def _arrival_order(stage: Stage) -> Patches:
    def last_word(trade: Any, order: Any, report: Any, told: Any) -> bool:
        for name, value in order_reports.figures_in(order, report).items():
            setattr(order, name, value)
        order.filled, order.state = report.executed, order_reports.STATES[report.status]
        order.save()
        return True

    yield mock.patch.object(bookkeeping, "news_in", return_value=True)
    yield mock.patch.object(bookkeeping, "_take_in", last_word)


def _resend_in_window(stage: Stage) -> Patches:
    """Where the first look finds no entry the same ids go out again."""
    look = resolving.look_up

    def look_then_send(order_ids: Sequence[Any], *, exchange: Any) -> None:
        look(order_ids, exchange=exchange)
        unseen = Order.objects.filter(pk__in=order_ids, state=State.UNKNOWN)
        if unseen.count() == len(order_ids):
            unseen.update(state=State.PLANNED)
            submission.submit(order_ids, exchange=exchange)

    yield mock.patch.object(resolving, "look_up", look_then_send)


def _absent_at_once(stage: Stage) -> Patches:
    yield mock.patch.object(resolving, "ABSENT_AFTER", timedelta(0))
    yield mock.patch.object(resolving, "LOOKS_FOR_ABSENT", 1)


def _claim_twice(stage: Stage) -> Patches:
    """Two workers that saw the same planned order both send it."""
    claim = submission.claim

    def shared(order_ids: Any, *args: Any, **options: Any) -> Any:
        Order.objects.filter(pk__in=order_ids).update(state=State.PLANNED)
        return claim(order_ids, *args, **options)

    yield mock.patch.object(submission, "claim", shared)


def _signed_at_call(stage: Stage) -> Patches:
    """The timestamp of the call instead of the claim's: a paused worker sends late and is taken."""
    sign = VenueClient._generate_signature

    def now(self: Any, data: Any, uri_encode: bool = True) -> str:
        self.signed_at_ms = clock.now_ms()
        return sign(self, data, uri_encode)

    yield mock.patch.object(VenueClient, "_generate_signature", now)


def _no_protection(stage: Stage) -> Patches:
    def without(situations: Any, *args: Any, **options: Any) -> list[Any]:
        steps = decide.decide(situations, *args, **options)
        return [each for each in steps if not isinstance(each, decide.Protect)]

    yield mock.patch.object(ooda, "decide", without)


def _cash_twice(stage: Stage) -> Patches:
    """A fill that is told again moves the cash again."""
    look = bookkeeping._not_booked

    def again(account_id: Any, executed: Any) -> list[Any]:
        new, rows = look(account_id, executed), Batch()
        for each in executed:
            if each not in new and (order := bookkeeping.find_ours(account_id, each)):
                bookkeeping._move_cash(order.trade, order, each, rows)
        with transaction.atomic():
            rows.run()
        return new

    yield mock.patch.object(bookkeeping, "_not_booked", again)


PLANTS: dict[str, Plant] = {
    "blind-retry": Plant(
        "an order without an answer is sent again at once", _blind_retry, ("F04", "F05")
    ),
    "no-lock": Plant("rows are read without their lock", _no_lock, ("F34",)),
    "memory-breaker": Plant(
        "breakers and halts live in a process and die with it", _memory_breaker,
        ("halted", "worker dies"),
    ),
    "trade-id-alone": Plant("fills are told apart by their number alone", _trade_id_alone),
    "gross-stop": Plant("legs are sized before the entry's fee", _gross_stop),
    "arrival-order": Plant(
        "the last report to arrive decides", _arrival_order, ("F17",)
    ),
    "resend-in-window": Plant(
        "an order not found at the first look is sent again", _resend_in_window, ("F07", "F08")
    ),
    "absent-at-once": Plant(
        "not found once counts as absent", _absent_at_once, ("F07", "F08")
    ),
    "claim-twice": Plant("a claim is no compare-and-set", _claim_twice, ("F32", "stall")),
    "signed-at-call": Plant(
        "a worker that wakes late signs with the time of waking", _signed_at_call, ("F33",)
    ),
    "no-protection": Plant("a lost stop is not put back", _no_protection, ("F25",)),
    "cash-twice": Plant("a fill told twice is paid twice", _cash_twice, ("F16",)),
}  # fmt: skip
