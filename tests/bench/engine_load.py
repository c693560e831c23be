"""The engine alone, under a seeded mix of everything: places, cancels, takers, prints."""

from __future__ import annotations

import gc
import random
import time

from tests.paper.scripted import BTC, START_MS, ScriptedFeed
from trading.exchange.paper import orders as o
from trading.exchange.paper.contingency import Lists
from trading.exchange.paper.filters import NewOrder, Reference
from trading.exchange.paper.ledger import Ledger
from trading.exchange.paper.matching import Engine
from trading.exchange.paper.symbols import SYMBOLS
from trading.exchange.paper.values import E8, Print

PRICE = 60_000 * E8
TICK = SYMBOLS[BTC].tick
REFERENCE = Reference(average=PRICE, last=PRICE)
RICH = 10**6 * E8
PER_ACCOUNT = 50  # open orders; the filter allows 200


class Load:
    """An engine, accounts rich enough, and a way to drive them."""

    def __init__(self, levels: int, *, seed: int = 1) -> None:
        """`levels` price levels on each side of the book, one resting order each."""
        self.random = random.Random(seed)
        self.feed = ScriptedFeed({BTC: "60000"})
        self.engine = Engine({BTC: SYMBOLS[BTC]}, self.feed, Ledger())
        Lists(self.engine)
        self.engine.last[BTC] = PRICE
        self.engine.now_ms = START_MS
        self.named = self.printed = 0
        self.resting: list[o.Order] = []
        self.accounts = max(50, 2 * levels // PER_ACCOUNT + 2)
        for account in range(1, self.accounts + 1):
            self.engine.ledger.issue(account, "USDT", 10**4 * RICH)
            self.engine.ledger.issue(account, "BTC", RICH)
        for level in range(levels):
            self.place(level % self.accounts + 1, o.BUY, PRICE - (level + 500) * TICK * 10)
            self.place(level % self.accounts + 1, o.SELL, PRICE + (level + 500) * TICK * 10)
        self.levels = levels
        self.note()

    def note(self) -> None:
        """What the owner of an engine does after each operation: take its notes away."""
        engine = self.engine
        engine.events.clear()
        engine.changed_orders.clear()
        engine.changed_lists.clear()
        engine.new_trades.clear()
        engine.ledger.touched.clear()
        engine.ledger.moved.clear()

    def place(self, account: int, side: str, price: int, *, quantity: int = E8 // 100) -> o.Order:
        self.named += 1
        new = NewOrder(BTC, side, o.LIMIT, f"c{self.named}", o.GTC, quantity, price)
        order, _ = self.engine.place(account, new, REFERENCE)
        if order.is_open:
            self.resting.append(order)
        return order

    def take(self, account: int) -> None:
        """A market order; the feed's book is made whole again."""
        self.named += 1
        side = self.random.choice((o.BUY, o.SELL))
        new = NewOrder(BTC, side, o.MARKET, f"c{self.named}", o.GTC, E8 // 100)
        self.engine.place(account, new, REFERENCE)
        self.feed.set_book(BTC, "60000", "50")

    def cancel(self) -> None:
        at = self.random.randrange(len(self.resting))
        self.resting[at], order = self.resting[-1], self.resting[at]
        self.resting.pop()
        if order.is_open:
            self.engine.end(order, o.CANCELED, cancel_id="x")

    def print(self) -> None:
        """A market trade that reaches the best of the resting orders."""
        self.printed += 1
        queue = self.engine.waiting[BTC].buys
        price = -queue[0][0] if queue else PRICE
        self.engine.on_print(Print(BTC, self.printed, price, E8 // 100, START_MS, True))

    def mixed(self, operations: int) -> float:
        """Seconds for so many operations of all kinds, their notes taken away each time."""
        dice = self.random
        began = time.perf_counter()
        for _ in range(operations):
            what = dice.random()
            account = dice.randrange(1, self.accounts + 1)
            if what < 0.43 or not self.resting:
                away = (dice.randrange(max(1, self.levels)) + 500) * TICK * 10
                if dice.random() < 0.5:
                    self.place(account, o.BUY, PRICE - away)
                else:
                    self.place(account, o.SELL, PRICE + away)
            elif what < 0.85:
                self.cancel()
            elif what < 0.95:
                self.take(account)
            else:
                self.print()
            self.note()
        return time.perf_counter() - began

    def rest_and_cancel(self, times: int) -> float:
        """Seconds for so many orders placed at random levels and cancelled again."""
        dice = self.random
        began = time.perf_counter()
        for _ in range(times):
            away = (dice.randrange(self.levels) + 500) * TICK * 10
            order = self.place(dice.randrange(1, self.accounts + 1), o.BUY, PRICE - away)
            self.resting.pop()
            self.engine.end(order, o.CANCELED, cancel_id="x")
            self.note()
        return time.perf_counter() - began


def operations_a_second(operations: int) -> float:
    """The best of three runs over a book of 100 levels."""
    load = Load(100)
    load.mixed(operations // 10)
    gc.collect()
    return operations / min(load.mixed(operations) for _ in range(3))


def depth_ratio(times: int) -> float:
    """Time per operation over 10,000 price levels, against 100. Interleaved, best of 15."""
    shallow, deep = Load(100), Load(10_000)
    shallow.rest_and_cancel(times // 10)
    deep.rest_and_cancel(times // 10)
    gc.collect()
    pairs = [(deep.rest_and_cancel(times), shallow.rest_and_cancel(times)) for _ in range(15)]
    return min(one for one, _ in pairs) / min(one for _, one in pairs)


def seconds_a_placement(times: int) -> float:
    """What the engine needs for one resting limit order and its cancel, halved."""
    load = Load(100)
    load.rest_and_cancel(times // 10)
    return load.rest_and_cancel(times) / times / 2
