"""The rules about the market under a plan and the cash for it. Pure.

Run by `rules.check`; see there.
"""

from decimal import ROUND_CEILING, Context, Decimal

from risk.drawing_rules import stop_at
from risk.exits import cash_per_unit
from risk.protocol import MAX_DRIFT_R, MAX_STOP_FRACTION, Book, Limits, Plan, Verdict
from risk.symbols import ZERO
from risk.verdicts import at_most
from risk.wording import money_up, percent, plain

_CEILING = Context(prec=60, rounding=ROUND_CEILING)
_ONE = Decimal(1)


def cash(plan: Plan, book: Book, limits: Limits) -> Verdict:
    """The entry, at its worst price and with a fee in quote, is paid from free cash."""
    needed = plan.sizing.quantity * cash_per_unit(plan.worst_entry, plan.costs)
    return at_most(
        code="cash",
        title="Cash",
        measured=needed,
        limit=book.cash,
        unit=book.currency,
        room=f"{money_up(needed)} {book.currency} of free cash is needed.",
        excess=lambda: (
            f"{money_up(needed - book.cash)} {book.currency} of free cash is missing. Lower the "
            "risk, or free cash by closing a position."
        ),
    )


def spread(plan: Plan, book: Book, limits: Limits) -> Verdict:
    """Spread: a small part of the distance to the stop, or most of R is paid at the door."""
    width = max(plan.ask - plan.bid, ZERO)
    allowed = abs(plan.entry - plan.stop) * limits.max_spread_share

    def excess() -> str:
        distance = _CEILING.divide(width, limits.max_spread_share)
        nearest = stop_at(plan, distance)
        further = (
            f", or move the stop to {plain(nearest)} or further away"
            if distance <= plan.entry * MAX_STOP_FRACTION
            else ""
        )
        return (
            f"The spread of {plain(width)} {plan.symbol.quote} is more than "
            f"{percent(limits.max_spread_share, _ONE)} of the distance to the stop. Wait until it "
            f"narrows{further}."
        )

    return at_most(
        code="spread",
        title="Spread",
        measured=width,
        limit=allowed,
        unit=plan.symbol.quote,
        room=f"The spread is {plain(width)} {plan.symbol.quote}.",
        excess=excess,
    )


def slippage(plan: Plan, book: Book, limits: Limits) -> Verdict:
    """Expected slippage: how much worse than the best price the entry may fill, as a part of R
    from that price. An entry that rests on its line slips nowhere; one that waits for a breakout is
    sent once the best price is on its line."""
    long = plan.direction == "long"
    best = _best_when_sent(plan, limits)
    worse = max(plan.worst_entry - best if long else best - plan.worst_entry, ZERO)
    distance = max(best - plan.stop if long else plan.stop - best, ZERO)
    return at_most(
        code="slippage",
        title="Expected slippage",
        measured=worse,
        limit=distance * limits.max_slippage_r,
        unit=plan.symbol.quote,
        room=f"The entry fills at most {plain(worse)} {plan.symbol.quote} beyond the best price.",
        excess=lambda: (
            f"The entry could fill {plain(worse)} {plan.symbol.quote} beyond the best price: "
            f"more than {plain(limits.max_slippage_r)} R. Move the entry to {plain(best)}, or move "
            "the stop further away."
        ),
    )


def waits_for_its_line(plan: Plan, limits: Limits) -> bool:
    """A breakout: its line lies beyond what the slippage allows from the best price. It is sent
    when the market has come to it, and judged again then."""
    if plan.direction == "long":
        return plan.entry > plan.ask + max(plan.ask - plan.stop, ZERO) * limits.max_slippage_r
    return plan.entry < plan.bid - max(plan.stop - plan.bid, ZERO) * limits.max_slippage_r


def _best_when_sent(plan: Plan, limits: Limits) -> Decimal:
    """The best price an entry meets: now, or its own line where it waits for that."""
    if waits_for_its_line(plan, limits):
        return plan.entry
    return plan.ask if plan.direction == "long" else plan.bid


def price_drift(plan: Plan, book: Book, limits: Limits) -> Verdict:
    """Price drift since the plan: 0.25R asks for a new review."""
    distance = abs(plan.entry - plan.stop)
    drift = ZERO if plan.quoted_price is None else abs(plan.price - plan.quoted_price)
    return at_most(
        code="price_drift",
        title="Price drift",
        measured=drift,
        limit=distance * MAX_DRIFT_R,
        unit=plan.symbol.quote,
        room="The price is where you saw it.",
        excess=lambda: (
            f"The price moved {plain(drift)} {plan.symbol.quote} since you saw the plan, more "
            "than a quarter of R. Review the plan and place it again."
        ),
    )
