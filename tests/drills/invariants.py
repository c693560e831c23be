"""What must always hold (DESIGN section 6), checked against the exchange's own ledger.

Each function takes our account and what the drill saw, and answers with findings in words; none
means that it holds. They only read. `tests/drills/test_invariants.py` shows that each can fail.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal

from tests.drills.ledger import amount, at, is_open
from tests.drills.naked import Naked, naked_times, never_naked, orders_of
from tests.drills.seen import Finding, Seen, Sent, Span
from testudo import clock
from testudo.events.models import InboxEntry, OutboxEvent
from trading import decisions, ledger
from trading.models import Decision, Fill, Order, Trade
from trading.order_reports import STATES
from trading.order_states import FINISHED, State, TradeState

OURS = re.compile(r"T[A-Z2-7]{26}[A-Z][0-9A-Z]{4}")
NEVER_THERE = frozenset({State.PLANNED, State.CANCELED, State.EXPIRED, State.REJECTED})
LONGEST_UNSETTLED = timedelta(seconds=60)
LONGEST_UNDELIVERED = timedelta(seconds=60)
AFTER_HALT = timedelta(seconds=1)
MOST_WEIGHT = 5400  # 90 % of 6,000 a minute
ZERO = Decimal(0)


Check = Callable[[Seen], Iterator[Finding]]


def check_all(seen: Seen) -> list[Finding]:
    """Every invariant, for an account at rest."""
    return [finding for check in CHECKS for finding in check(seen)]


def fills_equal_trades(seen: Seen) -> Iterator[Finding]:
    """I1: our fills equal the exchange's trades, to the last digit."""
    ours = {order.id: order for order in seen.venue.orders if OURS.fullmatch(order.client_id)}
    there = {(t.symbol, t.id, t.order_id): t for t in seen.venue.trades if t.order_id in ours}
    rows = Fill.objects.filter(account=seen.account).select_related("order")
    here = {(f.symbol, f.exchange_trade_id, f.order.exchange_order_id): f for f in rows}
    for key in there.keys() - here.keys():
        yield Finding("I1", f"lost fill: {key[0]} trade {key[1]} of order {key[2]} is not booked")
    for key in here.keys() - there.keys():
        yield Finding("I1", f"invented fill: {key[0]} trade {key[1]} of order {key[2]}")
    for key in there.keys() & here.keys():
        trade, fill = there[key], here[key]
        figures = {
            "price": (fill.price, amount(trade.price)),
            "quantity": (fill.quantity, amount(trade.quantity)),
            "quote": (fill.quote_quantity, amount(trade.quote)),
            "commission": (fill.commission, amount(trade.commission)),
            "commission asset": (fill.commission_asset, trade.commission_asset),
            "time": (fill.at, at(trade.at_ms)),
            "client id": (fill.order.client_order_id, ours[trade.order_id].client_id),
        }
        for name, (booked, said) in figures.items():
            if booked != said:
                yield Finding("I1", f"{key[0]} trade {key[1]}: {name} {booked}, not {said}")


def no_order_twice(seen: Seen) -> Iterator[Finding]:
    """I2: each attempt of each leg was taken in once, and no trade bought or sold beyond plan."""
    for name, taken in seen.venue.named().items():
        if OURS.fullmatch(name) and len(taken) > 1:
            yield Finding("I2", f"duplicate order: {name} was taken in {len(taken)} times")
    for trade in Trade.objects.filter(account=seen.account):
        bought, received, sold = _moved(seen, trade)
        if bought > trade.quantity:
            yield Finding("I2", f"bought {bought} {trade.symbol}, planned {trade.quantity}")
        # OPO legs are whole where free coin of the account paid the entry's fee (DESIGN 5).
        whole = trade.orders.filter(list_kind="OPOCO", leg="entry").exists()
        if sold > (bought if whole else received):
            yield Finding("I2", f"sold {sold} {trade.symbol}, of {received} received")


def limits_hold(seen: Seen) -> Iterator[Finding]:
    """I4: one live trade a symbol, none beyond its budget. (Heat is asked at each placement.)"""
    live = Trade.objects.filter(account=seen.account).exclude(state__in=FINISHED)
    for symbol, count in Counter(live.values_list("symbol", flat=True)).items():
        if count > 1:
            yield Finding("I4", f"{count} live trades in {symbol}")
    for trade in Trade.objects.filter(account=seen.account):
        if trade.planned_risk > trade.risk_budget:
            yield Finding("I4", f"{trade.pk} risks {trade.planned_risk} of {trade.risk_budget}")


