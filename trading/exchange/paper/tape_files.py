"""Reading Binance's public archive files: aggTrades, trades and klines, as csv, zip or gz.

A file streams through row by row: memory stays flat however large it is. What is not as the archive
writes it is refused in one sentence that names the row. Times may be in milliseconds or, as in the
archive since 2025, in microseconds. Columns: github.com/binance/binance-public-data, README.
"""

from __future__ import annotations

import csv
import gzip
import io
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from glob import glob
from itertools import chain
from pathlib import Path
from typing import NamedTuple, TextIO

from trading.exchange.paper.values import E8

EARLIEST_US = 10**14  # a time this large counts microseconds
INVERSION_MS = 1000  # trades of one moment may be written a little out of order
_SYMBOL = re.compile(r"([A-Z0-9]{2,20})-")
_BOOLEANS = {"true": True, "false": False}


class BadTape(ValueError):
    """A file that is no archive of trades or candles; the sentence says where and why."""


class Row(NamedTuple):
    """Trades at one price in one moment: one of them, or an aggregate of `trades`. Amounts e8."""

    first_id: int
    trades: int
    price: int
    quantity: int
    at_ms: int
    buyer_is_maker: bool


class Candle(NamedTuple):
    """A row of a klines file. Amounts e8."""

    open_ms: int
    open: int
    high: int
    low: int
    close: int
    volume: int
    close_ms: int
    quote: int
    trades: int
    taker_base: int
    taker_quote: int


def files_of(spec: str) -> list[Path]:
    """The files a specification names: paths and patterns, separated by commas; each once.

    Raises: BadTape, for a name that is no file.
    """
    found: dict[Path, None] = {}
    for name in filter(None, (part.strip() for part in spec.split(","))):
        names = sorted(glob(name)) if any(c in name for c in "*?[") else [name]
        for one in names:
            if not Path(one).is_file():
                raise BadTape(f"There is no file {one}.")
            found[Path(one)] = None
        if not names:
            raise BadTape(f"No file matches {name}.")
    if not found:
        raise BadTape("Name a file: --feed replay:BTCUSDT-aggTrades-2025-01-01.zip")
    return list(found)


def symbol_of(path: Path) -> str:
    """The symbol in an archive file's name. Raises: BadTape."""
    match = _SYMBOL.match(path.name)
    if match is None:
        raise BadTape(
            f"{path.name}: the name must begin with the symbol: BTCUSDT-trades-2025-01-01.csv."
        )
    return match[1]


def read(path: Path) -> Iterator[Row | Candle]:
    """The rows of a file, oldest first. Raises: BadTape, where one is not as it should be."""
    with _text(path) as text:
        rows = _numbered(path, text)
        number, head = next(rows, (0, []))
        if head and not head[0].isdigit():  # newer files have a line of titles
            number, head = next(rows, (0, []))
        if not head:
            raise BadTape(f"{path.name} is empty.")
        kind = _kind(head)
        if kind is None:
            raise BadTape(
                f"{path.name}, row {number}: {len(head)} columns that are neither those of "
                "aggTrades, trades nor klines."
            )
        yield from _checked(path, chain([(number, head)], rows), len(head), kind)


def _checked(
    path: Path, rows: Iterable[tuple[int, list[str]]], width: int, kind: str
) -> Iterator[Row | Candle]:
    """Rows in order of time and id."""
    parsers: dict[str, Callable[[list[str]], Row | Candle]] = {
        "aggTrades": _aggregate, "trades": _trade, "klines": _candle,
    }  # fmt: skip
    parse = parsers[kind]
    last_ms = last_id = -1
    for number, fields in rows:
        where = f"{path.name}, row {number}"
        if len(fields) != width:
            raise BadTape(f"{where}: {len(fields)} columns instead of {width}.")
        try:
            row = parse(fields)
        except (ValueError, KeyError) as error:
            raise BadTape(f"{where}: {error}.") from None
        if isinstance(row, Candle):
            if row.open_ms <= last_ms:
                raise BadTape(f"{where}: the candle does not follow the one before it.")
            last_ms = row.open_ms
        else:
            if row.first_id <= last_id:
                raise BadTape(f"{where}: trade {row.first_id} comes after trade {last_id}.")
            if row.at_ms < last_ms - INVERSION_MS:
                raise BadTape(f"{where}: its time lies before that of the row above.")
            if row.at_ms < last_ms:
                row = row._replace(at_ms=last_ms)
            last_ms, last_id = row.at_ms, row.first_id + row.trades - 1
        yield row


