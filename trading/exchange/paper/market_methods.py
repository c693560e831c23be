"""The market methods of the WS API: the same questions as REST's, by other names.

Source: web-socket-api.md "Market data requests": parameters, weights and results are REST's.
"""

from __future__ import annotations

from dataclasses import replace

from trading.exchange.paper import market_rest, market_windows  # noqa: F401  routes
from trading.exchange.paper.routes import METHODS, ROUTES

PATHS = {
    "depth": "depth",
    "trades.recent": "trades",
    "trades.historical": "historicalTrades",
    "trades.aggregate": "aggTrades",
    "klines": "klines",
    "uiKlines": "uiKlines",
    "avgPrice": "avgPrice",
    "ticker": "ticker",
    "ticker.24hr": "ticker/24hr",
    "ticker.tradingDay": "ticker/tradingDay",
    "ticker.price": "ticker/price",
    "ticker.book": "ticker/bookTicker",
}

for _name, _path in PATHS.items():
    if _name in METHODS:
        raise RuntimeError(f"The method {_name} is registered twice.")
    METHODS[_name] = replace(ROUTES["GET", f"/api/v3/{_path}"], method="WS", path=_name)
