"""How a rule words its verdict: the shapes nearly all share. Pure.

A refusal's sentence is given as a function: it is rare, and its figures cost time to round.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache

from risk.protocol import Effect, Verdict
from risk.symbols import ZERO

EXITS_GO_ON = "Exits, tighter stops and cancels of entries go on."

_MINUTE = timedelta(minutes=1)
_ON = Decimal(1)


def at_most(
    *,
    code: str,
    title: str,
    measured: Decimal,
    limit: Decimal,
    unit: str,
    room: str,
    excess: Callable[[], str],
    effect: Effect = Effect.BLOCK,
    needs_acknowledgement: bool = False,
) -> Verdict:
    """`measured` may reach `limit`, not pass it."""
    ok = measured <= limit
    return Verdict(
        code=code,
        title=title,
        measured=measured,
        limit=limit,
        margin=limit - measured,
        unit=unit,
        ok=ok,
        effect=effect,
        message=room if ok else excess(),
        needs_acknowledgement=needs_acknowledgement and not ok,
    )


def at_least(
    *,
    code: str,
    title: str,
    measured: Decimal,
    limit: Decimal,
    unit: str,
    room: str,
    lack: Callable[[], str],
    effect: Effect = Effect.BLOCK,
) -> Verdict:
    """`measured` may fall to `limit`, not below it."""
    ok = measured >= limit
    return Verdict(
        code=code,
        title=title,
        measured=measured,
        limit=limit,
        margin=measured - limit,
        unit=unit,
        ok=ok,
        effect=effect,
        message=room if ok else lack(),
    )


def switch(*, code: str, title: str, off: str | None, on: str) -> Verdict:
    """What is either so or not: `off` says why not and what to do, None where it is so."""
    if off is None:
        return _held(code, title, on, _ON, "")
    return Verdict(
        code=code,
        title=title,
        measured=ZERO,
        limit=_ON,
        margin=-_ON,
        unit="",
        ok=False,
        effect=Effect.BLOCK,
        message=off,
    )


def idle(code: str, title: str, message: str, unit: str) -> Verdict:
    """A rule that has nothing to measure: 0 of 0."""
    return _held(code, title, message, ZERO, unit)


def waits(
    *,
    code: str,
    title: str,
    until: datetime | None,
    at: datetime,
    over: str,
    wait: Callable[[], str],
) -> Verdict:
    """A pause: measured in minutes still to wait, rounded up. `until` None: there is none."""
    if until is None or at >= until:
        return _held(code, title, over, ZERO, "min")
    left = Decimal(-((at - until) // _MINUTE))
    return Verdict(
        code=code,
        title=title,
        measured=left,
        limit=ZERO,
        margin=-left,
        unit="min",
        ok=False,
        effect=Effect.BLOCK,
        message=wait(),
    )


@lru_cache(maxsize=1024)
def _held(code: str, title: str, message: str, limit: Decimal, unit: str) -> Verdict:
    """Measured at its limit, and fine. Kept: a third of all verdicts are one of these few."""
    return Verdict(
        code=code,
        title=title,
        measured=limit,
        limit=limit,
        margin=ZERO,
        unit=unit,
        ok=True,
        effect=Effect.BLOCK,
        message=message,
    )


def when(moment: datetime | None, word: str = "at") -> str:
    """` at 2026-11-24 00:00 UTC`, to be put behind a word; empty where the moment is unknown."""
    return f" {word} {moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if moment else ""
