"""Client order ids: ours, unique, and readable back to the intent they belong to (R2).

`T` + the intent's UUID in base32 (26 characters) + a letter for the leg + the attempt in base 36
(4 characters): 32 in all, `[A-Z0-9]` only, because Binance takes ids both inside and outside
percent-encoding and anything else breaks one of the two.
"""

import base64
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
