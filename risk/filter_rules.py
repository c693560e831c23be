"""The rules about what the exchange takes: its filters, and PRICE_RANGE at execution. Pure.

Run by `rules.check`; see there. Sizes are bounded by the filters before (`risk.bounds`,
`risk.exits`); here is what no size cures, and what is left where none passes.
Source: Binance's `filters.md` and `faqs/price_range_execution_rules.md`.
"""

from decimal import Decimal

from risk.market_rules import waits_for_its_line
from risk.part_targets import PER_PART, why_not_in_parts
from risk.protocol import BRACKET_ALGO_ORDERS, BRACKET_ORDERS, Book, Effect, Limits, Plan, Verdict
from risk.symbols import UNLIMITED, ZERO, PercentPrice, ceil_to_tick, floor_to_tick
from risk.verdicts import at_most, idle, switch
from risk.wording import plain

STOP_RANGE = "Stop in a fast market"


def exchange_filters(plan: Plan, book: Book, limits: Limits) -> Verdict:
    """The exchange would take the entry, the stop and the target: status, filters, open orders."""
    return switch(
        code="exchange_filters",
        title="Exchange filters",
        off=_broken_filter(plan, book, limits),
        on="Entry, stop and target pass the exchange's filters.",
    )


def stop_range(plan: Plan, book: Book, limits: Limits) -> Verdict:
    """A stop at the market can expire where the price falls to it faster than the reference price
    of PRICE_RANGE, an average, follows.

    An advice: that average moves with the market, so a far stop is not outside when it triggers
    after a slow fall. What is known now is only what would happen if it triggered at once.
    """
    symbol, selling = plan.symbol, plan.direction == "long"
    if symbol.price_range is None:
        message = f"The exchange sets no price range for {symbol.name} that could be known."
        return idle("stop_range", STOP_RANGE, message, symbol.quote)
    low, high = _range(symbol.price_range, plan, buying=not selling)

    def excess() -> str:
        lowest, highest = _on_tick(low, high, plan)
        below = plan.stop < low
        edge = lowest if below else highest
        there = lowest <= highest and (edge < plan.entry if selling else edge > plan.entry)
        # A long's stop that is too low is too far away; a short's is too close.
        towards = "closer" if below == selling else "further away"
        way = f"Move the stop to {plain(edge)} or {towards}" if there else "Wait"
        return (
            f"Were the stop {plain(plan.stop)} reached at once, it could expire unfilled: the "
            f"exchange lets {'a sale' if selling else 'a buy'} fill {_span(lowest, highest)} now "
            f"(PRICE_RANGE). {way}, or let it be: that range follows the price within "
            f"{symbol.average_minutes} minutes."
        )

    return at_most(
        code="stop_range",
        title=STOP_RANGE,
        measured=max(low - plan.stop, plan.stop - high, ZERO),
        limit=ZERO,
        unit=symbol.quote,
        room="The exchange would fill the stop even if the price reached it at once.",
        excess=excess,
        effect=Effect.ADVISE,
    )


def _broken_filter(plan: Plan, book: Book, limits: Limits) -> str | None:
    symbol = plan.symbol
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
    # A breakout is not sent now: the averages of its own time are asked when it is.
    waits = waits_for_its_line(plan, limits)
    return (
        _parts_too_small(plan)
        or (None if waits else _too_far_from_average(plan) or _outside_price_range(plan))
        or _too_many_of_symbol(plan, book)
        or _too_many_of_account(plan, book)
    )


def _parts_too_small(plan: Plan) -> str:
    return why_not_in_parts(
        plan.targets,
        target=plan.target,
        stop=plan.stop,
        leg_quantity=plan.sizing.leg_quantity,
        symbol=plan.symbol,
    )


def _added(plan: Plan) -> tuple[int, int, int]:
    """Orders, algorithmic orders and lists a plan has open at most: its entry with both exits, then
    a stop and a target for each of its parts."""
    parts = len(plan.targets) + 1
    return max(BRACKET_ORDERS, PER_PART * parts), BRACKET_ALGO_ORDERS * parts, parts


def _too_far_from_average(plan: Plan) -> str | None:
    if plan.symbol.percent_price is None:
        return None
    low, high = _range(plan.symbol.percent_price, plan, buying=plan.direction == "long")
    if low <= plan.worst_entry <= high:
        return None
    return (
        f"The entry {plain(plan.worst_entry)} is too far from the market: the exchange takes "
        f"entries {_span(*_on_tick(low, high, plan))} (PERCENT_PRICE_BY_SIDE). Move it closer."
    )


