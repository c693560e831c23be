"""One decision and one event for each change of an account's limits."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from risk.limits import Limits, describe
from risk.models import PendingChange
from risk.protocol import RULES_VERSION
from trading import decisions, events
from trading.actors import Actor
from trading.decision_facts import to_facts
from trading.limit_values import said_text
from trading.settlement import tell

VERBS = {
    "tightened": "Tightened",
    "asked": "Loosening asked for",
    "withdrawn": "Loosening withdrawn",
    "effective": "In effect now",
}


def log_changes(
    account_id: UUID,
    what: str,
    changes: Iterable[PendingChange],
    limits: Limits,
    *,
    by: Actor,
    **figures: object,
) -> None:
    lines = [
        {
            "change": each.pk,
            "name": each.name,
            "from": each.from_value,
            "to": each.to_value,
            "asked_at": each.asked_at,
            "earliest_at": each.earliest_at,
        }
        for each in changes
    ]
    if lines:
        log_lines(account_id, what, lines, limits, by=by, **figures)


def log_lines(
    account_id: UUID,
    what: str,
    lines: Sequence[Mapping[str, Any]],
    limits: Limits,
    *,
    by: Actor,
    **figures: object,
) -> None:
    """One decision and one event for what changed together."""
    decisions.record(
        account_id,
        "limit_changed",
        {
            "what": what,
            "changes": lines,
            "limits": to_facts(limits),
            "rules_version": RULES_VERSION,
            **by.facts(),
            **figures,
        },
    )
    worded = "; ".join(
        f"{describe(line['name']).title} from {said_text(line['name'], line['from'])} to "
        f"{said_text(line['name'], line['to'])}"
        for line in lines
    )
    tell(
        account_id,
        events.LimitChanged(
            account_id=account_id,
            what=what,
            names=tuple(line["name"] for line in lines),
            text=f"{VERBS[what]}: {worded}.",
        ),
    )
