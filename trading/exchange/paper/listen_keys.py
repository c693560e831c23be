"""The listenKey user data stream, for clients older than its end.

Binance answers 410 since 2026-02-20; so does this exchange, unless `legacy_listen_keys` is set.
Keys live in memory only: a restart ends them, as it ends their sockets.
"""

from __future__ import annotations

import secrets
import string
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from trading.exchange.paper import errors
from trading.exchange.paper.parsing import Fields
from trading.exchange.paper.routes import Call, method, route

if TYPE_CHECKING:
    from trading.exchange.paper.accounts import ApiKey
    from trading.exchange.paper.exchange import PaperExchange

LIFE_MS = 60 * 60_000  # without a keep-alive
LETTERS = string.ascii_letters + string.digits


@dataclass(slots=True)
class ListenKeys:
    """Which listenKey is whose, by which API key, and until when."""

    _kept: dict[str, tuple[int, str, int]] = field(default_factory=dict)  # account, API key, until

    def start(self, account: int, api_key: str, now_ms: int) -> str:
        """The account's valid key, its life begun anew; or a new one."""
        for key, (owner, maker, until) in self._kept.items():
            if owner == account and until > now_ms:
                self._kept[key] = owner, maker, now_ms + LIFE_MS
                return key
        key = "".join(secrets.choice(LETTERS) for _ in range(64))
        self._kept[key] = account, api_key, now_ms + LIFE_MS
        return key

    def owner(self, key: str, now_ms: int) -> int | None:
        """The account of a valid key."""
        account, _, until = self._kept.get(key, (None, "", 0))
        return account if until > now_ms else None

    def revoke(self, api_key: str) -> None:
        """End those that a revoked API key had made."""
        for key in [key for key, (_, maker, _) in self._kept.items() if maker == api_key]:
            del self._kept[key]

    def prolong(self, key: str, account: int, now_ms: int) -> None:
        """Raises: BinanceError -1125."""
        if self.owner(key, now_ms) != account:
            raise errors.no_such_listen_key()
        self._kept[key] = account, self._kept[key][1], now_ms + LIFE_MS

    def end(self, key: str, account: int, now_ms: int) -> None:
        """Raises: BinanceError -1125."""
        self.prolong(key, account, now_ms)
        del self._kept[key]


def _key(exchange: PaperExchange, call: Call) -> ApiKey:
    if not exchange.legacy_listen_keys:  # REST has answered 410 already; the WS API says this
        raise errors.unsupported()
    if call.key is None:
        raise errors.unauthorized()
    return call.key


@method("userDataStream.start", weight=2, security="USER_STREAM", accepts=("apiKey",))
@route("POST", "/api/v3/userDataStream", weight=2, security="USER_STREAM", accepts=())
def start(exchange: PaperExchange, call: Call) -> dict[str, Any]:
    mine = _key(exchange, call)
    return {"listenKey": exchange.listen_keys.start(mine.account, mine.key, call.now_ms)}


KEYED = ("apiKey", "listenKey")


@method("userDataStream.ping", weight=2, security="USER_STREAM", accepts=KEYED)
@route("PUT", "/api/v3/userDataStream", weight=2, security="USER_STREAM", accepts=("listenKey",))
def keep_alive(exchange: PaperExchange, call: Call) -> dict[str, Any]:
    account = _key(exchange, call).account
    key = Fields(call.params).required("listenKey")
    exchange.listen_keys.prolong(key, account, call.now_ms)
    return {}


@method("userDataStream.stop", weight=2, security="USER_STREAM", accepts=KEYED)
@route("DELETE", "/api/v3/userDataStream", weight=2, security="USER_STREAM", accepts=("listenKey",))
def stop(exchange: PaperExchange, call: Call) -> dict[str, Any]:
    account = _key(exchange, call).account
    key = Fields(call.params).required("listenKey")
    exchange.listen_keys.end(key, account, call.now_ms)
    return {}
