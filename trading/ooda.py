"""The loop: observe, orient, decide, act. One turn takes all due work of one account.

Starting up, recovering and an ordinary turn are the same code. Two steps touch the world, two are
pure. A turn may run never, once or twice: every step is safe to repeat, for it claims by
compare-and-set or only asks.
"""

from collections.abc import Callable
from uuid import UUID

import structlog

from testudo.observability import correlation
from trading import (
    exchange_calls,
    key_watch,
    move_steps,
    moves,
    protection,
    reconcile,
    release,
    resolving,
    submission,
    turn_reads,
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
    Protect,
    Release,
    Seen,
    SplitTargets,
    Step,
    Submit,
    TakeBackEntry,
    decide,
    orient,
)
from trading.decide_moves import MoveLegs
from trading.exchange.port import Accepted, Exchange, ExchangeError, is_trouble
from trading.models import Order
from trading.rate_budget import Use, spending

log = structlog.get_logger(__name__)

MOST_ROUNDS = 8  # send, read back, protect, ...: a turn that needs more goes on with the next


def run_turn(
    account_id: UUID, *, exchange: Exchange | Callable[[], Exchange], streamed: bool = False
) -> int:
    """Do what is due for one account. Returns how many steps were taken.

    `exchange`: or how to reach it, asked where there is something to do. `streamed`: the caller's
    platform follows the account's stream, so what an accepted entry came to need not be asked at
    once: the stream tells it, and where it does not the guard asks within two seconds.

    A step that goes unanswered ends the turn for its trade, and for every question and entry. What
    protects or closes the account's other trades is sent all the same: an exchange that answers no
    question may well take orders. So it does when a step fails as nobody foresaw; that is raised at
    the end.
    """
    turn = _Turn()
    reached = None
    for _ in range(MOST_ROUNDS):
        seen = observe(account_id)
        steps = [step for step in decide(orient(seen)) if turn.goes_on(step)]
        if not steps:
            break
        if reached is None:
            reached = exchange() if callable(exchange) else exchange
        for step in steps:
            if turn.goes_on(step):
                turn.take(step, account_id, reached, streamed=streamed and seen.streamed)
    if turn.failures:
        raise turn.failures[0]
    return turn.taken


class _Turn:
    """What became of one turn's steps so far."""

    def __init__(self) -> None:
        self.taken = 0
        self.failures: list[Exception] = []
        self._unanswered: set[UUID] = set()  # trades; the guard comes back to them
        self._not_ours: set[UUID] = set()  # another worker has its orders, or they must wait

    def goes_on(self, step: Step) -> bool:
        if step.trade_id in self._unanswered or step.trade_id in self._not_ours:
            return False
        asks = isinstance(step, LookUp | CatchUp | Release) or (
            isinstance(step, Submit) and step.enters
        )
        return not (self._unanswered and asks)

    def take(self, step: Step, account_id: UUID, exchange: Exchange, *, streamed: bool) -> None:
        with (
            correlation.bind(step.correlation_id or None),
            spending(Use.PROTECTIVE),
            exchange_calls.about(step.trade_id),
        ):
            try:
                done = act(step, exchange=exchange, streamed=streamed)
            except ExchangeError as error:
                if is_trouble(error):
                    venue_health.note_failure(exchange.venue, str(error))
                key_watch.note_error(account_id, error)
                log.warning("step_unanswered", step=type(step).__name__, error=str(error))
                self._unanswered.add(step.trade_id)
                return
            except Exception as error:
                log.exception("step_failed", step=type(step).__name__)
                self.failures.append(error)
                self._unanswered.add(step.trade_id)
                return
            if isinstance(step, CatchUp | LookUp):
                venue_health.note_success(exchange.venue)
        if done:
            self.taken += 1
        else:
            self._not_ours.add(step.trade_id)


def is_due(account_id: UUID) -> bool:
    """Whether a turn would find something to do now."""
    return bool(decide(orient(observe(account_id))))


def observe(account_id: UUID) -> Seen:
    """Read the account's unfinished trades, their orders and fills: one query."""
    return turn_reads.read(account_id)


def act(step: Step, *, exchange: Exchange, streamed: bool = False) -> bool:
    """Take one step. False where its orders were not ours to send.

    Raises: ExchangeError, where a question went unanswered.
    """
    log.info("step", step=type(step).__name__, trade=str(step.trade_id))
    match step:
        case Submit():
            outcome = submission.submit(step.order_ids, exchange=exchange, opens=step.enters)
            if outcome is None:
                return False
            if step.enters and streamed and isinstance(outcome, Accepted):
                reconcile.note_told(step.trade_id)
            else:
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
    return True
