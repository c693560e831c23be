"""Every asset of an account against the exchange: openings, trades made by hand, what is external.

The reporting currency counts in equity and is compared in `flows`; every other coin is a holding
(DESIGN section 5). Both are entered in the ledger, so that it equals the exchange's balances.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import transaction

from risk.symbols import Symbol
from testudo.db.ids import new_id
from trading import flows, ledger
from trading.book_facts import QuoteOf
from trading.exchange.port import BalanceReport, TradeReport
from trading.market import prices
from trading.models import AccountFlow, ExchangeAccount
from trading.risk_lock import lock_risk, lock_trader
from trading.under_way import hold_still, is_anything_under_way

Kind = AccountFlow.Kind
# What moved so shortly before the exchange's word may or may not be in it: the next word tells.
UNSURE = timedelta(seconds=2)


def compare(
    account: ExchangeAccount,
    balances: Sequence[BalanceReport],
    *,
    quote_of: QuoteOf = prices.latest,
) -> list[AccountFlow]:
    """Book what the exchange holds of each asset beyond our books, as opening or as external.

    Every fill up to the exchange's word must have been fetched. While an order's outcome is
    unknown, or its fills are not booked, nothing is compared. Returns what was booked.
    """
    cash = next((each for each in balances if each.asset == account.currency), None)
    if cash is None:
        return []
    held = {each.asset: each.free + each.locked for each in balances}
    with transaction.atomic():
        lock_trader(account)
        lock_risk(account.pk)
        hold_still(account)
        opening = not ledger.is_open(account)
        if opening:
            ledger.enter_missing(account)
        unsure = {} if opening else ledger.moved_since(account, cash.at - UNSURE)
        found = []
        if account.currency not in unsure:
            booked = flows.compare_cash(
                account, total=held[account.currency], at=cash.at, quote_of=quote_of
            )
            found += [booked] if booked else []
        if opening:
            ledger.open_books(account)
        found += _compare_coins(account, held, at=cash.at, opening=opening, unsure=unsure)
    return found


def _compare_coins(
    account: ExchangeAccount,
    held: Mapping[str, Decimal],
    *,
    at: datetime,
    opening: bool,
    unsure: Collection[str],
) -> list[AccountFlow]:
    if is_anything_under_way(account):
        return []
    off = ledger.differences(account, held, at=at)
    off.pop(account.currency, None)
    return [
        flows.book_coins(
            account,
            kind=Kind.OPENING if opening else Kind.EXTERNAL,
            key=f"opening:{asset}" if opening else f"external:{new_id()}",
            asset=asset,
            change=change,
            at=at,
        )
        for asset, change in sorted(off.items())
        if asset not in unsure
    ]


def book_foreign_trade(
    account: ExchangeAccount,
    symbol: Symbol,
    trade: TradeReport,
    *,
    side: str,
    quote_of: QuoteOf = prices.latest,
) -> None:
    """A trade made by hand: its cash is a flow, its coins are holdings. Told twice, booked once."""
    sign = 1 if side == "BUY" else -1
    moved: dict[str, Decimal] = {}
    for asset, change in (
        (symbol.base, sign * trade.quantity),
        (symbol.quote, -sign * trade.quote_quantity),
        (trade.commission_asset, -trade.commission),
    ):
        if asset and change:
            moved[asset] = moved.get(asset, Decimal(0)) + change
    key = f"trade:{trade.symbol}:{trade.trade_id}"
    for asset, change in sorted(moved.items()):
        if change:
            flows.book_flow(
                account,
                kind=Kind.FOREIGN_TRADE,
                key=key if asset == account.currency else f"{key}:{asset}",
                asset=asset,
                change=change,
                at=trade.at,
                quote_of=quote_of,
            )
