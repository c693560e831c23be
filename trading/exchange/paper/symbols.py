"""What can be traded and under which rules: the symbols, their filters, the commission.

Figures follow Binance's own for these symbols as of 2026; amounts are integers in e8.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from trading.exchange.paper import orders as o
from trading.exchange.paper import symbol_filters
from trading.exchange.paper.values import to_e8

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
    max_amends: int = 10
    max_iceberg_parts: int = 100  # 0 here and below: the filter is not there
    max_iceberg_orders: int = 0
    max_position: int = 0
    old_min_notional: int = 0  # MIN_NOTIONAL, where a symbol still has it
    percent_up: int = 0  # PERCENT_PRICE, likewise
    percent_down: int = 0
    market_step: int = 0
    min_market_quantity: int = 0
    min_trailing: int = 10  # TRAILING_DELTA, in basis points, above and below alike
    max_trailing: int = 2000
    price_range: bool = True  # the PRICE_RANGE execution rule
    bid_range_up: int = to_e8("1.1")
    bid_range_down: int = to_e8("0.5")
    ask_range_up: int = to_e8("2")
    ask_range_down: int = to_e8("0.9")
    maker: int = to_e8("0.001")
    taker: int = to_e8("0.001")
    status: str = "TRADING"
    order_types: tuple[str, ...] = ORDER_TYPES
    oco: bool = True
    oto: bool = True
    opo: bool = True
    iceberg: bool = True
    trailing: bool = True
    cancel_replace: bool = True
    amend: bool = True
    by_quote: bool = True
    stp_modes: tuple[str, ...] = o.STP_MODES
    stp_default: str = o.NONE

    def pays(self, side: str) -> str:
        """The asset an order of this side is paid with."""
        return self.quote if side == o.BUY else self.base

    def receives(self, side: str) -> str:
        return self.base if side == o.BUY else self.quote

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
            "icebergAllowed": self.iceberg,
            "ocoAllowed": self.oco,
            "otoAllowed": self.oto,
            "opoAllowed": self.opo,
            "quoteOrderQtyMarketAllowed": self.by_quote,
            "allowTrailingStop": self.trailing,
            "cancelReplaceAllowed": self.cancel_replace,
            "amendAllowed": self.amend,
            "pegInstructionsAllowed": False,
            "isSpotTradingAllowed": True,
            "isMarginTradingAllowed": False,
            "filters": symbol_filters.table(self),
            "permissions": [],
            "permissionSets": [["SPOT"]],
            "defaultSelfTradePreventionMode": self.stp_default,
            "allowedSelfTradePreventionModes": list(self.stp_modes),
        }


def _listed(
    base: str,
    quote: str = "USDT",
    *,
    tick: str = "0.01",
    step: str,
    max_quantity: str,
    max_market: str,
    min_notional: str = "5",
) -> Symbol:
    return Symbol(
        name=f"{base}{quote}",
        base=base,
        quote=quote,
        tick=to_e8(tick),
        min_price=to_e8(tick),
        max_price=to_e8("1000000"),
        step=to_e8(step),
        min_quantity=to_e8(step),
        max_quantity=to_e8(max_quantity),
        max_market_quantity=to_e8(max_market),
        min_notional=to_e8(min_notional),
        max_notional=to_e8("9000000"),
    )


_IN_BTC = {"quote": "BTC", "min_notional": "0.0001"}
_BTC = {"step": "0.00001", "max_quantity": "9000"}
_ETH = {"step": "0.0001", "max_quantity": "9000"}
SYMBOLS: dict[str, Symbol] = {
    symbol.name: symbol
    for symbol in (
        _listed("BTC", **_BTC, max_market="120"),
        _listed("ETH", **_ETH, max_market="2400"),
        _listed("BNB", step="0.001", max_quantity="900000", max_market="5000"),
        _listed("SOL", step="0.001", max_quantity="90000", max_market="20000"),
        _listed("XRP", step="0.1", max_quantity="9222449", max_market="2000000", tick="0.0001"),
        _listed("ADA", step="0.1", max_quantity="900000", max_market="900000", tick="0.0001"),
        _listed("DOGE", step="1", max_quantity="9000000", max_market="9000000", tick="0.00001"),
        _listed("AVAX", step="0.01", max_quantity="90000", max_market="15000"),
        _listed("LINK", step="0.01", max_quantity="90000", max_market="30000"),
        _listed("DOT", step="0.01", max_quantity="90000", max_market="60000", tick="0.001"),
        _listed("LTC", step="0.001", max_quantity="90000", max_market="6000"),
        _listed("TRX", step="0.1", max_quantity="9000000", max_market="9000000", tick="0.0001"),
        _listed("EUR", step="0.1", max_quantity="900000", max_market="400000", tick="0.0001"),
        _listed("ETH", **_IN_BTC, step="0.0001", max_quantity="100000", max_market="600",
                tick="0.00001"),
        _listed("BNB", **_IN_BTC, step="0.001", max_quantity="100000", max_market="500",
                tick="0.000001"),
        _listed("SOL", **_IN_BTC, step="0.001", max_quantity="90000", max_market="2000",
                tick="0.0000001"),
        _listed("BNB", "ETH", step="0.001", max_quantity="90000", max_market="300",
                tick="0.0001", min_notional="0.001"),
        _listed("BTC", "USDC", **_BTC, max_market="30"),
        _listed("ETH", "USDC", **_ETH, max_market="600"),
        _listed("BTC", "EUR", **_BTC, max_market="10"),
        _listed("ETH", "EUR", **_ETH, max_market="150"),
    )
}  # fmt: skip

QUOTES = ("USDT", "USDC", "FDUSD", "BUSD", "TUSD", "BTC", "ETH", "BNB", "EUR", "TRY")
_LOTS = 10**9  # the largest quantity of a symbol that only a tape knows, in steps


def listing(name: str, tick: int, step: int) -> Symbol:
    """The listing of a symbol: Binance's own where we know it and it fits, else one for this grid.

    Raises: ValueError, for a name that ends with no known quote asset.
    """
    known = SYMBOLS.get(name)
    if known is not None and tick % known.tick == 0 and step % known.step == 0:
        return known
    quote = next((q for q in QUOTES if name.endswith(q) and len(name) > len(q)), None)
    if quote is None:
        raise ValueError(f"{name} ends with no known quote asset: {', '.join(QUOTES)}.")
    dollar = quote not in ("BTC", "ETH", "BNB")
    return Symbol(
        name=name,
        base=name.removesuffix(quote),
        quote=quote,
        tick=tick,
        min_price=tick,
        max_price=min(to_e8("1000000"), tick * 10**8),
        step=step,
        min_quantity=step,
        max_quantity=min(step * _LOTS, to_e8("9000000000")),
        max_market_quantity=min(step * _LOTS, to_e8("9000000000")) // 10,
        min_notional=to_e8("5" if dollar else "0.001"),
        max_notional=to_e8("9000000"),
    )
