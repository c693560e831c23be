"""Keeps secrets out of log lines and error reports, by the name of the value and by its looks."""

import re
from collections.abc import Mapping
from typing import Any

HIDDEN = "[hidden]"
DEEPEST = 12

_NAMES = re.compile(
    r"pass(word|phrase|wd)|secret|signature|authorization|cookie|csrf|session_?(id|key)"
    r"|(^|[_-])(token|dsn|otp)($|[_-])|api[_-]?key|private[_-]?key|master[_-]?key|sealed"
    r"|x-mbx-apikey|listen[_-]?key|^key$|^sid$",
    re.I,
)
# name=value or "name": "value" inside a text: a URL, a header, a repr, a JSON body
_PAIRS = re.compile(
    r"""(?ix) \b (?P<name>
            signature | api-?_?key | x-mbx-apikey | api-?_?secret | secret(?:_?key)? | password
          | passwd | token | listenkey | sessionid | csrftoken | csrfmiddlewaretoken
          | (?:proxy-)?authorization | cookie | __host-session | master_keys | secret_key
        ) (?P<sign> ["']? \s* [=:] \s* ["']? (?: (?:bearer|basic) \s+ )? )
        (?P<value> [^\s&;,"'<>})\]]+ )"""
)
_URL_PASSWORD = re.compile(r"(?P<start>[a-z][a-z0-9+.-]*://[^\s:/@]*):[^\s@/]+@", re.I)
# Binance keys and secrets are 64 letters and digits; an Ed25519 private key is PEM.
_KEY = re.compile(
    r"(?<![A-Za-z0-9])(?=[A-Za-z0-9]*[A-Z])(?=[A-Za-z0-9]*[a-z])[A-Za-z0-9]{64}(?![A-Za-z0-9])"
)
_PEM = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|$)", re.S
)


def clean(value: Any, *, name: str = "", depth: int = 0) -> Any:
    """The value without secrets; mappings and sequences are cleaned within, others as text."""
    if name and _NAMES.search(name) and value not in (None, "", True, False):
        return HIDDEN
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return clean_text(bytes(value).decode("utf-8", "replace"))
    if value is None or isinstance(value, bool | int | float):
        return value
    if depth >= DEEPEST:
        return "[too deep]"
    if isinstance(value, Mapping):
        return {
            str(key): clean(member, name=str(key), depth=depth + 1) for key, member in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean_item(item, depth) for item in value]
    return clean_text(str(value))


def _clean_item(item: Any, depth: int) -> Any:
    """An item of a sequence; a pair such as a header is cleaned by its name."""
    if isinstance(item, tuple) and len(item) == 2 and isinstance(item[0], str | bytes):
        name = item[0].decode("latin-1") if isinstance(item[0], bytes) else item[0]
        return [clean_text(name), clean(item[1], name=name, depth=depth + 1)]
    return clean(item, depth=depth + 1)


def clean_text(text: str) -> str:
    """A text without what looks like a secret."""
    text = _PEM.sub(HIDDEN, text)
    text = _PAIRS.sub(lambda found: f"{found['name']}{found['sign']}{HIDDEN}", text)
    text = _URL_PASSWORD.sub(rf"\g<start>:{HIDDEN}@", text)
    return _KEY.sub(HIDDEN, text)