def _outside_price_range(plan: Plan) -> str | None:
    """What an entry takes from the book outside the range expires; one that rests takes nothing."""
    symbol, buying = plan.symbol, plan.direction == "long"
    best = plan.ask if buying else plan.bid
    rests = plan.worst_entry < best if buying else plan.worst_entry > best
    if symbol.price_range is None or rests:
        return None
    low, high = _range(symbol.price_range, plan, buying=buying)
    first, last = sorted((best, plan.worst_entry))
    if low <= first and last <= high:
        return None
    # The worst price follows the stop's distance (0.1R): where the best is inside, that helps.
    way = "Move the stop closer, or wait" if low <= best <= high else "Wait"
    return (
        f"The entry could fill from {plain(best)} to {plain(plan.worst_entry)}, but the exchange "
        f"lets {'a buy' if buying else 'a sale'} fill {_span(*_on_tick(low, high, plan))} now, and "
        f"what lies outside expires (PRICE_RANGE). {way} until its average of "
        f"{symbol.average_minutes} minutes has followed the price."
    )


def _range(percents: PercentPrice, plan: Plan, *, buying: bool) -> tuple[Decimal, Decimal]:
    """The prices that are inside at whatever average the exchange may have now."""
    down, up = (
        (percents.buy_down, percents.buy_up) if buying else (percents.sell_down, percents.sell_up)
    )
    low = (plan.average_high or plan.price) * down
    return low, UNLIMITED if up == UNLIMITED else (plan.average_low or plan.price) * up


def _on_tick(low: Decimal, high: Decimal, plan: Plan) -> tuple[Decimal, Decimal]:
    """The lowest and the highest valid price inside."""
    tick = plan.symbol.tick
    return ceil_to_tick(low, tick), high if high == UNLIMITED else floor_to_tick(high, tick)


def _span(low: Decimal, high: Decimal) -> str:
    if low > high:
        return "at no price for certain"
    if high == UNLIMITED:
        return f"from {plain(low)} up"
    return f"from {plain(low)} to {plain(high)}"


def _too_many_of_symbol(plan: Plan, book: Book) -> str | None:
    symbol = plan.symbol
    orders, algo_orders, lists = _added(plan)
    counts = (
        ("MAX_NUM_ORDERS", book.orders, orders, symbol.max_orders),
        ("MAX_NUM_ALGO_ORDERS", book.algo_orders, algo_orders, symbol.max_algo_orders),
        ("MAX_NUM_ORDER_LISTS", book.order_lists, lists, symbol.max_order_lists),
    )
    for name, there, added, most in counts:
        if most is not None and added > most and plan.targets:
            return (
                f"{len(plan.targets) + 1} targets need {added} such orders of {symbol.name}, and "
                f"the exchange takes {most} ({name}). Leave a target out."
            )
        if most is not None and there + added > most:
            return (
                f"{symbol.name} has {there} such orders open, and the exchange takes {most} "
                f"({name}). Cancel {there + added - most} first."
            )
    return None


def _too_many_of_account(plan: Plan, book: Book) -> str | None:
    """EXCHANGE_MAX_NUM_*: what the account may have open over all symbols."""
    symbol = plan.symbol
    orders, algo_orders, lists = _added(plan)
    counts = (
        ("EXCHANGE_MAX_NUM_ORDERS", book.account_orders, orders, symbol.exchange_max_orders),
        ("EXCHANGE_MAX_NUM_ALGO_ORDERS", book.account_algo_orders, algo_orders,
         symbol.exchange_max_algo_orders),
        ("EXCHANGE_MAX_NUM_ORDER_LISTS", book.account_order_lists, lists,
         symbol.exchange_max_order_lists),
    )  # fmt: skip
    for name, there, added, most in counts:
        if most is None or there + added <= most:
            continue
        if added > most:
            return (
                f"The exchange takes {most} such orders of an account ({name}), and an entry with "
                f"its stop and target needs {added}. Trade another account."
            )
        return (
            f"The account has {there} such orders open over all symbols, and the exchange takes "
            f"{most} ({name}). Close a position, or cancel entries, so that "
            f"{there + added - most} of them end."
        )
    return None
