"""The armed prices of one venue beside its ticks, in the process that reads the market's stream.

That process sees every trade the venue prints, where Redis keeps only the newest price, and it
needs neither Redis nor Celery to notice a crossing. PostgreSQL holds what is armed; it is read at
the start and twice a second, so nothing is remembered only here. Where the database is away a
crossing waits for it, but not for long: an entry that late would be another trade.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import structlog
from django.db import DatabaseError

from testudo import clock
from trading import armed
from trading.crossings import Crossings, Level
from trading.entries import VALID_FOR

log = structlog.get_logger(__name__)

READ_EVERY = 0.5  # seconds
AGAIN_AFTER = 0.25

InThread = Callable[..., Awaitable[Any]]
Reached = tuple[Level, Decimal, datetime]


class PriceWatch:
    """Notices which armed prices of a venue its market has reached."""

    def __init__(self, venue: str) -> None:
        self._venue = venue
        self._levels = Crossings()
        self._last: dict[str, tuple[Decimal, datetime]] = {}  # price, and when by our clock
        self._reached: dict[tuple[UUID, str], Reached] = {}  # not written down yet
        self._stir = asyncio.Event()

    def see(self, symbol: str, price: Decimal) -> None:
        """One trade of the market. Cheap where it reaches nothing."""
        now = clock.now()
        self._last[symbol] = (price, now)
        for level in self._levels.reached(symbol, price):
            self._reached[level.key, level.purpose] = (level, price, now)
            self._stir.set()

    async def run(self, in_thread: InThread) -> None:
        """Ends only by cancellation."""
        await asyncio.gather(self._read(in_thread), self._note(in_thread))

    async def _read(self, in_thread: InThread) -> None:
        while True:
            try:
                self.arm(await in_thread(armed.levels_of, self._venue))
            except DatabaseError as error:
                log.warning("armed_unread", venue=self._venue, error=str(error).strip())
            await asyncio.sleep(READ_EVERY)

    def arm(self, levels: list[Level]) -> None:
        """These are armed now. One that the market has passed already is reached at once."""
        known = [one for one in levels if (one.key, one.purpose) not in self._reached]
        fresh, now = self._levels.set(known), clock.now()
        for symbol in {level.symbol for level in fresh}:
            price, at = self._last.get(symbol, (None, now))
            if price is not None and now - at <= armed.FRESH:
                self.see(symbol, price)

    async def _note(self, in_thread: InThread) -> None:
        while True:
            await self._stir.wait()
            self._stir.clear()
            for id_, reached in list(self._reached.items()):
                if await self._write(in_thread, *reached):
                    self._reached.pop(id_, None)
            if self._reached:
                await asyncio.sleep(AGAIN_AFTER)
                self._stir.set()

    async def _write(self, in_thread: InThread, level: Level, price: Decimal, at: datetime) -> bool:
        """Write one down. False: the database is away, and it is not too late yet."""
        try:
            noted = await in_thread(armed.note_reached, level, price, at)
        except DatabaseError as error:
            log.warning("crossing_waits", trade=str(level.key), error=str(error).strip())
            return clock.now() - at > VALID_FOR
        log.info("price_reached", trade=str(level.key), purpose=level.purpose, noted=noted)
        return True
