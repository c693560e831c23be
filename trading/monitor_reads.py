"""What the risk monitor reads of one account: one statement, one snapshot, prices aside."""

from dataclasses import dataclass
from functools import cache

from django.db import connection

from risk.breaker import Cause, Phase
from risk.models import RiskProfile
from risk.protocol import Limits
from testudo.db.model_columns import columns_of, row_of
from testudo.db.prepared import Prepared
from trading.book_facts import BookFacts, facts_from, parameters
from trading.book_known import KNOWN, known_of
from trading.book_reads import FACTS, TYPES
from trading.global_halt import Switch
from trading.models import AccountRisk, ExchangeAccount, VenueHealth
from trading.models.switches import GLOBAL

_READ = """
SELECT {account}, {risk}, {profile}, {health}, g.halted, g.reason,
    ARRAY(SELECT cause FROM trading_accountbreaker
        WHERE account_id = r.account_id AND phase <> %(closed)s),
    {known}, {facts}
FROM trading_accountrisk r
JOIN trading_exchangeaccount a ON a.id = r.account_id
LEFT JOIN risk_riskprofile p ON p.account_id = r.account_id
LEFT JOIN trading_venuehealth h ON h.venue = %(venue)s
LEFT JOIN trading_globalhalt g ON g.id = %(global)s
WHERE r.account_id = %(account)s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitorReads:
    """One account, as PostgreSQL has it now."""

    account: ExchangeAccount
    risk: AccountRisk
    limits: Limits
    health: VenueHealth
    switch: Switch
    standing: frozenset[Cause]  # breakers that are not closed
    facts: BookFacts


def read(account: ExchangeAccount) -> MonitorReads:
    """Read it now. `account`: as once read; its venue and currency never change.

    Raises: AccountRisk.DoesNotExist.
    """
    asked = parameters(account) | {"global": GLOBAL, "closed": Phase.CLOSED.value}
    with connection.cursor() as cursor:
        cursor.execute(_statement().ready(), asked)
        found = cursor.fetchone()
    if found is None:
        raise AccountRisk.DoesNotExist(f"Account {account.pk} has no risk row.")
    left = iter(found)
    now, risk = row_of(ExchangeAccount, left), row_of(AccountRisk, left)
    profile, health = row_of(RiskProfile, left), row_of(VenueHealth, left)
    halted, reason, causes = next(left), next(left), next(left)
    assert now is not None
    assert risk is not None
    return MonitorReads(
        account=now,
        risk=risk,
        limits=profile.limits() if profile else Limits(),
        health=health or VenueHealth(venue=account.venue),
        switch=Switch(bool(halted), reason or ""),
        standing=frozenset(Cause(each) for each in causes),
        facts=facts_from(left, known_of(left)),
    )


@cache
def _statement() -> Prepared:
    text = _READ.format(
        account=columns_of(ExchangeAccount, "a"),
        risk=columns_of(AccountRisk, "r"),
        profile=columns_of(RiskProfile, "p"),
        health=columns_of(VenueHealth, "h"),
        known=KNOWN,
        facts=FACTS,
    )
    return Prepared("monitor_reads", text, TYPES | {"global": "int", "closed": "text"})
