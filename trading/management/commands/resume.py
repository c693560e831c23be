"""The way back from a halt: `manage.py resume`."""

from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from trading import breakers, global_halt, halts
from trading.management.reporting import (
    USAGE,
    account_of,
    actor_of,
    add_switch_arguments,
    proved_actor_of,
    say,
)
from trading.models import AccountRisk


class Command(BaseCommand):
    help = (
        "Take a halt back. All trading takes two admins, each naming themselves with --by and "
        "typing their password, or one admin and ten minutes. A trader's own halt is the "
        "trader's. Exit codes: 0 trading goes on, 1 something is still waited for, 2 wrong use."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add_switch_arguments(parser)

    def handle(self, *, account: UUID | None, reason: str, by: str | None, **options: Any) -> None:
        # Lowering risk needs no proof; taking it up again does. A dry run changes nothing.
        actor = actor_of(by) if options["dry_run"] else proved_actor_of(by)
        if account is None:
            self._all(reason, actor, options)
        else:
            self._one(account, reason, actor, options)

    def _all(self, reason: str, actor: Any, options: dict[str, Any]) -> None:
        if options["dry_run"]:
            switch = global_halt.read()
            text = f"Halted: {switch.reason}" if switch.halted else "Nothing is halted."
            say(self, as_json=options["json"], text=text, dry_run=True, halted=switch.halted)
            return
        try:
            over, text = global_halt.resume_all(reason=reason, by=actor)
        except global_halt.NotForYou as refused:
            raise CommandError(f"{refused} Add --by ADMIN.", returncode=USAGE) from refused
        say(self, as_json=options["json"], text=text, resumed=over, waits=[] if over else [text])
        if not over:
            raise CommandError("Not yet.", returncode=1)

    def _one(self, account: UUID, reason: str, actor: Any, options: dict[str, Any]) -> None:
        row = account_of(account)
        if options["dry_run"]:
            standing = [each for each in breakers.breakers_of(row.pk) if each.phase == "open"]
            text = "\n".join(f"{each.cause}: {each.reason}" for each in standing)
            say(
                self,
                as_json=options["json"],
                text=text or "Nothing is halted.",
                dry_run=True,
                open=[each.cause for each in standing],
            )
            return
        done = halts.resume(row, reason=reason, by=actor)
        state = AccountRisk.objects.get(account=row).state
        waits = list(done.waits)
        text = "\n".join([f"The account is {state}.", *waits])
        released = [each.value for each in done.released]
        say(
            self,
            as_json=options["json"],
            text=text,
            state=state,
            released=released,
            waits=waits,
        )
        if waits:
            raise CommandError("Not all of it could be resumed.", returncode=1)
