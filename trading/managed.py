"""Positions made by hand: the trader declares them managed, and they count; or no longer."""

from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from risk.exposure import Totals, totals
from risk.protocol import RULES_VERSION
from risk.wording import plain
from trading import coverage, decisions, flows
from trading.actors import Actor
from trading.book_facts import QuoteOf, stake_of_holding
from trading.book_totals import holdings as priced
from trading.market import prices
from trading.market.prices import Quote
from trading.market.symbols import UnknownSymbol, rules
from trading.models import ExchangeAccount, ManagedHolding
from trading.risk_lock import lock_risk, lock_trader, save_risk

# What one declaration may have cost in all. The history of heat has to hold it.
MOST_PAID = Decimal(10) ** 15


class DeclarationRefused(Exception):
    """What was declared cannot count as told. The message says what to do."""

    def __init__(self, field: str, message: str, *, conflict: bool = False) -> None:
        super().__init__(message)
        self.field = field
        self.conflict = conflict  # well-formed, but not so at the exchange or in the books


class NoSuchHolding(Exception):
    """The account has no such holding, or has it no more."""


def of(account: ExchangeAccount) -> QuerySet[ManagedHolding]:
    """The account's managed holdings of now, oldest first."""
    return ManagedHolding.objects.filter(account=account, ended_at=None).order_by("declared_at")


def counted(
    account: ExchangeAccount, row: ManagedHolding, *, quote_of: QuoteOf = prices.latest
) -> Totals:
    """What one adds to the account now: `exposure` to equity, `heat` to heat."""
    return totals(
        priced(
            [stake_of_holding(row.symbol, row.quantity, row.entry, row.stop)],
            venue=account.venue,
            quote_of=quote_of,
        )
    )


def declare(
    account: ExchangeAccount,
    *,
    by: Actor,
    symbol: str,
    quantity: Decimal,
    entry: Decimal,
    stop: Decimal | None = None,
    quote_of: QuoteOf = prices.latest,
) -> ManagedHolding:
    """Let a position made by hand count in equity and heat: by its stop, or whole without one.

    Nothing is sent to the exchange: the stop is the trader's own. `entry` and `stop` in the quote
    asset for one. Raises: DeclarationRefused.
    """
    try:
        known = rules(account.venue, symbol)
    except UnknownSymbol as error:
        raise DeclarationRefused("symbol", str(error)) from error
    if known.quote != account.currency:
        raise DeclarationRefused(
            "symbol",
            f"{symbol} is quoted in {known.quote}; this account counts in {account.currency}. "
            f"Declare a symbol quoted in {account.currency}.",
        )
    if entry * quantity > MOST_PAID:
        raise DeclarationRefused(
            "entry",
            f"{plain(quantity)} {known.base} at that price are over a thousand trillion "
            f"{known.quote}. Give what one {known.base} cost.",
        )
    quote = quote_of(account.venue, symbol)
    if quote is None:
        raise DeclarationRefused(
            "symbol",
            f"There is no live price of {symbol}, so its worth is not known. Wait until prices "
            "move again.",
            conflict=True,
        )
    if stop is not None and stop >= quote.bid:
        raise DeclarationRefused(
            "stop",
            f"{symbol} is at {plain(quote.bid)}: this stop would have sold it. Give one below, or "
            "none, and the whole worth counts as at risk.",
        )
    with transaction.atomic():
        lock_trader(account)
        lock_risk(account.pk)
        if of(account).filter(symbol=symbol).exists():
            raise DeclarationRefused(
                "symbol",
                f"{symbol} is declared already. End that holding, then declare the whole anew.",
                conflict=True,
            )
        spare = max(coverage.spare(account, known.base), Decimal(0))
        if quantity > spare:
            raise DeclarationRefused(
                "quantity",
                f"The exchange holds {plain(spare)} {known.base} beyond what is managed. Declare "
                "at most that.",
                conflict=True,
            )

        def quoted(venue: str, name: str) -> Quote | None:
            return quote if name == symbol else quote_of(venue, name)

        row = flows.declare_managed(
            account, symbol=symbol, quantity=quantity, entry=entry, stop=stop, quote_of=quoted
        )
        _record(account, row, "declared", by=by, quote_of=quoted)
    return row


def tighten(
    account: ExchangeAccount,
    holding_id: UUID,
    *,
    stop: Decimal,
    by: Actor,
    quote_of: QuoteOf = prices.latest,
) -> ManagedHolding:
    """Count one by a stop nearer to the price, or by its first one, at once.

    Only towards the price, as every stop: a laxer one makes room for new risk, and takes ending the
    holding and declaring it anew. Nothing is sent: the stop at the exchange is the trader's own.
    Raises: DeclarationRefused; NoSuchHolding.
    """
    quote_of = prices.remembered(quote_of)
    with transaction.atomic():
        lock_trader(account)
        risk = lock_risk(account.pk)
        row = of(account).filter(pk=holding_id).first()
        if row is None:
            raise NoSuchHolding
        if row.stop is not None and stop <= row.stop:
            raise DeclarationRefused(
                "stop",
                f"The stop is at {plain(row.stop)}, and moves only towards the price. Give a "
                "higher one; for a lower one end this holding, then declare it anew.",
                conflict=True,
            )
        quote = quote_of(account.venue, row.symbol)
        if quote is not None and stop >= quote.bid:
            raise DeclarationRefused(
                "stop",
                f"{row.symbol} is at {plain(quote.bid)}: this stop would have sold it. Give one "
                "below.",
            )
        row.stop = stop
        row.save(update_fields=["stop"])
        save_risk(risk)  # what counts as heat has changed: whoever keeps the book reads it again
        _record(account, row, "tightened", by=by, quote_of=quote_of)
    return row


def end(
    account: ExchangeAccount,
    holding_id: UUID,
    *,
    by: Actor,
    quote_of: QuoteOf = prices.latest,
) -> ManagedHolding:
    """Let it count nowhere again. Raises: NoSuchHolding."""
    quote_of = prices.remembered(quote_of)  # the log and the books name one worth
    with transaction.atomic():
        lock_trader(account)
        lock_risk(account.pk)
        row = of(account).filter(pk=holding_id).first()
        if row is None:
            raise NoSuchHolding
        _record(account, row, "ended", by=by, quote_of=quote_of)
        flows.end_managed(row, quote_of=quote_of)
    return row


def _record(
    account: ExchangeAccount, row: ManagedHolding, what: str, *, by: Actor, quote_of: QuoteOf
) -> None:
    """In the decision log: it moves the room under the limits as a change of them would."""
    adds = counted(account, row, quote_of=quote_of)
    facts = {
        "what": what,
        "holding": row.pk,
        "symbol": row.symbol,
        "asset": row.base_asset,
        "currency": account.currency,
        "quantity": row.quantity,
        "entry": row.entry,
        "stop": row.stop,
        "worth": adds.exposure,
        "heat": adds.heat,
        "rules_version": RULES_VERSION,
    }
    decisions.record(account.pk, "holding", {**facts, **by.facts()})
