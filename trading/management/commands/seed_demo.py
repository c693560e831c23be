"""The demo trader's paper account and past: `manage.py seed_demo`."""

from pathlib import Path

import structlog
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser

from testudo import clock
from trading.models import ExchangeAccount
from trading.seeding import seed_past


class Command(BaseCommand):
    help = "Give the demo trader a paper account with a month of past trades. Runs once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--user", default="demo")
        parser.add_argument("--days", type=int, default=30)
        parser.add_argument("--seed", type=int, default=1, help="the paper server's own")
        parser.add_argument("--state", type=Path, help="the paper exchange's ledger")
        parser.add_argument("--dry-run", action="store_true", help="say what would be done")

    def handle(self, *, user: str, days: int, seed: int, dry_run: bool, **options) -> None:
        if settings.LIVE:
            raise CommandError("There is no demo where TESTUDO_LIVE=1.", returncode=2)
        trader = get_user_model().objects.filter(username=user).first()
        if trader is None:
            raise CommandError(f"There is no user {user}. Make one with ensure_user.", returncode=2)
        if ExchangeAccount.objects.filter(user=trader).exists():
            self.stdout.write(f"{user} has an account already; nothing to do.")
            return
        state = options["state"] or settings.TESTUDO_HOME / "paper.sqlite3"
        if state.exists():
            raise CommandError(
                f"{state} exists: the paper exchange has a past of its own. "
                "Remove it together with the database to begin anew."
            )
        if dry_run:
            self.stdout.write(f"Would trade {days} days for {user} into {state}.")
            return
        quiet = structlog.get_config()["wrapper_class"]
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(30))
        try:
            seed_past(trader, state=state, seed=seed, until=clock.now(), days=days, tell=self._tell)
        finally:
            structlog.configure(wrapper_class=quiet)

    def _tell(self, text: str) -> None:
        self.stdout.write(f"  {text}")
        self.stdout.flush()
