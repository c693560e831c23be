"""The synthetic order book around the last market print. Pure: the same arguments, the same book.

The touch is one to three ticks wide, at the last print. Behind it levels stand on a grid a
fifth of a basis point wide; quantities are heavy-tailed, grow away from the touch, and each changes
every three seconds, so that depth updates look alive.
"""

from __future__ import annotations

from collections.abc import Mapping

from trading.exchange.paper.synthetic_markets import Market
from trading.exchange.paper.values import Level, Print

DEEPEST = 200  # levels a side: all there is, some 40 basis points deep
_MASK = (1 << 64) - 1
PULSE_MS = 500
_GRID = 50_000  # a grid line every price/50,000: 0.2 basis points


def ladder(
    market: Market, last: Print, now_ms: int, depth: int, eaten: Mapping[tuple[str, int], int]
) -> tuple[tuple[Level, ...], tuple[Level, ...]]:
    """Bids and asks, best first, less the quantities `eaten` by (side of the taker, price)."""
    tick = market.tick
    spread = tick * (1 + _mix(last.id) % 3)
    if last.buyer_is_maker:  # it sold to the best bid
        bid = max(tick, last.price)
        ask = bid + spread
    else:
        ask = max(2 * tick, last.price)
        bid = max(tick, ask - spread)
    depth = min(depth, DEEPEST)
    return (
        _side(market, "SELL", bid, now_ms, depth, eaten),
        _side(market, "BUY", ask, now_ms, depth, eaten),
    )


def _side(
    market: Market,
    taker: str,
    touch: int,
    now_ms: int,
    depth: int,
    eaten: Mapping[tuple[str, int], int],
) -> tuple[Level, ...]:
    tick, step = market.tick, market.step
    spacing = max(1, touch // tick // _GRID)
    direction = -1 if taker == "SELL" else 1
    unit = market.volume_a_day / 25_000
    pulse = now_ms // PULSE_MS
    ticks = touch // tick
    line = ticks // spacing + direction
    levels: list[Level] = []
    price, key = touch, ticks
    for place in range(4 * depth):
        if len(levels) == depth:
            break
        noise = _mix(key * 1_000_003 + (pulse + key % 7) // 6 * 8 + direction)
        heavy = 1.0 / (0.04 + (noise & 0xFFFF) / 0xFFFF) ** 0.8
        quantity = max(step, int(unit * heavy * (1.0 + 0.12 * place)) // step * step)
        left = quantity - eaten.get((taker, price), 0)
        if left > 0:
            levels.append(Level(price, left))
        beyond = line * spacing + _mix(line) % spacing
        while (beyond - ticks) * direction <= 0:  # the touch may stand past its neighbour
            line += direction
            beyond = line * spacing + _mix(line) % spacing
        line += direction
        ticks = key = beyond
        price = ticks * tick
        if price <= 0:
            break
    return tuple(levels)


def _mix(number: int) -> int:
    """Scatter an integer (MurmurHash3's finaliser, public domain)."""
    number = (number ^ (number >> 33)) * 0xFF51AFD7ED558CCD & _MASK
    number = (number ^ (number >> 33)) * 0xC4CEB9FE1A85EC53 & _MASK
    return number ^ (number >> 33)
