"""Exchange keys at rest: envelope encryption with AES-256-GCM (R27).

A fresh 256-bit data key seals the credential; a versioned master key seals the data key. Both
carry the owner, the credential, the venue and the master key's version as associated data, so a
sealed row moved to another owner does not open. Opened only for one call, never kept or logged.
"""

import base64
import hashlib
import hmac
import json
import os
import uuid
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

NONCE_BYTES = 12
KEY_BYTES = 32


class CredentialsUnreadable(Exception):
    """The sealed keys do not open: wrong master key, or a row that was moved or changed."""


@dataclass(frozen=True, slots=True)
class ApiKeys:
    key: str = field(repr=False)
    secret: str = field(repr=False)


def seal(keys: ApiKeys, *, user_id: uuid.UUID, account_id: uuid.UUID, venue: str) -> bytes:
    """Encrypt `keys` for one owner, account and venue under the newest master key."""
    version, master = max(_master_keys().items())
    bound = _bound_to(user_id, account_id, venue, version)
    data_key = AESGCM.generate_key(bit_length=256)
    plain = json.dumps({"key": keys.key, "secret": keys.secret}).encode()
    sealed = {
        "kek": version,
        "wrapped": _encrypt(master, data_key, bound),
        "body": _encrypt(data_key, plain, bound),
    }
    return json.dumps(sealed).encode()


def unseal(sealed: bytes, *, user_id: uuid.UUID, account_id: uuid.UUID, venue: str) -> ApiKeys:
    """Decrypt for one call. Raises: CredentialsUnreadable."""
    try:
        row = json.loads(bytes(sealed))
        version = int(row["kek"])
        bound = _bound_to(user_id, account_id, venue, version)
        data_key = _decrypt(_master_keys()[version], row["wrapped"], bound)
        plain = json.loads(_decrypt(data_key, row["body"], bound))
        return ApiKeys(plain["key"], plain["secret"])
    except (InvalidTag, KeyError, ValueError, TypeError) as error:
        raise CredentialsUnreadable(
            "The exchange keys of this account do not open. Add the keys again."
        ) from error


def fingerprint(api_key: str) -> str:
    """A keyed hash by which one key is recognised without storing it readable."""
    return hmac.new(settings.SECRET_KEY.encode(), api_key.encode(), hashlib.sha256).hexdigest()


def _master_keys() -> dict[int, bytes]:
    """`settings.MASTER_KEYS` as {version: key}; written "1:base64,2:base64"."""
    keys = {}
    for entry in filter(None, settings.MASTER_KEYS.split(",")):
        version, _, text = entry.partition(":")
        keys[int(version)] = base64.b64decode(text)
    if not keys or any(len(key) != KEY_BYTES for key in keys.values()):
        raise CredentialsUnreadable("MASTER_KEYS must hold 32-byte keys: 1:BASE64[,2:BASE64].")
    return keys


def _bound_to(user_id: uuid.UUID, account_id: uuid.UUID, venue: str, version: int) -> bytes:
    return f"v1|{user_id}|{account_id}|{venue}|{version}".encode()


def _encrypt(key: bytes, plain: bytes, bound: bytes) -> str:
    nonce = os.urandom(NONCE_BYTES)
    return base64.b64encode(nonce + AESGCM(key).encrypt(nonce, plain, bound)).decode()


def _decrypt(key: bytes, text: str, bound: bytes) -> bytes:
    raw = base64.b64decode(text)
    return AESGCM(key).decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], bound)
