"""What would pass: for a refused plan, the nearest compliant plan on each lever. Pure.

Nothing here knows a rule. Every suggestion is found by asking the rules and is one that passed
them; on a lever that moves in steps, the next step back towards the wish was asked too, and failed.
"""

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_CEILING, Decimal
from typing import Literal

from risk.protocol import Book, Verdict
from risk.rules import may_proceed
from risk.symbols import ZERO

Lever = Literal["size", "stop", "target", "size_and_target", "size_and_stop", "wait", "close"]

FRACTION_STEP = Decimal("0.000001")  # of equity: the grid sizes are searched on
# When something ends by itself; where two end together, the first names it.
MOMENTS = (
    "streak_until",
    "stop_outs_until",
    "symbol_cooldown_until",
    "symbol_locked_until",
    "setup_locked_until",
    "exchange_retry_at",
    "day_ends_at",
    "week_ends_at",
    "state_until",
)
FURTHEST = 8  # a line is moved to at most so many times its own price further up


@dataclass(frozen=True, slots=True, kw_only=True)
class Levers:
    """What of a drawing may be moved to make it pass."""

    risk_fraction: Decimal
    stop: Decimal
    target: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPosition:
    """What one unfinished trade takes up, so that closing it can be judged beforehand."""

    id: str
    symbol: str
    heat: Decimal = ZERO
    open_risk: Decimal = ZERO
    pending_risk: Decimal = ZERO
    exposure: Decimal = ZERO
    cash: Decimal = ZERO  # what comes free, exit fees off
    exit_fees: Decimal = ZERO  # what leaving costs the equity
    in_symbol: bool = False  # of the plan
    live: bool = False  # counts in the trader's totals as well


@dataclass(frozen=True, slots=True, kw_only=True)
class Fix:
    """One way to make the plan pass: the levers as they would be, or what to wait for or close."""

    lever: Lever
    levers: Levers
    until: datetime | None = None
    because: str = ""  # the field of Book whose moment `until` is
    close: OpenPosition | None = None


# The verdicts of a plan with these levers in this book; None where such a plan makes no sense.
Judge = Callable[[Levers, Book], Sequence[Verdict] | None]
# The same, of these rules alone, by code: a search asks about few of them, hundreds of times.
JudgeOnly = Callable[[Levers, Book, frozenset[str]], Sequence[Verdict] | None]
Refusals = Callable[[Levers, Book], frozenset[str] | None]  # only what refuses, by code
RefusalsAmong = Callable[[Levers, frozenset[str]], frozenset[str] | None]


def nearest_plans(
    wish: Levers,
    book: Book,
    *,
    judge: Judge,
    tick: Decimal,
    judge_only: JudgeOnly | None = None,
    fixed: frozenset[str] = frozenset(),
    positions: Iterable[OpenPosition] = (),
    acknowledged: frozenset[str] = frozenset(),
) -> tuple[Fix, ...]:
    """The nearest compliant plan on each lever that has one; empty where the wish itself passes.

    Where no single lever helps, two are moved together: the size first, then target or stop.
    `fixed`: rules, by code, that no size, stop or target changes (see `rules.unmoved`); while one
    of them refuses, no lever is tried. `judge_only`: `judge` for a few of the rules; it must agree
    with it.
    """

    def refusals(levers: Levers, at: Book) -> frozenset[str] | None:
        return refusing(judge(levers, at))

    def among(levers: Levers, codes: frozenset[str]) -> frozenset[str] | None:
        if judge_only is None:
            found = refusals(levers, book)
            return None if found is None else found & codes
        return refusing(judge_only(levers, book, codes))

    def refusing(verdicts: Sequence[Verdict] | None) -> frozenset[str] | None:
        if verdicts is None:
            return None
        refused = (v for v in verdicts if not may_proceed([v], acknowledged=acknowledged))
        return frozenset(verdict.code for verdict in refused)

    refused = refusals(wish, book)
    if not refused:
        return ()
    found: list[Fix] = []
    if not refused & fixed:
        search = _Search(book=book, tick=tick, refusals=refusals, among=among)
        found = search.moves(wish, refused) or search.pairs(wish, refused)
    waits = _waits(wish, book, refusals)
    return (*found, *waits, *_closes(wish, book, positions, refusals))


