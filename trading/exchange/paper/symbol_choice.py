"""Which symbols a market-data request is about: `symbol`, `symbols`, `symbolStatus`.

Sources: rest-api.md "Market Data endpoints", errors.md. Shared by REST and WS API.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from trading.exchange.paper import errors
from trading.exchange.paper.errors import BinanceError
from trading.exchange.paper.routes import Call

if TYPE_CHECKING:
    from trading.exchange.paper.exchange import PaperExchange

STATUSES = ("TRADING", "HALT", "BREAK")
_ONE = "[A-Z0-9-_.]{1,20}"  # as Binance's messages put it
_SYMBOL = re.compile(r"[A-Z0-9\-_.]{1,20}")
_LIST = rf'^\[("{_ONE}"(,"{_ONE}"){{0,}}){{0,1}}\]$'


def one(exchange: PaperExchange, call: Call) -> str:
    """The symbol in `symbol`, in the status asked for. Raises: BinanceError."""
    text = call.params.get("symbol")
    if text is None:
        raise errors.missing("symbol")
    if text == "":
        raise errors.empty("symbol")
    if not _SYMBOL.fullmatch(text):
        raise errors.illegal_characters("symbol", f"^{_ONE}$")
    status = _status(call)
    if text not in exchange.feed.symbols:
        raise errors.bad_symbol()
    if status is not None and exchange.symbols[text].status != status:
        raise errors.symbol_not_in_status()
    return text


def several(
    exchange: PaperExchange, call: Call, *, mandatory: bool = False, most: int | None = None
) -> str | list[str]:
    """`symbol` alone, or the list in `symbols`; all there are without either.

    Of a list only those in the status asked for are left. `mandatory`: one of both must be there.
    Raises: BinanceError.
    """
    single, many = call.params.get("symbol"), call.params.get("symbols")
    if single is not None and many is not None:
        raise errors.bad_combination()
    if single is not None:
        return one(exchange, call)
    if many is None and mandatory:
        raise errors.missing_either("symbol", "symbols")
    status = _status(call)
    names = list(exchange.feed.symbols) if many is None else names_in(many)
    if most is not None and len(names) > most:
        raise errors.bad_parameter("symbols")
    if not names or any(name not in exchange.feed.symbols for name in names):
        raise errors.bad_symbol()
    return [name for name in names if status in (None, exchange.symbols[name].status)]


def ticker_type(call: Call) -> str:
    """FULL or MINI. Raises: BinanceError -1139."""
    kind = call.params.get("type", "FULL")
    if kind not in ("FULL", "MINI"):
        raise BinanceError(-1139, "Invalid ticker type.")
    return kind


def _status(call: Call) -> str | None:
    status = call.params.get("symbolStatus")
    if status not in (None, *STATUSES):
        raise errors.bad_symbol_status()
    return status


def names_in(text: str) -> list[str]:
    """The symbols of a JSON array, each once. Raises: BinanceError -1100, -1151."""
    try:
        names = json.loads(text)
    except (ValueError, RecursionError):
        names = None
    if not isinstance(names, list) or not all(
        isinstance(name, str) and _SYMBOL.fullmatch(name) for name in names
    ):
        raise errors.illegal_characters("symbols", _LIST)
    if len(set(names)) < len(names):
        raise BinanceError(-1151, "Symbol is present multiple times in the list.")
    return names
