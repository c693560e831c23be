"""Sizes computed by hand: from published examples, and from the filters as the exchange documents
them. Each case says where its premise stands; the arithmetic is in its `sum`.

Where a source rounds to nearest, the sum says so: Testudo only rounds down.
"""

from dataclasses import dataclass, field
from typing import Any

TRADE_YOUR_WAY = (
    "Ripe Trade, Position Sizing Summary (after Tharp, Trade Your Way), scribd 389119526"
)
PROTOCOL = "The Testudo Protocol, 1.1"
OM = "Binance Square, post 33712732160393, table of sizes"
CROSSTRADE = "crosstrade.io, Position Sizing for Futures Traders, worked examples"


@dataclass(frozen=True, kw_only=True)
class Case:
    source: str
    sum: str  # how the size follows
    expected: str  # the quantity; "0" where the exchange would take no size
    entry: str = "100"
    stop: str = "90"
    direction: str = "long"
    budget: str = "100"
    step: str = "1"
    fees: tuple[str, str] = ("0", "0")
    fee_in: str = "quote"  # quote, coin, bnb
    slippage: str = "0"
    cash: str = "1e15"
    position: str = "0"
    equity: str = "0"
    model: dict[str, Any] = field(default_factory=dict)
    atr: str | None = None
    filters: dict[str, Any] = field(default_factory=dict)
    bound: str | None = None
    broken: str | None = None  # the filter that refuses


