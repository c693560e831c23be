"""What became of an order that was sent and not answered: found, sent again, or proven absent (R4).

An entry is never sent again: it is looked for by every question there is, until it is seen or must
be absent. A protective order cannot wait that long: one look by every question, then it is sent
again under the *same* ids, which the exchange refuses while the first one rests.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.db import transaction

from testudo import clock
from trading import incidents
from trading.bookkeeping import advance, book, lock_trade
from trading.exchange.port import Exchange, OrderReport
from trading.models import Leg, Order, Trade
from trading.order_states import State
from trading.positions import position_of
from trading.reconcile import catch_up_trade
from trading.settlement import facts_of, settle

log = structlog.get_logger(__name__)

# R4: recvWindow 2 s + the exchange's own time-out 10 s + 5 s, by the exchange's clock. Not found
# before that is not absent.
ABSENT_AFTER = timedelta(seconds=17)
LOOKS_FOR_ABSENT = 3
FIRST_PAUSE, LONGEST_PAUSE = timedelta(milliseconds=500), timedelta(seconds=5)
MOST_NUMBERS = 5  # orders of unknown number asked about in one look; the next look asks the others
GONE = "It never reached the exchange."
GONE_ENTRY = f"{GONE} The price has moved on since, so it is not sent again."


def look_up(order_ids: Sequence[UUID], *, exchange: Exchange) -> None:
    """Resolve the orders of one list, or one order, whose outcome is unknown.

    Raises: ExchangeError, where a question went unanswered: nothing is concluded from that.
    """
    orders = list(Order.objects.filter(pk__in=order_ids, state=State.UNKNOWN).order_by("pk"))
    if not orders:
        return
    found, seen = _ask_everywhere(orders, exchange)
    if found:
        book(orders[0].account_id, found)
        catch_up_trade(orders[0].trade_id, exchange=exchange)
    if found or seen:
        _look_again(orders)
        _tell_if_resolved(orders, "It was found at the exchange.")
    elif any(order.leg == Leg.ENTRY for order in orders):
        _not_found(orders, now=clock.now() + exchange.clock_offset())
    else:
        _protective_not_found(orders, exchange)


def _ask_everywhere(orders: Sequence[Order], exchange: Exchange) -> tuple[list[OrderReport], bool]:
    """What is found of them, and whether there is a trace of any: each by its id, the list by its
    id, what rests, what was executed since. Cheapest question first, and no more once found."""
    symbol, wanted = orders[0].symbol, {order.client_order_id for order in orders}
    by_id = [exchange.find_order(symbol, order.client_order_id) for order in orders]
    if found := [report for report in by_id if report is not None]:
        return found, True
    if orders[0].list_client_order_id:
        listed = exchange.find_list(orders[0].list_client_order_id)
        if listed is not None:
            numbers = [number for number, client_id in listed.orders if client_id in wanted]
            return _by_number(symbol, numbers, wanted, exchange), True
    resting = exchange.open_orders(symbol)
    if found := [report for report in resting if report.client_order_id in wanted]:
        return found, True
    found = _by_number(symbol, _numbers_executed(orders, exchange), wanted, exchange)
    return found, bool(found)


def _numbers_executed(orders: Sequence[Order], exchange: Exchange) -> list[int]:
    """The exchange's numbers of orders executed since ours was sent that are not known as ours."""
    since = _sent_at(orders) - timedelta(seconds=1)
    executed = {trade.exchange_order_id for trade in exchange.trades(orders[0].symbol, since=since)}
    known = Order.objects.filter(
        account_id=orders[0].account_id, symbol=orders[0].symbol, exchange_order_id__in=executed
    )
    return sorted(executed - set(known.values_list("exchange_order_id", flat=True)))


def _by_number(
    symbol: str, numbers: Sequence[int], wanted: set[str], exchange: Exchange
) -> list[OrderReport]:
    reports = [exchange.find_order_by_number(symbol, each) for each in numbers[:MOST_NUMBERS]]
    return [each for each in reports if each is not None and each.client_order_id in wanted]


