"""Accounts and keys of a running paper exchange: `manage.py paper_account ACTION …`."""

import json
from argparse import ArgumentParser
from typing import Any

import requests
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from trading.exchange.paper.commissions import of_texts

TIMEOUT = (3, 30)  # seconds: connect, read
ACTIONS = {
    "create": "open an account with --balance and print its key",
    "deposit": "put --balance into an --account",
    "withdraw": "take --balance out of an --account",
    "reset": "cancel all of an --account, empty it, put --balance in",
    "freeze": "let an --account neither place nor cancel",
    "thaw": "end a freeze",
    "pay-bnb": "have an --account pay its commissions in BNB",
    "set-rates": "have it pay rates of its own, each --rate standard.maker=0.001 (special., tax.; "
    "maker, taker, buyer, seller; what is not named is 0)",
    "symbol-rates": "have it pay the symbols' rates again",
    "pay-received": "have it pay them in what its trades bring",
    "add-key": "another key of an --account, signed with --public-key FILE or a shared secret",
    "revoke": "end a --key, its sessions and streams",
    "read-only": "let a --key read but not trade",
    "may-trade": "let a --key trade",
    "bind": "let a --key be used only from --address (several; none: from everywhere)",
    "check": "say whether money is conserved; exit 1 where it is not",
}
FLAGS = {
    "freeze": ("account", {"frozen": True}),
    "thaw": ("account", {"frozen": False}),
    "pay-bnb": ("account", {"pays_bnb": True}),
    "pay-received": ("account", {"pays_bnb": False}),
    "symbol-rates": ("account", {"commissions": None}),
    "revoke": ("key", {"revoked": True}),
    "read-only": ("key", {"may_trade": False}),
    "may-trade": ("key", {"may_trade": True}),
}


class Command(BaseCommand):
    help = "Accounts and keys of a running paper exchange. " + " ".join(
        f"{name}: {what}." for name, what in ACTIONS.items()
    )
    requires_system_checks = ()
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("action", choices=ACTIONS)
        parser.add_argument("--account", type=int, help="its number")
        parser.add_argument("--key", help="an API key")
        parser.add_argument("--balance", action="append", default=[], metavar="ASSET=AMOUNT")
        parser.add_argument("--rate", action="append", default=[], metavar="KIND.PART=RATE")
        parser.add_argument("--address", action="append", default=[])
        parser.add_argument("--public-key", help="a PEM file, Ed25519 or RSA")
        parser.add_argument("--url", default=settings.PAPER_ADMIN_URL)

    def handle(self, *args: Any, **options: Any) -> None:
        action, balances = options["action"], _balances(options["balance"])
        whose = {name: options[name] for name in ("account", "key") if options[name] is not None}
        post = _Door(options["url"])
        if action == "check":
            state = post.get("state")
            self._say(state)
            if not state["conserved"]:
                raise CommandError(f"Money is not conserved: {state['discrepancies']}.")
        elif action == "create":
            self._say(post("accounts", {"balances": balances}))
        elif action == "reset":
            self._say(post("reset", whose | {"balances": balances}))
        elif action in ("deposit", "withdraw"):
            if not balances:
                raise CommandError("Say how much: --balance USDT=100.")
            for asset, amount in balances.items():
                self._say(post(action, whose | {"asset": asset, "amount": amount}))
        elif action == "set-rates":
            self._say(post("account", whose | {"commissions": _rates(options["rate"])}))
        elif action == "add-key":
            self._say(post("keys", whose | _public_key(options["public_key"])))
        elif action == "bind":
            self._say(post("key", whose | {"addresses": options["address"]}))
        else:
            path, flags = FLAGS[action]
            self._say(post(path, whose | flags))

    def _say(self, answer: dict[str, Any]) -> None:
        self.stdout.write(json.dumps(answer))


class _Door:
    """The exchange's admin API. Raises: CommandError, with the reason it gives."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")

    def __call__(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return self._ask("POST", path, body)

    def get(self, path: str) -> dict[str, Any]:
        return self._ask("GET", path, None)

    def _ask(self, method: str, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
        headers = {"X-Paper-Admin-Token": settings.PAPER_ADMIN_TOKEN}
        try:
            answer = requests.request(
                method, f"{self._url}/{path}", json=body, headers=headers, timeout=TIMEOUT
            )
            found = dict(answer.json())
        except (requests.RequestException, ValueError) as error:
            raise CommandError(
                f"The paper exchange at {self._url} did not answer ({type(error).__name__})."
            ) from error
        if not answer.ok:
            raise CommandError(str(found.get("detail", answer.status_code)))
        return found


def _balances(texts: list[str]) -> dict[str, str]:
    found = {}
    for text in texts:
        asset, sign, amount = text.partition("=")
        if not (asset and sign and amount):
            raise CommandError(f"--balance {text!r} must look like USDT=10000.")
        found[asset] = amount
    return found


def _rates(texts: list[str]) -> dict[str, Any]:
    if not texts:
        raise CommandError("Say which: --rate standard.maker=0.001. To go back: symbol-rates.")
    try:
        return dict(json.loads(of_texts(texts).text()))
    except ValueError as error:
        raise CommandError(f"--rate: {error}") from error


def _public_key(path: str | None) -> dict[str, str]:
    if path is None:
        return {}
    try:
        with open(path, encoding="ascii") as file:
            return {"public_key": file.read()}
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"--public-key {path}: {error}") from error
