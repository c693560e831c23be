"""The rules a position was given at placing, at work: break-even, trailing, ratchet, time stop.

What to do is `risk.manage_rules`'s; here each open trade is read, its next price handed to the
price-crossing index (`armed`), and, once that price has come, the move recorded like a trader's own
(`moves`): the same checks, the same steps at the exchange. A rule never loosens a stop.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from uuid import UUID

import structlog
from django.db.models import Prefetch, QuerySet

from risk.costs import PlanImpossible
from risk.manage_rules import Management, Run, next_price, read, time_is_over, wanted_stop
from risk.size_models import SizeModel
from testudo import clock
from trading import moves, protection
from trading.crossings import Level
from trading.entries import TradeOver
from trading.market.prices import Quote, latest
from trading.market.symbols import UnknownSymbol, rules
from trading.models import Move, MoveReason, MoveState, Trade
from trading.move_ends import FELL_BACK
from trading.order_states import TradeState
from trading.plan_inputs import average_range
from trading.plans import NoMarket
from trading.positions import position_of
from trading.settlement import facts_of
from trading.wake import wake_turn

log = structlog.get_logger(__name__)

PURPOSE = "managed"


def managed() -> QuerySet[Trade]:
    """Open trades with a rule, which nobody is closing."""
    return Trade.objects.filter(state=TradeState.OPEN, close_requested_at=None).exclude(
        management={}
    )


def levels(venue: str) -> Iterator[Level]:
    """The next price of each managed trade of a venue at which its stop would move."""
    waiting = managed().filter(account__venue=venue, open_move=None)
    for trade in _with_facts(waiting):
        known = read(trade.management)
        run = _run_of(trade) if known.moves_stops else None
        price = None if run is None else next_price(known, run)
        if price is not None:
            yield Level(trade.pk, PURPOSE, trade.symbol, price, trade.side == "long")


def reached(trade_id: UUID, price: Decimal, at: datetime) -> bool:
    """The market was at `price`: move the stop where a rule wants it now. False: none does.

    The price that triggers a stop is the last trade's; it is what the rules look at.
    """
    trade = next(_with_facts(managed().filter(pk=trade_id, open_move=None)), None)
    run = None if trade is None else _run_of(trade)
    if trade is None or run is None:
        return False
    wanted = wanted_stop(read(trade.management), run, price=price)
    if wanted is None:
        return False
    quote = latest(trade.account.venue, trade.symbol)
    # What was seen at the crossing counts, where Redis lags behind or is away.
    bid = min(quote.bid, price) if quote else price
    seen = Quote(symbol=trade.symbol, price=price, bid=bid, ask=max(bid, price), at=at, seen=at)
    try:
        moves.request_move(
            trade_id,
            moves.Wish(stop=wanted.stop, why=MoveReason(wanted.why)),
            quote_of=lambda venue, symbol: seen,
        )
    except (moves.MoveRefused, moves.MoveUnderWay, moves.NothingToMove) as no:
        log.info("rule_moves_nothing", trade=str(trade_id), why=wanted.why, said=str(no)[:300])
        return False
    except (TradeOver, NoMarket):
        return False
    return True


def close_overdue(now: datetime | None = None) -> int:
    """Trades whose time stop is due are to be closed at the market. Returns how many."""
    now, closed = now or clock.now(), 0
    for trade in managed().filter(management__has_key="close_after_minutes"):
        known = read(trade.management)
        if not time_is_over(known, opened_at=trade.opened_at, now=now):
            continue
        why = f"Time stop: held for {known.close_after_minutes} minutes."
        protection.give_up_legs(trade.pk, why=why)
        wake_turn(trade.account_id, protective=True)
        closed += 1
    return closed


def _with_facts(trades: QuerySet[Trade]) -> Iterator[Trade]:
    """With everything `_run_of` looks at, in a constant number of queries."""
    return iter(
        trades.select_related("account").prefetch_related(
            "orders",
            "fills",
            Prefetch("moves", Move.objects.exclude(state=MoveState.SUPERSEDED)),
        )
    )


def _run_of(trade: Trade) -> Run | None:
    """None where nothing is held, or it is not protected just now: first things first."""
    position = position_of(*facts_of(trade))
    if position.entry_price is None or position.held < trade.dust or trade.naked_since is not None:
        return None
    try:
        tick = rules(trade.account.venue, trade.symbol).tick
    except UnknownSymbol:
        return None  # delisted: its stop stays where it is
    past = list(trade.moves.all())
    return Run(
        direction="long" if trade.side == "long" else "short",
        entry=position.entry_price,
        planned_entry=trade.entry,
        planned_stop=trade.stop,
        stop=trade.stop_now,
        target=trade.target,
        fee_rate=trade.fee_rate,
        tick=tick,
        now=clock.now(),
        atr=_atr(trade),
        trailed_at=_last(m.wished_at for m in past if m.why == MoveReason.TRAILING),
        refused_at=_last(
            m.ended_at for m in past if m.state in FELL_BACK and m.why != MoveReason.TRADER
        ),
    )


def _atr(trade: Trade) -> Decimal | None:
    """The average true range a rule trails by, asked of the candles once a minute."""
    known = read(trade.management)
    if known.trail_atr is None:
        return None
    minute = int(clock.now().timestamp()) // 60
    return _atr_of(trade.account.venue, trade.symbol, known.atr_interval, known.atr_period, minute)


@lru_cache(maxsize=256)
def _atr_of(venue: str, symbol: str, interval: str, period: int, minute: int) -> Decimal | None:
    """None while candles are missing: then nothing trails, and the stop stays."""
    model = SizeModel(
        name="percent_volatility", volatility_fraction=Decimal("0.01"), atr_multiple=Decimal(1),
        atr_period=period, atr_interval=interval,
    )  # fmt: skip
    try:
        return average_range(venue, symbol, model)
    except PlanImpossible as missing:
        log.info("no_range_to_trail_by", symbol=symbol, said=str(missing))
        return None


def _last(moments: Iterable[datetime | None]) -> datetime | None:
    return max((each for each in moments if each is not None), default=None)


def management_of(trade: Trade) -> Management:
    """The rules a trade was placed with."""
    return read(trade.management)
