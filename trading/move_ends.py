"""What became of a move, as the trade's orders say. Called by `settle`, with the trade's lock."""

from datetime import datetime, timedelta

import structlog

from risk.wording import plain
from testudo import clock
from testudo.events.bus import publish
from trading import events
from trading.decide_moves import Rung, next_rung
from trading.incidents import close_incident, open_incident
from trading.models import Leg, Move, MoveReason, MoveState, Order, Trade
from trading.order_states import FINISHED, LIVE, UNSETTLED, State, TradeState
from trading.positions import Position, uncovered

log = structlog.get_logger(__name__)

ENDS = {
    Rung.WISHED: MoveState.DONE,
    Rung.FORMER: MoveState.KEPT,
    Rung.STOP_ALONE: MoveState.STOP_ONLY,
    Rung.EXIT: MoveState.EXITED,
}
# What the trader did not ask for, and must be able to read about.
FELL_BACK = (MoveState.KEPT, MoveState.STOP_ONLY, MoveState.EXITED)


def note_move(trade: Trade, state: TradeState, position: Position) -> None:
    """Let the trade's open move follow from its orders: prices, outcome, naked milliseconds."""
    if trade.open_move_id is None:
        return
    move = Move.objects.get(pk=trade.open_move_id)
    tries = list(Order.objects.filter(move=move, leg=Leg.STOP).order_by("pk"))
    next_one = next_rung(order.rung for order in tries if order.state == State.REJECTED)
    resting = [order for order in tries if order.state in (*LIVE, State.FILLED)]
    waits = any(order.state in (State.PLANNED, *UNSETTLED) for order in tries)
    over = state in FINISHED or trade.close_requested_at is not None
    covered = position.booked and not uncovered(position, dust=trade.dust)
    if resting and not waits and (covered or over):
        rung = Rung(max(order.rung for order in resting))
        _end(trade, move, ENDS[rung], tries, resting[-1])
    elif next_one == Rung.EXIT:
        _end(trade, move, MoveState.EXITED, tries, None)
    elif over:
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
    if state == MoveState.DONE and move.why != MoveReason.TARGETS:
        trade.moved_stop, trade.moved_target = move.to_stop, move.to_target
    log.info("move_ended", trade=str(trade.pk), number=move.number, state=state)
    _tell(trade, move)
    if state in FELL_BACK:
        _open_incident(trade, move)


def naked_before(trade: Trade, stop: Order) -> int:
    """Milliseconds between the end of the stop before this one and its own rest, both by the
    exchange's clock; since the entry's fill where there was none before."""
    return _naked_between(trade, stop.resting_at, but=stop)


def naked_at_the_end(trade: Trade, closed_at: datetime) -> int:
    """Milliseconds between the end of the last stop and the fill that ended the position, both by
    the exchange's clock. The move that was under way counts them too. A stop that sold, or was
    ended by its own target, ended with that fill: then they are none."""
    naked_ms = _naked_between(trade, closed_at)
    last = trade.moves.exclude(claimed_at=None).order_by("number").last()
    if last is not None and last.state in (MoveState.EXITED, MoveState.OVERTAKEN):
        last.naked_ms = naked_ms
        last.save(update_fields=["naked_ms"])
    return naked_ms


def _naked_between(trade: Trade, until: datetime | None, *, but: Order | None = None) -> int:
    stops = (each for each in trade.orders.all() if each.leg == Leg.STOP and each != but)
    ended = [(each.ended_at, each) for each in stops if each.ended_at and each.resting_at]
    ended.sort(key=lambda found: found[0])
    former = [each for at, each in ended if until is not None and at <= until]
    since = _ended_first(former[-1], former) if former else trade.opened_at
    if since is None or until is None:
        return 0
    return max(0, int((until - since) / timedelta(milliseconds=1)))


def _ended_first(last: Order, former: list[Order]) -> datetime | None:
    """When the first of the stops that were taken down together ended: one for each part."""
    together = [
        each.ended_at
        for each in former
        if each.ended_at
        and last.state == each.state == State.CANCELED
        and last.resting_at
        and each.move_id == last.move_id
        and each.ended_at >= last.resting_at
    ]
    return min(together, default=last.ended_at)


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
    moved = move.state == MoveState.DONE and move.why != MoveReason.TARGETS
    kind = events.StopMoved if moved else events.MoveEnded
    stream = str(trade.account_id)
    publish(
        kind(**fact, state=move.state, naked_ms=move.naked_ms or 0, text=said_of(move)),
        stream=stream,
    )


def said_of(move: Move) -> str:
    """What became of it, in one sentence."""
    if move.why == MoveReason.TARGETS:
        return _said_of_targets(move)
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


def _said_of_targets(move: Move) -> str:
    naked = f", {move.naked_ms} ms without a stop" if move.naked_ms else ""
    match move.state:
        case MoveState.DONE:
            return f"Each target has its part now, and each part its stop{naked}."
        case MoveState.KEPT:
            return (
                f"The exchange refused the parts ({move.said}). The whole position keeps its stop "
                f"at {plain(move.from_stop)} and is sold at {plain(move.from_target)}."
            )
        case MoveState.STOP_ONLY:
            return (
                f"The exchange refused the parts and the former pair ({move.said}). A stop alone "
                f"rests at {plain(move.from_stop)}; move the target to set it again."
            )
        case MoveState.EXITED:
            return (
                f"The exchange took no stop any more ({move.said}), so the position is being "
                "closed at the market."
            )
        case MoveState.OVERTAKEN:
            return "Not sold in parts: the position ended first."
    return "Each target gets its part of the position."


def _open_incident(trade: Trade, move: Move) -> None:
    text = said_of(move)
    facts = {"move": move.pk, "number": move.number, "naked_ms": move.naked_ms}
    about = str(move.number)
    open_incident(
        trade.account_id, "move_refused", text=text, facts=facts, trade_id=trade.pk, about=about
    )
    if move.state == MoveState.KEPT:  # nothing is left to be done
        done = "The former stop and target rest again."
        close_incident(trade.account_id, "move_refused", done=done, trade_id=trade.pk, about=about)
