"""From a drawing on the chart to a sized plan with every rule's verdict. Writes nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import ROUND_FLOOR, Decimal

from risk.costs import Direction, PlanImpossible, check_sides
from risk.models import RiskProfile
from risk.rules import RULES_VERSION, Book, Effect, Limits, Plan, Verdict, check
from risk.sizing import Costs, entry_cap, size
from risk.symbols import Symbol, floor_to_tick, is_on_tick, nearest_ticks
from trading.book import QuoteOf, read_book
from trading.market.prices import Quote
from trading.market.symbols import UnknownSymbol, rules
from trading.models import AccountRisk, Balance, ExchangeAccount, FeeRate

SMALLEST_MONEY = Decimal("1e-8")
DEFAULT_FEE = Decimal("0.001")  # until the account's own rates were fetched: Binance's standard
QUOTE_AGE = timedelta(seconds=10)  # an older drawing asks for a new look (B19)
NEEDED_TYPES = frozenset({"LIMIT", "STOP_LOSS", "TAKE_PROFIT"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """What the trader drew, as typed: prices in the quote asset."""

    symbol: str
    side: Direction
    entry: Decimal
    stop: Decimal
    target: Decimal
    risk_fraction: Decimal | None = None  # None: the profile's own
    quoted_price: Decimal | None = None  # the ask the trader saw; None while previewing
    quoted_at: datetime | None = None
    acknowledged: frozenset[str] = field(default_factory=frozenset)
    reason: str = ""
    setup: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A drawing, sized and judged."""

    plan: Plan
    kind: str  # now, pullback, breakout
    book: Book
    limits: Limits
    verdicts: tuple[Verdict, ...]
    quote: Quote


class NoMarket(Exception):
    """There is no price to judge a plan by. The message says what to do."""


def judge(
    account: ExchangeAccount, drawing: Drawing, *, risk: AccountRisk, quote_of: QuoteOf
) -> Judged:
    """Size a drawing and run every rule on it.

    Raises: PlanImpossible, naming the field, for lines that make no plan at all; NoMarket.
    """
    symbol = symbol_of(account, drawing.symbol)
    refuse_off_tick(drawing, symbol)
    quote = quote_of(account.venue, symbol.name)
    if quote is None:
        raise NoMarket(f"There is no live price of {symbol.name}. Wait until prices move again.")
    limits = limits_of(account)
    book = read_book(account, risk=risk, symbol=symbol.name, quote_of=quote_of)
    plan, kind = _size(drawing, symbol, quote, book, limits, _costs(account, symbol))
    verdicts = (
        *check(plan, book, limits),
        entry_kind(plan, kind),
        quote_age(drawing, now=book.at),
    )
    return Judged(plan=plan, kind=kind, book=book, limits=limits, verdicts=verdicts, quote=quote)


def symbol_of(account: ExchangeAccount, name: str) -> Symbol:
    """Raises: PlanImpossible, for a symbol the venue does not list or the account can't count."""
    try:
        symbol = rules(account.venue, name)
    except UnknownSymbol as error:
        raise PlanImpossible(str(error), field="symbol") from error
    if symbol.quote != account.currency:
        raise PlanImpossible(
            f"{name} is quoted in {symbol.quote}; this account counts in {account.currency}. "
            f"Trade a symbol quoted in {account.currency}.",
            field="symbol",
        )
    return symbol


def limits_of(account: ExchangeAccount) -> Limits:
    profile = RiskProfile.objects.filter(account_id=account.pk).first()
    return profile.limits() if profile else Limits()


def refuse_off_tick(drawing: Drawing, symbol: Symbol) -> None:
    """The page snaps to the tick; the API refuses, naming the nearest prices (B06)."""
    check_sides(
        drawing.side,
        entry=drawing.entry,
        worst_entry=drawing.entry,
        stop=drawing.stop,
        target=drawing.target,
    )
    for name in ("entry", "stop", "target"):
        price = getattr(drawing, name)
        if not is_on_tick(price, symbol.tick):
            below, above = nearest_ticks(price, symbol.tick)
            raise PlanImpossible(
                f"{symbol.name} trades in steps of {symbol.tick.normalize():f}. "
                f"Use {below:f} or {above:f}.",
                field=name,
            )


def _size(
    drawing: Drawing, symbol: Symbol, quote: Quote, book: Book, limits: Limits, costs: Costs
) -> tuple[Plan, str]:
    fraction = limits.max_risk if drawing.risk_fraction is None else drawing.risk_fraction
    budget = (book.equity * fraction).quantize(SMALLEST_MONEY, rounding=ROUND_FLOOR)
    best = quote.ask if drawing.side == "long" else quote.bid
    cap = _cap(best, drawing, symbol)
    kind = kind_of(drawing, best=best, cap=cap)
    worst = cap if kind == "now" else drawing.entry
    sizing = size(
        direction=drawing.side,
        entry=drawing.entry,
        worst_entry=worst,
        stop=drawing.stop,
        target=drawing.target,
        budget=budget,
        cash=book.cash,
        costs=costs,
        symbol=symbol,
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
        bid=quote.bid,
        ask=quote.ask,
        price=best,
        quoted_price=drawing.quoted_price,
        market_age=max(book.at - quote.seen, timedelta(0)),
    )
    return plan, kind


