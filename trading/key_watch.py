"""An API key that the exchange refuses: the account halts, loudly, and says what still holds (F49).

Nothing is asked more often for it: the loop comes back as it does to an exchange that is silent.
"""

from uuid import UUID

import structlog

from trading import coverage, incidents
from trading.exchange.port import ExchangeError, ExchangeRefused
from trading.models import ExchangeAccount, Trade
from trading.order_states import FINISHED

log = structlog.get_logger(__name__)

REFUSED = frozenset({-2014, -2015})  # malformed; revoked, or not for this address or action


def note_error(account_id: UUID, error: ExchangeError) -> bool:
    """Halt the account where the error says that its key is refused. False: it says no such thing.

    Safe to repeat: one halt and one incident, until the key is taken again.
    """
    return isinstance(error, ExchangeRefused) and note_refused(account_id, error.code)


def note_refused(account_id: UUID, code: int) -> bool:
    """The same, from the code of a refused order."""
    if code not in REFUSED:
        return False
    account = ExchangeAccount.objects.get(pk=account_id)
    holds = Trade.objects.filter(account=account, held__gt=0).exclude(state__in=FINISHED).count()
    text = f"The exchange refuses the API key of {account.name} ({code})."
    if holds:
        text += (
            f" {holds} positions are held: their stops rest at the exchange and go on protecting "
            "you, but Testudo can neither move them nor sell for you. Use the exchange's own site."
        )
    incidents.open_incident(
        account_id,
        "key_refused",
        text=text,
        done="New risk is halted on this account. Give the key its rights back, or connect the "
        "account with a new one; then resume.",
        facts={"code": code, "positions": holds},
    )
    if coverage.halt_for(account, f"The exchange refuses the API key ({code})."):
        log.error("key_refused", account=str(account_id), code=code, positions=holds)
    return True


def note_taken(account_id: UUID) -> None:
    """The exchange answered a signed question: the key is good. The halt is a person's to lift."""
    incidents.close_incident(
        account_id,
        "key_refused",
        done="The exchange takes the key again, and the books were matched. Resume when ready.",
    )
