"""Exit feasibility: can the stop and the target of a plan be placed after fees (R11)? Pure."""

from dataclasses import dataclass
from decimal import ROUND_CEILING, Context, Decimal

from risk.costs import ONE, Costs, Direction, loss_per_unit
from risk.symbols import UNLIMITED, Symbol, ceil_to_step, floor_to_step
from risk.wording import cents_up, money_up, plain

_UP = Context(prec=60, rounding=ROUND_CEILING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unplaceable:
    """Why no quantity can be traded, and the least that would pass. Amounts are None where none
    would: the filters contradict each other."""

    code: str  # "lot_size", "notional", "exit_lot_size", "market_lot_size", "stop_notional", ...
    filter: str  # Binance's name of it
    message: str
    quantity: Decimal | None  # the smallest quantity that passes
    budget: Decimal | None  # the risk it takes, quote
    cash: Decimal | None  # the cash it takes, quote


def received_quantity(direction: Direction, quantity: Decimal, costs: Costs) -> Decimal:
    """What is held after the entry: less than bought, where a long's fee is taken in the coin."""
    if direction == "long" and costs.fee_in_base:
        return quantity * (ONE - costs.entry)
    return quantity


def exit_quantity(direction: Direction, quantity: Decimal, costs: Costs, step: Decimal) -> Decimal:
    """What the stop and target order, in whole exit steps: a long sells what it received. A short
    buys back what it owes, plus the fee where that is taken in the coin: the one quantity that must
    be rounded up, or a rest would stay owed."""
    if direction == "short" and costs.fee_in_base:
        return ceil_to_step(_UP.divide(quantity, ONE - costs.exit), step)
    if direction == "short":
        return ceil_to_step(quantity, step)
    return floor_to_step(received_quantity(direction, quantity, costs), step)


def largest_entry(direction: Direction, most: Decimal, costs: Costs, step: Decimal) -> Decimal:
    """The largest entry whose exit still fits into one order of at most `most`.

    A long counts whole, not only what is left after a fee in the coin: the exchange may take that
    fee from coins held free, and then the stop sells all of it.
    """
    if direction == "long" or most >= UNLIMITED:
        return most
    owed = floor_to_step(most, step)
    return owed * (ONE - costs.exit) if costs.fee_in_base else owed


def why_unplaceable(
    *,
    direction: Direction,
    quantity: Decimal,
    budget: Decimal,
    cash: Decimal,
    worst_entry: Decimal,
    stop: Decimal,
    target: Decimal,
    costs: Costs,
    symbol: Symbol,
    most: Decimal,
    asked_less: bool = False,
) -> Unplaceable | None:
    """The first filter that entry, stop or target would break at `quantity`, or None.

    `most` is the largest quantity the filters allow; `asked_less` says that a size model or its
    ceiling asks for less than the risk allows. Exits are market orders where the symbol has
    STOP_LOSS and TAKE_PROFIT, so the minimum notional binds them only where Binance applies it to
    market orders.
    """
    leg = exit_quantity(direction, quantity, costs, symbol.exit_step)
    broken = _broken(quantity, leg, worst_entry, stop, target, symbol)
    if broken is None:
        return None
    code, name, said = broken
    least = _least_quantity(direction, worst_entry, stop, target, costs, symbol)
    if least > most:
        return Unplaceable(
            code=code,
            filter=name,
            message=f"{said} No quantity of {symbol.name} passes all its filters at these prices. "
            "Choose another symbol.",
            quantity=None,
            budget=None,
            cash=None,
        )
    loss, per = loss_per_unit(direction, worst_entry, stop, costs)
    risk_needed = cents_up(_UP.divide(loss * least, per))
    cash_needed = cents_up(least * cash_per_unit(worst_entry, costs))
    ways = []
    if risk_needed > budget:
        ways.append(
            f"Risk at least {money_up(risk_needed)} {symbol.quote}, or move the stop closer."
        )
    if cash_needed > cash:
        ways.append(f"Free at least {money_up(cash_needed)} {symbol.quote} of cash.")
    if asked_less:
        ways.append("Ask the size model for more, or size by percent risk.")
    ways.append(f"The smallest size that passes is {plain(least)} {symbol.base}.")
    return Unplaceable(
        code=code,
        filter=name,
        message=" ".join([said, *ways]),
        quantity=least,
        budget=risk_needed,
        cash=cash_needed,
    )


def cash_per_unit(worst_entry: Decimal, costs: Costs) -> Decimal:
    """What one unit takes from the cash: a fee in the coin or in BNB is not paid from it."""
    if costs.fee_in_base or costs.fee_in_bnb:
        return worst_entry
    return worst_entry * (ONE + costs.entry)


def _broken(
    quantity: Decimal,
    leg: Decimal,
    worst_entry: Decimal,
    stop: Decimal,
    target: Decimal,
    symbol: Symbol,
) -> tuple[str, str, str] | None:
    """Code, filter and sentence of the first filter broken."""
    base, quote = symbol.base, symbol.quote
    if quantity < max(symbol.min_quantity, symbol.step):
        least = plain(max(symbol.min_quantity, symbol.step))
        return (
            "lot_size",
            "LOT_SIZE",
            f"This risk buys {plain(quantity)} {base}; the exchange's least is {least} {base} "
            "(LOT_SIZE).",
        )
    if quantity * worst_entry < symbol.min_notional:
        return (
            "notional",
            "NOTIONAL",
            f"The entry would be worth {plain(quantity * worst_entry)} {quote}; the exchange's "
            f"least is {plain(symbol.min_notional)} {quote} (NOTIONAL).",
        )
    if leg < max(symbol.min_quantity, symbol.step):
        return (
            "exit_lot_size",
            "LOT_SIZE",
            f"After fees {plain(leg)} {base} would be left to exit with; the exchange's least is "
            f"{plain(max(symbol.min_quantity, symbol.step))} {base} (LOT_SIZE).",
        )
    if leg < symbol.market_min_quantity:
        return (
            "market_lot_size",
            "MARKET_LOT_SIZE",
            f"After fees {plain(leg)} {base} would be left to exit with; a market exit takes at "
            f"least {plain(symbol.market_min_quantity)} {base} (MARKET_LOT_SIZE).",
        )
    for line, price, kind in (("stop", stop, "STOP_LOSS"), ("target", target, "TAKE_PROFIT")):
        if _minimum_binds(symbol, kind) and leg * price < symbol.min_notional:
            return (
                f"{line}_notional",
                "NOTIONAL",
                f"The {line} could not be placed: after fees {plain(leg)} {base} at {plain(price)} "
                f"is worth {plain(leg * price)} {quote}, below the exchange's least of "
                f"{plain(symbol.min_notional)} {quote} (NOTIONAL).",
            )
    return None


def _minimum_binds(symbol: Symbol, kind: str) -> bool:
    return symbol.min_notional_for_market or kind not in symbol.order_types


def _least_quantity(
    direction: Direction,
    worst_entry: Decimal,
    stop: Decimal,
    target: Decimal,
    costs: Costs,
    symbol: Symbol,
) -> Decimal:
    """The smallest whole number of steps that breaks no minimum, at entry and at both exits."""
    floor = max(symbol.min_quantity, symbol.step)
    entry = max(floor, _UP.divide(symbol.min_notional, worst_entry))
    exits = [floor, symbol.market_min_quantity]
    for price, kind in ((stop, "STOP_LOSS"), (target, "TAKE_PROFIT")):
        if _minimum_binds(symbol, kind):
            exits.append(_UP.divide(symbol.min_notional, price))
    leg = ceil_to_step(max(exits), symbol.exit_step)
    kept = ONE - costs.entry if direction == "long" and costs.fee_in_base else ONE
    return max(ceil_to_step(entry, symbol.step), ceil_to_step(_UP.divide(leg, kept), symbol.step))
