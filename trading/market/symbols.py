"""What each venue lists, under which filters: read from the table, kept a minute in the process."""

import time
from collections.abc import Mapping
from typing import Any

from risk.symbols import Symbol, read_symbol
from testudo import clock
from trading.market.models import SymbolRules
from trading.venue_health import note_order_limits

KEPT_FOR = 60  # seconds, on the monotonic clock
_kept: dict[tuple[str, str], tuple[float, Symbol]] = {}


class UnknownSymbol(Exception):
    """The venue does not list this symbol, as far as we know; the message names what it lists."""


def rules(venue: str, symbol: str) -> Symbol:
    """The symbol's filters. Raises: UnknownSymbol."""
    kept = _kept.get((venue, symbol))
    if kept and time.monotonic() - kept[0] < KEPT_FOR:
        return kept[1]
    row = SymbolRules.objects.filter(venue=venue, symbol=symbol).first()
    if row is None:
        names = SymbolRules.objects.filter(venue=venue).order_by("symbol")
        known = ", ".join(names.values_list("symbol", flat=True)[:20]) or "none yet"
        raise UnknownSymbol(f"{symbol} is not listed here. Known: {known}.")
    found = read_symbol(row.raw)
    _kept[venue, symbol] = (time.monotonic(), found)
    return found


def listed(venue: str) -> list[Symbol]:
    """Everything the venue lists, by name."""
    rows = SymbolRules.objects.filter(venue=venue).order_by("symbol")
    return [read_symbol(row.raw) for row in rows]


def store_rules(venue: str, raw: Mapping[str, Any]) -> int:
    """Keep an exchangeInfo answer, a row a symbol. Returns how many."""
    now = clock.now()
    note_order_limits(venue, raw)
    rows = [
        SymbolRules(venue=venue, symbol=each["symbol"], raw=each, fetched_at=now)
        for each in raw["symbols"]
    ]
    SymbolRules.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["venue", "symbol"],
        update_fields=["raw", "fetched_at"],
    )
    for key in [key for key in _kept if key[0] == venue]:
        del _kept[key]
    return len(rows)
