"""Compare with the exchange and settle: `manage.py reconcile`."""

import json
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from trading import account_stream, reconcile
from trading.credentials import CredentialsUnreadable
from trading.exchange.factory import exchange_for
from trading.exchange.port import ExchangeError
from trading.exchange.user_events import StreamLost
from trading.exchange.venues import VenueRefused
from trading.models import ExchangeAccount, Venue


class Command(BaseCommand):
    help = "Compare our orders with the exchange's and record what we missed."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--account", type=UUID, help="one account; all of them if left out")
        parser.add_argument("--dry-run", action="store_true", help="show, but change nothing")
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        parser.add_argument(
            "--yes-live", action="store_true", help="also settle accounts of the live venue"
        )

    def handle(
        self, *, account: UUID | None, dry_run: bool, yes_live: bool, **options: object
    ) -> None:
        accounts = ExchangeAccount.objects.filter(removed_at=None)
        if account is not None:
            accounts = accounts.filter(pk=account)
            if not accounts.exists():
                raise CommandError(f"There is no account {account}.", returncode=2)
        found: dict[str, list[str]] = {}
        failed: dict[str, str] = {}
        for each in accounts:
            settle = not dry_run and (each.venue != Venue.BINANCE or yes_live)
            try:
                exchange = exchange_for(each)
                seen = [str(it) for it in reconcile.differences(each, exchange=exchange)]
                found[str(each.pk)] = seen
                if settle:
                    account_stream.match_books(each)
            except (ExchangeError, StreamLost, CredentialsUnreadable, VenueRefused) as error:
                failed[str(each.pk)] = str(error)
        self._report(found, failed, as_json=bool(options["json"]))
        if failed:
            raise CommandError(f"{len(failed)} of {len(accounts)} accounts could not be compared.")

    def _report(
        self, found: dict[str, list[str]], failed: dict[str, str], *, as_json: bool
    ) -> None:
        if as_json:
            self.stdout.write(json.dumps({"differences": found, "failed": failed}))
            return
        for account, differences in found.items():
            self.stdout.write(f"{account}: {len(differences)} differences")
            for difference in differences:
                self.stdout.write(f"  {difference}")
        for account, why in failed.items():
            self.stderr.write(f"{account}: {why}")
