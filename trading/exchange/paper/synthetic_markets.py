"""The symbols a synthetic market has, and what each is like."""

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


def _market(symbol: str, tick: str, step: str, price: str, **traits: float) -> Market:
    return Market(
        symbol=symbol,
        tick=to_e8(tick),
        step=to_e8(step),
        price=to_e8(price),
        volatility=traits["volatility"],
        trades_a_day=int(traits["trades"]),
        volume_a_day=to_e8(str(int(traits["volume"]))),
        beta=traits.get("beta", 1.0),
    )


MARKETS = {
    market.symbol: market
    for market in (
        _market(
            "BTCUSDT", "0.01", "0.00001", "65000", volatility=0.016, trades=120_000, volume=9e3
        ),
        _market("ETHUSDT", "0.01", "0.0001", "3100", volatility=0.021, trades=100_000, volume=11e4),
        _market("BNBUSDT", "0.01", "0.001", "620", volatility=0.017, trades=60_000, volume=12e4),
        _market("SOLUSDT", "0.01", "0.001", "150", volatility=0.028, trades=80_000, volume=15e5),
        _market("XRPUSDT", "0.0001", "0.1", "0.62", volatility=0.026, trades=60_000, volume=2e8),
    )
}
