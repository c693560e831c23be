"""The rules about the drawing itself: where stop and target lie. Pure.

Run by `rules.check`; see there.
"""

from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal

from risk.protocol import (
    MAX_STOP_FRACTION,
    MIN_STOP_FRACTION,
    MIN_STOP_SPREADS,
    MIN_STOP_TICKS,
    Book,
    Effect,
    Limits,
    Plan,
    Verdict,
)
from risk.sizing import target_for
from risk.symbols import ceil_to_tick, floor_to_tick
from risk.verdicts import at_least, at_most, switch
from risk.wording import plain

_FLOOR = Context(prec=60, rounding=ROUND_FLOOR)
_CEILING = Context(prec=60, rounding=ROUND_CEILING)
_HUNDREDTH = Decimal("0.01")


def stop_side(plan: Plan, book: Book, limits: Limits) -> Verdict:
    """Stop required, on the losing side of the entry."""
    long = plan.direction == "long"
    room = plan.entry - plan.stop if long else plan.stop - plan.entry
    side = "below" if long else "above"
    ok = room > 0
    return Verdict(
        code="stop_side",
        title="Stop on the losing side",
        measured=plan.stop,
        limit=plan.entry,
        margin=room,
        unit=plan.symbol.quote,
        ok=ok,
        effect=Effect.BLOCK,
        message=f"The stop is {side} the entry."
        if ok
        else f"The stop of a {plan.direction} must lie {side} its entry. Move it {side} "
        f"{plain(plan.entry)}.",
    )


def stop_distance(plan: Plan, book: Book, limits: Limits) -> Verdict:
    """Stop distance: at least the largest of 0.1 %, 3 ticks, 3 spreads and the round-trip fees; at
    most 15 % of the entry."""
    distance = abs(plan.entry - plan.stop)
    most = plan.entry * MAX_STOP_FRACTION
    fees = plan.costs.entry * plan.entry + plan.costs.exit * plan.stop
    least, binding = max(
        (plan.entry * MIN_STOP_FRACTION, "0.1 % of the entry"),
        (plan.symbol.tick * MIN_STOP_TICKS, "3 ticks"),
        ((plan.ask - plan.bid) * MIN_STOP_SPREADS, "3 spreads"),
        (fees, "the fees of getting in and out"),
        key=lambda floor: floor[0],
    )
    unit = plan.symbol.quote
    room = f"{plain(distance)} {unit} between entry and stop."
    if distance > most:
        return at_most(
            code="stop_distance",
            title="Stop distance",
            measured=distance,
            limit=most,
            unit=unit,
            room=room,
            excess=lambda: (
                f"The stop is more than 15 % away. Move it to "
                f"{plain(stop_at(plan, most, inwards=True))} or closer."
            ),
        )

    def lack() -> str:
        nearest = _stop_beyond_fees(plan) if least == fees else stop_at(plan, least)
        if not nearest > 0 or abs(plan.entry - nearest) > most:
            return (
                f"The stop is closer than {binding}, and no stop is far enough: trade another "
                "symbol, or wait."
            )
        return (
            f"The stop is closer than {binding}: it would be hit by chance. Move it to "
            f"{plain(nearest)} or further away."
        )

    return at_least(
        code="stop_distance",
        title="Stop distance",
        measured=distance,
        limit=least,
        unit=unit,
        room=room,
        lack=lack,
    )


def direction_allowed(plan: Plan, book: Book, limits: Limits) -> Verdict:
    """Spot has no shorts."""
    return switch(
        code="direction_allowed",
        title="Direction",
        off=None
        if plan.direction == "long" or book.shorts_allowed
        else "A spot account cannot sell short. Draw a long, or wait for futures accounts.",
        on=f"The venue trades {plan.direction}s.",
    )


def reward_to_risk(plan: Plan, book: Book, limits: Limits) -> Verdict:
    """Reward to risk, net of fees, at the plan's entry."""
    ratio = plan.sizing.reward_to_risk
    shown = ratio.quantize(_HUNDREDTH, context=_FLOOR)

    def lack() -> str:
        target = target_for(
            limits.min_reward_to_risk,
            direction=plan.direction,
            entry=plan.entry,
            stop=plan.stop,
            costs=plan.costs,
            tick=plan.symbol.tick,
        )
        way_out = f"Move the target to {plain(target)}, or the" if target else "Move the"
        return (
            f"After fees the target pays {shown} R; you ask for "
            f"{plain(limits.min_reward_to_risk)} R. {way_out} stop closer."
        )

    return at_least(
        code="reward_to_risk",
        title="Reward to risk",
        measured=ratio,
        limit=limits.min_reward_to_risk,
        unit="R",
        room=f"{shown} R after fees if the target is hit.",
        lack=lack,
    )


def stop_at(plan: Plan, distance: Decimal, *, inwards: bool = False) -> Decimal:
    """The stop at `distance` from the entry, on the tick next outwards, or inwards."""
    long = plan.direction == "long"
    price = plan.entry - distance if long else plan.entry + distance
    to_tick = floor_to_tick if long != inwards else ceil_to_tick
    return to_tick(price, plan.symbol.tick)


def _stop_beyond_fees(plan: Plan) -> Decimal:
    """The closest stop whose distance covers fE*E + fS*S, the fees at that stop itself."""
    costs, entry, tick = plan.costs, plan.entry, plan.symbol.tick
    if plan.direction == "long":
        return floor_to_tick(_FLOOR.divide(entry * (1 - costs.entry), 1 + costs.exit), tick)
    return ceil_to_tick(_CEILING.divide(entry * (1 + costs.entry), 1 - costs.exit), tick)
