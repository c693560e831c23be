"""The loop: observe, orient, decide, act. One turn takes all due work of one account.

Starting up, recovering and an ordinary turn are the same code. Two steps touch the world, two are
pure. A turn may run never, once or twice: every step is safe to repeat, for it claims by
compare-and-set or only asks.
"""

from uuid import UUID

import structlog

from testudo import clock
from testudo.observability import correlation
from trading import (
    exchange_calls,
    global_halt,
    key_watch,
    move_steps,
    moves,
    part_legs,
    protection,
    reconcile,
    release,
    resolving,
    submission,
    venue_health,
)
from trading.decide import (
    CancelLegs,
    CatchUp,
    ExitNow,
    ExpireEntry,
    GiveUp,
    GiveUpLegs,
    LookUp,
    OrderSeen,
    Protect,
    Release,
    Seen,
    SplitTargets,
    Step,
    Submit,
    TakeBackEntry,
    TradeSeen,
    decide,
    orient,
)
from trading.decide_moves import MoveLegs
from trading.exchange.port import Exchange, ExchangeError, is_trouble
from trading.models import AccountRisk, Order, Trade
from trading.order_states import FINISHED
from trading.rate_budget import Use, spending
from trading.settlement import fill_fact

log = structlog.get_logger(__name__)

MOST_ROUNDS = 8  # send, read back, protect, ...: a turn that needs more goes on with the next


def run_turn(account_id: UUID, *, exchange: Exchange) -> int:
    """Do what is due for one account. Returns how many steps were taken."""
    taken = 0
    for _ in range(MOST_ROUNDS):
        steps = decide(orient(observe(account_id)))
        if not steps:
            break
        for step in steps:
            with (
                correlation.bind(step.correlation_id or None),
                spending(Use.PROTECTIVE),
                exchange_calls.about(step.trade_id),
            ):
                try:
                    act(step, exchange=exchange)
                except ExchangeError as error:
                    if is_trouble(error):
                        venue_health.note_failure(exchange.venue, str(error))
                    key_watch.note_error(account_id, error)
                    log.warning("step_unanswered", step=type(step).__name__, error=str(error))
                    return taken  # the exchange does not answer: the guard comes back to it
            taken += 1
    return taken


def observe(account_id: UUID) -> Seen:
    """Read the account's unfinished trades, their orders and fills."""
    trades = (
        Trade.objects.filter(account_id=account_id)
        .exclude(state__in=FINISHED)
        .prefetch_related("orders", "fills")
        .order_by("placed_at")
    )
    risk = AccountRisk.objects.get(account_id=account_id)
    return Seen(
        now=clock.now(),
        new_risk=risk.state == AccountRisk.TradingState.ACTIVE and not global_halt.read().halted,
        trades=tuple(_seen(trade) for trade in trades),
    )


def _seen(trade: Trade) -> TradeSeen:
    orders = tuple(
        OrderSeen(
            id=order.pk,
            leg=order.leg,
            state=order.state,
            quantity=order.quantity,
            filled=order.filled,
            sent_with=order.list_client_order_id or order.client_order_id,
            claimed_at=order.claimed_at,
            next_look_at=order.next_look_at,
            type=order.type,
            working_at=order.working_at,
            ended_because=order.state_reason,
            looks=order.looks,
            move_id=order.move_id,
        )
        for order in trade.orders.all()
    )
    legs = {order.id: order.leg for order in orders}
    return TradeSeen(
        trade_id=trade.pk,
        correlation_id=trade.correlation_id,
        orders=orders,
        fills=tuple(fill_fact(trade, fill, leg=legs[fill.order_id]) for fill in trade.fills.all()),
        dust=trade.dust,
        expires_at=trade.expires_at,
        polled_at=trade.polled_at,
        naked_since=trade.naked_since,
        closing=trade.close_requested_at is not None,
        move_id=trade.open_move_id,
        kind=trade.kind,
        withdrawn=trade.cancel_entry_at is not None,
        crossed=trade.crossed_at is not None,
        released=trade.released_at is not None,
        split_due=part_legs.split_is_due(trade),
    )


def act(step: Step, *, exchange: Exchange) -> None:
    """Take one step. Raises: ExchangeError, where a question went unanswered."""
    log.info("step", step=type(step).__name__, trade=str(step.trade_id))
    match step:
        case Submit():
            if submission.submit(step.order_ids, exchange=exchange):
                reconcile.catch_up_trade(step.trade_id, exchange=exchange)
        case GiveUp():
            submission.give_up_waiting(list(Order.objects.filter(pk__in=step.order_ids)))
        case LookUp():
            resolving.look_up(step.order_ids, exchange=exchange)
        case CatchUp():
            reconcile.catch_up_trade(step.trade_id, exchange=exchange)
        case ExpireEntry():
            protection.expire_entry(step.trade_id, why=step.why)
        case Release():
            release.release(step.trade_id)
        case TakeBackEntry():
            protection.take_back_entry(step.trade_id, why=step.why, exchange=exchange)
        case GiveUpLegs():
            protection.give_up_legs(step.trade_id, why=step.why)
        case CancelLegs():
            protection.cancel_legs(step.trade_id, exchange=exchange)
        case Protect():
            protection.protect(step.trade_id, quantity=step.quantity)
        case ExitNow():
            protection.exit_now(step.trade_id, why=step.why)
        case SplitTargets():
            moves.request_split(step.trade_id)
        case MoveLegs():
            move_steps.carry_out(step.trade_id, exchange=exchange)
