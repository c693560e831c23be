"""From the lines a trader drew to a sized plan, by terms that were read before. Pure.

The same terms size the nearest compliant plans, so that what passes is not asked of the database
a hundred times.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import ROUND_FLOOR, Decimal

from risk.bounds import Share
from risk.costs import Costs, Direction
from risk.manage_rules import NONE as UNMANAGED
from risk.manage_rules import Management
from risk.part_targets import refuse_impossible, shares_of
from risk.protocol import RECOVERY_SHARE
from risk.rules import Book, Limits, Plan
from risk.size_models import SizeModel, wanted_quantity
from risk.sizing import entry_cap, size, sold_in_parts
from risk.symbols import ZERO, Symbol

SMALLEST_MONEY = Decimal("1e-8")


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """What the trader drew, as typed: prices in the quote asset."""

    symbol: str
    side: Direction
    entry: Decimal
    stop: Decimal
    target: Decimal
    risk_fraction: Decimal | None = None  # None: the profile's own
    size_model: SizeModel = field(default_factory=SizeModel)  # percent risk
    slippage: Decimal = ZERO  # allowance at the stop, quote per unit of base
    quoted_price: Decimal | None = None  # the ask the trader saw; None while previewing
    quoted_at: datetime | None = None
    acknowledged: frozenset[str] = field(default_factory=frozenset)
    reason: str = ""
    setup: str = ""
    management: Management = UNMANAGED  # once it is open
    kind: str = ""  # of entry, as the trader saw it; "" takes what the line means now
    expires_at: datetime | None = None  # of an entry that waits; None: the end of the next day
    worst_entry: Decimal | None = None  # approved before: of a breakout that has reached its line


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelTerms:
    """What a size model needs beyond the drawing; None where it needs it not."""

    atr: Decimal | None = None  # quote per unit of base
    ceiling_fraction: Decimal | None = None  # of equity


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What any plan of one account in one symbol is sized by at one moment."""

    symbol: Symbol  # with the account's own MAX_ASSET limits
    bid: Decimal
    ask: Decimal
    market_age: timedelta
    limits: Limits
    taking: Costs  # of an entry at the market
    resting: Costs  # of one that waits in the book, and pays the maker's fee
    position: Decimal  # base asset free, locked and in open buys
    model: ModelTerms
    average_low: Decimal  # what PERCENT_PRICE's average can be
    average_high: Decimal


def drawn(drawing: Drawing, terms: Terms, book: Book) -> tuple[Plan, str]:
    """The sized plan and the kind of its entry: now, pullback or breakout.

    Raises: PlanImpossible, naming the field, for lines that make no plan.
    """
    symbol, limits = terms.symbol, terms.limits
    best = terms.ask if drawing.side == "long" else terms.bid
    kind, worst = kind_of(drawing, best=best, symbol=symbol, limits=limits)
    maker = kind == "pullback" and rests_as_maker(symbol)
    costs = terms.resting if maker else terms.taking
    fraction = _fraction(drawing, limits, book)
    equity = max(book.equity, ZERO)
    ceiling = terms.model.ceiling_fraction
    sizing = size(
        direction=drawing.side,
        entry=drawing.entry,
        worst_entry=worst,
        stop=drawing.stop,
        target=drawing.target,
        budget=_floored(equity * fraction),
        cash=book.cash,
        costs=costs,
        symbol=symbol,
        position=terms.position,
        model=drawing.size_model.name,
        wanted=_wanted(drawing, terms, worst, equity, fraction, costs),
        ceiling=None if ceiling is None else _floored(equity * ceiling),
    )
    nearer = drawing.management.targets
    if nearer:
        refuse_impossible(
            nearer,
            direction=drawing.side,
            entry=drawing.entry,
            target=drawing.target,
            tick=symbol.tick,
        )
        sizing = sold_in_parts(
            sizing,
            shares_of(nearer, drawing.target),
            direction=drawing.side,
            entry=drawing.entry,
            stop=drawing.stop,
            costs=costs,
        )
    plan = Plan(
        symbol=symbol,
        direction=drawing.side,
        entry=drawing.entry,
        worst_entry=worst,
        stop=drawing.stop,
        target=drawing.target,
        risk_fraction=fraction,
        sizing=sizing,
        costs=costs,
        bid=terms.bid,
        ask=terms.ask,
        price=best,
        quoted_price=drawing.quoted_price,
        market_age=terms.market_age,
        setup=drawing.setup,
        position=terms.position,
        average_low=terms.average_low,
        average_high=terms.average_high,
        targets=nearer,
    )
    return plan, kind


def kind_of(
    drawing: Drawing, *, best: Decimal, symbol: Symbol, limits: Limits
) -> tuple[str, Decimal]:
    """Which entry the line means, and the worst price it may fill at. *Now* is within the slippage
    cap of the best price. A breakout is sent once the best price is on its line: its cap is counted
    from there. Where the market is beyond the stop, only a breakout can be meant."""
    away = drawing.entry - best if drawing.side == "long" else best - drawing.entry
    beyond = best <= drawing.stop if drawing.side == "long" else best >= drawing.stop
    if not beyond:
        cap = entry_cap(best, drawing.stop, symbol.tick, limits.max_slippage_r)
        if abs(away) <= abs(cap - best):
            return "now", _no_worse(cap, drawing)
        if away < 0:
            return "pullback", drawing.entry
    cap = entry_cap(drawing.entry, drawing.stop, symbol.tick, limits.max_slippage_r)
    return "breakout", cap


def _no_worse(cap: Decimal, drawing: Drawing) -> Decimal:
    """The cap, but never beyond the worst price that was approved."""
    if drawing.worst_entry is None:
        return cap
    better = min if drawing.side == "long" else max
    return better(cap, drawing.worst_entry)


def rests_as_maker(symbol: Symbol) -> bool:
    """Whether a pullback is sent as LIMIT_MAKER, which pays the maker's fee or is refused. A plain
    LIMIT that met the market would pay the taker's."""
    return "LIMIT_MAKER" in symbol.order_types


def _fraction(drawing: Drawing, limits: Limits, book: Book) -> Decimal:
    """Without a risk of its own a plan may use the trader's limit, and half of it while the
    streak's breaker is half-open."""
    if drawing.risk_fraction is not None:
        return drawing.risk_fraction
    return limits.max_risk * (RECOVERY_SHARE if book.half_size else 1)


def _wanted(
    drawing: Drawing,
    terms: Terms,
    worst_entry: Decimal,
    equity: Decimal,
    fraction: Decimal,
    costs: Costs,
) -> Share | None:
    return wanted_quantity(
        drawing.size_model,
        direction=drawing.side,
        entry=worst_entry,
        stop=drawing.stop,
        equity=equity,
        risk_fraction=fraction,
        costs=costs,
        atr=terms.model.atr,
    )


def _floored(amount: Decimal) -> Decimal:
    return amount.quantize(SMALLEST_MONEY, rounding=ROUND_FLOOR)
