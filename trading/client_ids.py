"""Client order ids: ours, unique, and readable back to the intent they belong to (R2).

`T` + the intent's UUID in base32 (26 characters) + a letter for the leg + the attempt in base 36
(4 characters): 32 in all, `[A-Z0-9]` only, because Binance takes ids both inside and outside
percent-encoding and anything else breaks one of the two.
"""

import base64
import binascii
from dataclasses import dataclass
from uuid import UUID

LIST, ENTRY, STOP, TARGET, EXIT = "L", "E", "S", "G", "X"
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def client_id(intent: UUID, leg: str, attempt: int = 1) -> str:
    """The id of one leg of one attempt. Raises: ValueError past 36⁴ attempts."""
    if not 0 < attempt < 36**4:
        raise ValueError(f"Attempt {attempt} does not fit four base-36 digits.")
    digits = ""
    for _ in range(4):
        attempt, digit = divmod(attempt, 36)
        digits = _DIGITS[digit] + digits
    return f"T{base64.b32encode(intent.bytes).decode().rstrip('=')}{leg}{digits}"


@dataclass(frozen=True, slots=True)
class Ours:
    """What an id of ours says."""

    intent: UUID
    leg: str
    attempt: int


def read(text: str) -> Ours | None:
    """The intent, leg and attempt an id of ours was made of; None for an id that is not ours."""
    body, leg, digits = text[1:27], text[27:28], text[28:]
    if len(text) != 32 or leg not in (LIST, ENTRY, STOP, TARGET, EXIT):
        return None
    try:
        intent = UUID(bytes=base64.b32decode(body + "======"))
    except (binascii.Error, ValueError):
        return None
    if any(digit not in _DIGITS for digit in digits):
        return None
    found = Ours(intent, leg, int(digits, 36))
    made = found.attempt and client_id(intent, leg, found.attempt)
    return found if made == text else None
