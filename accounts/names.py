"""What a user name and an e-mail address may be, and the one form in which each is compared.

Names are plain ASCII, so that no two of them look alike; addresses are compared without case.
"""

import re
import unicodedata

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

USERNAME = r"^[a-z0-9][a-z0-9._-]{2,31}$"
EMAIL_LENGTH = 254


def plain(text: str) -> str:
    """The compared form of a name or address: compatibility forms folded, trimmed, lower case."""
    return unicodedata.normalize("NFKC", text).strip().lower()


def validate_username(value: str) -> None:
    if not re.fullmatch(USERNAME, value, re.ASCII):
        raise ValidationError(
            "Use 3 to 32 of a-z, 0-9, dot, dash and underscore, beginning with a letter or digit.",
            code="username",
        )


def validate_address(value: str) -> None:
    """An address in ASCII; a domain in another script is written in its xn-- form."""
    if not value.isascii():
        raise ValidationError(
            "Write the address in ASCII; a domain in another script in its xn-- form.",
            code="email",
        )
    validate_email(value)
