"""The rules about a position that is open: its stop, and its protection. Pure.

Not run by `rules.check`: they judge a change or a state, not a plan.
"""

from datetime import datetime, timedelta
from decimal import Decimal

from risk.costs import Direction
from risk.protocol import MAX_UNPROTECTED, Effect, Verdict
from risk.verdicts import at_most
from risk.wording import plain

_MILLISECOND = timedelta(milliseconds=1)
_THOUSANDTH = Decimal("0.001")


def stop_may_only_tighten(direction: Direction, current: Decimal, wanted: Decimal) -> Verdict:
    """A stop moves towards the price or stays; it never gives back what the plan risked.

    Raises: ValueError, for a price that is no number above 0.
    """
    for price in (current, wanted):
        if not price.is_finite() or price <= 0:
            raise ValueError(f"The stop is {price}. Give a price above 0.")
    long = direction == "long"
    room = wanted - current if long else current - wanted
    way = "up" if long else "down"
    ok = room >= 0
    return Verdict(
        code="stop_tightens",
        title="Stop only tightens",
        measured=wanted,
        limit=current,
        margin=room,
        unit="",
        ok=ok,
        effect=Effect.BLOCK,
        message=f"The stop moves {way}, or stays."
        if ok
        else f"The stop of a {direction} may only move {way}: it is at {plain(current)}. Move it "
        f"to {plain(current)} or {'higher' if long else 'lower'}, or close the position.",
    )


def unprotected_position(since: datetime | None, now: datetime) -> Verdict:
    """A position without a live stop at the exchange is flattened after 3 s; at 5 s it must be.

    `since`: when protection was lost, None while it stands. A clock that went back counts as 0.
    """
    gone = max(now - since, timedelta(0)) if since else timedelta(0)
    # Up to the millisecond above, so that 3.0001 s are more than 3.
    seconds = Decimal(-(-gone // _MILLISECOND)) * _THOUSANDTH
    return at_most(
        code="unprotected_position",
        title="Unprotected position",
        measured=seconds,
        limit=Decimal(MAX_UNPROTECTED // _MILLISECOND) * _THOUSANDTH,
        unit="s",
        room="The position is protected."
        if since is None
        else f"Without a stop for {plain(seconds)} s: it is being placed again.",
        excess=lambda: (
            f"Without a stop for {plain(seconds)} s. The position is closed at the market now: "
            "check its fills."
        ),
    )
