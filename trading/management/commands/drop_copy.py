"""The independent check of our books against the exchange: `manage.py drop_copy`."""

import json
import signal
import threading
import time
from collections.abc import Iterator
from uuid import UUID

import structlog
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error as DatabaseError
from django.db import close_old_connections

from trading import drop_copy
from trading.credentials import CredentialsUnreadable
from trading.exchange.factory import exchange_for
from trading.exchange.port import ExchangeError
from trading.exchange.venues import VenueRefused
from trading.models import ExchangeAccount

log = structlog.get_logger(__name__)

ROUND_SECONDS = 60  # every account once in a round, while the weight allows
SUSPECT_SECONDS = 10  # where something differed, it is looked at again so soon
WEIGHT_A_MINUTE = 1_200  # a fifth of the 6,000 of an address: R15


class Command(BaseCommand):
    help = (
        "Compare the exchange's orders, trades and balances with our books, account after account, "
        "for ever. Sends no order. Differences open incidents and halt new risk on their account."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--venue", help="only accounts of this venue")
        parser.add_argument("--account", type=UUID, help="only this account")
        parser.add_argument(
            "--once", action="store_true", help="look once, print what differs, change nothing"
        )
        parser.add_argument("--json", action="store_true", help="with --once: one JSON object")

    def handle(
        self, *, venue: str | None, account: UUID | None, once: bool, **options: object
    ) -> None:
        def accounts() -> list[ExchangeAccount]:
            rows = ExchangeAccount.objects.filter(removed_at=None).order_by("created_at")
            rows = rows.filter(venue=venue) if venue else rows
            return list(rows.filter(pk=account) if account else rows)

        if account is not None and not accounts():
            raise CommandError(f"There is no account {account}.", returncode=2)
        if once:
            self._once(accounts(), as_json=bool(options["json"]))
            return
        stop = threading.Event()
        for sent in (signal.SIGTERM, signal.SIGINT):
            signal.signal(sent, lambda *_: stop.set())
        log.info("drop_copy_ready")
        Rounds(accounts).run(stop)

    def _once(self, accounts: list[ExchangeAccount], *, as_json: bool) -> None:
        found: dict[str, list[str]] = {}
        failed: dict[str, str] = {}
        for each in accounts:
            try:
                seen = drop_copy.look(each, exchange=exchange_for(each), settle=False)
                found[str(each.pk)] = [str(it) for it in seen.differences]
            except (ExchangeError, CredentialsUnreadable, VenueRefused) as error:
                failed[str(each.pk)] = str(error)
        if as_json:
            self.stdout.write(json.dumps({"differences": found, "failed": failed}))
        else:
            for key, differences in found.items():
                self.stdout.write(f"{key}: {len(differences)} differences")
                for text in differences:
                    self.stdout.write(f"  {text}")
            for key, why in failed.items():
                self.stderr.write(f"{key}: {why}")
        if failed or any(found.values()):
            raise CommandError("The books and the exchange could not be shown to agree.")


class Rounds:
    """Every account in turn, paced by weight."""

    def __init__(self, accounts) -> None:
        self._accounts = accounts
        self._watch = drop_copy.Watch()
        self._due: dict[UUID, float] = {}  # monotonic

    def run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            close_old_connections()
            pause = 1.0
            try:
                for account in self._due_now():
                    pause = self._look_at(account)
                    break
            except DatabaseError as error:
                log.warning("accounts_unreadable", error=str(error).strip())
            stop.wait(pause)

    def _due_now(self) -> Iterator[ExchangeAccount]:
        """Those whose time has come, the longest overdue first."""
        accounts, now = self._accounts(), time.monotonic()
        due = sorted(accounts, key=lambda each: self._due.get(each.pk, 0))
        return (each for each in due if self._due.get(each.pk, 0) <= now)

    def _look_at(self, account: ExchangeAccount) -> float:
        """Returns the seconds until the next look, by what this one weighed."""
        weight, wait = drop_copy.WEIGHT_OF_BALANCES, float(ROUND_SECONDS)
        try:
            found = self._watch.look_at(account, exchange=exchange_for(account))
            weight = found.weight
            if self._watch.is_suspect(account):
                wait = SUSPECT_SECONDS
        except (ExchangeError, CredentialsUnreadable, VenueRefused) as error:
            log.warning("not_compared", account=str(account.pk), error=str(error))
        except DatabaseError as error:
            log.warning("not_compared", account=str(account.pk), error=str(error).strip())
        self._due[account.pk] = time.monotonic() + wait
        return weight * 60 / WEIGHT_A_MINUTE