def no_orphans(seen: Seen) -> Iterator[Finding]:
    """I5: every order of ours at the exchange is known here, and no foreign one was touched."""
    known = set(
        Order.objects.filter(account=seen.account).values_list("client_order_id", flat=True)
    )
    for order in seen.venue.orders:
        if OURS.fullmatch(order.client_id):
            if order.client_id not in known:
                yield Finding("I5", f"orphan: {order.client_id} is at the exchange, not here")
        elif order.status == "CANCELED" and order.id not in seen.by_hand:
            yield Finding("I5", f"the trader's own order {order.client_id} was cancelled")


def books_balance(seen: Seen) -> Iterator[Finding]:
    """I6: double entry sums to zero, and every asset of our books is the exchange's balance."""
    for asset, units in seen.venue.discrepancies.items():
        yield Finding("I6", f"the exchange's own {asset} is off by {units}")
    for fault in ledger.faults(seen.account):
        yield Finding("I6", str(fault))
    ours = ledger.totals(seen.account)
    if seen.account.currency not in ours:
        yield Finding("I6", "the account's books were never opened")
    for asset in sorted(ours.keys() | seen.venue.balances.keys()):
        here, there = ours.get(asset, ZERO), seen.venue.balances.get(asset, ZERO)
        if here != there:
            yield Finding("I6", f"our books say {here:f} {asset}, the exchange {there:f}")


def at_rest_we_agree(seen: Seen) -> Iterator[Finding]:
    """I7: states and quantities here are the exchange's, and nothing is stuck."""
    named = seen.venue.named()
    for order in Order.objects.filter(account=seen.account):
        taken = named.get(order.client_order_id)
        if taken is None:
            if order.state not in NEVER_THERE:
                yield Finding("I7", f"{order.leg} {order.state} here, unknown to the exchange")
            continue
        there = taken[-1]
        if order.state != STATES[there.status]:
            yield Finding("I7", f"{order.leg} is {order.state} here, {there.status} there")
        if order.filled != amount(there.filled):
            yield Finding("I7", f"{order.leg} filled {order.filled}, there {amount(there.filled)}")
    for trade in Trade.objects.filter(account=seen.account):
        _, received, sold = _moved(seen, trade)
        held = received - sold
        standing = [order for order in orders_of(seen, trade) if is_open(order)]
        if trade.state in FINISHED:
            if standing:
                yield Finding("I7", f"{trade.symbol} {trade.state}, {len(standing)} orders rest")
            if held >= trade.dust:
                yield Finding("I7", f"{trade.symbol} is {trade.state}, {held} are still held")
        elif trade.held != max(held, ZERO):
            yield Finding("I7", f"{trade.symbol} holds {trade.held} here, {held} there")
        elif trade.state == TradeState.OPEN:
            prices = {amount(order.stop_price) for order in standing if order.type == "STOP_LOSS"}
            if prices != {trade.stop_now}:
                yield Finding("I7", f"{trade.symbol} stops at {trade.stop_now}, there {prices}")


def nothing_after_halt(seen: Seen) -> Iterator[Finding]:
    """I8: no request that opens risk later than a second after a halt."""
    for sent in seen.entries:
        for halt in seen.halts:
            late = sent.at > halt.since + AFTER_HALT
            if halt.holds(sent.at) and late and not sent.is_stale:
                seconds = (sent.at - halt.since).total_seconds()
                yield Finding("I8", f"{sent.client_id} was sent {seconds:.1f} s after a halt")


def nothing_stuck(seen: Seen) -> Iterator[Finding]:
    """I9: nothing unsettled past its window, no trade under way for ever, all events delivered."""
    now = clock.now()
    unsettled = Order.objects.filter(
        account=seen.account, state__in=[State.PLANNED, State.SENDING, State.UNKNOWN]
    ).exclude(trade__kind="breakout", trade__crossed_at=None, state=State.PLANNED)
    for order in unsettled:
        since = order.claimed_at or order.created_at
        if now - since > LONGEST_UNSETTLED:
            yield Finding("I9", f"stuck: {order.leg} {order.state} since {since:%X}")
    closing = Trade.objects.filter(account=seen.account, state=TradeState.CLOSING)
    for trade in closing:
        yield Finding("I9", f"stuck: {trade.symbol} is closing: {trade.state_reason}")
    waiting = OutboxEvent.objects.filter(stream=str(seen.account.pk), delivered_at=None)
    for event in waiting:
        why = event.last_error.splitlines()[:1]
        yield Finding("I9", f"{event.name} #{event.seq} was never delivered {why}")


