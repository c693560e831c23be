"""One process of clients: each a thread with a connection of its own, all let off at once."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from multiprocessing.connection import Connection
from typing import Any


@dataclass(frozen=True, slots=True)
class Submission:
    account: str
    symbol: int  # its number
    risk: Decimal  # fraction of equity


def serve(orders: Connection, gate: Any, threads: int, locked: bool) -> None:
    """Take rounds from the pipe until None comes; answer (plan, outcome, milliseconds) for each."""
    import django

    django.setup()
    from tests.drills import race_floor as floor
    from testudo.stack import tuning

    tuning.settle()  # as the platform's processes do
    if not locked:
        floor.take_the_lock_out()
    go, done = threading.Barrier(threads + 1), threading.Barrier(threads + 1)
    work: list[tuple[Submission, ...]] = [()]
    answers: list[tuple[Submission, str, float]] = []

    def client(number: int) -> None:
        while True:
            go.wait()
            plan = work[0][number] if work[0] else None
            if plan is None:
                return floor.hang_up()
            gate.wait()
            began = time.perf_counter()
            try:
                outcome = floor.place(plan)
            except Exception as error:  # counted and shown: any of them breaks the promise
                outcome = f"{type(error).__name__}: {str(error).splitlines()[:1]}"
                floor.hang_up()
            took = (time.perf_counter() - began) * 1000
            answers.append((plan, outcome, took))
            done.wait()

    clients = [threading.Thread(target=client, args=(n,), daemon=True) for n in range(threads)]
    for each in clients:
        each.start()
    while (order := orders.recv()) is not None:
        now, plans = order
        floor.set_clock(now)
        answers.clear()
        work[0] = _tuple(plans)
        go.wait()
        done.wait()
        orders.send(list(answers))
    work[0] = ()
    go.wait()
    for each in clients:
        each.join(5)


def _tuple(plans: Sequence[Submission]) -> tuple[Submission, ...]:
    return tuple(plans)
