"""A wish to move the stop or target of an open position, recorded. Nothing is sent here (R1).

The loop carries it out (`move_steps`); `settle` notes what became of it (`move_ends`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

import structlog
from django.db import transaction

from risk.move_rules import Held, Objection, objections
from risk.symbols import floor_to_step
from risk.wording import plain
from testudo import clock
from testudo.observability import correlation
from trading import events
from trading.book import QuoteOf
from trading.bookkeeping import lock_trade
from trading.market import prices
from trading.market.prices import Quote
from trading.market.symbols import rules
from trading.models import Move, MoveReason, MoveState, Trade
from trading.move_ends import said_of
from trading.order_states import FINISHED, TradeState
from trading.orders import TradeOver
from trading.part_legs import split_is_due
from trading.plan_inputs import average_bounds
from trading.plan_reads import read_for_plan
from trading.plans import NoMarket
from trading.settlement import tell
from trading.wake import wake_turn

log = structlog.get_logger(__name__)


class MoveRefused(Exception):
    """The lines can't go there. `.objections` holds every reason, the gravest first."""

    def __init__(self, found: Sequence[Objection]) -> None:
        super().__init__(" ".join(dict.fromkeys(each.message for each in found)))
        self.objections = tuple(found)


class NothingToMove(Exception):
    """The trade holds nothing yet, or is being closed; or both lines are there already."""


class MoveUnderWay(Exception):
    """The former move is at the exchange just now."""


class StaleTrade(Exception):
    """The trade changed since the trader looked at it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Where the lines are to go; None leaves one where it is."""

    stop: Decimal | None = None
    target: Decimal | None = None
    why: str = MoveReason.TRADER
    by_user_id: UUID | None = None  # None: a rule chosen at placing


def request_move(
    trade_id: UUID, wish: Wish, *, version: int | None = None, quote_of: QuoteOf = prices.latest
) -> Move:
    """Record the wish and wake a turn. A wish that was not sent yet is superseded by it.

    `version`: of the trade as the trader saw it; None: whatever it is now. Raises: TradeOver,
    NothingToMove, MoveUnderWay, StaleTrade, NoMarket, MoveRefused; then nothing was recorded.
    """
    quote = _quote(trade_id, quote_of)  # may ask Redis: before any lock
    with transaction.atomic():
        trade = lock_trade(trade_id)
        _refuse_unmovable(trade)
        if version is not None and version != trade.version:
            raise StaleTrade(
                f"The trade has changed: this is version {trade.version}, not {version}. Look at "
                "it again, then move."
            )
        former = trade.open_move
        if former is not None and former.state == MoveState.UNDER_WAY:
            raise MoveUnderWay("The last move is at the exchange just now. Try again in a second.")
        stop = trade.stop_now if wish.stop is None else wish.stop
        target = trade.target_now if wish.target is None else wish.target
        if (stop, target) == (trade.stop_now, trade.target_now):
            raise NothingToMove(
                f"Stop and target are at {plain(stop)} and {plain(target)} already."
            )
        if found := objections(held_of(trade, quote), stop=stop, target=target):
            raise MoveRefused(found)
        if former is not None:
            _supersede(former)
        move = Move.objects.create(
            trade=trade,
            account_id=trade.account_id,
            number=trade.moves.count() + 1,
            why=wish.why,
            by_user_id=wish.by_user_id,
            from_stop=trade.stop_now,
            from_target=trade.target_now,
            to_stop=stop,
            to_target=target,
        )
        trade.open_move = move
        trade.version += 1
        trade.save(update_fields=["open_move", "version"])
        _tell(trade, move)
        wake_turn(trade.account_id, protective=True)
    return move


def request_split(trade_id: UUID) -> None:
    """Have the pair of the entry become one for each target. Once; a repetition changes nothing."""
    with transaction.atomic():
        trade = lock_trade(trade_id)
        free = trade.open_move_id is None and trade.close_requested_at is None
        if not free or not split_is_due(trade):
            return
        stop, target = trade.stop_now, trade.target_now
        move = Move.objects.create(
            trade=trade,
            account_id=trade.account_id,
            number=trade.moves.count() + 1,
            why=MoveReason.TARGETS,
            from_stop=stop,
            from_target=target,
            to_stop=stop,
            to_target=target,
        )
        trade.open_move = move
        trade.version += 1
        trade.save(update_fields=["open_move", "version"])
        _tell(trade, move)


def held_of(trade: Trade, quote: Quote) -> Held:
    """The trade's position with the market around it, as `move_rules` judges it."""
    symbol = rules(trade.account.venue, trade.symbol)
    low, high = average_bounds(symbol, quote, read_for_plan(trade.account, symbol))
    return Held(
        symbol=symbol,
        direction="long" if trade.side == "long" else "short",
        quantity=floor_to_step(trade.held, symbol.exit_step),
        stop=trade.stop_now,
        target=trade.target_now,
        bid=quote.bid,
        ask=quote.ask,
        price=quote.price,
        low=low,
        high=high,
    )


def _quote(trade_id: UUID, quote_of: QuoteOf) -> Quote:
    trade = Trade.objects.select_related("account").get(pk=trade_id)
    quote = quote_of(trade.account.venue, trade.symbol)
    if quote is None:
        raise NoMarket(
            f"There is no live price of {trade.symbol}, so a new stop cannot be checked. The "
            "present one rests on the exchange. Wait until prices move again."
        )
    return quote


def _refuse_unmovable(trade: Trade) -> None:
    if trade.state in FINISHED:
        raise TradeOver(f"This trade is {trade.get_state_display().lower()} already.")
    if trade.close_requested_at is not None:
        raise NothingToMove("The trade is being closed; its stop is coming down.")
    if trade.state != TradeState.OPEN:
        raise NothingToMove(
            "The entry has not filled yet. Its stop and target can be moved once it has."
        )


def _supersede(move: Move) -> None:
    move.state, move.ended_at = MoveState.SUPERSEDED, clock.now()
    move.save(update_fields=["state", "ended_at"])


def _tell(trade: Trade, move: Move) -> None:
    with correlation.bind(trade.correlation_id or None):
        tell(
            trade.account_id,
            events.MoveWished(
                account_id=trade.account_id,
                trade_id=trade.pk,
                symbol=trade.symbol,
                move_id=move.pk,
                why=move.why,
                from_stop=move.from_stop,
                from_target=move.from_target,
                to_stop=move.to_stop,
                to_target=move.to_target,
                text=said_of(move),
            ),
        )
    log.info("move_wished", trade=str(trade.pk), number=move.number, why=move.why)
