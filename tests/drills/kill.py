"""Real processes killed by SIGKILL, or stopped for a while, at failpoints and at random moments.

Each schedule has an account and a trader who places, moves, closes, or takes the stop away by hand,
while one process dies. Nobody waits for a schedule to end before the next one begins. At last all
come to rest, the exchange is stopped, and every invariant is checked against its ledger.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import requests

from tests.drills.real_floor import SYMBOLS, RealFloor, real_floor
from tests.drills.schedules import Outcome, report

PLACES = (
    "before_claim", "after_claim_before_send", "after_send_before_record",
    "before_legs_down", "after_legs_down", "after_move_planned", "after_claim_before_cancel",
)  # fmt: skip
AT_RANDOM = (
    "orders", "protective", "guard", "stream_accounts", "bulk", "beat", "web", "stream_market",
)  # fmt: skip
WORKERS = ("orders", "protective")  # of Celery, that send
AHEAD = 10  # accounts opened at once
REST_SECONDS = 90


def run(arguments: list[str]) -> dict[str, Any]:
    parser = argparse.ArgumentParser(prog="python -m tests.drills kill")
    parser.add_argument("--n", type=int, default=1000, help="schedules, each with a death")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="six of them")
    options = parser.parse_args(arguments)
    count = min(options.n, 6) if options.quick else options.n
    outcome, began = Outcome(options.seed), time.monotonic()
    with real_floor(options.seed) as floor:
        crowd = Crowd(floor, outcome)
        for number in range(count):
            strike(floor, crowd, outcome.faults)
            if (number + 1) % 20 == 0:
                print(f"{number + 1} deaths, {crowd.did['placed']} trades", flush=True)
        crowd.end()
    return summed(outcome, deaths=count, seconds=time.monotonic() - began, seed=options.seed)


def summed(outcome: Outcome, *, deaths: int, seconds: float, seed: int) -> dict[str, Any]:
    """The figures of M2 and M3 from one run."""
    found = report([outcome], seconds=seconds, verbose=True)
    for name in ("seeds", "schedules_per_s", "failing_seeds"):
        del found[name]
    found["ok"] = found["ok"] and outcome.trades >= deaths // 2  # else nothing was at stake
    return {**found, "deaths": deaths, "seconds": round(seconds, 1), "seed": seed}


class Crowd:
    """Traders with a fresh account each, who act once while something dies."""

    def __init__(self, floor: RealFloor, outcome: Outcome) -> None:
        self.floor, self.outcome, self.did = floor, outcome, outcome.did
        self._fresh: list[Any] = []
        self._placed: list[Any] = []  # trades, newest last

    def place(self) -> None:
        from django.db import Error as DatabaseError

        from trading.orders import PlanRefused
        from trading.plans import NoMarket

        if not self._fresh:
            try:
                self._fresh = self.floor.open_accounts(AHEAD)
            except requests.ConnectionError:  # it is the exchange that died just now
                self.did["no account: the exchange is down"] += 1
                return
        account = self._fresh.pop()
        try:
            symbol = self.floor.dice.choice(SYMBOLS)
            self._placed.append(self.floor.place(account, symbol))
            self.did["placed"] += 1
        except PlanRefused as refused:
            codes = sorted(each.code for each in refused.verdicts if not each.ok)
            self.did[f"refused: {', '.join(codes)}"] += 1
        except (NoMarket, DatabaseError) as error:
            self.did[f"not placed: {type(error).__name__}"] += 1

    def act(self) -> None:
        """Do something to one of the last trades that is protected."""
        from django.db import Error as DatabaseError

        from trading import moves, orders
        from trading.models import Trade
        from trading.order_states import TradeState
        from trading.plans import NoMarket

        keys = [trade.pk for trade in self._placed[-8:]]
        try:
            live = Trade.objects.filter(pk__in=keys, state=TradeState.OPEN, naked_since=None)
            trade = live.order_by("placed_at").first()
            if trade is None:
                return
            what = self.floor.dice.choice(("close", "move", "move", "by hand"))
            if what == "close":
                orders.request_close(trade.pk)
            elif what == "move":
                nearer = trade.stop_now + (trade.entry - trade.stop_now) / 10
                stop = nearer.quantize(trade.dust.__class__("0.01"))
                moves.request_move(trade.pk, moves.Wish(stop=stop))
            else:
                self.floor.cancel_stop_by_hand(trade)
            self.did[what] += 1
        except (
            orders.TradeOver, moves.NothingToMove, moves.MoveUnderWay, moves.MoveRefused,
            NoMarket, DatabaseError,
        ) as error:  # fmt: skip
            self.did[f"too late: {type(error).__name__}"] += 1

    def end(self) -> None:
        """All come to rest, then every trade is closed, then all is checked."""
        from trading import orders

        for closing in (False, True):
            if closing:
                for trade in self._placed:
                    try:
                        orders.request_close(trade.pk)
                    except orders.TradeOver:
                        continue
            began = time.monotonic()
            if left := self.floor.come_to_rest(seconds=REST_SECONDS):
                self.outcome.findings.append(f"stuck: {left}")
            self.outcome.rest = max(self.outcome.rest, time.monotonic() - began)
        self.outcome.trades = len(self._placed)
        found, naked = self.floor.findings()
        self.outcome.findings += found
        for each in naked:
            lasted = each.lasted.total_seconds()
            (self.outcome.blind if each.database_down else self.outcome.naked).append(lasted)


def strike(floor: RealFloor, crowd: Crowd, tally: Counter[str]) -> None:
    """One death, at a failpoint or at random, and what the traders do meanwhile."""
    dice = floor.dice
    kind = dice.choices(("failpoint", "random", "stop"), (6, 4, 1))[0]
    if kind == "failpoint":
        _at_failpoint(floor, crowd, tally)
    elif kind == "random":
        _at_random(floor, crowd, tally, dice)
    else:
        _stopped(floor, crowd, tally, dice)


def _at_failpoint(floor: RealFloor, crowd: Crowd, tally: Counter[str]) -> None:
    place = floor.dice.choice(PLACES)
    name = floor.dice.choice((*WORKERS, "guard"))
    tally[f"{name} at {place}"] += 1
    floor.kill_at(name, place)
    if name == "guard":
        for worker in WORKERS:
            floor.stack.kill(worker)  # then the guard is who sends
    crowd.place()
    crowd.act()
    _until(lambda: not floor.stack.alive(name), seconds=2.5)
    tally["died at a failpoint"] += not floor.stack.alive(name)
    floor.revive(name)
    if name == "guard":
        for worker in WORKERS:
            floor.revive(worker)


def _at_random(floor: RealFloor, crowd: Crowd, tally: Counter[str], dice: random.Random) -> None:
    name = dice.choice(AT_RANDOM)
    tally[f"{name} at random"] += 1
    acting = floor.later(0, lambda: _both(crowd))
    time.sleep(dice.uniform(0, 0.4))
    floor.stack.kill(name)
    acting.join(15)
    floor.revive(name)


def _stopped(floor: RealFloor, crowd: Crowd, tally: Counter[str], dice: random.Random) -> None:
    """F33: a worker that is stopped in the middle and wakes late."""
    name = dice.choice((*WORKERS, "guard"))
    tally[f"{name} stopped"] += 1
    pid = floor.stack.pid(name)
    acting = floor.later(0, lambda: _both(crowd))
    time.sleep(dice.uniform(0.02, 0.2))
    os.kill(pid, signal.SIGSTOP)
    time.sleep(dice.uniform(1, 4))
    os.kill(pid, signal.SIGCONT)
    acting.join(15)


def _both(crowd: Crowd) -> None:
    crowd.place()
    crowd.act()


def _until(look: Callable[[], bool], *, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not look() and time.monotonic() < deadline:
        time.sleep(0.02)


__all__: Sequence[str] = ["Crowd", "run", "strike", "summed"]
