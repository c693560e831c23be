"""I4 in the moment after a placement: what the protocol lets an account risk, to the last digit.

Heat by the protocol's definition from the fills that are booked, equity from the account's own
double entry (I6 holds both against the exchange), in fractions: nothing is let pass for rounding.
What the exchange has executed and nobody here has heard of yet is in neither, for no rule can know.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction

from tests.drills.seen import Finding
from trading import ledger
from trading.market.prices import Quote
from trading.models import ExchangeAccount, Fill, Leg, Trade
from trading.order_states import FINISHED, TERMINAL

QuoteOf = Callable[[str, str], Quote | None]  # (venue, symbol) → prices; bid in the quote asset
ZERO = Fraction(0)


def heat_within(account: ExchangeAccount, *, most: Decimal, quote_of: QuoteOf) -> Iterator[Finding]:
    """All planned risk together fits under the heat limit. `most`: a fraction of equity."""
    heat = ZERO
    equity = Fraction(ledger.totals(account).get(account.currency, Decimal(0)))
    for trade in Trade.objects.filter(account=account).exclude(state__in=FINISHED):
        risks, held, price = _of(trade)
        quote = quote_of(account.venue, trade.symbol)
        heat += risks
        equity += held * (Fraction(quote.bid) if quote else price)
    if heat > Fraction(most) * equity:
        yield Finding("I4", f"heat of {float(heat):.8f} is above {most:%} of {float(equity):.8f}")


def _of(trade: Trade) -> tuple[Fraction, Fraction, Fraction]:
    """What a trade risks, what of it is held, and at which average price it was bought.

    What is held: `max(0, (e - S) q + fees of the exit at S)`. What may still be bought: its share
    of the plan's risk, from when it is approved.
    """
    bought = paid = held = ZERO
    for fill in Fill.objects.filter(trade=trade).select_related("order"):
        quantity = Fraction(fill.quantity)
        if fill.order.leg == Leg.ENTRY:
            bought += quantity
            paid += quantity * Fraction(fill.price)
        held += quantity if fill.order.leg == Leg.ENTRY else -quantity
        if fill.commission_asset == trade.base_asset:
            held -= Fraction(fill.commission)
    price = paid / bought if bought else Fraction(trade.worst_entry)
    held = max(held, ZERO)
    stop, rate = Fraction(trade.stop_now), Fraction(trade.fee_rate)
    risks = max((price - stop) * held + stop * rate * held, ZERO)
    if trade.orders.get(leg=Leg.ENTRY).state not in TERMINAL:
        left = Fraction(trade.quantity) - bought
        risks += Fraction(trade.planned_risk) * left / Fraction(trade.quantity)
    return risks, held, price
