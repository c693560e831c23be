"""What is said and recorded of a breaker that moved, and of a limit that is nearly used up.

Called with the account's risk row locked, by `breakers`: the decision log and the event stream
then say the same as the row.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal

import structlog

from risk.breaker import HALTING, TITLES, Breaker, Phase
from risk.exposure import Gauge
from trading import decisions, events
from trading.models import AccountRisk
from trading.settlement import tell

log = structlog.get_logger(__name__)

WARN_AGAIN_BELOW = Decimal("0.75")  # of a limit: above it a warning given stays given


def record(
    risk: AccountRisk, before: Breaker, after: Breaker, reason: str, *, by: str, state_before: str,
    extra: Mapping[str, object],
) -> None:  # fmt: skip
    """Append it to the decision log: a halting cause as a halt or a resume."""
    kind = "breaker"
    if after.cause in HALTING:
        kind = "halted" if after.phase is Phase.OPEN else "resumed"
    decisions.record(
        risk.account_id,
        kind,
        {
            "cause": after.cause.value, "phase": after.phase.value,
            "phase_before": before.phase.value, "until": after.until, "by": by,
            "state_before": state_before, "state_after": risk.state, "reason": reason, **extra,
        },
    )  # fmt: skip


def announce(risk: AccountRisk, breaker: Breaker, reason: str, *, state_before: str) -> None:
    """Publish it, and where the account's state has changed by it, that too."""
    account_id, title = risk.account_id, TITLES[breaker.cause]
    says = {
        Phase.OPEN: f"{title}: new trades are stopped. {reason} Exits go on.",
        Phase.HALF_OPEN: f"{title}: new trades are taken again, at half size.",
        Phase.CLOSED: f"{title}: over.",
    }
    changed = events.BreakerChanged(
        account_id=account_id,
        cause=breaker.cause.value,
        phase=breaker.phase.value,
        reason=reason,
        until=breaker.until,
        text=says[breaker.phase],
    )
    tell(account_id, changed)
    log.info("breaker_changed", account=str(account_id), cause=breaker.cause, phase=breaker.phase)
    if risk.state == "halted" and state_before != "halted":
        text = f"Trading is halted. {reason} Exits and stops go on."
        tell(account_id, events.TradingHalted(account_id=account_id, reason=reason, text=text))
    if risk.state == "active" and state_before != "active":
        text = "New trades are taken again."
        tell(account_id, events.TradingResumed(account_id=account_id, reason=reason, text=text))


def warn(risk: AccountRisk, found: Iterable[Gauge]) -> None:
    """Tell of each limit that has come above four fifths; a note on the row keeps it to once."""
    warned = set(risk.warned)
    kept = []
    for gauge in found:
        if gauge.warn and gauge.code not in warned:
            tell(
                risk.account_id,
                events.RiskWarning(
                    account_id=risk.account_id,
                    code=gauge.code,
                    title=gauge.title,
                    share=gauge.share,
                    text=f"{gauge.title}: {gauge.text}",
                ),
            )
        if gauge.warn or (gauge.code in warned and gauge.share >= WARN_AGAIN_BELOW):
            kept.append(gauge.code)
    risk.warned = sorted(kept)