def _cap(best: Decimal, drawing: Drawing, symbol: Symbol) -> Decimal:
    """The worst price of a *now* entry; the line itself where the market is beyond the stop."""
    beyond = best <= drawing.stop if drawing.side == "long" else best >= drawing.stop
    return drawing.entry if beyond else entry_cap(best, drawing.stop, symbol.tick)


def kind_of(drawing: Drawing, *, best: Decimal, cap: Decimal) -> str:
    """Which entry the line means: *now* is within the slippage cap of the best price."""
    allowance = abs(cap - best)
    distance = drawing.entry - best if drawing.side == "long" else best - drawing.entry
    if abs(distance) <= allowance:
        return "now"
    return "breakout" if distance > 0 else "pullback"


def entry_kind(plan: Plan, kind: str) -> Verdict:
    """Only entries at the market are placed yet; the others are refused with the way out."""
    carried = plan.symbol.order_types >= NEEDED_TYPES
    message = "The entry fills at the market now, or not at all."
    if kind != "now":
        side = "below" if kind == "pullback" else "above"
        message = (
            f"The entry lies {side} the market ({kind}). Testudo places entries at the market for "
            f"now: move the entry to {floor_to_tick(plan.price, plan.symbol.tick):f}."
        )
    elif not carried:
        message = f"{plan.symbol.name} takes no market stops. Trade another symbol."
    ok = kind == "now" and carried
    distance = abs(plan.entry - plan.price)
    allowance = abs(plan.worst_entry - plan.price)
    return Verdict(
        code="entry_kind",
        title="Kind of entry",
        measured=distance,
        limit=allowance,
        margin=allowance - distance,
        unit=plan.symbol.quote,
        ok=ok,
        effect=Effect.BLOCK,
        message=message,
    )


def quote_age(drawing: Drawing, *, now: datetime) -> Verdict:
    """A drawing seen too long ago asks for a new look: the market may have moved (B19)."""
    seen = drawing.quoted_at
    age = max(now - seen, timedelta(0)) if seen else timedelta(0)
    seconds = Decimal(age // timedelta(milliseconds=1)) / 1000
    limit = Decimal(QUOTE_AGE // timedelta(seconds=1))
    ok = seconds <= limit
    return Verdict(
        code="quote_age",
        title="Age of the drawing",
        measured=seconds,
        limit=limit,
        margin=limit - seconds,
        unit="s",
        ok=ok,
        effect=Effect.BLOCK,
        message="The plan was just looked at."
        if ok
        else f"The plan was looked at {seconds:.0f} s ago. Look again, then place it.",
    )


def _costs(account: ExchangeAccount, symbol: Symbol) -> Costs:
    """The account's fee rates. A fee comes from the coin unless some of it is held free (OPO)."""
    rate = FeeRate.objects.filter(account=account, symbol=symbol.name).first()
    taker = rate.taker if rate else DEFAULT_FEE
    coin = Balance.objects.filter(account=account, asset=symbol.base).first()
    holds_coin = coin is not None and coin.free > 0
    return Costs(entry=taker, exit=taker, fee_in_base=not holds_coin)


def as_facts(judged: Judged, drawing: Drawing) -> dict[str, object]:
    """What a decision record keeps: every input and every verdict, ids and figures only."""
    plan, book = judged.plan, judged.book
    return {
        "rules_version": RULES_VERSION,
        "symbol": plan.symbol.name,
        "side": plan.direction,
        "entry_kind": judged.kind,
        "entry": plan.entry,
        "worst_entry": plan.worst_entry,
        "stop": plan.stop,
        "target": plan.target,
        "quantity": plan.sizing.quantity,
        "risk_fraction": plan.risk_fraction,
        "risk_budget": plan.sizing.budget,
        "planned_risk": plan.sizing.worst_loss,
        "reward_to_risk": plan.sizing.reward_to_risk,
        "fee_rates": [plan.costs.entry, plan.costs.exit],
        "fee_in_base": plan.costs.fee_in_base,
        "bid": plan.bid,
        "ask": plan.ask,
        "quoted_price": drawing.quoted_price,
        "acknowledged": sorted(drawing.acknowledged),
        "book": {
            "equity": book.equity,
            "cash": book.cash,
            "day_start_equity": book.day_start_equity,
            "heat": book.heat,
            "open_risk": book.open_risk,
            "pending_risk": book.pending_risk,
            "open_positions": book.open_positions,
            "losing_streak": book.losing_streak,
            "trades_today": book.trades_today,
            "state": book.state,
        },
        "limits": {
            name: getattr(judged.limits, name) for name in judged.limits.__dataclass_fields__
        },
        "verdicts": _verdict_facts(judged.verdicts),
    }


def _verdict_facts(verdicts: Sequence[Verdict]) -> list[dict[str, object]]:
    return [
        {
            "code": verdict.code,
            "ok": verdict.ok,
            "effect": verdict.effect.value,
            "measured": verdict.measured,
            "limit": verdict.limit,
        }
        for verdict in verdicts
    ]
