"""The synthetic market's past and future: one tree of candles, a pure function of (seed, symbol).

A day's open, extremes, close and volume are drawn first (layered noise: trends, ranges, clusters
of volatility). A candle is then split in two again and again: the middle from a Brownian bridge,
the extremes from the known law of a bridge's maximum, each handed to the half that reached
further, volume and trades dealt out so that the parts always add up. Any candle of any month is
thus found in some twenty splits, and every print of a minute obeys the candle above it. Nothing
is stored, and a restart changes nothing.

Prices are whole ticks and quantities whole lots here. Floats shape the noise, no account's money.
"""

from __future__ import annotations

import math
import random
import struct
from functools import lru_cache
from hashlib import blake2b
from itertools import pairwise
from typing import NamedTuple

from trading.exchange.paper.synthetic_markets import MARKETS, Market
from trading.exchange.paper.values import E8

MINUTE_MS = 60_000
DAY_MINUTES = 1440
# Each size in minutes, and the size it is split into.
SPLITS = {1440: 720, 720: 360, 360: 180, 180: 60, 60: 30, 30: 15, 15: 5, 5: 1}
PARENTS = {part: whole for whole, part in SPLITS.items()}
SIZES = (1440, 720, 360, 180, 60, 30, 15, 5, 1)
FEWEST = 4  # buys, and sells, in every minute: a print every eight seconds in the dead of night
# How lively the market is, by hour UTC: thin before Europe wakes, busy when New York opens.
HOURS = (8, 8, 7, 7, 6, 6, 7, 8, 10, 10, 9, 9, 11, 14, 16, 15, 13, 12, 11, 10, 9, 9, 8, 8)
RANGE = 1.4
_UNIT = 1.0 / 2**16


class Node(NamedTuple):
    """A candle of `size` minutes from minute `start` of the epoch, in ticks and lots."""

    size: int
    start: int
    open: int
    high: int
    low: int
    close: int
    buys: int  # trades a buyer took
    bought: int  # their lots
    sells: int
    sold: int
    first_id: int  # of its first trade, before any trade of our own traders is counted in
    sigma: float  # how far its price tends to walk, in ticks


class Tape(NamedTuple):
    """A minute's prints, in order: times in ms of the epoch, ticks, lots, buyer_is_maker."""

    times: list[int]
    prices: list[int]
    lots: list[int]
    makers: list[bool]


def uniforms(key: bytes, label: int, at: int) -> tuple[float, ...]:
    """Thirty-two numbers in (0, 1], the same for ever for the same arguments."""
    digest = blake2b(struct.pack("<qq", label, at), key=key, digest_size=64).digest()
    return tuple((number + 1) * _UNIT for number in struct.unpack("<32H", digest))


def _normal(u: tuple[float, ...], at: int) -> float:
    """Nearly normal, from four uniforms: bounded at 3.5 deviations, cheap."""
    return (u[at] + u[at + 1] + u[at + 2] + u[at + 3] - 2.0) * 1.7320508