@dataclass(frozen=True, slots=True)
class _Search:
    book: Book
    tick: Decimal
    refusals: Refusals
    among: RefusalsAmong

    def moves(self, wish: Levers, refused: frozenset[str]) -> list[Fix]:
        """One lever moved at a time."""
        found: dict[Lever, Levers | None] = {
            "size": self.smaller(wish, refused),
            "stop": self.moved(wish, "stop", refused),
            "target": self.moved(wish, "target", refused),
        }
        return [
            Fix(lever=lever, levers=levers)
            for lever, levers in found.items()
            if levers is not None and self._refused(levers) == frozenset()
        ]

    def pairs(self, wish: Levers, refused: frozenset[str]) -> list[Fix]:
        """The size first, as large as the rules about size allow; then one line moved as well."""
        least = dataclasses.replace(wish, risk_fraction=FRACTION_STEP)
        about_size = refused - (self._refused(least) or frozenset())
        smaller = self.smaller(wish, about_size) if about_size else None
        still = self._refused(smaller) if smaller is not None else None
        if smaller is None or not still:
            return []
        found: dict[Lever, Levers | None] = {
            "size_and_target": self.moved(smaller, "target", still),
            "size_and_stop": self.moved(smaller, "stop", still),
        }
        return [
            Fix(lever=lever, levers=levers)
            for lever, levers in found.items()
            if levers is not None and self._refused(levers) == frozenset()
        ]

    def smaller(self, wish: Levers, refused: frozenset[str]) -> Levers | None:
        """The largest smaller risk that none of `refused` refuses, on the grid of FRACTION_STEP."""
        steps = int((wish.risk_fraction / FRACTION_STEP).to_integral_value(rounding=ROUND_CEILING))

        def at(away: int) -> Levers:
            return dataclasses.replace(wish, risk_fraction=FRACTION_STEP * (steps - away))

        away = nearest_step(lambda n: self._rid_of(refused, at(n)), most=steps - 1)
        return None if away is None else at(away)

    def moved(
        self, wish: Levers, line: Literal["stop", "target"], refused: frozenset[str]
    ) -> Levers | None:
        """The line moved by as few ticks as rid the plan of `refused`, either way."""
        price = wish.stop if line == "stop" else wish.target

        def at(ticks: int) -> Levers:
            moved = price + self.tick * ticks
            if line == "stop":
                return dataclasses.replace(wish, stop=moved)
            return dataclasses.replace(wish, target=moved)

        here = int(price / self.tick)
        ways = [(1, here * FURTHEST), (-1, here - 1)]
        found = [
            at(way * away)
            for way, most in ways
            if (away := nearest_step(self._ticks_rid_of(refused, at, way), most=most))
        ]
        sound = [levers for levers in found if self._refused(levers) == frozenset()]
        return min(
            sound,
            key=lambda each: abs((each.stop if line == "stop" else each.target) - price),
            default=None,
        )

    def _ticks_rid_of(
        self, refused: frozenset[str], at: Callable[[int], Levers], way: int
    ) -> Callable[[int], bool]:
        return lambda ticks: self._rid_of(refused, at(way * ticks))

    def _rid_of(self, refused: frozenset[str], levers: Levers) -> bool:
        """None of `refused` refuses this plan; one that makes no sense is refused by nothing."""
        return not self.among(levers, refused)

    def _refused(self, levers: Levers) -> frozenset[str] | None:
        return self.refusals(levers, self.book)


def nearest_step(passes: Callable[[int], bool], *, most: int) -> int | None:
    """The nearest n in 1..most that passes while n - 1 does not; None where none was found.

    Strides double until one passes, then the gap is halved: about 2 log2(most) questions. It finds
    the nearest of all where whatever passes goes on passing further away.
    """
    failed, stride = 0, 1
    while failed < most:
        tried = min(failed + stride, most)
        if passes(tried):
            break
        failed, stride = tried, stride * 2
    else:
        return None
    while tried - failed > 1:
        middle = (tried + failed) // 2
        if passes(middle):
            tried = middle
        else:
            failed = middle
    return tried


def _waits(wish: Levers, book: Book, refusals: Refusals) -> Iterator[Fix]:
    """The first moment known today at which the plan would pass, all else unchanged."""
    moments = {
        moment: name
        for name in reversed(MOMENTS)
        if (moment := getattr(book, name)) is not None and moment > book.at
    }
    for moment in sorted(moments):
        if refusals(wish, book_at(book, moment)) == frozenset():
            yield Fix(lever="wait", levers=wish, until=moment, because=moments[moment])
            return


def book_at(book: Book, moment: datetime) -> Book:
    """The account at a later moment if nothing else happens: what time alone lifts, lifted.

    Prices, positions and their risk stay as they are; a new day or week starts from the equity of
    now; a losing streak's pause ends in half size.
    """
    later = dataclasses.replace(book, at=moment)
    if book.day_ends_at and moment >= book.day_ends_at:
        later = dataclasses.replace(
            later, day_start_equity=book.equity, day_flows=ZERO, trades_today=0, day_ends_at=None
        )
    if book.week_ends_at and moment >= book.week_ends_at:
        later = dataclasses.replace(
            later, week_start_equity=book.equity, week_flows=ZERO, week_ends_at=None
        )
    if book.streak_until and moment >= book.streak_until > book.at:
        later = dataclasses.replace(later, half_size=True)
    if book.stop_outs_until and moment >= book.stop_outs_until:
        later = dataclasses.replace(later, stop_outs=0, stop_outs_until=None)
    if book.state == "reducing" and book.state_until and moment >= book.state_until:
        later = dataclasses.replace(later, state="active", state_reason="", state_until=None)
    if book.exchange_retry_at and moment >= book.exchange_retry_at:
        later = dataclasses.replace(later, exchange_breaker="closed")
    return later


def _closes(
    wish: Levers,
    book: Book,
    positions: Iterable[OpenPosition],
    refusals: Refusals,
) -> Iterator[Fix]:
    """Each one position whose closing would let the plan pass, the least heat given up first."""
    for position in sorted(positions, key=lambda each: (each.heat, each.id)):
        if refusals(wish, book_without(book, position)) == frozenset():
            yield Fix(lever="close", levers=wish, close=position)


def book_without(book: Book, position: OpenPosition) -> Book:
    """The account with one position closed, or one pending entry withdrawn, at today's mark."""
    trader = book.trader
    if trader is not None and position.live:
        trader = dataclasses.replace(
            trader,
            heat=trader.heat - position.heat,
            open_risk=trader.open_risk - position.open_risk,
            pending_risk=trader.pending_risk - position.pending_risk,
        )
    return dataclasses.replace(
        book,
        heat=book.heat - position.heat,
        open_risk=book.open_risk - position.open_risk,
        pending_risk=book.pending_risk - position.pending_risk,
        exposure=book.exposure - position.exposure,
        cash=book.cash + position.cash,
        equity=book.equity - position.exit_fees,
        open_positions=book.open_positions - 1,
        positions_in_symbol=book.positions_in_symbol - position.in_symbol,
        trader=trader,
    )
