"""From a drawing on the chart to a sized plan with every rule's verdict. Writes nothing."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from risk.costs import PlanImpossible, check_sides
from risk.rules import Book, Effect, Limits, Plan, Verdict, check
from risk.symbols import Symbol, floor_to_tick, is_on_tick, nearest_ticks
from risk.verdicts import switch
from risk.wording import plain
from trading import legs
from trading.book import QuoteOf, read_book
from trading.book_cache import cached_facts
from trading.book_facts import Stake
from trading.drawing import Drawing, Terms, drawn
from trading.global_halt import Switch
from trading.market.prices import Quote, remembered
from trading.market.symbols import UnknownSymbol, rules
from trading.models import ExchangeAccount
from trading.plan_inputs import (
    average_bounds,
    costs_of,
    position_in,
    read_model,
    under_own_limits,
)
from trading.plan_reads import PlanReads, read_for_plan

QUOTE_AGE = timedelta(seconds=10)  # an older drawing asks for a new look (B19)
KINDS = {
    "now": "The entry fills at the market now, or not at all.",
    "pullback": "The entry rests at the exchange until the market comes to it.",
    "breakout": "The entry waits here; when the price reaches it, every rule is asked again and "
    "it is sent.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A drawing, sized and judged."""

    plan: Plan
    kind: str  # now, pullback, breakout
    book: Book
    terms: Terms
    verdicts: tuple[Verdict, ...]
    quote: Quote
    stakes: tuple[Stake, ...] = ()  # the trades and holdings the book counts

    @property
    def limits(self) -> Limits:
        return self.terms.limits


class NoMarket(Exception):
    """There is no price to judge a plan by. The message says what to do."""


def judge(
    account: ExchangeAccount,
    drawing: Drawing,
    *,
    quote_of: QuoteOf,
    reads: PlanReads | None = None,
    fresh: bool = True,
) -> Judged:
    """Size a drawing and run every rule on it. `fresh`: see `read_book`; a preview needs it not.

    `reads`: what the caller read whole, under the account's lock; None: as it stands.

    Raises: PlanImpossible, naming the field, for lines that make no plan at all; NoMarket.
    """
    quote_of = remembered(quote_of)
    symbol = symbol_of(account, drawing.symbol)
    refuse_off_tick(drawing, symbol)
    reads = reads or read_for_plan(account, symbol, whole=fresh)
    facts = reads.facts or cached_facts(account, known=reads.known)
    quote_of.ask_ahead(account.venue, [symbol.name, *(each.symbol for each in facts.stakes)])
    quote = quote_of(account.venue, symbol.name)
    if quote is None:
        raise NoMarket(f"There is no live price of {symbol.name}. Wait until prices move again.")
    book = read_book(
        account, risk=reads.risk, symbol=symbol.name, setup=drawing.setup, limits=reads.limits,
        health=reads.health, switch=reads.switch or Switch(halted=False), facts=facts,
        quote_of=quote_of,
    )  # fmt: skip
    terms = _terms(account, drawing, symbol, quote, book, reads, quote_of)
    plan, kind = drawn(drawing, terms, book)
    verdicts = (
        *check(plan, book, reads.limits),
        entry_kind(plan, kind, asked=drawing.kind),
        quote_age(drawing, now=book.at),
    )
    return Judged(
        plan=plan, kind=kind, book=book, terms=terms, verdicts=verdicts, quote=quote,
        stakes=facts.stakes,
    )  # fmt: skip


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


def _terms(
    account: ExchangeAccount,
    drawing: Drawing,
    symbol: Symbol,
    quote: Quote,
    book: Book,
    reads: PlanReads,
    quote_of: QuoteOf,
) -> Terms:
    """Everything a plan in this symbol is sized by, read once."""
    symbol = under_own_limits(symbol, reads.rate)
    costs = {
        resting: costs_of(
            account,
            symbol,
            reads,
            resting=resting,
            cash=book.cash,
            quote_of=quote_of,
            slippage=drawing.slippage,
        )
        for resting in (False, True)
    }
    low, high = average_bounds(symbol, quote, reads)
    return Terms(
        symbol=symbol,
        bid=quote.bid,
        ask=quote.ask,
        market_age=max(book.at - quote.seen, timedelta(0)),
        limits=reads.limits,
        taking=costs[False],
        resting=costs[True],
        position=position_in(account, symbol, reads.coin),
        model=read_model(drawing.size_model, account, symbol),
        average_low=low,
        average_high=high,
    )


def entry_kind(plan: Plan, kind: str, asked: str = "") -> Verdict:
    """The symbol carries an entry of this kind with its stop and target; and it is the kind the
    trader saw (`asked`), where the request names one."""
    off = None
    symbol = plan.symbol
    least = legs.stop_limit(symbol, plan.stop) * plan.sizing.leg_quantity
    if "LIMIT" not in symbol.order_types or not legs.carried(symbol):
        off = f"{symbol.name} takes no stop with its entry. Trade another symbol."
    elif "STOP_LOSS" not in symbol.order_types and plan.sizing.quantity and (
        least < symbol.min_notional
    ):  # fmt: skip
        off = (
            f"The stop names a price, and what it could sell for, {plain(least)} {symbol.quote}, "
            f"is below the exchange's least of {plain(symbol.min_notional)}. Risk more, or move "
            "the stop closer."
        )
    elif refused := _leg_not_taken(plan, kind):
        off = refused
    elif asked and asked != kind:
        price = plain(floor_to_tick(plan.price, plan.symbol.tick))
        off = (
            f"With the market at {price} the entry at {plain(plan.entry)} is a {kind} entry, not "
            f"the {asked} you saw. Review the plan and place it again."
        )
    return switch(code="entry_kind", title="Kind of entry", off=off, on=KINDS[kind])


def _leg_not_taken(plan: Plan, kind: str) -> str | None:
    """A breakout's legs are sent when the market has come to its line: by then about there."""
    armed = kind == "breakout"
    return legs.not_taken(
        plan.symbol,
        stop=plan.stop,
        target=plan.target,
        low=plan.entry if armed else plan.average_low or plan.price,
        high=plan.entry if armed else plan.average_high or plan.price,
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
