"""The rules about the drawing itself, the market under it and the exchange's filters. Pure.

Run by `rules.check`; see there.
"""

from datetime import timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal

from risk.exits import cash_per_unit
from risk.protocol import (
    MAX_DRIFT_R,
    MAX_MARKET_AGE,
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
from risk.verdicts import at_least, at_most
from risk.wording import cents_up, plain

_ROUGH = Context(prec=60)
BRACKET_ORDERS = 3  # an entry with both exits, as one list
BRACKET_ALGO_ORDERS = 2  # its STOP_LOSS and TAKE_PROFIT
MILLISECOND = timedelta(milliseconds=1)


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
    fees = plan.costs.entry * plan.entry + plan.costs.exit * plan.stop
    floors = {
        "0.1 % of the entry": plan.entry * MIN_STOP_FRACTION,
        "3 ticks": plan.symbol.tick * MIN_STOP_TICKS,
        "3 spreads": (plan.ask - plan.bid) * MIN_STOP_SPREADS,
        "the fees of getting in and out": fees,
    }
    binding = max(floors, key=lambda name: floors[name])
    least, most = floors[binding], plan.entry * MAX_STOP_FRACTION
    unit = plan.symbol.quote
    room = f"{plain(distance)} {unit} between entry and stop."
    if distance > most:
        closest = _stop_at(plan, most, inwards=True)
        return at_most(
            code="stop_distance",
            title="Stop distance",
            measured=distance,
            limit=most,
            unit=unit,
            room=room,
            excess=f"The stop is more than 15 % away. Move it to {closest} or closer.",
        )
    nearest = _stop_beyond_fees(plan) if least == fees else _stop_at(plan, least)
    return at_least(
        code="stop_distance",
        title="Stop distance",
        measured=distance,
        limit=least,
        unit=unit,
        room=room,
        lack=f"The stop is closer than {binding}: it would be hit by chance. Move it to "
        f"{nearest} or further away.",
    )


def direction_allowed(plan: Plan, book: Book, limits: Limits) -> Verdict:
    """Spot has no shorts."""
    ok = plan.direction == "long" or book.shorts_allowed
    return Verdict(
        code="direction_allowed",
        title="Direction",
        measured=Decimal(int(ok)),
        limit=Decimal(1),
        margin=Decimal(int(ok) - 1),
        unit="",
        ok=ok,
        effect=Effect.BLOCK,
        message=f"The venue trades {plan.direction}s."
        if ok
        else "A spot account cannot sell short. Draw a long, or wait for futures accounts.",
    )


def reward_to_risk(plan: Plan, book: Book, limits: Limits) -> Verdict:
    """Reward to risk, net of fees, at the plan's entry."""
    ratio = plan.sizing.reward_to_risk
    target = target_for(
        limits.min_reward_to_risk,
        direction=plan.direction,
        entry=plan.entry,
        stop=plan.stop,
        costs=plan.costs,
        tick=plan.symbol.tick,
    )
    way_out = f"Move the target to {plain(target)}, or the" if target else "Move the"
    shown = ratio.quantize(Decimal("0.01"), rounding=ROUND_FLOOR, context=_ROUGH)
    return at_least(
        code="reward_to_risk",
        title="Reward to risk",
        measured=ratio,
        limit=limits.min_reward_to_risk,
        unit="R",
        room=f"{shown} R after fees if the target is hit.",
        lack=f"After fees the target pays {shown} R; you ask for "
        f"{plain(limits.min_reward_to_risk)} R. {way_out} stop closer.",
    )


def cash(plan: Plan, book: Book, limits: Limits) -> Verdict:
    """The entry, at its worst price and with a fee in quote, is paid from free cash."""
    needed = plan.sizing.quantity * cash_per_unit(plan.worst_entry, plan.costs)
    return at_most(
        code="cash",
        title="Cash",
        measured=needed,
        limit=book.cash,
        unit=book.currency,
        room=f"{cents_up(needed)} {book.currency} of free cash is needed.",
        excess=f"{cents_up(needed - book.cash)} {book.currency} of free cash is missing. Lower the "
        "risk, or free cash by closing a position.",
    )


def exchange_filters(plan: Plan, book: Book, limits: Limits) -> Verdict:
    """The exchange would take the entry, the stop and the target: status, filters, open orders."""
    broken = _broken_filter(plan, book)
    return Verdict(
        code="exchange_filters",
        title="Exchange filters",
        measured=plan.sizing.quantity,
        limit=plan.symbol.min_quantity,
        margin=plan.sizing.quantity - plan.symbol.min_quantity,
        unit=plan.symbol.base,
        ok=broken is None,
        effect=Effect.BLOCK,
        message=broken or "Entry, stop and target pass the exchange's filters.",
    )


def _broken_filter(plan: Plan, book: Book) -> str | None:
    symbol, long = plan.symbol, plan.direction == "long"
    if symbol.status != "TRADING":
        return f"{symbol.name} is {symbol.status} at the exchange. Wait, or trade another symbol."
    if not (symbol.oto_allowed and symbol.oco_allowed):
        return f"{symbol.name} cannot carry a stop with its entry. Trade another symbol."
    if plan.sizing.unplaceable:
        return plan.sizing.unplaceable.message
    for line in ("worst_entry", "stop", "target"):
        price = getattr(plan, line)
        if not symbol.min_price <= price <= symbol.max_price:
            return (
                f"The {line.replace('_', ' ')} {plain(price)} is outside {plain(symbol.min_price)} "
                f"to {plain(symbol.max_price)} (PRICE_FILTER). Move it inside."
            )
    if percents := symbol.percent_price:
        down, up = (
            (percents.buy_down, percents.buy_up) if long else (percents.sell_down, percents.sell_up)
        )
        low, high = plan.price * down, plan.price * up
        if not low <= plan.worst_entry <= high:
            return (
                f"The entry {plain(plan.worst_entry)} is too far from the market: the exchange "
                f"takes {plain(low)} to {plain(high)} (PERCENT_PRICE_BY_SIDE). Move it closer."
            )
    counts = (
        ("MAX_NUM_ORDERS", book.orders, BRACKET_ORDERS, symbol.max_orders),
        ("MAX_NUM_ALGO_ORDERS", book.algo_orders, BRACKET_ALGO_ORDERS, symbol.max_algo_orders),
        ("MAX_NUM_ORDER_LISTS", book.order_lists, 1, symbol.max_order_lists),
    )
    for name, there, added, most in counts:
        if most is not None and there + added > most:
            return (
                f"{symbol.name} has {there} such orders open, and the exchange takes {most} "
                f"({name}). Cancel {there + added - most} first."
            )
    return None


def market_data(plan: Plan, book: Book, limits: Limits) -> Verdict:
    """Data age: the market stream proved alive at most 5 s ago."""
    allowed = Decimal(str(MAX_MARKET_AGE.total_seconds()))
    if plan.market_age is None:
        return Verdict(
            code="market_data",
            title="Market data",
            measured=allowed,
            limit=allowed,
            margin=-allowed,
            unit="s",
            ok=False,
            effect=Effect.BLOCK,
            message=f"There is no live price of {plan.symbol.name}. Wait until prices move again.",
        )
    age = Decimal(plan.market_age // MILLISECOND) * Decimal("0.001")
    return at_most(
        code="market_data",
        title="Market data",
        measured=age,
        limit=allowed,
        unit="s",
        room="Prices are live.",
        excess=f"The last word from the market is {plain(age)} s old. Wait until prices are live "
        "again.",
    )


def price_drift(plan: Plan, book: Book, limits: Limits) -> Verdict:
    """Price drift since the plan: 0.25R asks for a new review."""
    distance = abs(plan.entry - plan.stop)
    drift = abs(plan.price - plan.quoted_price) if plan.quoted_price is not None else Decimal(0)
    return at_most(
        code="price_drift",
        title="Price drift",
        measured=drift,
        limit=distance * MAX_DRIFT_R,
        unit=plan.symbol.quote,
        room="The price is where you saw it.",
        excess=f"The price moved {plain(drift)} {plan.symbol.quote} since you saw the plan, more "
        "than a quarter of R. Review the plan and place it again.",
    )


def _stop_at(plan: Plan, distance: Decimal, *, inwards: bool = False) -> str:
    """The stop at `distance` from the entry, on the tick next outwards, or inwards."""
    long = plan.direction == "long"
    price = plan.entry - distance if long else plan.entry + distance
    to_tick = floor_to_tick if long != inwards else ceil_to_tick
    return plain(to_tick(price, plan.symbol.tick))


def _stop_beyond_fees(plan: Plan) -> str:
    """The closest stop whose distance covers fE*E + fS*S, the fees at that stop itself."""
    costs, entry, tick = plan.costs, plan.entry, plan.symbol.tick
    if plan.direction == "long":
        price = Context(prec=60, rounding=ROUND_FLOOR).divide(
            entry * (1 - costs.entry), 1 + costs.exit
        )
        return plain(floor_to_tick(price, tick))
    price = Context(prec=60, rounding=ROUND_CEILING).divide(
        entry * (1 + costs.entry), 1 - costs.exit
    )
    return plain(ceil_to_tick(price, tick))
