"""What the switch commands share: their accounts, their actor, and how they report."""

import argparse
import getpass
import json
import sys
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser

from testudo.web.step_up import TooManyTries, try_password
from trading.actors import Actor
from trading.models import ExchangeAccount

USAGE = 2  # exit code: nothing was tried


def account_of(key: UUID) -> ExchangeAccount:
    """Raises: CommandError (2), where there is none."""
    row = ExchangeAccount.objects.filter(pk=key, removed_at=None).first()
    if row is None:
        raise CommandError(f"There is no account {key}.", returncode=USAGE)
    return row


def reason(text: str) -> str:
    """A reason for the log: some words, at most 200 characters."""
    words = text.strip()
    if not words or len(words) > 200 or not words.isprintable():
        raise argparse.ArgumentTypeError("give a reason of 1 to 200 characters")
    return words


def add_switch_arguments(parser: CommandParser) -> None:
    parser.add_argument("--account", type=UUID, help="one account; all trading if left out")
    parser.add_argument("--reason", type=reason, required=True, help="why; kept with the switch")
    parser.add_argument("--by", help="user name of the admin who does this")
    parser.add_argument("--dry-run", action="store_true", help="show, but change nothing")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def actor_of(username: str | None) -> Actor:
    """An admin where one is named, else the operator at the terminal. Raises: CommandError (2)."""
    if username is None:
        return Actor("operator")
    people = get_user_model().objects.filter(username=username, is_active=True, role="admin")
    person = people.first()
    if person is None:
        raise CommandError(f"There is no active admin {username}.", returncode=USAGE)
    return Actor("admin", person.pk)


def proved_actor_of(username: str | None) -> Actor:
    """As `actor_of`, where the admin's own password was typed: whoever sits at the terminal must
    not agree in another's name. Raises: CommandError (2)."""
    actor = actor_of(username)
    if username is None:
        return actor
    if not sys.stdin.isatty():
        raise CommandError(
            f"--by {username} takes that person's password, and there is no terminal to ask at. "
            "Run this at a terminal, or use the switch in the admin site (Global halts).",
            returncode=USAGE,
        )
    person = get_user_model().objects.get(pk=actor.user_id)
    try:
        right = try_password(person, getpass.getpass(f"Password of {username}: "))
    except TooManyTries as locked:
        raise CommandError(f"Too many wrong passwords. {locked}", returncode=USAGE) from locked
    if not right:
        raise CommandError(f"This is not the password of {username}.", returncode=USAGE)
    return actor


def say(command: BaseCommand, *, as_json: bool, text: str, **facts: Any) -> None:
    """One JSON object, or one sentence."""
    command.stdout.write(json.dumps(facts) if as_json else text)
