"""Carrying a move out at the exchange (R10): the old pair down, the next one up, within one step.

It can die between any two lines. What it did is in the orders' rows and at the exchange, so the
next turn begins with the same step and finds less to do. No lock is held while it talks (R6).
"""

from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

import structlog
from django.db import transaction

from risk.part_targets import Part
from testudo import clock, failpoints
from trading import client_ids, protection, reconcile, submission
from trading.bookkeeping import lock_trade
from trading.decide_moves import Rung, next_rung
from trading.exchange.port import Exchange
from trading.legs import stop_leg
from trading.market.symbols import rules
from trading.models import Leg, Move, MoveReason, MoveState, Order, Side, Trade
from trading.order_states import LIVE, TERMINAL, State
from trading.part_legs import WHOLE, laid_out, sold
from trading.positions import position_of, uncovered
from trading.settlement import facts_of

log = structlog.get_logger(__name__)


def carry_out(trade_id: UUID, *, exchange: Exchange) -> None:
    """Take down what stands elsewhere, then send what is due next. Raises: ExchangeError."""
    standing = _claim(trade_id)
    if standing:
        failpoints.reach("before_legs_down")
        protection.take_down(standing, exchange=exchange)
        failpoints.reach("after_legs_down")
    if not _position(trade_id).booked:  # a leg sold before it came down: its fills first
        reconcile.catch_up_trade(trade_id, exchange=exchange)
    for order_ids in plan_next(trade_id):
        failpoints.reach("after_move_planned")
        submission.submit(order_ids, exchange=exchange)


def _claim(trade_id: UUID) -> Sequence[Order]:
    """The legs to take down; from now on the move is under way, and no wish supersedes it."""
    with transaction.atomic():
        trade = lock_trade(trade_id)
        move = trade.open_move
        if move is None or trade.close_requested_at is not None:
            return ()
        if move.state == MoveState.WISHED:
            move.state, move.claimed_at = MoveState.UNDER_WAY, clock.now()
            move.save(update_fields=["state", "claimed_at"])
        return _elsewhere(_legs(trade), move)


def _legs(trade: Trade) -> list[Order]:
    return list(trade.orders.filter(leg__in=[Leg.STOP, Leg.TARGET]).order_by("pk"))


def _elsewhere(legs: Sequence[Order], move: Move) -> list[Order]:
    """What rests and was not sent for this move; with it, what its sibling's end left alone."""
    ended = {order.list_client_order_id for order in legs if order.state in TERMINAL} - {""}
    return [
        order
        for order in legs
        if order.state in LIVE and (order.move_id != move.pk or order.list_client_order_id in ended)
    ]


def _position(trade_id: UUID):
    return position_of(*facts_of(Trade.objects.get(pk=trade_id)))


def plan_next(trade_id: UUID) -> list[list[UUID]]:
    """Write the orders of the next try, for what is held and nothing covers; their ids, list by
    list, to be sent.

    Empty where something still stands elsewhere or is under way, where fills are missing, or where
    nothing is held any more: then there is nothing to sell twice.
    """
    with transaction.atomic():
        trade = lock_trade(trade_id)
        move = trade.open_move
        if move is None or trade.close_requested_at is not None:
            return []
        position, legs = position_of(*facts_of(trade)), _legs(trade)
        under_way = trade.orders.exclude(leg=Leg.ENTRY).exclude(state__in={*TERMINAL, *LIVE})
        selling = trade.orders.filter(leg=Leg.EXIT, state__in=LIVE)
        if not position.booked or under_way.exists() or selling.exists():
            return []
        if _elsewhere(legs, move):
            return []
        quantity = protection.sellable(trade, uncovered(position, dust=trade.dust))
        if not quantity:
            return []
        tries = [order for order in legs if order.move_id == move.pk and order.leg == Leg.STOP]
        rung = next_rung(order.rung for order in tries if order.state == State.REJECTED)
        planned = _planned(trade, move, rung, quantity, legs)
        log.info("move_planned", trade=str(trade.pk), number=move.number, rung=rung.name)
    return planned


def _planned(
    trade: Trade, move: Move, rung: Rung, quantity: Decimal, legs: Sequence[Order]
) -> list[list[UUID]]:
    if rung == Rung.EXIT:
        return []  # `settle` has ended the move, and the guard sells
    if rung == Rung.STOP_ALONE:
        return [[_stop_alone(trade, move, quantity).pk]]
    wished = rung == Rung.WISHED
    stop = move.to_stop if wished else move.from_stop
    target = move.to_target if wished else move.from_target
    if move.why == MoveReason.TARGETS and not wished:  # as it was: one pair for everything
        parts: Sequence[Part] = [Part(WHOLE, quantity, target)]
    else:
        rest = {order.part for order in legs if order.move_id == move.pk and order.state in LIVE}
        gone = sold(legs) | rest
        parts = laid_out(trade, quantity, stop=stop, target=target, without=gone)
    pairs = [
        protection.plan_pair(
            trade,
            part,
            stop=stop if wished else _former_stop(part, move, legs),
            move=move,
            rung=rung,
        )
        for part in parts
    ]
    return [[order.pk for order in pair] for pair in pairs]


def _former_stop(part: Part, move: Move, legs: Sequence[Order]) -> Decimal:
    """Where this part's stop was: after a move that only some parts followed, not every part's is
    the trade's."""
    former = [
        order.stop_price
        for order in legs
        if order.leg == Leg.STOP
        and order.move_id != move.pk
        and order.part == part.number
        and order.resting_at is not None
        and order.stop_price is not None
    ]
    return max([move.from_stop, *former[-1:]])  # a long's, as spot is


def _stop_alone(trade: Trade, move: Move, quantity: Decimal) -> Order:
    attempt = protection.next_attempt(trade, Leg.STOP)
    return Order.objects.create(
        trade=trade,
        account_id=trade.account_id,
        symbol=trade.symbol,
        side=Side.SELL,
        quantity=quantity,
        move=move,
        rung=Rung.STOP_ALONE,
        leg=Leg.STOP,
        **stop_leg(rules(trade.account.venue, trade.symbol), move.from_stop),
        client_order_id=client_ids.client_id(trade.pk, client_ids.STOP, attempt),
    )
