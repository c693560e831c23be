"""Give a user another role."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import services
from accounts.models import Role


class Command(BaseCommand):
    help = "Make a user a trader, support or an admin."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username", help="the user name, or the e-mail address")
        parser.add_argument("role", choices=Role.values)
        parser.add_argument("--dry-run", action="store_true", help="show, but change nothing")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *, username: str, role: str, dry_run: bool, **options: Any) -> None:
        try:
            if dry_run:
                before = Role(services.find(username).role)
            else:
                before, _ = services.set_role(username=username, role=Role(role))
        except services.NoSuchUser as error:
            raise CommandError(str(error)) from None
        if options["json"]:
            done = {"username": username, "before": before, "after": role, "dry_run": dry_run}
            self.stdout.write(json.dumps(done))
        else:
            verb = "would become" if dry_run else "is now"
            self.stdout.write(f"{username} was {before} and {verb} {role}.")
