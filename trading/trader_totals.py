"""All live accounts of one trader in one currency, added up: the last wall of the protocol.

The drawdown is that of one NAV over all of them: their equity by units that deposits buy and
withdrawals sell, kept on the trader's row.
"""

from decimal import Decimal

from risk import nav
from risk.exposure import totals
from risk.nav import Nav
from risk.protocol import TraderTotals
from testudo import clock
from trading.book_facts import ZERO, QuoteOf, facts_of_account
from trading.book_totals import at_mark, holdings
from trading.models import AccountRisk, ExchangeAccount, TraderRisk, Venue
from trading.periods import starts_of


def live_accounts(account: ExchangeAccount) -> list[ExchangeAccount]:
    """The trader's live accounts that count in the same currency, this one in; none on paper."""
    if account.venue != Venue.BINANCE:
        return []
    rows = ExchangeAccount.objects.filter(
        user=account.user_id, venue=Venue.BINANCE, currency=account.currency, removed_at=None
    )
    return list(rows.select_related("accountrisk").order_by("pk"))


def trader_totals(account: ExchangeAccount, *, quote_of: QuoteOf) -> TraderTotals | None:
    """Their sums; None for a paper account, and for the trader's only one."""
    accounts = live_accounts(account)
    if len(accounts) < 2:
        return None
    sums: dict[str, Decimal] = dict.fromkeys(TraderTotals.__dataclass_fields__, ZERO)
    for each in accounts:
        for name, amount in _of_one(each, quote_of=quote_of).items():
            sums[name] += amount
    sums["drawdown"] = _standing(account, sums["equity"]).drawdown
    return TraderTotals(**sums)


def _of_one(account: ExchangeAccount, *, quote_of: QuoteOf) -> dict[str, Decimal]:
    risk: AccountRisk = account.accountrisk
    facts = facts_of_account(account)
    found = holdings(facts.stakes, venue=account.venue, quote_of=quote_of)
    at_risk = totals(found)
    equity = facts.booked + at_mark(found)
    starts = starts_of(account, risk, clock.now(), equity)
    return {
        "equity": equity,
        "day_start_equity": starts.day_equity,
        "week_start_equity": starts.week_equity,
        "heat": at_risk.heat,
        "open_risk": at_risk.open_risk,
        "pending_risk": at_risk.pending_risk,
        "day_flows": facts.day_flows if starts.day_stored else ZERO,
        "week_flows": facts.week_flows if starts.week_stored else ZERO,
    }


def _standing(account: ExchangeAccount, equity: Decimal) -> Nav:
    row = TraderRisk.objects.filter(user=account.user_id, currency=account.currency).first()
    return nav.marked(nav_of(row), equity) if row else nav.begin(equity)


def nav_of(row: TraderRisk) -> Nav:
    if row.units is None:
        return Nav()
    return Nav(units=row.units, peak=row.peak_nav or nav.START)


def equity_of_all(account: ExchangeAccount, *, quote_of: QuoteOf) -> Decimal:
    """What the trader's live accounts of this currency are worth together."""
    found = (_of_one(each, quote_of=quote_of) for each in live_accounts(account))
    return sum((each["equity"] for each in found), ZERO)


def mark_trader(row: TraderRisk, equity: Decimal) -> None:
    """Store a new peak of the trader's NAV. Call it with the row locked."""
    store_trader(row, nav.marked(nav_of(row), equity))


def store_trader(row: TraderRisk, standing: Nav) -> None:
    """Call it with the row locked."""
    if (row.units, row.peak_nav) != (standing.units, standing.peak):
        row.units, row.peak_nav = standing.units, standing.peak
        row.save(update_fields=["units", "peak_nav"])
