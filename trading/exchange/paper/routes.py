"""REST paths and WS API methods of the paper exchange, registered by decorator.

A handler takes the exchange and one `Call` and returns what goes on the wire. It reads parameters
only through `Call.params` (already merged from query and body, signature and timestamp removed).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from trading.exchange.paper.accounts import Account, ApiKey
    from trading.exchange.paper.exchange import PaperExchange

Security = Literal["NONE", "MARKET_DATA", "USER_STREAM", "USER_DATA", "TRADE"]
SIGNED: frozenset[str] = frozenset({"USER_DATA", "TRADE"})  # need key, timestamp and signature
KEYED: frozenset[str] = SIGNED | {"USER_STREAM", "MARKET_DATA"}  # need at least a key


@dataclass(frozen=True, slots=True)
class Call:
    """One request after authentication. `now_ms` is server time; unsigned ones have no account."""

    params: Mapping[str, str]
    now_ms: int
    account: Account | None = None
    key: ApiKey | None = None

    @property
    def owner(self) -> Account:
        """The account that signed. Only for USER_DATA and TRADE handlers."""
        if self.account is None:
            raise RuntimeError("A signed handler ran without an account.")
        return self.account


Handler = Callable[["PaperExchange", Call], Any]
Weight = int | Callable[[Mapping[str, str]], int]


@dataclass(frozen=True, slots=True)
class Route:
    """One entry of the table: what it costs, who may call it, what answers it."""

    method: str
    path: str
    weight: Weight
    security: Security
    handler: Handler
    orders: int  # how many orders it places: counted, and a success then weighs nothing
    accepts: frozenset[str] | None  # parameter names; None: any
    counted: int = 0  # orders that the handler itself counts
    cancels: bool = False  # a success weighs nothing, as where orders are placed
    by_account: bool = False  # of /sapi: weighs on the account ("UID"), not on the address

    @property
    def free(self) -> bool:
        """Whether a success weighs nothing (CHANGELOG 2026-03-27)."""
        return bool(self.orders or self.counted or self.cancels)

    def cost(self, params: Mapping[str, str]) -> int:
        """Request weight of a call with these parameters."""
        return self.weight if isinstance(self.weight, int) else self.weight(params)


ROUTES: dict[tuple[str, str], Route] = {}
METHODS: dict[str, Route] = {}  # WS API: method name → route


def route(
    method: str,
    path: str,
    *,
    weight: Weight = 1,
    security: Security = "NONE",
    orders: int = 0,
    counted: int = 0,
    cancels: bool = False,
    by_account: bool = False,
    accepts: Iterable[str] | None = None,
) -> Callable[[Handler], Handler]:
    """Register `handler(exchange, call)` for a REST path. Two handlers for one path is an error."""
    names = None if accepts is None else frozenset(accepts)

    def register(handler: Handler) -> Handler:
        if (method, path) in ROUTES:
            raise RuntimeError(f"{method} {path} is registered twice.")
        ROUTES[method, path] = Route(
            method, path, weight, security, handler, orders, names, counted, cancels, by_account
        )
        return handler

    return register


def method(
    name: str,
    *,
    weight: Weight = 1,
    security: Security = "NONE",
    orders: int = 0,
    counted: int = 0,
    cancels: bool = False,
    accepts: Iterable[str] | None = None,
) -> Callable[[Handler], Handler]:
    """Register `handler(exchange, call)` for a WS API method."""
    names = None if accepts is None else frozenset(accepts)

    def register(handler: Handler) -> Handler:
        if name in METHODS:
            raise RuntimeError(f"The method {name} is registered twice.")
        METHODS[name] = Route(
            "WS", name, weight, security, handler, orders, names, counted, cancels
        )
        return handler

    return register
