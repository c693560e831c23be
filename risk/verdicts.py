"""How a rule words its verdict: the two shapes nearly all share. Pure."""

from datetime import datetime
from decimal import Decimal

from risk.protocol import Effect, Verdict

EXITS_GO_ON = "Exits, tighter stops and cancels of entries go on."


def at_most(
    *,
    code: str,
    title: str,
    measured: Decimal,
    limit: Decimal,
    unit: str,
    room: str,
    excess: str,
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
        message=room if ok else excess,
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
    lack: str,
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
        effect=Effect.BLOCK,
        message=room if ok else lack,
    )


def when(moment: datetime | None, word: str = "at") -> str:
    """` at 2026-11-24 00:00 UTC`, to be put behind a word; empty where the moment is unknown."""
    return f" {word} {moment:%Y-%m-%d %H:%M} UTC" if moment else ""
