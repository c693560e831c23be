"""The rules' speed: their cost must not grow with the positions an account holds.

One turn is what a tick costs: a position moves, the running totals follow, every rule judges a
plan. 10,000 positions in at most 1.1 times the time of 10; at least 100 times faster than the same
rules over a book that scans its positions for each total it is asked for. How many sizings all
rules take is for information.
"""

from __future__ import annotations

import dataclasses
import gc
import random
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from risk import sizing
from risk.exposure import Holding, Totals, totals_of
from risk.protocol import DEFAULTS, Book, Plan, Verdict
from risk.rules import check
from risk.sizing import Costs
from tests.bench.measures import Measure
from tests.risk.builders import IN_QUOTE, book, plan, symbol

SEED = 20261123
FEW, MANY = 10, 10_000


class Account:
    """So many small positions, and a plan to judge on them."""

    def __init__(self, positions: int) -> None:
        self.random = random.Random(SEED)
        self.positions = [self._position(number) for number in range(positions)]
        self.totals = Totals()
        for one in self.positions:
            self.totals = self.totals.plus(one)
        self.plan: Plan = plan()
        self.idle: Book = book(equity=Decimal(10**6), day_start_equity=Decimal(10**6))

    def _position(self, number: int) -> Holding:
        stop = Decimal(self.random.randrange(5_900_000, 5_990_000)) / 100
        return Holding(
            symbol=f"C{number}USDT",
            direction="long",
            quantity=Decimal("0.00001"),
            entry=Decimal(60_000),
            mark=Decimal(self.random.randrange(5_995_000, 6_100_000)) / 100,
            stop=stop,
            exit_fees=Decimal("0.0006"),
        )

    def turn(self) -> tuple[Verdict, ...]:
        """A position's price moves; all rules run. The same few move however many there are: the
        rules are measured here, not how far memory is away."""
        at = self.random.randrange(FEW)
        before = self.positions[at]
        mark = before.mark + Decimal(self.random.randrange(-50, 51)) / 100
        self.positions[at] = moved = dataclasses.replace(before, mark=mark)
        self.totals = self.totals.minus(before).plus(moved)
        return check(self.plan, self.book(), DEFAULTS)

    def book(self) -> Book:
        return dataclasses.replace(
            self.idle,
            heat=self.totals.heat,
            open_risk=self.totals.open_risk,
            exposure=self.totals.exposure,
            open_positions=self.totals.count,
        )

    def scanning_turn(self) -> tuple[Verdict, ...]:
        """The same rules over a book that adds up its positions whenever it is asked."""
        return check(self.plan, ScanningBook(self.idle, self.positions), DEFAULTS)  # type: ignore[arg-type]


class ScanningBook:
    """A book without running totals: each of them is a walk over all positions."""

    def __init__(self, idle: Book, positions: list[Holding]) -> None:
        self._idle, self._positions = idle, positions

    def __getattr__(self, name: str) -> Any:
        return getattr(self._idle, name)

    @property
    def heat(self) -> Decimal:
        at_risk = ((p.entry - p.stop) * p.quantity + p.exit_fees for p in self._positions if p.stop)
        return sum((max(risk, Decimal(0)) for risk in at_risk), Decimal(0))

    @property
    def open_risk(self) -> Decimal:
        at_risk = ((p.mark - p.stop) * p.quantity + p.exit_fees for p in self._positions if p.stop)
        return sum((max(risk, Decimal(0)) for risk in at_risk), Decimal(0))

    @property
    def exposure(self) -> Decimal:
        return sum((p.mark * p.quantity for p in self._positions), Decimal(0))

    @property
    def open_positions(self) -> int:
        return sum(1 for p in self._positions if p.quantity)

    @property
    def positions_in_symbol(self) -> int:
        return sum(1 for p in self._positions if p.symbol == "BTCUSDT")


def run(quick: bool) -> list[Measure]:
    """Every measure."""
    turns = 100 if quick else 400
    few, many = Account(FEW), Account(MANY)
    for account in (few, many):
        _seconds(account.turn, turns)  # warm
    gc.collect()
    gc.freeze()  # as the product does: collections do not walk what was there at the start
    # Many short rounds, in turn: the best of each saw the machine at its quietest.
    pairs = [
        (_seconds(many.turn, turns // 10), _seconds(few.turn, turns // 10)) for _ in range(200)
    ]
    turn = min(one for one, _ in pairs)
    ratio = turn / min(other for _, other in pairs)
    scanning = min(_seconds(many.scanning_turn, 1) for _ in range(3 if quick else 7))
    judging, one_size = many.book(), _one_size()
    judge, short = (lambda: check(many.plan, judging, DEFAULTS)), turns // 10
    rounds = [(_seconds(judge, short), _seconds(one_size, short)) for _ in range(200)]
    judged = min(one for one, _ in rounds)
    return [
        Measure("growth", ratio, "times", most=1.1),
        # The same rules on the same book, its totals kept or scanned for.
        Measure("faster_than_scanning", scanning / judged, "times", least=100),
        Measure("sizings", judged / min(b for _, b in rounds), "sizings"),
        Measure("check_us", 1e6 * judged, "us"),
        Measure("turn_us", 1e6 * turn, "us"),
        Measure("scanning_us", 1e6 * scanning, "us"),
        Measure("seed", SEED, "seed"),
    ]


def _one_size() -> Callable[[], object]:
    lines = {"entry": Decimal(60_000), "worst_entry": Decimal(60_000), "stop": Decimal(59_400)}
    rules, costs = symbol(), Costs(IN_QUOTE.entry, IN_QUOTE.exit)

    def one() -> object:
        return sizing.size(
            direction="long",
            **lines,
            target=Decimal(61_800),
            budget=Decimal(100),
            cash=Decimal(10_000),
            costs=costs,
            symbol=rules,
        )

    return one


def _seconds(what: Callable[[], object], times: int) -> float:
    """Seconds for one, of so many."""
    began = time.perf_counter()
    for _ in range(times):
        what()
    return (time.perf_counter() - began) / times


def scanned(positions: list[Holding]) -> Totals:
    """What a scan finds, for comparison with the running totals."""
    found = [totals_of(one) for one in positions]
    return Totals(
        heat=sum((one.heat for one in found), Decimal(0)),
        open_risk=sum((one.open_risk for one in found), Decimal(0)),
        exposure=sum((one.exposure for one in found), Decimal(0)),
        count=len(found),
    )