class Tree:
    """All candles and prints of one symbol, from the seed."""

    def __init__(self, market: Market, seed: int) -> None:
        self.market = market
        self._over = tuple(Tree(MARKETS[name], seed) for name in market.over)
        drawn_as = market.over[0] if market.over and market.tied else market.symbol
        self._key = blake2b(f"{seed}:{drawn_as}".encode(), digest_size=32).digest()
        self._common = blake2b(f"{seed}:market".encode(), digest_size=32).digest()
        self.parts = lru_cache(maxsize=4096)(self._parts)
        self.day = lru_cache(maxsize=4096)(self._day)
        self.tape = lru_cache(maxsize=64)(self._tape)
        self._peg = lru_cache(maxsize=4096)(lambda *where: _normal(uniforms(*where), 0))

    def node(self, size: int, start: int) -> Node:
        """The candle of a size in SIZES at `start`, minutes of the epoch, a multiple of size."""
        if size == DAY_MINUTES:
            return self.day(start)
        parent = PARENTS[size]
        offset = start % parent
        return self.parts(parent, start - offset)[offset // size]

    def high_first(self, node: Node) -> bool:
        """Whether the candle met its high before its low."""
        while node.size > 1:
            parts = self.parts(node.size, node.start)
            high = next(i for i, part in enumerate(parts) if part.high == node.high)
            low = next(i for i, part in enumerate(parts) if part.low == node.low)
            if high != low:
                return high < low
            node = parts[high]
        return self._minute_high_first(node, self._minute_noise(node.start))

    # Days: layered noise.

    def _level(self, key: bytes, label: int, day: float, octaves: int) -> float:
        """Layered noise: octave k has 2^k days between its peaks and a deviation of 2^(k/2)."""
        total = 0.0
        for octave in range(octaves):
            position = day / (1 << octave)
            cell = math.floor(position)
            along = position - cell
            smooth = along * along * (3.0 - 2.0 * along)
            here = self._peg(key, label + octave, cell)
            there = self._peg(key, label + octave, cell + 1)
            total += math.sqrt(1 << octave) * (here + (there - here) * smooth)
        return total

    def _day_price(self, day: int) -> float:
        """In ticks, at the beginning of a day."""
        if self._over:
            first, *second = (tree._day_price(day) * tree.market.tick for tree in self._over)
            return first / (second[0] / E8 if second else 1) / self.market.tick
        own = self._level(self._key, -100, day, 5)
        common = self._level(self._common, -100, day, 5)
        tied = self.market.tied
        mixed = tied * common + math.sqrt(1 - tied**2) * own
        ticks = self.market.price / self.market.tick
        return ticks * math.exp(0.5 * self.market.volatility * self.market.beta * mixed)

    def _day(self, start: int) -> Node:
        market, day = self.market, start // DAY_MINUTES
        u, common = (uniforms(key, DAY_MINUTES, start) for key in (self._key, self._common))
        opening = max(2, round(self._day_price(day)))
        closing = max(2, round(self._day_price(day + 1)) + int(u[0] * 5) - 2)
        mood = self._level(self._common, -200, day, 4) / 3.0
        weekend = 0.72 if (day + 3) % 7 >= 5 else 1.0  # the epoch began on a Thursday
        sigma = market.volatility * opening * weekend * math.exp(0.35 * mood)
        high = _peak(opening, closing, sigma, common[1])
        low = max(1, -_peak(-opening, -closing, sigma, common[2]))
        volume = market.volume_a_day // market.step * weekend * math.exp(0.4 * mood + 0.3 * u[3])
        share = 0.46 + 0.08 * u[4] + (0.03 if closing > opening else -0.03)
        buys = round(market.trades_a_day * (0.5 + 0.6 * (share - 0.5)))
        sells = market.trades_a_day - buys
        return Node(
            DAY_MINUTES, start, opening, high, low, closing,
            buys, max(buys, int(volume * share)), sells, max(sells, int(volume * (1 - share))),
            day * market.trades_a_day, sigma,
        )  # fmt: skip

    # Splitting.

    def _parts(self, size: int, start: int) -> tuple[Node, ...]:
        """The candles a candle is made of, in order."""
        part = SPLITS[size]
        rest, parts = self.node(size, start), []
        while rest.size > part:
            head, rest = self._split(rest, part)
            parts.append(head)
        return (*parts, rest)

    def _split(self, node: Node, at: int) -> tuple[Node, Node]:
        """Cut `node` after its first `at` minutes."""
        size, start, opening, high, low, close, buys, bought, sells, sold, first_id, walk = node
        u = uniforms(self._key, size, start)
        # Single minutes move on their own, whatever is longer moves together with the others.
        common = uniforms(self._common, size, start) if at >= 5 else u
        tied = self.market.tied if at >= 5 else 0.0
        own = math.sqrt(1 - tied * tied)
        usual = _liveliness(start, at) / _liveliness(start, size)
        left, right = usual * (0.5 + common[0]), (1 - usual) * (0.5 + common[1])
        share = left / (left + right)  # of the variance: bursts beget bursts
        # A random walk's range is some 1.6 deviations wide. Mostly trusting what came from above
        # makes a wide candle's parts livelier without letting quiet ones die out.
        sigma = (walk**3 * (high - low) / RANGE) ** 0.25
        sigma_left, sigma_right = sigma * math.sqrt(share), sigma * math.sqrt(1 - share)
        usual_middle, slack = opening + (close - opening) * share, sigma_left * math.sqrt(1 - share)
        jump = int(u[2] * 5) - 2 if u[3] > 0.01 else round((u[2] - 0.5) * sigma * 0.5)
        best, miss = None, math.inf
        for c in range(8, 32, 6):
            z = own * (u[c] + u[c + 1] - 1.0) + tied * (common[c] + common[c + 1] - 1.0)
            ending = round(usual_middle + 2.4495 * slack * z)
            ending = 2 * high - ending if ending > high else ending  # turned back at the extremes
            ending = min(high, max(low, 2 * low - ending if ending < low else ending))
            begin = min(high, max(low, ending + jump))  # once in a while the market gaps
            tops = (
                _peak(opening, ending, sigma_left, common[c + 2]),
                _peak(begin, close, sigma_right, common[c + 3]),
            )
            bottoms = (
                -_peak(-opening, -ending, sigma_left, common[c + 4]),
                -_peak(-begin, -close, sigma_right, common[c + 5]),
            )
            # Of four ways to go, the one that comes nearest to the extremes it must reach.
            missed = abs(max(tops) - high) + abs(min(bottoms) - low)
            if missed < miss:
                best, miss = (ending, begin, tops, bottoms), missed
        assert best is not None, "a finite miss"
        ending, begin, (high_left, high_right), (low_left, low_right) = best
        if high_left >= high_right:
            high_left, high_right = high, min(high, high_right)
        else:
            high_left, high_right = min(high, high_left), high
        if low_left <= low_right:
            low_left, low_right = low, max(low, low_right)
        else:
            low_left, low_right = max(low, low_left), low
        pace, size_of_trades = 0.5 * share + 0.5 * usual, 0.8 * share + 0.2 * usual
        up = 0.06 if ending > opening else -0.06  # buyers take more where the price rises
        floor_left, floor_right = FEWEST * at, FEWEST * (size - at)
        buys_left = _deal(buys, pace, floor_left, floor_right)
        sells_left = _deal(sells, pace, floor_left, floor_right)
        bought_left = _deal(
            bought, size_of_trades * (1 + up + 0.2 * (u[4] - 0.5)), buys_left, buys - buys_left
        )
        sold_left = _deal(
            sold, size_of_trades * (1 - up + 0.2 * (u[5] - 0.5)), sells_left, sells - sells_left
        )
        return (
            Node(
                at, start, opening, high_left, low_left, ending,
                buys_left, bought_left, sells_left, sold_left, first_id, sigma_left,
            ),
            Node(
                size - at, start + at, begin, high_right, low_right, close,
                buys - buys_left, bought - bought_left, sells - sells_left, sold - sold_left,
                first_id + buys_left + sells_left, sigma_right,
            ),
        )  # fmt: skip

    # Prints.

    def _minute_noise(self, start: int) -> random.Random:
        seed = blake2b(struct.pack("<q", start), key=self._key, digest_size=8).digest()
        return random.Random(int.from_bytes(seed, "little"))  # noqa: S311 (noise, not a secret)

    @staticmethod
    def _minute_high_first(node: Node, noise: random.Random) -> bool:
        return (noise.random() < 0.3) == (node.close > node.open)

    def _tape(self, start: int) -> Tape:
        """The prints of one minute: from its open over both extremes to its close."""
        node, noise = self.node(1, start), self._minute_noise(start)
        count, low, high = node.buys + node.sells, node.low, node.high
        first, second = sorted(noise.sample(range(1, count - 1), 2))
        extremes = (high, low) if self._minute_high_first(node, noise) else (low, high)
        turns = [(0, node.open), (first, extremes[0]), (second, extremes[1])]
        turns.append((count - 1, node.close))
        prices = [node.open]
        reach = (high - low) * 0.9 / math.sqrt(count)
        for (index, price), (until, target) in pairwise(turns):
            at = float(price)
            for left in range(until - index, 1, -1):  # a walk that arrives on time
                at += (target - at) / left + noise.gauss(0.0, reach)
                at = min(high, max(low, at))
                prices.append(round(at))
            prices.append(target)
        span = noise.random
        times = sorted(start * MINUTE_MS + int(span() * MINUTE_MS) for _ in range(count))
        makers = [False] * node.buys + [True] * node.sells
        noise.shuffle(makers)
        bought = iter(_heavy_tailed(noise, node.buys, node.bought))
        sold = iter(_heavy_tailed(noise, node.sells, node.sold))
        lots = [next(sold) if maker else next(bought) for maker in makers]
        return Tape(times, prices, lots, makers)


def _peak(begin: int, end: int, sigma: float, u: float) -> int:
    """The maximum of a Brownian bridge from `begin` to `end`, by inverting its distribution."""
    return round((begin + end + math.sqrt((end - begin) ** 2 - 2 * sigma**2 * math.log(u))) / 2)


def _deal(total: int, share: float, least: int, least_other: int) -> int:
    """A whole share of `total` that leaves each side at least its minimum."""
    free = total - least - least_other
    return least + max(0, min(free, round(free * share)))


@lru_cache(maxsize=8192)
def _liveliness(start: int, size: int) -> float:
    """How much of the day's life falls on `size` minutes from `start`."""
    start %= DAY_MINUTES
    if size < 60:
        return HOURS[start // 60] * size / 60
    return float(sum(HOURS[hour % 24] for hour in range(start // 60, (start + size) // 60)))


def _heavy_tailed(noise: random.Random, count: int, lots: int) -> list[int]:
    """`count` quantities of at least one lot that add up to `lots`: many small, a few large."""
    weights = [(1.0 - noise.random()) ** -0.8 - 0.95 for _ in range(count)]
    scale = (lots - count) / sum(weights)
    shares = [1 + int(weight * scale) for weight in weights]
    shares[max(range(count), key=weights.__getitem__)] += lots - sum(shares)
    return shares
