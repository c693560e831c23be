"""What each venue lists, under which filters: read from the table, kept a minute in the process."""

import time
from collections.abc import Mapping
from typing import Any

from risk.listing import CALCULATION, EXCHANGE_FILTERS, EXECUTION_RULES, read_symbol
from risk.symbols import Symbol
from testudo import clock
from trading.market.models import SymbolRules
from trading.venue_health import note_order_limits

_EXECUTION = (EXECUTION_RULES, CALCULATION)
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
    """Keep an exchangeInfo answer, a row a symbol. Returns how many.

    What the exchange allows an account over all symbols stands in every row; the execution rules
    known before stay.
    """
    now = clock.now()
    note_order_limits(venue, raw)
    before = dict(SymbolRules.objects.filter(venue=venue).values_list("symbol", "raw"))
    shared = {EXCHANGE_FILTERS: raw.get(EXCHANGE_FILTERS, [])}
    rows = [
        SymbolRules(
            venue=venue,
            symbol=each["symbol"],
            raw={**each, **shared, **_execution(before.get(each["symbol"], {}))},
            fetched_at=now,
        )
        for each in raw["symbols"]
    ]
    SymbolRules.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["venue", "symbol"],
        update_fields=["raw", "fetched_at"],
    )
    _forget(venue)
    return len(rows)


def store_execution_rules(venue: str, found: Mapping[str, Mapping[str, Any]]) -> int:
    """Keep the execution rules of symbols that are listed already, as `VenueRest.execution_rules`
    gives them; a symbol it does not name has none any more. Returns how many have some."""
    rows = list(SymbolRules.objects.filter(venue=venue))
    for row in rows:
        listed = {key: value for key, value in row.raw.items() if key not in _EXECUTION}
        row.raw = {**listed, **_execution(found.get(row.symbol, {}))}
    SymbolRules.objects.bulk_update(rows, ["raw"])
    _forget(venue)
    return sum(bool(row.raw.get(EXECUTION_RULES)) for row in rows)


def _execution(known: Mapping[str, Any]) -> dict[str, Any]:
    return {key: known[key] for key in _EXECUTION if key in known}


def _forget(venue: str) -> None:
    for key in [key for key in _kept if key[0] == venue]:
        del _kept[key]
