"""Whether the double-entry ledger holds, and equals the exchange: `manage.py check_ledger`."""

import json
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from trading import ledger
from trading.credentials import CredentialsUnreadable
from trading.exchange.factory import exchange_for
from trading.exchange.port import ExchangeError
from trading.exchange.venues import VenueRefused
from trading.models import ExchangeAccount
from trading.wording import difference


class Command(BaseCommand):
    help = (
        "Check that the entries of every fill and flow sum to zero, that equity counts the same "
        "cash, and that the exchange holds what the books say. Changes nothing. Exit code 1 where "
        "something differs, 2 for an unknown account."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--account", type=UUID, help="one account; all of them if left out")
        parser.add_argument(
            "--offline", action="store_true", help="only our own books; ask no exchange"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *, account: UUID | None, offline: bool, **options: object) -> None:
        accounts = ExchangeAccount.objects.filter(removed_at=None).order_by("created_at")
        if account is not None:
            accounts = accounts.filter(pk=account)
            if not accounts.exists():
                raise CommandError(f"There is no account {account}.", returncode=2)
        found = {str(each.pk): self._look_at(each, offline=offline) for each in accounts}
        wrong = sum(bool(faults) for faults in found.values())
        if options["json"]:
            self.stdout.write(json.dumps({"ok": not wrong, "accounts": found}))
        else:
            for key, faults in found.items():
                self.stdout.write(f"{key}: {'differs' if faults else 'agrees'}")
                for fault in faults:
                    self.stdout.write(f"  {fault}")
        if wrong:
            raise CommandError(f"{wrong} account{'s' * (wrong != 1)} of {len(found)} differ.")

    def _look_at(self, account: ExchangeAccount, *, offline: bool) -> list[str]:
        faults = [str(each) for each in ledger.faults(account)]
        if offline:
            return faults
        try:
            balances = exchange_for(account).balances()
        except (ExchangeError, CredentialsUnreadable, VenueRefused) as error:
            return [*faults, f"The exchange could not be asked: {error}"]
        held = {each.asset: each.free + each.locked for each in balances}
        at = max((each.at for each in balances), default=None)
        off = ledger.differences(account, held, at=at) if at else {}
        return [*faults, *(difference(asset, change) for asset, change in sorted(off.items()))]
