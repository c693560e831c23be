"""What became of a move, as the trade's orders say. Called by `settle`, with the trade's lock."""

from datetime import timedelta

import structlog

from risk.wording import plain
from testudo import clock
from testudo.events.bus import publish
from trading import events
from trading.decide_moves import Rung, rung_of
from trading.models import Leg, Move, MoveState, Order, Trade
from trading.order_states import FINISHED, LIVE, State, TradeState

log = structlog.get_logger(__name__)

ENDS = {
    Rung.WISHED: MoveState.DONE,
    Rung.FORMER: MoveState.KEPT,
    Rung.STOP_ALONE: MoveState.STOP_ONLY,
    Rung.EXIT: MoveState.EXITED,
}
# What the trader did not ask for, and must be able to read about.
FELL_BACK = (MoveState.KEPT, MoveState.STOP_ONLY, MoveState.EXITED)


def note_move(trade: Trade, state: TradeState) -> None:
    """Let the trade's open move follow from its orders: prices, outcome, naked milliseconds."""
    if trade.open_move_id is None:
        return
    move = Move.objects.get(pk=trade.open_move_id)
    tries = list(Order.objects.filter(move=move, leg=Leg.STOP).order_by("pk"))
    rung = rung_of(sum(order.state == State.REJECTED for order in tries))
    resting = next((o for o in tries if o.state in (*LIVE, State.FILLED)), None)
    if resting is not None:
        _end(trade, move, ENDS[rung], tries, resting)
    elif rung == Rung.EXIT:
        _end(trade, move, MoveState.EXITED, tries, None)
    elif state in FINISHED or trade.close_requested_at is not None:
        _end(trade, move, MoveState.OVERTAKEN, tries, None)


def _end(
    trade: Trade, move: Move, state: MoveState, tries: list[Order], resting: Order | None
) -> None:
    move.state = state
    move.ended_at = clock.now()
    move.naked_ms = None if resting is None else naked_before(trade, resting)
    refused = [order.state_reason for order in tries if order.state == State.REJECTED]
    move.said = refused[0] if refused else ""
    move.save(update_fields=["state", "ended_at", "naked_ms", "said"])
    trade.open_move = None
    if state == MoveState.DONE:
        trade.moved_stop, trade.moved_target = move.to_stop, move.to_target
    log.info("move_ended", trade=str(trade.pk), number=move.number, state=state)
    _tell(trade, move)
    if state in FELL_BACK:
        _open_incident(trade, move)


def naked_before(trade: Trade, stop: Order) -> int:
    """Milliseconds between the end of the stop before this one and its own rest, both by the
    exchange's clock; since the entry's fill where there was none before."""
    former = trade.orders.filter(leg=Leg.STOP, ended_at__isnull=False, resting_at__isnull=False)
    ends = [each.ended_at for each in former if each.pk != stop.pk and each.ended_at]
    since = max(ends, default=trade.opened_at)
    if since is None or stop.resting_at is None:
        return 0
    return max(0, int((stop.resting_at - since) / timedelta(milliseconds=1)))


def _tell(trade: Trade, move: Move) -> None:
    fact = {
        "account_id": trade.account_id,
        "trade_id": trade.pk,
        "symbol": trade.symbol,
        "move_id": move.pk,
        "why": move.why,
        "from_stop": move.from_stop,
        "from_target": move.from_target,
        "to_stop": move.to_stop,
        "to_target": move.to_target,
    }
    kind = events.StopMoved if move.state == MoveState.DONE else events.MoveEnded
    stream = str(trade.account_id)
    publish(
        kind(**fact, state=move.state, naked_ms=move.naked_ms or 0, text=said_of(move)),
        stream=stream,
    )


def said_of(move: Move) -> str:
    """What became of it, in one sentence."""
    lines = []
    if move.to_stop != move.from_stop:
        lines.append(f"stop {plain(move.from_stop)} → {plain(move.to_stop)}")
    if move.to_target != move.from_target:
        lines.append(f"target {plain(move.from_target)} → {plain(move.to_target)}")
    moved = " and ".join(lines)
    match move.state:
        case MoveState.DONE:
            naked = f", {move.naked_ms} ms without a stop" if move.naked_ms else ""
            return f"Moved: {moved}{naked}."
        case MoveState.KEPT:
            return (
                f"The exchange refused the move ({move.said}). The stop rests at "
                f"{plain(move.from_stop)} and the target at {plain(move.from_target)} as before."
            )
        case MoveState.STOP_ONLY:
            return (
                f"The exchange refused the move and the former pair ({move.said}). A stop alone "
                f"rests at {plain(move.from_stop)}; move the target to set it again."
            )
        case MoveState.EXITED:
            return (
                f"The exchange took no stop any more ({move.said}), so the position is being "
                "closed at the market."
            )
        case MoveState.OVERTAKEN:
            return f"Not moved ({moved}): the position ended first."
        case MoveState.SUPERSEDED:
            return f"Not moved ({moved}): a newer wish replaced it."
    return f"Moving: {moved}."


def _open_incident(trade: Trade, move: Move) -> None:
    from trading.incidents import close_incident, open_incident  # it needs `settlement`

    text = said_of(move)
    facts = {"move": move.pk, "number": move.number, "naked_ms": move.naked_ms}
    about = str(move.number)
    open_incident(
        trade.account_id, "move_refused", text=text, facts=facts, trade_id=trade.pk, about=about
    )
    if move.state == MoveState.KEPT:  # nothing is left to be done
        done = "The former stop and target rest again."
        close_incident(trade.account_id, "move_refused", done=done, trade_id=trade.pk, about=about)
