"""Connecting an exchange account, and taking it away again."""

from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction

from risk.models import RiskProfile
from testudo import clock
from testudo.db.ids import new_id
from trading.credentials import ApiKeys, fingerprint, seal
from trading.exchange.binance import BinanceExchange
from trading.exchange.paper_admin import open_paper_account
from trading.exchange.port import ExchangeRefused
from trading.exchange.venues import VenueRefused, venue_urls
from trading.models import AccountRisk, ExchangeAccount, Trade, Venue
from trading.order_states import FINISHED
from trading.rate_budget import budget_of

PRACTICE_MONEY = {"USDT": Decimal(10_000)}
MOST_ACCOUNTS = 10  # of one trader: each costs a stream and a share of the request budget


class AccountRefused(Exception):
    """The account can't be connected or removed; `field` names what to change."""

    def __init__(self, message: str, *, field: str) -> None:
        super().__init__(message)
        self.field = field


def connect_account(
    user: Any, *, venue: str, name: str, keys: ApiKeys | None, check_rights: bool = True
) -> ExchangeAccount:
    """Store an account with sealed keys, its rights checked at the exchange first.

    A paper account without keys is opened fresh with practice money. Must not be called inside a
    transaction: it asks the exchange. Raises: AccountRefused; ExchangeUnavailable.
    """
    if venue == Venue.BINANCE:
        raise AccountRefused(
            "Live accounts can't be connected yet. Use a paper or a demo account.", field="venue"
        )
    if ExchangeAccount.objects.for_principal(user).count() >= MOST_ACCOUNTS:
        raise AccountRefused(
            f"You have {MOST_ACCOUNTS} accounts. Remove one you no longer use first.", field="name"
        )
    if keys is None and venue != Venue.PAPER:
        raise AccountRefused("Paste the API key and its secret.", field="key")
    if keys is None:
        keys = open_paper_account(PRACTICE_MONEY)
    elif check_rights:
        _check_rights(venue, keys)
    return store_account(user, venue=venue, name=name, keys=keys)


def store_account(user: Any, *, venue: str, name: str, keys: ApiKeys) -> ExchangeAccount:
    """Seal and save. Raises: AccountRefused, for a key that is connected already."""
    account_id = new_id()
    sealed = seal(keys, user_id=user.pk, account_id=account_id, venue=venue)
    try:
        with transaction.atomic():
            account = ExchangeAccount.objects.create(
                id=account_id,
                user=user,
                venue=venue,
                name=name,
                sealed_keys=sealed,
                key_fingerprint=fingerprint(keys.key),
                key_hint=keys.key[-4:],
            )
            AccountRisk.objects.create(account=account)
            RiskProfile.objects.create(account_id=account.pk)
    except IntegrityError as error:
        if "one_owner_per_key" not in str(error):
            raise
        raise AccountRefused(
            "This key is connected already. Make a key of its own for each account.", field="key"
        ) from error
    return account


def _check_rights(venue: str, keys: ApiKeys) -> None:
    """Read and trade, never withdraw (R27). Raises: AccountRefused; ExchangeUnavailable."""
    try:
        exchange = BinanceExchange(venue_urls(venue), keys.key, keys.secret)
        exchange.keep_to(budget_of(venue))
        rights = exchange.key_rights()
    except VenueRefused as error:
        raise AccountRefused(str(error), field="venue") from error
    except ExchangeRefused as error:
        raise AccountRefused(
            f"The exchange refuses this key: {error} Check key and secret.", field="key"
        ) from error
    if rights.can_withdraw:
        raise AccountRefused(
            "This key may withdraw money. Make one without the withdrawal right.", field="key"
        )
    if not (rights.can_read and rights.can_trade_spot):
        raise AccountRefused(
            "This key may not trade. Allow reading and spot trading for it.", field="key"
        )


def remove_account(account: ExchangeAccount) -> None:
    """Forget an account's keys. Its history stays. Raises: AccountRefused, while a trade lives."""
    with transaction.atomic():
        AccountRisk.objects.select_for_update(no_key=True, of=("self",)).get(account=account)
        if Trade.objects.filter(account=account).exclude(state__in=FINISHED).exists():
            raise AccountRefused("Close its open trades first.", field="account")
        ExchangeAccount.objects.filter(pk=account.pk).update(
            removed_at=clock.now(), sealed_keys=b""
        )
