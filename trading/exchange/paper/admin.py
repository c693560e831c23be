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

from trading.exchange.paper.exchange import PaperExchange
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
        app.router.add_post("/paper-admin/drop-connections", self._door(self.drop_connections))

    async def state(self, body: Body) -> Body:
        """Counts, and whether money is conserved."""
        engine, store = self.exchange.engine, self.exchange.store
        wrong = engine.ledger.discrepancies()
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
            "conserved": not wrong,
            "discrepancies": {asset: from_e8(units) for asset, units in wrong.items()},
        }

    async def open_account(self, body: Body) -> Body:
        """A new account with a key. `balances` is {"USDT": "10000"}."""
        balances = body.get("balances", {})
        if not isinstance(balances, dict):
            raise Refused('balances must be an object like {"USDT": "10000"}.')
        amounts = {str(asset): _amount("balances", text) for asset, text in balances.items()}
        account, key = self.exchange.open_account(amounts)
        return {"account": account.id, "key": key.key, "secret": key.secret}

    async def deposit(self, body: Body) -> Body:
        """Money from outside into an account, named by `account` or by its `key`."""
        asset, amount = body.get("asset"), _amount("amount", body.get("amount"), signed=True)
        if not isinstance(asset, str):
            raise Refused("asset is missing: name one, like USDT.")
        self.exchange.deposit(self._account(body), asset, amount)
        return {"asset": asset, "amount": from_e8(amount)}

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


def _is_loopback(peer: str | None) -> bool:
    try:
        return ipaddress.ip_address(peer or "").is_loopback
    except ValueError:
        return False


def _problem(status: int, detail: str) -> web.Response:
    return web.json_response({"detail": detail}, status=status)
