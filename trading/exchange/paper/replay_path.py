"""From a candle, or an aggregate, back to as many trades as it was made of. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from trading.exchange.paper.tape_files import Candle
from trading.exchange.paper.values import E8

Told = tuple[int, int, int, bool]  # at_ms, price, quantity, buyer_is_maker


def deal(quantity: int, parts: int, step: int) -> Iterator[int]:
    """`quantity` in as many parts, even ones in whole steps; the last takes the rest."""
    if quantity < parts * step or quantity % step:
        step = 1
    if quantity < parts:
        raise ValueError(f"{quantity} cannot be dealt among {parts} trades.")
    part = quantity // parts // step * step
    for _ in range(parts - 1):
        yield part
    yield quantity - part * (parts - 1)


def path(row: Candle, tick: int, step: int) -> Iterator[Told]:
    """Trades from open over both extremes to close: the candle's number, volumes and quote sums.

    The quote sums come out to within tick x step; with fewer than eight trades only the volumes do.
    """
    if not row.trades:
        return
    turns = [row.high, row.low] if row.close < row.open else [row.low, row.high]
    corners = [row.open]
    corners += [t for t in turns if t not in (row.open, row.close) or row.trades >= 8]
    corners.append(row.close)
    if row.trades == 1 and row.open == row.close:
        corners = [row.open]
    bulk = _bulk(row, corners, tick, step) if row.trades >= 8 else None
    told = bulk or _even(row, corners)
    number, span = row.trades, row.close_ms - row.open_ms
    for place, (price, quantity, maker) in enumerate(told):
        yield row.open_ms + span * place // number, price, quantity, maker


def _even(row: Candle, corners: list[int]) -> Iterator[tuple[int, int, bool]]:
    """Few trades: the volume dealt evenly, takers' share by whole trades as near as it goes."""
    corners = corners[: row.trades - 1] + corners[-1:]
    prices = corners[:1] + [corners[0]] * (row.trades - len(corners)) + corners[1:]
    sold = row.volume - row.taker_base
    buys = 0 if not row.taker_base else row.trades if not sold else 0
    if row.taker_base and sold:
        buys = min(row.trades - 1, max(1, row.trades * row.taker_base // row.volume))
    lots = chain(
        deal(row.taker_base, buys, 1) if buys else (),
        deal(sold, row.trades - buys, 1) if row.trades > buys else (),
    )
    for place, (price, quantity) in enumerate(zip(prices, lots, strict=True)):
        yield price, quantity, place >= buys


def _bulk(
    row: Candle, corners: list[int], tick: int, step: int
) -> Iterator[tuple[int, int, bool]] | None:
    """One step at each corner, the rest near each side's average; None where it does not fit."""
    sold, sold_quote = row.volume - row.taker_base, row.quote - row.taker_quote
    maker = sold > row.taker_base  # the side that has more pays for the corners
    sides = {True: [sold, sold_quote * E8], False: [row.taker_base, row.taker_quote * E8]}
    sides[maker][0] -= step * len(corners)
    sides[maker][1] -= step * sum(corners)
    lots: list[tuple[int, int, bool]] = []
    for side, (quantity, money) in sides.items():
        if quantity <= 0:
            if quantity < 0 or money > E8:
                return None
            continue
        below = money // quantity // tick * tick
        above = -(-(money - below * quantity) // (tick * step)) * step  # at below + tick
        below_quantity = quantity - above
        prices = [p for p, q in ((below, below_quantity), (below + tick, above)) if q]
        if min(below_quantity, above) < 0 or min(prices) < row.low or max(prices) > row.high:
            return None
        lots += [(p, q, side) for p, q in ((below, below_quantity), (below + tick, above)) if q]
    number = row.trades - len(corners)
    if number < len(lots):
        return None
    spare, total = number - len(lots), sum(quantity for _, quantity, _ in lots)
    spread = [1 + spare * quantity // total for _, quantity, _ in lots]
    spread[max(range(len(lots)), key=lambda i: lots[i][1])] += number - sum(spread)
    if any(q < n for (_, q, _), n in zip(lots, spread, strict=True)):
        return None
    dealt = (
        (price, part, side)
        for (price, quantity, side), parts in zip(lots, spread, strict=True)
        for part in deal(quantity, parts, step)
    )
    head = ((price, step, maker) for price in corners[:-1])
    return chain(head, dealt, [(corners[-1], step, maker)])
