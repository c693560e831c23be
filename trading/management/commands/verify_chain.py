"""Whether every decision log holds: `manage.py verify_chain`."""

import json
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from trading import chain_watch, decisions
from trading.management.reporting import account_of
from trading.models import ExchangeAccount


class Command(BaseCommand):
    help = (
        "Check each account's decision log, link by link. A break halts the account. Exit codes: "
        "0 every chain holds, 1 one does not, 2 wrong use."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--account", type=UUID, help="one account; all of them if left out")
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        parser.add_argument(
            "--dry-run", action="store_true", help="report breaks, but halt no account"
        )

    def handle(self, *, account: UUID | None, dry_run: bool, **options: object) -> None:
        rows = [account_of(account)] if account else ExchangeAccount.objects.order_by("created_at")
        checked: dict[str, dict[str, object]] = {}
        broken = 0
        for row in rows:
            found = list(decisions.breaks(row.pk)) if dry_run else chain_watch.verify(row)
            number, digest = decisions.head(row.pk)
            broken += bool(found)
            checked[str(row.pk)] = {
                "records": number,
                "head": digest,
                "breaks": [each.text for each in found],
            }
        if options["json"]:
            self.stdout.write(json.dumps({"ok": not broken, "accounts": checked}))
        else:
            for key, facts in checked.items():
                state = "; ".join(facts["breaks"]) or "holds"  # type: ignore[arg-type]
                self.stdout.write(f"{key}: {facts['records']} records, {state}")
        if broken:
            raise CommandError(f"{broken} of {len(checked)} chains do not hold.", returncode=1)