def _sent_at(orders: Sequence[Order]) -> datetime:
    """The moment that was signed, by the exchange's clock; of a row older than that, our claim."""
    order = orders[0]
    return order.signed_at or order.claimed_at or order.created_at


def _pause(looks: int) -> timedelta:
    doubled: timedelta = FIRST_PAUSE * (1 << min(looks, 10))
    return min(doubled, LONGEST_PAUSE)


def _look_again(orders: Sequence[Order]) -> None:
    """A trace was seen: those of them that were not found yet lag behind it."""
    for order in orders:
        looks = order.looks + 1
        Order.objects.filter(pk=order.pk, state=State.UNKNOWN).update(
            looks=looks, next_look_at=clock.now() + _pause(looks)
        )


def _not_found(orders: Sequence[Order], *, now: datetime, why: str = GONE_ENTRY) -> None:
    """`now` is by the exchange's clock, as the moment of sending is."""
    with transaction.atomic():
        trade = lock_trade(orders[0].trade_id)
        for order in orders:
            order.refresh_from_db()
            if order.state != State.UNKNOWN:
                continue
            looks = order.looks + 1
            if looks >= LOOKS_FOR_ABSENT and now - _sent_at([order]) >= ABSENT_AFTER:
                advance(order, to=State.EXPIRED, looks=looks, next_look_at=None, state_reason=why)
            else:
                pause, left = _pause(looks), ABSENT_AFTER - (now - _sent_at([order]))
                if left > timedelta(0):
                    pause = min(pause, left)  # the look that may decide is not put off beyond it
                again = clock.now() + pause
                Order.objects.filter(pk=order.pk).update(looks=looks, next_look_at=again)
        settle(trade)
    _tell_if_resolved(orders, why)


def _protective_not_found(orders: Sequence[Order], exchange: Exchange) -> None:
    """Send it again at once under the same ids, where that cannot sell twice (R4)."""
    catch_up_trade(orders[0].trade_id, exchange=exchange)  # what was executed meanwhile
    now = clock.now() + exchange.clock_offset()
    if orders[0].leg == Leg.EXIT and not _wallet_stands_guard(orders[0], exchange):
        _not_found(orders, now=now, why=GONE)
        return
    with transaction.atomic():
        trade = lock_trade(orders[0].trade_id)
        for order in orders:
            order.refresh_from_db()
        if any(order.state != State.UNKNOWN for order in orders):
            return  # it was heard of meanwhile
        if _still_held(trade, orders):
            for order in orders:
                advance(order, to=State.PLANNED, looks=order.looks + 1, next_look_at=None)
            log.warning("sending_again", order=orders[0].client_order_id, looks=orders[0].looks)
            return
    _not_found(orders, now=now, why=GONE)


def _still_held(trade: Trade, orders: Sequence[Order]) -> bool:
    """Whether what they would sell is there and nothing else sells it: the net quantity that no
    other stop covers, looked at before they go again."""
    position = position_of(*facts_of(trade))
    wanted = max((order.quantity or position.held for order in orders), default=position.held)
    return position.booked and position.held - position.stop_cover >= wanted


def _wallet_stands_guard(order: Order, exchange: Exchange) -> bool:
    """Whether the wallet holds too little of the coin for a second market sale of that quantity.

    A market order does not rest, so its id is free again at once; only an empty wallet would then
    refuse the second one. With other coin of the kind in it, absence must be proven first.
    """
    coin, quantity = order.trade.base_asset, order.quantity
    there = sum(each.free + each.locked for each in exchange.balances() if each.asset == coin)
    return quantity is not None and quantity <= there < 2 * quantity


def _tell_if_resolved(orders: Sequence[Order], how: str) -> None:
    """Close the incident of the list once none of its orders is unknown any more."""
    first = orders[0]
    left = Order.objects.filter(pk__in=[order.pk for order in orders], state=State.UNKNOWN)
    if not left.exists():
        incidents.close_incident(
            first.account_id,
            "outcome_unknown",
            trade_id=first.trade_id,
            about=first.list_client_order_id or first.client_order_id,
            done=how,
        )
