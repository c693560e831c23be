"""Who asks, and is the request theirs and fresh: key, time window, signature.

Sources: rest-api.md "SIGNED Endpoint security" and "Timing security"; web-socket-api.md likewise.
The order of the checks is Binance's as clients see it: format, time, key, signature.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from trading.exchange.paper import errors
from trading.exchange.paper.accounts import ApiKey

KEY_FORM = re.compile(r"[A-Za-z0-9]{64}")
DEFAULT_WINDOW_MS = 5000
LARGEST_WINDOW_MS = 60_000
EARLIEST_US = 10**14  # a timestamp this large counts microseconds


def check_key(keys: Mapping[str, ApiKey], key: str | None, address: str = "") -> ApiKey:
    """The key as it is known here, used from where it may be. Raises: BinanceError -2014, -2015."""
    if not key or not KEY_FORM.fullmatch(key):
        raise errors.bad_key_format()
    known = keys.get(key)
    if known is None or known.revoked:
        raise errors.rejected_key()
    if known.addresses and address not in known.addresses.split(","):
        raise errors.rejected_key()
    return known


def check_time(params: Mapping[str, str], now_ms: int) -> None:
    """`timestamp` lies in (now - recvWindow, now + 1000 ms). Raises: BinanceError.

    Both may be given to the microsecond: a long `timestamp`, a `recvWindow` with three decimals.
    """
    sent = params.get("timestamp")
    if sent is None:
        raise errors.missing("timestamp")
    if not re.fullmatch(r"[0-9]{1,20}", sent):
        raise errors.illegal_characters("timestamp", r"^[0-9]{1,20}$")
    window = params.get("recvWindow", str(DEFAULT_WINDOW_MS))
    if not re.fullmatch(r"[0-9]{1,10}(\.[0-9]{1,3})?", window):
        raise errors.illegal_characters("recvWindow", r"^([0-9]{1,20})(\.[0-9]{1,3})?$")
    window_us = int(Decimal(window) * 1000)
    if window_us > LARGEST_WINDOW_MS * 1000:
        raise errors.window_too_long()
    sent_us = int(sent) if int(sent) >= EARLIEST_US else int(sent) * 1000
    now_us = now_ms * 1000
    if sent_us >= now_us + 1_000_000:
        raise errors.ahead_of_server()
    if now_us - sent_us > window_us:
        raise errors.outside_recv_window()


def check_signature(key: ApiKey, payload: str, signature: str | None) -> None:
    """The signature is the key's over the payload as received.

    HMAC-SHA256 in hex, upper or lower case; Ed25519 and RSA (PKCS#1 v1.5, SHA-256) in base64.
    Raises: BinanceError -1102, -1022.
    """
    if not signature:
        raise errors.missing("signature")
    if key.is_asymmetric:
        if not _verifies(key.secret, payload.encode(), signature):
            raise errors.bad_signature()
        return
    made = hmac.new(key.secret.encode(), payload.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(made.encode(), signature.lower().encode()):
        raise errors.bad_signature()


@lru_cache(maxsize=1024)
def public_key(pem: str) -> Ed25519PublicKey | RSAPublicKey:
    """The public key of a PEM text. Raises: ValueError, where it is none of the two kinds."""
    loaded = load_pem_public_key(pem.encode())
    if not isinstance(loaded, Ed25519PublicKey | RSAPublicKey):
        raise ValueError("Only Ed25519 and RSA public keys can sign requests.")
    return loaded


def _verifies(pem: str, payload: bytes, signature: str) -> bool:
    key = public_key(pem)
    try:
        signed = base64.b64decode(signature, validate=True)
        if isinstance(key, Ed25519PublicKey):
            key.verify(signed, payload)
        else:
            key.verify(signed, payload, PKCS1v15(), SHA256())
    except (InvalidSignature, ValueError):
        return False
    return True


def rest_payload(query: str, body: str) -> str:
    """What a REST signature covers: query and body as received, put together without a `&`."""
    return _unsigned(query) + _unsigned(body)


def _unsigned(text: str) -> str:
    return "&".join(part for part in text.split("&") if not part.startswith("signature="))


def socket_payload(params: Mapping[str, str]) -> str:
    """What a WS API signature covers: the raw values, sorted by name, not percent-encoded."""
    return "&".join(f"{name}={params[name]}" for name in sorted(params) if name != "signature")
