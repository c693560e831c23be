"""A user as described, made or brought up to date. The password never is an argument."""

import json
import os
from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from accounts import services
from accounts.models import Role


class Command(BaseCommand):
    help = (
        "Create a user, or set the address, role and password of an existing one. The password is "
        "read from the environment variable named by --password-env: arguments are seen by others."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--email", help="NAME@testudo.localhost if left out")
        parser.add_argument("--role", choices=Role.values, default=Role.TRADER)
        parser.add_argument("--password-env", default="TESTUDO_USER_PASSWORD", metavar="VARIABLE")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(
        self, *, username: str, email: str | None, role: str, password_env: str, **options: Any
    ) -> None:
        password = os.environ.get(password_env)
        if not password:
            raise CommandError(f"Put the password in the environment variable {password_env}.")
        try:
            user, is_new = services.ensure_user(
                username=username,
                email=email or f"{username}@testudo.localhost",
                password=password,
                role=Role(role),
            )
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        if options["json"]:
            done = {"id": str(user.pk), "username": user.username, "role": role, "created": is_new}
            self.stdout.write(json.dumps(done))
        else:
            self.stdout.write(f"{user.username} is {'made' if is_new else 'up to date'}: {role}.")
