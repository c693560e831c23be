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
    pays_bnb: int = 0  # commissions in BNB, where it has enough
    frozen: int = 0  # may neither place nor cancel
    commissions: str = ""  # its own rates (commissions.py); empty for the symbols'


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key, and what it may do. It can never withdraw.

    `secret` is the shared one of HMAC-SHA256, or the PEM text of an Ed25519 or RSA public key.
    """

    key: str
    secret: str
    account: int
    created_ms: int
    may_trade: int = 1
    addresses: str = ""  # "10.0.0.1,10.0.0.2": who may use it; empty for all
    revoked: int = 0

    @property
    def is_asymmetric(self) -> bool:
        return self.secret.startswith("-----BEGIN")

    def __repr__(self) -> str:
        return f"ApiKey(…{self.key[-4:]}, account={self.account})"


@dataclass(frozen=True, slots=True)
class Transfer:
    """Money from outside (or to outside, negative), in e8."""

    id: int
    account: int
    asset: str
    amount: int
    at_ms: int


def new_key(account: int, now_ms: int, public_key: str = "") -> ApiKey:
    """A fresh key from the system's randomness, never from a market's seed.

    With the PEM text of a public key (Ed25519 or RSA), requests are signed by its private half.
    """
    return ApiKey(_token(), public_key or _token(), account, now_ms)


def _token() -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(KEY_LENGTH))
