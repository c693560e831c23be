"""The account's risk row: locked before any risk state is read, its version raised when it changes.

Lock order (R17): the global switch, the trader's row (live venues only), the account's row, trades.
"""

from uuid import UUID

from trading.models import AccountRisk, ExchangeAccount, TraderRisk, Venue
from trading.risk_hint import tell_monitor

# NO KEY: rows that only point at the account need not wait.
_ACCOUNT = "SELECT FROM trading_accountrisk WHERE account_id = %(account)s FOR NO KEY UPDATE"
_TRADER = """
SELECT FROM trading_traderrisk WHERE user_id = %(user)s AND currency = %(currency)s
FOR NO KEY UPDATE
"""


def lock_risk(account_id: UUID) -> AccountRisk:
    """The row, locked until the transaction ends. A statement of its own: a snapshot taken before
    the wait would be stale (R17)."""
    rows = AccountRisk.objects.select_for_update(no_key=True, of=("self",))
    return rows.get(account_id=account_id)


def lock_trader(account: ExchangeAccount) -> TraderRisk | None:
    """The trader's row of this currency, locked; None for a venue without real money. Call it
    before `lock_risk`."""
    facts = make_trader(account)
    if facts is None:
        return None
    return TraderRisk.objects.select_for_update(no_key=True, of=("self",)).get(**facts)


def make_trader(account: ExchangeAccount) -> dict[str, object] | None:
    """See that the row `lock_trader` locks is there. Returns its key; None where there is none."""
    if account.venue != Venue.BINANCE:
        return None
    facts = {"user_id": account.user_id, "currency": account.currency}
    TraderRisk.objects.get_or_create(**facts)
    return facts


def locks_of(account: ExchangeAccount) -> tuple[str, ...]:
    """The same locks as statements, in their order, for a caller who sends more along with them.
    Their values: account, user, currency. Nothing may be read in the statement that locks."""
    return (_TRADER, _ACCOUNT) if account.venue == Venue.BINANCE else (_ACCOUNT,)


def save_risk(risk: AccountRisk) -> None:
    """Save what was changed under the lock. The new version outdates every cached book."""
    risk.version += 1
    risk.save()
    tell_monitor(risk.account_id)
