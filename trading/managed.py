"""Positions made by hand: the trader declares them managed, and they count; or no longer."""

from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from risk.wording import plain
from trading import coverage, flows
from trading.book_facts import QuoteOf
from trading.market import prices
from trading.market.symbols import UnknownSymbol, rules
from trading.models import ExchangeAccount, ManagedHolding
from trading.risk_lock import lock_risk, lock_trader


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


def declare(
    account: ExchangeAccount,
    *,
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
        return flows.declare_managed(
            account,
            symbol=symbol,
            quantity=quantity,
            entry=entry,
            stop=stop,
            quote_of=lambda venue, name: quote if name == symbol else quote_of(venue, name),
        )


def end(
    account: ExchangeAccount, holding_id: UUID, *, quote_of: QuoteOf = prices.latest
) -> ManagedHolding:
    """Let it count nowhere again. Raises: NoSuchHolding."""
    with transaction.atomic():
        lock_trader(account)
        lock_risk(account.pk)
        row = of(account).filter(pk=holding_id).first()
        if row is None:
            raise NoSuchHolding
        flows.end_managed(row, quote_of=quote_of)
    return row
