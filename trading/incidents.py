"""Incidents: opened once, told in the account's stream, closed with what was done about them.

Whoever notices trouble opens the incident as often as it looks; while it is open nothing more is
written. Halting is not done here: an incident says, a breaker or a switch stops.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import structlog
from django.db import transaction

from testudo import clock
from testudo.events.bus import publish
from trading import events
from trading.models import ExchangeAccount, Incident
from trading.models.incidents import Severity

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Kind:
    """How a kind of incident is named to people, and how loudly."""

    title: str
    severity: Severity


# Whoever opens a new kind adds its line here.
KINDS: dict[str, Kind] = {
    "venue_down": Kind("The exchange does not answer", Severity.ALARM),
    "rate_ban": Kind("The exchange has banned our address for a while", Severity.ALARM),
    "clock_drift": Kind("Our clock and the exchange's disagree", Severity.WARNING),
    "key_refused": Kind("The exchange refuses the API key", Severity.ALARM),
    "unprotected": Kind("A position has no stop", Severity.ALARM),
    "partial_entry": Kind("An entry filled only in part", Severity.NOTE),
    "leg_lost": Kind("A stop or target is gone from the exchange", Severity.WARNING),
    "move_refused": Kind("A stop could not be moved", Severity.WARNING),
    "exit_stuck": Kind("An exit does not fill", Severity.ALARM),
    "dust_left": Kind("Less than can be sold is left", Severity.NOTE),
    "outcome_unknown": Kind("An order was sent and its outcome is unknown", Severity.WARNING),
    "symbol_halted": Kind("The exchange has stopped trading in the symbol", Severity.ALARM),
    "position_uncovered": Kind("A position is not at the exchange", Severity.ALARM),
    "sold_by_hand": Kind("A position was sold by hand at the exchange", Severity.WARNING),
    "orphan_adopted": Kind(
        "An order of ours was found that the books did not know", Severity.ALARM
    ),
    "order_differs": Kind("An order differs from the exchange's", Severity.ALARM),
    "fill_missed": Kind("A fill was missing in the books", Severity.ALARM),
}


def open_incident(
    account_id: UUID | None,
    kind: str,
    *,
    text: str,
    facts: Mapping[str, object],
    trade_id: UUID | None = None,
    about: str = "",
    done: str = "",
) -> Incident:
    """The open incident of this kind: a new one, or the one that stands, unchanged.

    `text` says in a plain sentence what happened, `done` what was done so far. `about` tells apart
    what account and trade do not: an asset, an order's id; for a venue-wide incident (`account_id`
    None) it is the venue. Facts are ids and figures: str, int, bool, Decimal, UUID, datetime, None,
    and lists and dicts of these. A new incident is told in the account's stream; a venue-wide one
    in the stream of every account there.

    Raises: ValueError for a kind that `KINDS` does not name; TypeError for a float among the facts.
    """
    if kind not in KINDS:
        raise ValueError(f"No kind of incident is named {kind}. Add it to incidents.KINDS.")
    key = {"account_id": account_id, "kind": kind, "trade_id": trade_id, "about": about}
    new = Incident(
        **key,
        severity=KINDS[kind].severity,
        text=text[:500],
        what_was_done=done[:500],
        facts=_plain(facts),
    )
    with transaction.atomic():
        while True:
            # ON CONFLICT DO NOTHING waits for another's insert; then theirs is the one that stands.
            Incident.objects.bulk_create([new], ignore_conflicts=True)
            found = Incident.objects.filter(**key, closed_at=None).first()
            if found is not None:
                break  # else it stood, and was closed between the two statements
        if found.pk == new.pk:
            log.error("incident_opened", kind=kind, incident=str(new.pk), **_names(new))
            _tell(found, events.IncidentOpened, text=f"{KINDS[kind].title}. {found.text}")
    return found


def note_done(incident_id: UUID, done: str) -> bool:
    """Say what was done about an open incident so far. False: it is over already."""
    standing = Incident.objects.filter(pk=incident_id, closed_at=None)
    return bool(standing.update(what_was_done=done[:500]))


def close_incident(
    account_id: UUID | None,
    kind: str,
    *,
    done: str,
    trade_id: UUID | None = None,
    about: str = "",
) -> Incident | None:
    """It is over; `done` says how, in a plain sentence. None: none was open.

    Closing twice changes and tells nothing.
    """
    with transaction.atomic():
        found = (
            Incident.objects.select_for_update(of=("self",), no_key=True)
            .filter(
                account_id=account_id, kind=kind, trade_id=trade_id, about=about, closed_at=None
            )
            .first()
        )
        if found is None:
            return None
        found.what_was_done, found.closed_at = done[:500], max(clock.now(), found.opened_at)
        found.save(update_fields=["what_was_done", "closed_at"])
        log.info("incident_closed", kind=kind, incident=str(found.pk), **_names(found))
        _tell(
            found, events.IncidentClosed, text=f"Over: {KINDS[kind].title}. {found.what_was_done}"
        )
    return found


def open_of(account: ExchangeAccount) -> Sequence[Incident]:
    """What is open on the account, and on its whole venue; the newest first."""
    own = Incident.objects.filter(account=account, closed_at=None)
    shared = Incident.objects.filter(account=None, about=account.venue, closed_at=None)
    return [*(own | shared)]


def _tell(incident: Incident, kind: type[events.IncidentEvent], *, text: str) -> None:
    accounts = [incident.account_id]
    if incident.account_id is None:
        of_venue = ExchangeAccount.objects.filter(venue=incident.about, removed_at=None)
        # In one order for everyone: two incidents at once must not wait for each other's streams.
        accounts = list(of_venue.order_by("pk").values_list("pk", flat=True))
    for account_id in accounts:
        told = kind(
            account_id=account_id,
            code=incident.kind,
            text=text,
            incident_id=incident.pk,
            severity=incident.severity,
            trade_id=incident.trade_id,
        )
        publish(told, stream=str(account_id))


def _names(incident: Incident) -> dict[str, str]:
    return {"account": str(incident.account_id), "trade": str(incident.trade_id)}


def _plain(value: Any) -> Any:
    """Facts as JSON without loss: amounts are strings, as everywhere."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, Sequence | set | frozenset):
        return [_plain(each) for each in value]
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"A fact of an incident cannot be a {type(value).__name__}.")
