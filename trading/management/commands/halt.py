"""The kill switches: `manage.py halt`."""

from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from trading import global_halt, halts
from trading.management.reporting import USAGE, account_of, actor_of, add_switch_arguments, say
from trading.models import ExchangeAccount, Venue


class Command(BaseCommand):
    help = (
        "Stop new risk on one account, or on all. Exits and stops go on. Exit codes: 0 it is "
        "halted, 2 wrong use."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add_switch_arguments(parser)
        parser.add_argument("--cancel-entries", action="store_true", help="withdraw unsent entries")
        parser.add_argument(
            "--flatten", action="store_true", help="close every trade at the market"
        )
        parser.add_argument(
            "--yes-live", action="store_true", help="needed to flatten on the live venue"
        )

    def handle(self, *, account: UUID | None, reason: str, by: str | None, **options: Any) -> None:
        actor = actor_of(by)
        rows = [account_of(account)] if account else list(_all_accounts())
        self._refuse_live(rows, options)
        if options["dry_run"]:
            what = str(account) if account else f"all trading ({len(rows)} accounts)"
            say(
                self,
                as_json=options["json"],
                text=f"Would halt {what}.",
                dry_run=True,
                accounts=[str(row.pk) for row in rows],
            )
            return
        withdrawn = closing = 0
        if account is None:  # the switch first: it stops every account at once
            global_halt.halt_all(reason=reason, by=actor)
        for row in rows:
            if account is not None:
                done = halts.halt(
                    row,
                    reason=reason,
                    by=actor,
                    cancel_entries=options["cancel_entries"],
                    flatten=options["flatten"],
                )
                withdrawn, closing = done.withdrawn, done.closing
                continue
            if options["cancel_entries"] or options["flatten"]:
                withdrawn += halts.withdraw_entries(row)
            if options["flatten"]:
                closing += halts.close_all(row)
        what = f"Account {account} is" if account else "All trading is"
        say(
            self,
            as_json=options["json"],
            text=f"{what} halted. {withdrawn} entries withdrawn, {closing} trades closing. "
            "Exits and stops go on.",
            halted=str(account) if account else "all",
            withdrawn=withdrawn,
            closing=closing,
        )

    def _refuse_live(self, rows: list[ExchangeAccount], options: dict[str, Any]) -> None:
        live = any(row.venue == Venue.BINANCE for row in rows)
        if live and options["flatten"] and not options["yes_live"] and not options["dry_run"]:
            raise CommandError(
                "This would sell on a live account. Add --yes-live, or leave --flatten out.",
                returncode=USAGE,
            )


def _all_accounts() -> Any:
    return ExchangeAccount.objects.filter(removed_at=None).order_by("created_at")
