"""The symbols a synthetic market has, and what each is like.

Prices, steps and liveliness are near those of Binance's own symbols; those quoted in something
else than USDT are priced over the others, day by day.
"""

from __future__ import annotations

from dataclasses import dataclass

from trading.exchange.paper.values import to_e8


@dataclass(frozen=True, slots=True)
class Market:
    """What a synthetic symbol is like. Prices and quantities e8, `volatility` a day's fraction."""

    symbol: str
    tick: int
    step: int
    price: int  # it wanders around this
    volatility: float
    trades_a_day: int  # exactly, so that trade ids follow from the time alone
    volume_a_day: int
    beta: float = 1.0
    tied: float = 0.9  # of its surprise that all symbols have in common
    # A cross begins and ends its days at the price of the first of these over the second. It is
    # drawn as the first is (a twin in another currency), or on its own where it is tied to none.
    over: tuple[str, ...] = ()


def _market(
    symbol: str,
    tick: str,
    step: str,
    price: str,
    *,
    volatility: float,
    trades: int,
    volume: float,
    tied: float = 0.9,
    over: tuple[str, ...] = (),
) -> Market:
    return Market(
        symbol, to_e8(tick), to_e8(step), to_e8(price), volatility, trades,
        to_e8(str(int(volume))), tied=tied, over=over,
    )  # fmt: skip


_LISTED = (
    _market("BTCUSDT", "0.01", "0.00001", "65000", volatility=0.016, trades=120_000, volume=9e3),
    _market("ETHUSDT", "0.01", "0.0001", "3100", volatility=0.021, trades=100_000, volume=11e4),
    _market("BNBUSDT", "0.01", "0.001", "620", volatility=0.017, trades=60_000, volume=12e4),
    _market("SOLUSDT", "0.01", "0.001", "150", volatility=0.028, trades=80_000, volume=15e5),
    _market("XRPUSDT", "0.0001", "0.1", "0.62", volatility=0.026, trades=60_000, volume=2e8),
    _market("ADAUSDT", "0.0001", "0.1", "0.45", volatility=0.030, trades=40_000, volume=9e7),
    _market("DOGEUSDT", "0.00001", "1", "0.12", volatility=0.034, trades=50_000, volume=9e8),
    _market("AVAXUSDT", "0.01", "0.01", "27", volatility=0.032, trades=30_000, volume=12e5),
    _market("LINKUSDT", "0.01", "0.01", "14", volatility=0.029, trades=30_000, volume=22e5),
    _market("DOTUSDT", "0.001", "0.01", "5.6", volatility=0.028, trades=24_000, volume=4e6),
    _market("LTCUSDT", "0.01", "0.001", "82", volatility=0.022, trades=24_000, volume=4e5),
    _market("TRXUSDT", "0.0001", "0.1", "0.31", volatility=0.012, trades=24_000, volume=12e7),
    _market(
        "EURUSDT", "0.0001", "0.1", "1.08", volatility=0.004, trades=20_000, volume=2e7, tied=0.1
    ),
    _market(
        "ETHBTC", "0.00001", "0.0001", "0.0477", volatility=0.012, trades=30_000, volume=25e3,
        tied=0.0, over=("ETHUSDT", "BTCUSDT"),
    ),
    _market(
        "BNBBTC", "0.000001", "0.001", "0.00954", volatility=0.012, trades=24_000, volume=2e4,
        tied=0.0, over=("BNBUSDT", "BTCUSDT"),
    ),
    _market(
        "SOLBTC", "0.0000001", "0.001", "0.00231", volatility=0.018, trades=24_000, volume=1e5,
        tied=0.0, over=("SOLUSDT", "BTCUSDT"),
    ),
    _market(
        "BNBETH", "0.0001", "0.001", "0.2", volatility=0.013, trades=20_000, volume=1e4,
        tied=0.0, over=("BNBUSDT", "ETHUSDT"),
    ),
    _market(
        "BTCUSDC", "0.01", "0.00001", "65000", volatility=0.016, trades=60_000, volume=15e2,
        over=("BTCUSDT",),
    ),
    _market(
        "ETHUSDC", "0.01", "0.0001", "3100", volatility=0.021, trades=50_000, volume=3e4,
        over=("ETHUSDT",),
    ),
    _market(
        "BTCEUR", "0.01", "0.00001", "60185", volatility=0.016, trades=24_000, volume=3e2,
        over=("BTCUSDT", "EURUSDT"),
    ),
    _market(
        "ETHEUR", "0.01", "0.0001", "2870", volatility=0.021, trades=20_000, volume=5e3,
        over=("ETHUSDT", "EURUSDT"),
    ),
)  # fmt: skip
MARKETS = {market.symbol: market for market in _LISTED}
