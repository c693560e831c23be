"""One venue's market data: `manage.py stream_market`."""

import asyncio
import signal

import structlog
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from trading.exchange.venues import VenueRefused, VenueUrls, venue_urls
from trading.market.stream import MarketStream, follow_until
from trading.price_watch import PriceWatch

log = structlog.get_logger(__name__)


class Command(BaseCommand):
    help = (
        "Follow a venue's market: latest prices to Redis, closed candles to PostgreSQL, and "
        "breakouts woken when the price reaches their line."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--venue", default="paper", help="paper, binance-demo or binance")
        parser.add_argument(
            "--symbols", default="", help="comma-separated; WATCHED_SYMBOLS if left out"
        )

    def handle(self, *, venue: str, symbols: str, **options: object) -> None:
        names = [name.strip().upper() for name in symbols.split(",") if name.strip()]
        try:
            urls = venue_urls(venue)
        except VenueRefused as refused:
            raise CommandError(str(refused)) from refused
        asyncio.run(self._run(urls, names or list(settings.WATCHED_SYMBOLS)))

    async def _run(self, urls: VenueUrls, symbols: list[str]) -> None:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        for sent in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(sent, stop.set)
        log.info("stream_market_ready", venue=urls.name, symbols=symbols)
        stream = MarketStream(urls, symbols, watch=PriceWatch(urls.name))
        await follow_until(stop, stream.run())
        log.info("stream_market_stopped", venue=urls.name)
