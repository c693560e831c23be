"""What would pass instead of a refused plan, in words and as lines the page can draw."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import ROUND_FLOOR, Decimal
from uuid import UUID

from risk.costs import PlanImpossible
from risk.exposure import Holding, totals_of
from risk.nearest import Fix, Levers, OpenPosition, nearest_plans
from risk.rules import RULES, Book, Plan, Verdict, check, unmoved
from risk.symbols import ZERO
from risk.wording import money_down, money_up, percent, plain
from trading.book import QuoteOf
from trading.book_facts import Stake
from trading.book_totals import holdings
from trading.drawing import Drawing, drawn
from trading.models import ExchangeAccount, Venue
from trading.plans import Judged, entry_kind, quote_age

MOST_CLOSES = 3
# Refusals of our own that no lever is searched for: the drawing's age, and another kind of entry
# than the trader saw.
OURS = frozenset({"quote_age", "entry_kind"})
HUNDREDTH = Decimal("0.01")

LIFTED = {
    "day_ends_at": "The day's limits start anew then.",
    "week_ends_at": "The week's limits start anew then.",
    "streak_until": "The pause after the losing streak ends then; trades begin at half size.",
    "stop_outs_until": "The pause after the stop-outs ends then.",
    "symbol_cooldown_until": "The pause of this symbol after its loss ends then.",
    "symbol_locked_until": "The lock of this losing symbol ends then.",
    "setup_locked_until": "The lock of this losing setup ends then.",
    "exchange_retry_at": "The exchange is tried again then.",
    "state_until": "The account takes new risk again then.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class WayOut:
    """One suggestion: lines to draw instead, or what to wait for or close first."""

    lever: str
    title: str
    text: str
    changes: dict[str, Decimal]  # risk_fraction, stop, target; empty where nothing is redrawn
    until: datetime | None = None
    close: UUID | None = None


def ways_out(
    account: ExchangeAccount, drawing: Drawing, judged: Judged, *, quote_of: QuoteOf
) -> tuple[WayOut, ...]:
    """The nearest plans that pass, one on each lever that has one; each was asked of every rule."""
    wish = Levers(
        risk_fraction=judged.plan.risk_fraction,
        stop=drawing.stop,
        target=drawing.target,
    )

    # The drawing is as old as it is now: only what the book says moves on.
    seen = quote_age(drawing, now=judged.book.at)
    by_code = dict(zip((v.code for v in judged.verdicts), RULES, strict=False))

    def judge(levers: Levers, book: Book) -> Sequence[Verdict] | None:
        plan = _redrawn(drawing, judged, levers, book)
        if plan is None:
            return None
        return (*check(plan[0], book, judged.limits), entry_kind(*plan, asked=drawing.kind), seen)

    def judge_only(levers: Levers, book: Book, codes: frozenset[str]) -> Sequence[Verdict] | None:
        plan = _redrawn(drawing, judged, levers, book)
        if plan is None:
            return None
        rules = [by_code[code] for code in codes if code in by_code]
        others = (v for v in (entry_kind(*plan, asked=drawing.kind), seen) if v.code in codes)
        return (*check(plan[0], book, judged.limits, rules=rules), *others)

    refusing = [by_code[v.code] for v in judged.verdicts if not v.ok and v.code in by_code]

    found = nearest_plans(
        wish,
        judged.book,
        judge=judge,
        judge_only=judge_only,
        fixed=unmoved(judged.plan, judged.book, judged.limits, rules=refusing) | OURS,
        tick=judged.plan.symbol.tick,
        positions=_positions(account, judged, quote_of=quote_of),
        acknowledged=drawing.acknowledged,
    )
    return tuple(_said(found, drawing, judged))


def _redrawn(
    drawing: Drawing, judged: Judged, levers: Levers, book: Book
) -> tuple[Plan, str] | None:
    moved = replace(
        drawing, risk_fraction=levers.risk_fraction, stop=levers.stop, target=levers.target
    )
    try:
        return drawn(moved, judged.terms, book)
    except PlanImpossible:
        return None


def _positions(
    account: ExchangeAccount, judged: Judged, *, quote_of: QuoteOf
) -> list[OpenPosition]:
    """The account's own trades, each with what closing it at the market would set free."""
    if not judged.book.open_positions:
        return []
    stakes = [each for each in judged.stakes if each.trade_id]
    priced = holdings(stakes, venue=account.venue, quote_of=quote_of)
    live, symbol = account.venue == Venue.BINANCE, judged.plan.symbol.name
    return [
        _position(stake, holding, live=live, symbol=symbol)
        for stake, holding in zip(stakes, priced, strict=True)
    ]


def _position(stake: Stake, holding: Holding, *, live: bool, symbol: str) -> OpenPosition:
    taken = totals_of(holding)
    pending = holding.planned_risk is not None
    fees = ZERO if pending else holding.mark * holding.quantity * stake.fee_rate
    return OpenPosition(
        id=str(stake.trade_id),
        symbol=stake.symbol,
        heat=taken.heat,
        open_risk=taken.open_risk,
        pending_risk=taken.pending_risk,
        exposure=taken.exposure,
        cash=stake.cash if pending else holding.mark * holding.quantity - fees,
        exit_fees=fees,
        in_symbol=stake.symbol == symbol,
        live=live,
    )


def _said(found: Sequence[Fix], drawing: Drawing, judged: Judged) -> Iterator[WayOut]:
    closes = 0
    for fix in found:
        if fix.until is not None:
            yield WayOut(
                lever="wait",
                title=f"Wait until {fix.until:%Y-%m-%d %H:%M} UTC",
                text=LIFTED[fix.because],
                changes={},
                until=fix.until,
            )
        elif fix.close is not None:
            closes += 1
            if closes <= MOST_CLOSES:
                yield _closing(fix.close, judged.book.currency)
        else:
            yield _drawing(fix, drawing, judged)


def _closing(position: OpenPosition, currency: str) -> WayOut:
    pending = position.pending_risk > 0
    freed = f"It frees {money_down(position.heat)} {currency} of heat."
    return WayOut(
        lever="close",
        title=f"{'Withdraw the entry in' if pending else 'Close'} {position.symbol}",
        text=freed if position.heat else "It frees a position.",
        changes={},
        close=UUID(position.id),
    )


def _drawing(fix: Fix, drawing: Drawing, judged: Judged) -> WayOut:
    redrawn = _redrawn(drawing, judged, fix.levers, judged.book)
    assert redrawn is not None, "a plan that passed the rules can be drawn"
    plan, levers = redrawn[0], fix.levers
    changes: dict[str, Decimal] = {}
    parts = []
    if fix.lever.startswith("size"):
        changes["risk_fraction"] = levers.risk_fraction
        parts.append(f"Risk {percent(levers.risk_fraction, Decimal(1))}")
    for line, wished in (("stop", drawing.stop), ("target", drawing.target)):
        moved = getattr(levers, line)
        if moved != wished:
            changes[line] = moved
            parts.append(f"{line.capitalize()} at {moved:,f}")
    return WayOut(
        lever=fix.lever,
        title=" and ".join((parts[0], *(part[0].lower() + part[1:] for part in parts[1:]))),
        text=_what_it_is(plan, judged.book.currency),
        changes=changes,
    )


def _what_it_is(plan: Plan, currency: str) -> str:
    pays = plan.sizing.reward_to_risk.quantize(HUNDREDTH, rounding=ROUND_FLOOR)
    return (
        f"{plain(plan.sizing.quantity)} {plan.symbol.base}, at most {money_up(plan.risk)} "
        f"{currency} at risk; the target pays {plain(pays)} R."
    )
