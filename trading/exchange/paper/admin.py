"""The admin API under /paper-admin/: accounts, deposits, moving the market, dropping sockets.

For loopback only; where a token is set, the header `X-Paper-Admin-Token` must hold it.
"""

from __future__ import annotations

import hmac
import ipaddress
import json
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from trading.exchange.paper.commissions import of_tables
from trading.exchange.paper.exchange import PaperExchange
from trading.exchange.paper.faults_desk import FaultDesk
from trading.exchange.paper.values import from_e8, to_e8

Body = dict[str, Any]
KINDS = ("user", "market", "all")
LONGEST_MOVE_MS = 3_600_000


class Refused(Exception):
    """What was asked cannot be done; the sentence says why."""


class Admin:
    """Handlers of the admin API. `committed` waits until changes are durable."""

    def __init__(
        self,
        exchange: PaperExchange,
        *,
        token: str,
        committed: Callable[[], Awaitable[None]],
        drop: Callable[[str], Awaitable[int]],
        subscriptions: Callable[[], int],
    ) -> None:
        self.exchange = exchange
        self._token = token
        self._committed, self._drop, self._subscriptions = committed, drop, subscriptions

    def mount(self, app: web.Application) -> None:
        app.router.add_get("/paper-admin/state", self._door(self.state))
        app.router.add_post("/paper-admin/accounts", self._door(self.open_account))
        app.router.add_post("/paper-admin/deposit", self._door(self.deposit))
        app.router.add_post("/paper-admin/move", self._door(self.move))
        app.router.add_post("/paper-admin/withdraw", self._door(self.withdraw))
        app.router.add_post("/paper-admin/reset", self._door(self.reset))
        app.router.add_post("/paper-admin/account", self._door(self.set_account))
        app.router.add_post("/paper-admin/keys", self._door(self.add_key))
        app.router.add_post("/paper-admin/key", self._door(self.set_key))
        app.router.add_post("/paper-admin/drop-connections", self._door(self.drop_connections))

    def mount_faults(self, app: web.Application, faults: FaultDesk) -> None:
        app.router.add_get("/paper-admin/faults", self._door(faults.show))
        app.router.add_post("/paper-admin/faults", self._door(faults.add))
        app.router.add_delete("/paper-admin/faults", self._door(faults.remove))

    async def state(self, body: Body) -> Body:
        """Counts, and whether money is conserved."""
        engine, store = self.exchange.engine, self.exchange.store
        wrong = self.exchange.discrepancies()
        return {
            "now": self.exchange.now_ms,
            "seed": self.exchange.seed,
            "symbols": {name: from_e8(engine.last[name]) for name in self.exchange.symbols},
            "accounts": len(self.exchange.accounts),
            "orders": store.count("orders"),
            "open_orders": len(engine.orders),
            "open_lists": len(engine.lists),
            "trades": store.count("trades"),
            "user_subscriptions": self._subscriptions(),
            "refused_for_rate": self.exchange.limits.refused,
            "heaviest_minute": self.exchange.limits.heaviest,
            "conserved": not wrong,
            "discrepancies": {asset: from_e8(units) for asset, units in wrong.items()},
        }

    async def open_account(self, body: Body) -> Body:
        """A new account with a key. `balances` is {"USDT": "10000"}."""
        account, key = self.exchange.open_account(_balances(body))
        return {"account": account.id, "key": key.key, "secret": key.secret}

    async def deposit(self, body: Body) -> Body:
        """Money from outside into an account, named by `account` or by its `key`."""
        asset, amount = body.get("asset"), _amount("amount", body.get("amount"), signed=True)
        if not isinstance(asset, str):
            raise Refused("asset is missing: name one, like USDT.")
        self.exchange.deposit(self._account(body), asset, amount)
        return {"asset": asset, "amount": from_e8(amount)}

    async def withdraw(self, body: Body) -> Body:
        """Money out of an account, as far as it is free."""
        asset, amount = body.get("asset"), _amount("amount", body.get("amount"))
        if not isinstance(asset, str):
            raise Refused("asset is missing: name one, like USDT.")
        self.exchange.deposit(self._account(body), asset, -amount)
        return {"asset": asset, "amount": from_e8(-amount)}

    async def reset(self, body: Body) -> Body:
        """Cancel all of an account, take its money out and put `balances` in."""
        number = self._account(body)
        self.exchange.reset(number, _balances(body))
        return {"account": number}

    async def set_account(self, body: Body) -> Body:
        """Freeze or thaw an account (`frozen`), have it pay commissions in BNB (`pays_bnb`), at
        rates of its own (`commissions`; null for the symbols').
        """
        number, changed = self._account(body), _flags(body, ("frozen", "pays_bnb"))
        if "commissions" in body:
            tables = body["commissions"]
            changed["commissions"] = "" if tables is None else of_tables(tables).text()
        known = self.exchange.set_account(number, **changed)
        return {
            "account": number,
            "frozen": bool(known.frozen),
            "pays_bnb": bool(known.pays_bnb),
            "commissions": json.loads(known.commissions) if known.commissions else None,
        }

    async def add_key(self, body: Body) -> Body:
        """Another key of an account: with `public_key` (PEM, Ed25519 or RSA) or a shared secret."""
        public_key = body.get("public_key", "")
        if not isinstance(public_key, str):
            raise Refused("public_key must be the PEM text of an Ed25519 or RSA public key.")
        number = self._account({name: body[name] for name in ("account",) if name in body})
        key = self.exchange.add_key(number, public_key)
        secret = {} if key.is_asymmetric else {"secret": key.secret}
        return {"account": key.account, "key": key.key, **secret}

    async def set_key(self, body: Body) -> Body:
        """Rights of a `key`: `may_trade`, `addresses` (a list; empty for all), `revoked`."""
        name, changed = body.get("key"), _flags(body, ("may_trade", "revoked"))
        addresses = body.get("addresses")
        if addresses is not None:
            if not isinstance(addresses, list) or not all(map(_is_address, addresses)):
                raise Refused('addresses must be a list like ["127.0.0.1"], empty for all.')
            changed["addresses"] = ",".join(addresses)
        if not isinstance(name, str) or not changed:
            raise Refused("Name a key, and may_trade, addresses or revoked.")
        known = self.exchange.set_key(name, **changed)
        return {
            "key": known.key,
            "may_trade": bool(known.may_trade),
            "addresses": known.addresses.split(",") if known.addresses else [],
            "revoked": bool(known.revoked),
        }

    async def move(self, body: Body) -> Body:
        """Walk the market to a price over some time."""
        symbol, over_ms = body.get("symbol"), body.get("over_ms", 0)
        if symbol not in self.exchange.symbols:
            raise Refused(f"symbol must be one of {', '.join(self.exchange.symbols)}.")
        if type(over_ms) is not int or not 0 <= over_ms <= LONGEST_MOVE_MS:
            raise Refused(f"over_ms must be a whole number from 0 to {LONGEST_MOVE_MS}.")
        price = _amount("price", body.get("price"))
        self.exchange.move(symbol, price, over_ms)
        return {"symbol": symbol, "price": from_e8(price), "over_ms": over_ms}

    async def drop_connections(self, body: Body) -> Body:
        """Close sockets as a failing network would."""
        kind = body.get("kind", "all")
        if kind not in KINDS:
            raise Refused(f"kind must be one of {', '.join(KINDS)}.")
        return {"dropped": await self._drop(kind)}

    def _account(self, body: Body) -> int:
        account, key = body.get("account"), body.get("key")
        if isinstance(key, str) and key in self.exchange.keys:
            return self.exchange.keys[key].account
        if type(account) is int and account in self.exchange.accounts:
            return account
        raise Refused("Name an existing account by its number in `account`, or by its `key`.")

    def _door(
        self, handler: Callable[[Body], Awaitable[Body]]
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def answer(request: web.Request) -> web.Response:
            if not _is_loopback(request.remote):
                return _problem(403, "The admin API answers only to this machine.")
            token = request.headers.get("X-Paper-Admin-Token", "")
            if self._token and not hmac.compare_digest(token.encode(), self._token.encode()):
                return _problem(401, "Send the token in X-Paper-Admin-Token.")
            try:
                text = await request.text()
                body = json.loads(text) if text else {}
                if not isinstance(body, dict):
                    raise Refused("Send a JSON object.")
                result = await handler(body)
            except (Refused, ValueError, RecursionError) as error:
                return _problem(400, str(error))
            finally:
                await self._committed()
            return web.json_response(result)

        return answer


def _amount(name: str, text: object, *, signed: bool = False) -> int:
    """A decimal string as e8. Raises: Refused."""
    if not isinstance(text, str):
        raise Refused(f'{name} must be a decimal string like "10000.5".')
    digits = text.removeprefix("-") if signed else text
    if not digits.isascii() or not digits.replace(".", "", 1).isdigit() or len(digits) > 30:
        raise Refused(f'{name} must be a decimal string like "10000.5", not {text[:40]!r}.')
    return to_e8(text)


def _balances(body: Body) -> dict[str, int]:
    """`balances` in e8. Raises: Refused."""
    balances = body.get("balances", {})
    if not isinstance(balances, dict):
        raise Refused('balances must be an object like {"USDT": "10000"}.')
    return {str(asset): _amount("balances", text) for asset, text in balances.items()}


def _flags(body: Body, names: tuple[str, ...]) -> dict[str, Any]:
    """The flags that are given, as the 0 or 1 that is kept. Raises: Refused."""
    given = {name: body[name] for name in names if name in body}
    for name, value in given.items():
        if not isinstance(value, bool):
            raise Refused(f"{name} must be true or false.")
    return {name: int(value) for name, value in given.items()}


def _is_address(text: object) -> bool:
    try:
        ipaddress.ip_address(str(text))
    except ValueError:
        return False
    return isinstance(text, str)


def _is_loopback(peer: str | None) -> bool:
    try:
        return ipaddress.ip_address(peer or "").is_loopback
    except ValueError:
        return False


def _problem(status: int, detail: str) -> web.Response:
    return web.json_response({"detail": detail}, status=status)