RISK_CASES = [
    # Percent risk.
    Case(
        source=TRADE_YOUR_WAY,
        sum="50,000 * 2 % = 1,000; 1,000 / 6 = 166.67",
        entry="60",
        stop="54",
        budget="1000",
        expected="166",
    ),
    Case(
        source="PureBytes, Metastock list 2000, msg03446 (after Tharp)",
        sum="2,000 / 10 = 200",
        entry="100",
        stop="90",
        budget="2000",
        expected="200",
    ),
    Case(
        source="AmiBroker guide, Position sizing based on risk (Van Tharp's method)",
        sum="60,000 * 1 % = 600; 600 / (20 - 17) = 200",
        entry="20",
        stop="17",
        budget="600",
        expected="200",
    ),
    Case(
        source="Active Trader, August 2007, percent risk",
        sum="2,000 / (20 - 19) = 2,000",
        entry="20",
        stop="19",
        budget="2000",
        expected="2000",
    ),
    Case(
        source="figureitquick.com, Crypto Position Size Calculator",
        sum="100 / 5 = 20",
        entry="100",
        stop="95",
        budget="100",
        expected="20",
    ),
    Case(
        source="Binance Square, post 26784745046810, BTC Position Size",
        sum="1,000 * 1 % = 10; 10 / (116,200 - 115,500) = 0.0142857",
        entry="116200",
        stop="115500",
        budget="10",
        step="0.001",
        expected="0.014",
    ),
    Case(
        source="Binance Square, post 26784745046810, on BTCUSDT's own step",
        sum="10 / 700 = 0.0142857",
        entry="116200",
        stop="115500",
        budget="10",
        step="0.00001",
        expected="0.01428",
    ),
    Case(source=OM, sum="1 / 0.004 = 250", entry="0.072", stop="0.068", budget="1", expected="250"),
    Case(
        source=OM, sum="5 / 0.004 = 1,250", entry="0.072", stop="0.068", budget="5", expected="1250"
    ),
    Case(
        source=OM,
        sum="10 / 0.004 = 2,500",
        entry="0.072",
        stop="0.068",
        budget="10",
        expected="2500",
    ),
    Case(source=OM, sum="2 / 0.004 = 500", entry="0.072", stop="0.068", budget="2", expected="500"),
    Case(
        source=OM,
        sum="20 / 0.004 = 5,000",
        entry="0.072",
        stop="0.068",
        budget="20",
        expected="5000",
    ),
    Case(
        source="pricepredictions.com, crypto position size calculator",
        sum="100 / 60 = 1.666…; the page rounds to 1.67, which would lose 100.20",
        entry="3000",
        stop="2940",
        budget="100",
        step="0.01",
        expected="1.66",
    ),
    Case(
        source="TradingView, Hhan44, Position Size Calculation with Fees (without fees)",
        sum="4,500 * 2 % = 90; 90 / 0.16 % = 56,250 worth, at 100,000 each 0.5625",
        entry="100000",
        stop="99840",
        budget="90",
        step="0.0001",
        expected="0.5625",
    ),
    Case(
        source=CROSSTRADE,
        sum="ES: 500 / (4 points * 50) = 2.5, rounded down",
        entry="250000",
        stop="249800",
        budget="500",
        expected="2",
    ),
    Case(
        source=CROSSTRADE,
        sum="NQ: 500 / (25 points * 20) = 1",
        entry="400000",
        stop="399500",
        budget="500",
        expected="1",
    ),
    Case(
        source=CROSSTRADE,
        sum="MES: 100 / (4 points * 5) = 5, here as a short",
        direction="short",
        entry="25000",
        stop="25020",
        budget="100",
        expected="5",
    ),
    # With fees and slippage.
    Case(
        source="cps.cx, How is the position size calculated (1 % of 1,000; 0.1 % and 0.2 % fees)",
        sum="10 / (2 + 0.1 % * 100 + 0.2 % * 98) = 10 / 2.296 = 4.355…",
        entry="100",
        stop="98",
        budget="10",
        fees=("0.001", "0.002"),
        step="0.01",
        expected="4.35",
    ),
    Case(
        source=PROTOCOL,
        sum="100 / (600 + 60 + 59.40) = 100 / 719.40 = 0.139004…",
        entry="60000",
        stop="59400",
        fees=("0.001", "0.001"),
        step="0.00001",
        expected="0.139",
    ),
    Case(
        source=PROTOCOL,
        sum="100 / (60000 - 0.999 * 0.999 * 59400) = 100 / 718.7406 = 0.139132…",
        entry="60000",
        stop="59400",
        fees=("0.001", "0.001"),
        fee_in="coin",
        step="0.00001",
        expected="0.13913",
    ),
    Case(
        source=PROTOCOL,
        sum="short: 100 / (600 + 60 + 60.60) = 100 / 720.60 = 0.138773…",
        direction="short",
        entry="60000",
        stop="60600",
        fees=("0.001", "0.001"),
        step="0.00001",
        expected="0.13877",
    ),
    Case(
        source=PROTOCOL,
        sum="short, buy-back in the coin: 60600 / 0.999 - 0.999 * 60000 = 720.66066…; 100 / that",
        direction="short",
        entry="60000",
        stop="60600",
        fees=("0.001", "0.001"),
        fee_in="coin",
        step="0.00001",
        expected="0.13876",
    ),
    Case(
        source=f"{PROTOCOL}, slippage allowance",
        sum="100 / (719.40 + 60) = 0.128303…",
        entry="60000",
        stop="59400",
        fees=("0.001", "0.001"),
        slippage="60",
        step="0.00001",
        expected="0.1283",
    ),
    Case(
        source="Binance, Commission FAQ: discount 0.75 pays 75 % of the standard commission",
        sum="0.1 % * 0.75 = 0.075 %; 100 / (600 + 45 + 44.55) = 100 / 689.55 = 0.145022…",
        entry="60000",
        stop="59400",
        fees=("0.00075", "0.00075"),
        fee_in="bnb",
        step="0.00001",
        expected="0.14502",
    ),
    Case(
        source=f"{PROTOCOL}: cash / E where the fee is not in quote (BNB)",
        sum="1,000 / 60,000 = 0.016666…",
        entry="60000",
        stop="59400",
        fees=("0.00075", "0.00075"),
        fee_in="bnb",
        step="0.00001",
        cash="1000",
        expected="0.01666",
        bound="cash",
    ),
    Case(
        source=f"{PROTOCOL}: cash / (E * (1 + fE)) where the fee is in quote",
        sum="1,000 / 60,060 = 0.016650…",
        entry="60000",
        stop="59400",
        fees=("0.001", "0.001"),
        step="0.00001",
        cash="1000",
        expected="0.01665",
        bound="cash",
    ),
]
