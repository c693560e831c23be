"""JSON with no room for interpretation: one meaning, bounded size, no float near money."""

import codecs
import json
import re
from collections.abc import Mapping
from typing import IO, Any

from rest_framework import status
from rest_framework.exceptions import APIException, ParseError, UnsupportedMediaType
from rest_framework.parsers import BaseParser

LARGEST = 64 * 1024  # bytes
DEEPEST = 20
LONGEST_INTEGER = 20  # digits
_STRINGS_AND_BRACKETS = re.compile(rb'"(?:[^"\\]|\\.)*+"|[\[\]{}]', re.S)
_FORBIDDEN = re.compile("[\x00\ud800-\udfff]")


class TooLarge(APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = f"Send at most {LARGEST // 1024} kB."
    default_code = "too_large"


class JSONFloat:
    """A JSON number with a point or an exponent, kept as it was written. No field takes it."""

    def __init__(self, literal: str) -> None:
        self.literal = literal

    def __str__(self) -> str:
        return self.literal

    __repr__ = __str__


class StrictJSONParser(BaseParser):
    """One JSON document in UTF-8. Raises: ParseError (400), TooLarge (413), or a 415."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        _check_headers(media_type or "", (parser_context or {}).get("request"))
        body = stream.read(LARGEST + 1)
        if len(body) > LARGEST:
            raise TooLarge
        return read(body)


def read(body: bytes) -> Any:
    """The document. Raises: ParseError."""
    if body.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise ParseError("Send UTF-8 without a byte order mark.")
    _check_depth(body)
    try:
        document = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_object,
            parse_float=JSONFloat,
            parse_int=_integer,
            parse_constant=_constant,
        )
    except UnicodeDecodeError:
        raise ParseError("Send UTF-8.") from None
    except json.JSONDecodeError as error:
        raise ParseError(f"This is not JSON: {error.msg} at character {error.pos}.") from None
    _check_text(document)
    return document


def _check_headers(media_type: str, request: Any) -> None:
    _, _, parameters = media_type.partition(";")
    charset = re.search(r"charset\s*=\s*\"?([^\s;\"]+)", parameters, re.I)
    if charset and charset[1].lower() not in ("utf-8", "utf8"):
        raise UnsupportedMediaType(media_type, "Send UTF-8.")
    encoding = request.META.get("HTTP_CONTENT_ENCODING", "") if request is not None else ""
    if encoding and encoding.lower() != "identity":
        raise UnsupportedMediaType(media_type, "Send the body uncompressed.")


def _check_depth(body: bytes) -> None:
    """Before parsing, since the parser recurses."""
    depth = 0
    for token in _STRINGS_AND_BRACKETS.finditer(body):
        first = token[0][:1]
        if first in b"[{":
            depth += 1
            if depth > DEEPEST:
                raise ParseError(f"Nest at most {DEEPEST} deep.")
        elif first in b"]}":
            depth -= 1


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ParseError(f"Send {twice[:64]!r} once; two values leave open which is meant.")
    return members


def _integer(literal: str) -> int:
    if len(literal) > LONGEST_INTEGER:
        raise ParseError(f"A number has {len(literal)} digits. Send amounts as strings.")
    return int(literal)


def _constant(literal: str) -> Any:
    raise ParseError(f"{literal} is no JSON number.")


def _check_text(value: Any) -> None:
    if isinstance(value, str):
        if _FORBIDDEN.search(value):
            raise ParseError("A text holds a NUL or half a surrogate pair. Remove it.")
    elif isinstance(value, dict):
        for name, member in value.items():
            _check_text(name)
            _check_text(member)
    elif isinstance(value, list):
        for item in value:
            _check_text(item)
