"""Shuffled, doubled and lost user events end in the very journal that orderly ones make.

The same schedule is played twice: once the events of the user stream come as the exchange sends
them, once in any order, thrice, late, or not at all until a poll fetches what they told. The
exchange does the same in both, so every figure of the journal that is the exchange's must come out
byte-equal.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import time
from typing import Any

MOST_LOST = 0.3  # of the events of a schedule


def run(arguments: list[str]) -> dict[str, Any]:
    parser = argparse.ArgumentParser(prog="python -m tests.drills events")
    parser.add_argument("--n", type=int, default=100_000, help="events, at least")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="a few hundred")
    options = parser.parse_args(arguments)
    from tests.drills import crew

    crew.begin(os.environ["DATABASE_URL"])
    wanted = min(options.n, 300) if options.quick else options.n
    began, told, seed = time.monotonic(), 0, options.seed
    differing: list[str] = []
    trades = 0
    while told < wanted:
        orderly, _ = _play(seed, disorder=False)
        shuffled, events = _play(seed, disorder=True)
        if orderly != shuffled:
            differing.append(f"seed {seed}: {shuffled!r} is not {orderly!r}"[:600])
        told, seed = told + events, seed + 1
        trades += orderly.count("r_multiple")
    return {
        "ok": not differing and trades > 0,
        "events": told,
        "schedules": seed - options.seed,
        "trades": trades,
        "differing": len(differing),
        "first_differing": differing[:3],
        "events_per_s": round(told / (time.monotonic() - began), 1),
        "seed": options.seed,
    }


def _play(seed: int, *, disorder: bool) -> tuple[str, int]:
    """The journal of one schedule as text, and how many events were told."""
    from tests.drills.stage import stage
    from tests.drills.trader import Trader

    with stage(seed) as here:
        account = here.open_account(USDT="10000")
        told = _disordered(here, random.Random(seed)) if disorder else _counted(here)
        trader, dice = Trader(here, account), random.Random(seed)
        here.guard.begin()
        for symbol in ("BTCUSDT", "ETHUSDT")[: dice.randrange(1, 3)]:
            trader.place_in(symbol, large=False)
        here.world.run_for(1)
        for symbol in ("BTCUSDT", "ETHUSDT"):
            last = here.paper.feed.last(symbol).price
            here.paper.move(symbol, last * dice.choice((96, 113)) // 100, 2000)
        here.world.run_for(100)  # whatever is late has come, and every position was polled
        return _journal(account), told[0]


def _counted(here: Any) -> list[int]:
    told = [0]
    here.paper.event_listeners.append(lambda events: told.__setitem__(0, told[0] + len(events)))
    return told


def _disordered(here: Any, dice: random.Random) -> list[int]:
    """Each event up to three times, up to a minute late, or never. Returns how many were told."""
    told, lost = [0], dice.uniform(0, MOST_LOST)

    def tell(events: Any) -> None:
        for number, event in events:
            stream = here.streams.get(number)
            if stream is None or dice.random() < lost:
                continue
            for _ in range(dice.randrange(1, 4)):
                told[0] += 1
                stream.hear(event, after=dice.choice((0.01, 0.5, 2, 10, 60)) * dice.random())

    here.paper.event_listeners[:] = [tell]
    return told


def _journal(account: Any) -> str:
    """Every figure of the account's journal that is the exchange's, in the order of symbols."""
    from journal.models import JournalEntry

    ours = {
        "id", "trade_id", "account_id", "user_id", "event_id", "created_at", "written_at",
        "order_ms", "protected_ms", "naked_ms", "placed_at", "correlation_id",
    }  # fmt: skip
    rows = JournalEntry.objects.filter(account_id=account.pk).order_by("symbol", "closed_at")
    return json.dumps(
        [
            {name: str(value) for name, value in sorted(row.items()) if name not in ours}
            | {"r_multiple": str(row.get("r_multiple"))}
            for row in rows.values()
        ]
    )
