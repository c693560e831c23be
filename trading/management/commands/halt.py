"""The kill switches: `manage.py halt`."""

from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from trading import flattening, halts
from trading.management.reporting import USAGE, account_of, actor_of, add_switch_arguments, say
from trading.models import ExchangeAccount, Venue


class Command(BaseCommand):
    help = (
        "Stop new risk on one account, or on all. Exits and stops go on. Exit codes: 0 it is "
        "halted, 1 it is halted and some trades must be asked again, 2 wrong use."
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
        asked = {"cancel_entries": options["cancel_entries"], "flatten": options["flatten"]}
        if account is None:
            left = flattening.stop_all(
                reason=reason, by=actor, **asked, yes_live=options["yes_live"]
            )
        else:
            left = halts.halt(rows[0], reason=reason, by=actor, **asked)
        what = f"Account {account} is" if account else "All trading is"
        say(
            self,
            as_json=options["json"],
            text=f"{what} halted. {left.withdrawn} entries withdrawn, {left.closing} trades "
            "closing. Exits and stops go on.",
            halted=str(account) if account else "all",
            **asdict(left),
        )
        if left.busy:
            raise CommandError(
                f"{left.busy} trades were held by somebody else and are not on their way out. Run "
                "this again.",
                returncode=1,
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