def _kind(fields: list[str]) -> str | None:
    """What a first row is, by its columns."""
    booleans = [i for i, text in enumerate(fields) if text.lower() in _BOOLEANS]
    if len(fields) in (7, 8) and booleans and booleans[0] == 6:
        return "aggTrades"  # the futures archive leaves the last column out
    if len(fields) in (6, 7) and booleans and booleans[0] == 5:
        return "trades"
    return "klines" if len(fields) in (11, 12) and not booleans else None


def _aggregate(fields: list[str]) -> Row:
    first, last = int(fields[3]), int(fields[4])
    if not 0 <= first <= last:
        raise ValueError(f"trades {first} to {last} are no range")
    return _row(first, last - first + 1, fields[1], fields[2], fields[5], fields[6])


def _trade(fields: list[str]) -> Row:
    return _row(int(fields[0]), 1, fields[1], fields[2], fields[4], fields[5])


def _row(first: int, trades: int, price: str, quantity: str, at: str, maker: str) -> Row:
    row = Row(first, trades, amount(price), amount(quantity), _time(at), _BOOLEANS[maker.lower()])
    if row.price <= 0 or row.quantity <= 0:
        raise ValueError("price and quantity must be above zero")
    return row


def _candle(fields: list[str]) -> Candle:
    opening, high, low, close, volume = (amount(text) for text in fields[1:6])
    quote, taker_base, taker_quote = (amount(fields[i]) for i in (7, 9, 10))
    row = Candle(
        _time(fields[0]), opening, high, low, close, volume, _time(fields[6]), quote,
        int(fields[8]), taker_base, taker_quote,
    )  # fmt: skip
    if not 0 < low <= min(opening, close) <= max(opening, close) <= high:
        raise ValueError("the candle's low and high do not hold its open and close")
    if row.close_ms <= row.open_ms or taker_base > volume or (volume > 0) != (row.trades > 0):
        raise ValueError("the candle contradicts itself in times, volumes or trades")
    return row


def amount(text: str) -> int:
    """A decimal in plain notation as e8. Raises: ValueError."""
    whole, _, part = text.partition(".")
    part = part[:8].ljust(8, "0") + part[8:].rstrip("0")
    if not (text.isascii() and whole.isdigit() and part.isdigit() and len(part) == 8):
        raise ValueError(f"{text!r} is no amount with at most eight decimals")
    return int(whole) * E8 + int(part)


def _time(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 17):
        raise ValueError(f"{text!r} is no time")
    at = int(text)
    return at // 1000 if at >= EARLIEST_US else at


def _numbered(path: Path, text: TextIO) -> Iterator[tuple[int, list[str]]]:
    number = 0
    try:
        for number, fields in enumerate(csv.reader(text), 1):
            if fields:
                yield number, fields
    except (csv.Error, UnicodeDecodeError, EOFError, OSError, zipfile.BadZipFile) as error:
        raise BadTape(f"{path.name}, row {number + 1}: cannot be read ({error}).") from None


@contextmanager
def _text(path: Path) -> Iterator[TextIO]:
    """The csv inside a file, unpacked as it is read. Raises: BadTape."""
    if path.suffix == ".gz":
        with gzip.open(path, "rt", encoding="ascii", newline="") as text:
            yield text
    elif path.suffix == ".zip":
        try:
            with zipfile.ZipFile(path) as packed:
                names = [name for name in packed.namelist() if name.endswith(".csv")]
                if len(names) != 1:
                    raise BadTape(f"{path.name} holds {len(names)} csv files instead of one.")
                with io.TextIOWrapper(packed.open(names[0]), encoding="ascii", newline="") as text:
                    yield text
        except zipfile.BadZipFile as error:
            raise BadTape(f"{path.name} is no zip file ({error}).") from None
    else:
        with path.open(encoding="ascii", newline="") as text:
            yield text
