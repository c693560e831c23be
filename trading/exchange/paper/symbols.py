"""What can be traded and under which rules: the symbols, their filters, the commission.

Figures follow Binance's own for these symbols as of 2026; amounts are integers in e8.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from trading.exchange.paper import orders as o
from trading.exchange.paper.values import from_e8, to_e8

ORDER_TYPES = (
    o.LIMIT,
    o.LIMIT_MAKER,
    o.MARKET,
    o.STOP_LOSS,
    o.STOP_LOSS_LIMIT,
    o.TAKE_PROFIT,
    o.TAKE_PROFIT_LIMIT,
)


@dataclass(frozen=True, slots=True)
class Symbol:
    """One market and its filters (filters.md). Prices in quote, quantities in base, both e8."""

    name: str
    base: str
    quote: str
    tick: int
    min_price: int
    max_price: int
    step: int
    min_quantity: int
    max_quantity: int
    max_market_quantity: int
    min_notional: int
    max_notional: int
    bid_multiplier_up: int = to_e8("5")
    bid_multiplier_down: int = to_e8("0.2")
    ask_multiplier_up: int = to_e8("5")
    ask_multiplier_down: int = to_e8("0.2")
    average_minutes: int = 5
    max_orders: int = 200
    max_algo_orders: int = 5
    max_order_lists: int = 20
    maker: int = to_e8("0.001")
    taker: int = to_e8("0.001")
    status: str = "TRADING"
    order_types: tuple[str, ...] = ORDER_TYPES
    oco: bool = True
    oto: bool = True
    opo: bool = True

    def pays(self, side: str) -> str:
        """The asset an order of this side is paid with."""
        return self.quote if side == o.BUY else self.base

    def receives(self, side: str) -> str:
        return self.base if side == o.BUY else self.quote

    def filters(self) -> list[dict[str, Any]]:
        """The `filters` array of exchangeInfo."""
        minutes = self.average_minutes
        return [
            {
                "filterType": "PRICE_FILTER",
                "minPrice": from_e8(self.min_price),
                "maxPrice": from_e8(self.max_price),
                "tickSize": from_e8(self.tick),
            },
            {
                "filterType": "LOT_SIZE",
                "minQty": from_e8(self.min_quantity),
                "maxQty": from_e8(self.max_quantity),
                "stepSize": from_e8(self.step),
            },
            {
                "filterType": "MARKET_LOT_SIZE",
                "minQty": from_e8(0),
                "maxQty": from_e8(self.max_market_quantity),
                "stepSize": from_e8(0),
            },
            {
                "filterType": "PERCENT_PRICE_BY_SIDE",
                "bidMultiplierUp": _plain(self.bid_multiplier_up),
                "bidMultiplierDown": _plain(self.bid_multiplier_down),
                "askMultiplierUp": _plain(self.ask_multiplier_up),
                "askMultiplierDown": _plain(self.ask_multiplier_down),
                "avgPriceMins": minutes,
            },
            {
                "filterType": "NOTIONAL",
                "minNotional": from_e8(self.min_notional),
                "applyMinToMarket": True,
                "maxNotional": from_e8(self.max_notional),
                "applyMaxToMarket": False,
                "avgPriceMins": minutes,
            },
            {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": self.max_orders},
            {"filterType": "MAX_NUM_ORDER_LISTS", "maxNumOrderLists": self.max_order_lists},
            {"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": self.max_algo_orders},
        ]

    def info(self) -> dict[str, Any]:
        """One element of exchangeInfo's `symbols`."""
        return {
            "symbol": self.name,
            "status": self.status,
            "baseAsset": self.base,
            "baseAssetPrecision": 8,
            "quoteAsset": self.quote,
            "quotePrecision": 8,
            "quoteAssetPrecision": 8,
            "baseCommissionPrecision": 8,
            "quoteCommissionPrecision": 8,
            "orderTypes": list(self.order_types),
            "icebergAllowed": False,
            "ocoAllowed": self.oco,
            "otoAllowed": self.oto,
            "opoAllowed": self.opo,
            "quoteOrderQtyMarketAllowed": True,
            "allowTrailingStop": False,
            "cancelReplaceAllowed": False,
            "amendAllowed": False,
            "pegInstructionsAllowed": False,
            "isSpotTradingAllowed": True,
            "isMarginTradingAllowed": False,
            "filters": self.filters(),
            "permissions": [],
            "permissionSets": [["SPOT"]],
            "defaultSelfTradePreventionMode": "NONE",
            "allowedSelfTradePreventionModes": ["NONE"],
        }


def _plain(units: int) -> str:
    """A multiplier without its trailing zeros: "5", "0.2"."""
    return from_e8(units).rstrip("0").rstrip(".")


def _usdt(
    base: str, *, step: str, max_quantity: str, max_market: str, tick: str = "0.01"
) -> Symbol:
    return Symbol(
        name=f"{base}USDT",
        base=base,
        quote="USDT",
        tick=to_e8(tick),
        min_price=to_e8(tick),
        max_price=to_e8("1000000"),
        step=to_e8(step),
        min_quantity=to_e8(step),
        max_quantity=to_e8(max_quantity),
        max_market_quantity=to_e8(max_market),
        min_notional=to_e8("5"),
        max_notional=to_e8("9000000"),
    )


SYMBOLS: dict[str, Symbol] = {
    symbol.name: symbol
    for symbol in (
        _usdt("BTC", step="0.00001", max_quantity="9000", max_market="120"),
        _usdt("ETH", step="0.0001", max_quantity="9000", max_market="2400"),
        _usdt("BNB", step="0.001", max_quantity="900000", max_market="5000"),
        _usdt("SOL", step="0.001", max_quantity="90000", max_market="20000"),
        _usdt("XRP", step="0.1", max_quantity="9222449", max_market="2000000", tick="0.0001"),
    )
}