def nothing_for_strangers(seen: Seen) -> Iterator[Finding]:
    """I10: rows, events and frames of the account are its own."""
    key = str(seen.account.pk)
    for order in Order.objects.filter(account=seen.account).exclude(trade__account=seen.account):
        yield Finding("I10", f"{order} hangs on another account's trade")
    for fill in Fill.objects.filter(account=seen.account).exclude(order__account=seen.account):
        yield Finding("I10", f"fill {fill.exchange_trade_id} hangs on another account's order")
    for event in OutboxEvent.objects.filter(stream=key):
        if event.payload.get("account_id", key) != key:
            yield Finding("I10", f"{event.name} of another account is in this one's stream")
    for told in seen.strangers:
        yield Finding("I10", told)


def within_the_rate(seen: Seen) -> Iterator[Finding]:
    """I11: never above 90 % of the weight, and not one request while banned."""
    if seen.most_weight > MOST_WEIGHT:
        yield Finding("I11", f"used {seen.most_weight} of weight a minute, {MOST_WEIGHT} at most")
    for ban in seen.bans:
        during = [moment for moment in seen.requests if ban.holds(moment) and moment > ban.since]
        if during:
            yield Finding("I11", f"{len(during)} requests during a ban from {ban.since:%X}")


def every_change_audited(seen: Seen) -> Iterator[Finding]:
    """I12: the decision log's chain holds, one record for each trade; events heard once each."""
    for broken in decisions.breaks(seen.account.pk):
        yield Finding("I12", f"the decision log: {broken}")
    placed = Decision.objects.filter(account=seen.account, kind="placed").count()
    trades = Trade.objects.filter(account=seen.account).count()
    if placed != trades:
        yield Finding("I12", f"{placed} decisions to place, {trades} trades")
    stream = OutboxEvent.objects.filter(stream=str(seen.account.pk)).order_by("seq")
    numbers = list(stream.values_list("seq", flat=True))
    if numbers != list(range(1, len(numbers) + 1)):
        yield Finding("I12", "the account's events are not numbered without a gap")
    closed = stream.filter(name="trading.trade_closed")
    told = Counter(event.payload["trade_id"] for event in closed)
    ended = Trade.objects.filter(account=seen.account, state=TradeState.CLOSED)
    for trade in ended:
        if told[str(trade.pk)] != 1:
            yield Finding("I12", f"{trade.pk} was told closed {told[str(trade.pk)]} times")
    heard = InboxEntry.objects.filter(event__in=closed, consumer__startswith="journal").count()
    if heard != len(told):
        yield Finding("I12", f"{len(told)} trades closed, the journal heard of {heard}")


__all__ = ["CHECKS", "Finding", "Naked", "Seen", "Sent", "Span", "check_all", "naked_times"]

CHECKS: tuple[Check, ...] = (
    fills_equal_trades, no_order_twice, never_naked, limits_hold, no_orphans, books_balance,
    at_rest_we_agree, nothing_after_halt, nothing_stuck, nothing_for_strangers, within_the_rate,
    every_change_audited,
)  # fmt: skip


def _moved(seen: Seen, trade: Trade) -> tuple[Decimal, Decimal, Decimal]:
    """What a trade bought, received net of fees in the coin, and sold, by the exchange's word."""
    ids = {order.id for order in orders_of(seen, trade)}
    base = trade.base_asset
    total: dict[str, int] = defaultdict(int)
    for fill in seen.venue.trades:
        if fill.order_id in ids:
            fee = fill.commission if fill.commission_asset == base else 0
            if fill.is_buyer:
                total["bought"] += fill.quantity
                total["received"] += fill.quantity - fee
            else:
                total["sold"] += fill.quantity + fee
    return amount(total["bought"]), amount(total["received"]), amount(total["sold"])
