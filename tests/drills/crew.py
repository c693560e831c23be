"""Plays schedules, in this process or in several, each on a database of its own."""

from __future__ import annotations

import gc
import multiprocessing
import os
import time
import traceback
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import Any
from urllib.parse import urlsplit

import psycopg2

from tests.drills.schedules import Outcome, quiet

LONGEST = 300  # seconds for one schedule: then its process is stuck


def play_all(seeds: Sequence[int], *, processes: int, plant: str, minutes: float) -> list[Outcome]:
    """Every seed's outcome. A process that fails ends the drill. Raises: RuntimeError."""
    until = time.monotonic() + minutes * 60 if minutes else None
    if processes <= 1 or len(seeds) == 1:
        begin(os.environ["DATABASE_URL"])
        return _play_here(seeds, plant=plant, until=until)
    context = multiprocessing.get_context("spawn")
    urls = copies(processes)
    workers, pipes = [], []
    for number, url in enumerate(urls):
        ours, theirs = context.Pipe()
        worker = context.Process(
            target=_serve, args=(theirs, url, seeds[number::processes], plant, until), daemon=True
        )
        worker.start()
        workers.append(worker)
        pipes.append(ours)
    outcomes: list[Outcome] = []
    try:
        for pipe in pipes:
            outcomes += _collect(pipe)
    finally:
        for worker in workers:
            worker.join(5)
            if worker.is_alive():
                worker.terminate()
    return sorted(outcomes, key=lambda outcome: outcome.seed)


def catch(name: str, seeds: Sequence[int]) -> str:
    """How the first failing schedule catches a planted bug; "" where none does.

    It counts only where the same schedule without the bug finds nothing.
    """
    from tests.drills.play import play

    for seed in seeds:
        outcome = play(seed, plant=name)
        if outcome.findings and not play(seed, plant=name, bug=False).findings:
            return f"seed {seed}: {outcome.findings[0]}"
    return ""


def begin(url: str) -> None:
    """Set Django up on one database, as quick as a drill without a crash of the server may be."""
    os.environ["DATABASE_URL"] = url
    import django

    django.setup()
    from django.db import connections

    quiet()
    gc.freeze()  # what is loaded now stays; and rows by the thousand are no cycles to look for
    gc.set_threshold(50_000, 20, 20)
    settings = connections["default"].settings_dict
    if "synchronous_commit" not in settings["OPTIONS"]["options"]:
        # The server never dies here; `kill` and `stack` see to what survives that.
        settings["OPTIONS"]["options"] += " -c synchronous_commit=off"
        settings["CONN_MAX_AGE"] = None
        connections["default"].close()


def copies(count: int) -> list[str]:
    """So many databases like the drill's own, freshly migrated one."""
    url = urlsplit(os.environ["DATABASE_URL"])
    name = url.path.removeprefix("/")
    made = []
    link = psycopg2.connect(url._replace(path="/postgres").geturl(), connect_timeout=3)
    link.autocommit = True
    with link.cursor() as cursor:
        for number in range(count):
            copy = f"{name}_{number}"
            cursor.execute(f'DROP DATABASE IF EXISTS "{copy}" WITH (FORCE)')
            cursor.execute(f'CREATE DATABASE "{copy}" TEMPLATE "{name}"')
            made.append(url._replace(path=f"/{copy}").geturl())
    link.close()
    return made


def _play_here(seeds: Sequence[int], *, plant: str, until: float | None) -> list[Outcome]:
    from tests.drills.play import play

    outcomes = []
    for seed in seeds:
        if until is not None and time.monotonic() > until:
            break
        outcomes.append(play(seed, plant=plant))
    return outcomes


def _serve(
    pipe: Connection, url: str, seeds: Sequence[int], plant: str, until: float | None
) -> None:
    try:
        begin(url)
        from tests.drills.play import play

        for seed in seeds:
            if until is not None and time.monotonic() > until:
                break
            pipe.send(play(seed, plant=plant))
        pipe.send(None)
    except BaseException:
        pipe.send(traceback.format_exc())
        raise


def _collect(pipe: Connection) -> list[Outcome]:
    outcomes: list[Outcome] = []
    while True:
        if not pipe.poll(LONGEST):
            raise RuntimeError(f"A schedule says nothing for {LONGEST} s.")
        said: Any = pipe.recv()
        if said is None:
            return outcomes
        if isinstance(said, str):
            raise RuntimeError(said)
        outcomes.append(said)
