"""Who may trade here: accounts and their API keys."""

from __future__ import annotations

import secrets
import string
from dataclasses import dataclass

ALPHABET = string.ascii_letters + string.digits
KEY_LENGTH = 64  # as Binance's


@dataclass(frozen=True, slots=True)
class Account:
    """One trading account. `id` is the `uid` on the wire."""

    id: int
    created_ms: int
    updated_ms: int = 0


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key and its secret (HMAC-SHA256), and what it may do. It can never withdraw."""

    key: str
    secret: str
    account: int
    created_ms: int
    may_trade: int = 1

    def __repr__(self) -> str:
        return f"ApiKey(…{self.key[-4:]}, account={self.account})"


def new_key(account: int, now_ms: int) -> ApiKey:
    """A fresh key pair from the system's randomness, never from a market's seed."""
    return ApiKey(_token(), _token(), account, now_ms)


def _token() -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(KEY_LENGTH))
