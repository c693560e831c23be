"""The keys of the decision log's keyed chain: their own, each with an id, so that they can change.

`DECISION_KEYS` is "1:base64,2:base64": the highest one signs, all of them verify. From each the
HMAC key is derived by HKDF, bound to this use. Where the setting is empty (development, tests) the
key is derived from SECRET_KEY and its id names which one: after that changed, old links are
"signed with a key that is not here", never "forged". A live platform must set DECISION_KEYS.
"""

import base64
import binascii
import hashlib
from functools import cache

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

USE = b"testudo decision chain v1"
KEY_BYTES = 32
LEGACY = ""  # records written before keys had ids


def signing() -> tuple[str, bytes]:
    """(id, key) of the key that signs new records. Raises: ImproperlyConfigured."""
    own = _own_keys()
    if own:
        version = max(own)
        return str(version), own[version]
    return _of_secret()


def verifying(key_id: str) -> bytes | None:
    """The key with this id; None where this server does not have it."""
    if key_id == LEGACY:
        return hashlib.sha256(b"decision-chain|" + settings.SECRET_KEY.encode()).digest()
    own = {str(version): key for version, key in _own_keys().items()}
    own.update([_of_secret()])
    return own.get(key_id)


def _own_keys() -> dict[int, bytes]:
    keys = {}
    for entry in filter(None, settings.DECISION_KEYS.split(",")):
        version, _, text = entry.partition(":")
        try:
            raw = base64.b64decode(text, validate=True)
            number = int(version)
        except (binascii.Error, ValueError):
            raw, number = b"", 0
        if len(raw) != KEY_BYTES or number < 1:
            raise ImproperlyConfigured(
                "DECISION_KEYS must hold numbered 32-byte keys: 1:BASE64[,2:BASE64]."
            )
        keys[number] = _derived(raw)
    return keys


def _of_secret() -> tuple[str, bytes]:
    key = _derived(settings.SECRET_KEY.encode())
    return f"secret-{hashlib.sha256(key).hexdigest()[:12]}", key


@cache
def _derived(material: bytes) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=KEY_BYTES, salt=None, info=USE).derive(material)
