"""`manage.py paper_exchange`: the paper exchange alone, on one port."""

import asyncio
import json
import os
import signal
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from trading.exchange.paper.exchange import PaperExchange
from trading.exchange.paper.faults import BadFault
from trading.exchange.paper.feed import open_feed
from trading.exchange.paper.klines import INTERVALS
from trading.exchange.paper.live import LiveFeed, LiveVenue
from trading.exchange.paper.replay import compare
from trading.exchange.paper.server import PaperServer, wall_ms
from trading.exchange.paper.store import StateInUse, Store
from trading.exchange.paper.switches import named
from trading.exchange.paper.tape_files import files_of
from trading.exchange.paper.values import to_e8

# What --create-key opens an account with, by the quote assets of the symbols there are.
OPENING_BALANCES = {"USDT": "10000", "BTC": "1", "ETH": "10", "BNB": "20"}


class Command(BaseCommand):
    """Serves until SIGTERM or Ctrl-C. Needs no database: its state is one file."""

    help = "Run the paper exchange: Binance Spot's REST and WebSocket interfaces on one port."
    requires_system_checks = ()
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8900, help="0 lets the system choose")
        parser.add_argument(
            "--feed",
            default="synthetic",
            help="the market: synthetic, replay:FILES (archive files, patterns, commas), "
            "script:FILE or binance (live)",
        )
        parser.add_argument("--seed", type=int, default=1, help="the synthetic market's seed")
        parser.add_argument("--speed", default="1", help="of a replayed tape: 60, 0.5")
        parser.add_argument("--symbols", default="", help="separated by commas")
        parser.add_argument(
            "--binance-rest",
            default=os.environ.get("BINANCE_REST_URL", LiveVenue.rest),
            help="where --feed binance finds REST",
        )
        parser.add_argument(
            "--binance-streams",
            default=os.environ.get("BINANCE_STREAM_URL", LiveVenue.streams),
            help="where --feed binance finds the market streams",
        )
        parser.add_argument(
            "--check-klines",
            type=Path,
            metavar="FILE",
            help="serve nothing: compare candles rebuilt from the tape with this klines file",
        )
        parser.add_argument("--state", type=Path, help="the state file (SQLite)")
        parser.add_argument(
            "--fault",
            action="append",
            default=[],
            metavar="NAME[:option=value,…]",
            help="arm a fault from the start; may be given several times (docs/paper-exchange.md)",
        )
        parser.add_argument("--fault-seed", type=int, default=1, help="the dice of the faults")
        parser.add_argument(
            "--switch",
            action="append",
            default=[],
            metavar="NAME=VALUE",
            help="behaviour that Binance does not document: on, off or a number; may be given "
            "several times (docs/paper-exchange.md)",
        )
        parser.add_argument(
            "--legacy-listen-keys",
            action="store_true",
            help="serve the listenKey user stream, which Binance ended on 2026-02-20",
        )
        parser.add_argument(
            "--create-key",
            action="store_true",
            help="first open an account (10,000 USDT, 10 ETH…) and print its key as one JSON line",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["check_klines"]:
            self._check_klines(options["feed"], options["check_klines"])
            return
        path = options["state"] or settings.TESTUDO_HOME / "paper" / "exchange.sqlite3"
        names = [name.strip() for name in options["symbols"].split(",") if name.strip()]
        now_ms = wall_ms()
        try:
            feed = open_feed(
                options["feed"],
                symbols=names,
                seed=options["seed"],
                speed=options["speed"],
                venue=LiveVenue(options["binance_rest"], options["binance_streams"]),
                now_ms=now_ms,
            )
            switches = named(options["switch"])
            exchange = PaperExchange(
                feed, Store(path), now_ms=now_ms, seed=options["seed"], switches=switches
            )
        except (ValueError, StateInUse) as error:
            raise CommandError(str(error)) from error
        exchange.legacy_listen_keys = options["legacy_listen_keys"]
        exchange.limits.weight_limit = settings.PAPER_WEIGHT_LIMIT
        exchange.limits.connection_limit = settings.PAPER_CONNECTION_LIMIT
        if options["create_key"]:
            quotes = {one.quote for one in exchange.symbols.values()}
            balances = {q: OPENING_BALANCES.get(q, "10000") for q in sorted(quotes)}
            account, key = exchange.open_account({a: to_e8(b) for a, b in balances.items()})
            line = {"key": key.key, "secret": key.secret, "account": account.id}
            self._say(json.dumps(line | {"balances": balances}))
        asyncio.run(self._serve(exchange, options))

    async def _serve(self, exchange: PaperExchange, options: dict[str, Any]) -> None:
        host, port = options["host"], options["port"]
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        server = PaperServer(
            exchange,
            admin_token=os.environ.get("PAPER_ADMIN_TOKEN", ""),
            fault_seed=options["fault_seed"],
        )
        try:
            for text in options["fault"]:
                server.faults.arm(text)
        except BadFault as error:
            await server.stop()
            raise CommandError(str(error)) from error
        try:
            port = await server.start(host, port)
        except OSError as error:
            await server.stop()
            raise CommandError(f"Cannot listen on {host}:{port}: {error.strerror}.") from error
        live = exchange.feed
        listening = asyncio.create_task(live.run()) if isinstance(live, LiveFeed) else None
        self._say(f"ready http://{host}:{port}")
        await server.serve_until(stop)
        if listening:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)

    def _check_klines(self, feed: str, klines: Path) -> None:
        """Exits 1 where a candle differs."""
        kind, _, files = feed.partition(":")
        interval = klines.name.split("-")[1] if klines.name.count("-") else ""
        if kind != "replay" or interval not in INTERVALS:
            raise CommandError(
                "--check-klines needs --feed replay:FILE, and a klines file named as in the "
                "archive: BTCUSDT-1m-2025-01-01.csv."
            )
        try:
            found = compare(files_of(files), klines, interval)
        except ValueError as error:
            raise CommandError(str(error)) from error
        self._say(json.dumps({"ok": not found["different"] and found["compared"] > 0} | found))
        if found["different"] or not found["compared"]:
            raise SystemExit(1)

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
