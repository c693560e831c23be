"""Carrying a move out at the exchange (R10): the old pair down, the next one up, within one step.

It can die between any two lines. What it did is in the orders' rows and at the exchange, so the
next turn begins with the same step and finds less to do. No lock is held while it talks (R6).
"""

from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

import structlog
from django.db import transaction

from testudo import clock, failpoints
from trading import client_ids, protection, reconcile, submission
from trading.bookkeeping import lock_trade
from trading.decide_moves import Rung, rung_of
from trading.exchange.port import Exchange
from trading.legs import stop_leg
from trading.market.symbols import rules
from trading.models import Leg, Move, MoveState, Order, Side, Trade
from trading.order_states import LIVE, TERMINAL, State
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
    order_ids = plan_next(trade_id)
    if order_ids:
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
        legs = trade.orders.filter(leg__in=[Leg.STOP, Leg.TARGET]).exclude(move=move)
        return [order for order in legs if order.state in LIVE]


def _position(trade_id: UUID):
    return position_of(*facts_of(Trade.objects.get(pk=trade_id)))


def plan_next(trade_id: UUID) -> list[UUID]:
    """Write the orders of the next try, for what is held and nothing covers; their ids, to send.

    Empty where something still stands or is under way, where fills are missing, or where nothing
    is held any more: then there is nothing to sell twice.
    """
    with transaction.atomic():
        trade = lock_trade(trade_id)
        move = trade.open_move
        if move is None or trade.close_requested_at is not None:
            return []
        position = position_of(*facts_of(trade))
        exits = trade.orders.exclude(leg=Leg.ENTRY)
        if not position.booked or exits.exclude(state__in=TERMINAL).exists():
            return []
        quantity = protection.sellable(trade, uncovered(position, dust=trade.dust))
        if not quantity:
            return []
        refused = exits.filter(move=move, leg=Leg.STOP, state=State.REJECTED).count()
        match rung_of(refused):
            case Rung.WISHED:
                planned = _pair(trade, move, quantity, move.to_stop, move.to_target)
            case Rung.FORMER:
                planned = _pair(trade, move, quantity, move.from_stop, move.from_target)
            case Rung.STOP_ALONE:
                planned = [_stop_alone(trade, move, quantity)]
            case _:
                return []  # `settle` has ended the move, and the guard sells
        log.info("move_planned", trade=str(trade.pk), number=move.number, refused=refused)
    return [order.pk for order in planned]


def _pair(
    trade: Trade, move: Move, quantity: Decimal, stop: Decimal, target: Decimal
) -> list[Order]:
    return protection.plan_pair(trade, quantity=quantity, stop=stop, target=target, move=move)


def _stop_alone(trade: Trade, move: Move, quantity: Decimal) -> Order:
    attempt = protection.next_attempt(trade, Leg.STOP)
    return Order.objects.create(
        trade=trade,
        account_id=trade.account_id,
        symbol=trade.symbol,
        side=Side.SELL,
        quantity=quantity,
        move=move,
        leg=Leg.STOP,
        **stop_leg(rules(trade.account.venue, trade.symbol), move.from_stop),
        client_order_id=client_ids.client_id(trade.pk, client_ids.STOP, attempt),
    )
