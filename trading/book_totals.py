"""From an account's stakes and the latest prices to heat, risk, exposure and worth.

The sums are `risk.exposure`'s; here each stake gets its price. Without one a position counts at
what was paid for it.
"""

from collections.abc import Iterable
from decimal import Decimal

from risk.exposure import Holding
from trading.book_facts import ZERO, BookFacts, QuoteOf, Stake


def holdings(stakes: Iterable[Stake], *, venue: str, quote_of: QuoteOf) -> list[Holding]:
    """The stakes at the prices they could be closed at now."""
    return [_priced(stake, venue=venue, quote_of=quote_of) for stake in stakes]


def _priced(stake: Stake, *, venue: str, quote_of: QuoteOf) -> Holding:
    quote = quote_of(venue, stake.symbol)
    mark = stake.entry
    if quote is not None:
        mark = quote.bid if stake.side == "long" else quote.ask
    stop = stake.stop if stake.stop is not None else ZERO
    return Holding(
        symbol=stake.symbol,
        direction="long" if stake.side == "long" else "short",
        quantity=stake.quantity,
        entry=stake.entry,
        mark=mark,
        stop=stake.stop,
        exit_fees=stop * stake.quantity * stake.fee_rate,
        planned_risk=stake.planned_risk,
    )


def worth(facts: BookFacts, *, venue: str, quote_of: QuoteOf) -> Decimal:
    """Equity: cash by our ledger and what is held, at the price it could be sold for."""
    return facts.booked + at_mark(holdings(facts.stakes, venue=venue, quote_of=quote_of))


def at_mark(found: Iterable[Holding]) -> Decimal:
    """What the filled ones are worth. A short would count its profit; spot has none."""
    return sum((one.mark * one.quantity for one in found if one.planned_risk is None), ZERO)
