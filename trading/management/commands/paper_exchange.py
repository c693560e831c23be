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
from trading.exchange.paper.feed import open_feed
from trading.exchange.paper.server import PaperServer, wall_ms
from trading.exchange.paper.store import StateInUse, Store
from trading.exchange.paper.values import to_e8

OPENING_BALANCE = {"USDT": to_e8("10000")}


class Command(BaseCommand):
    """Serves until SIGTERM or Ctrl-C. Needs no database: its state is one file."""

    help = "Run the paper exchange: Binance Spot's REST and WebSocket interfaces on one port."
    requires_system_checks = ()
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8900, help="0 lets the system choose")
        parser.add_argument("--feed", default="synthetic", help="the market: synthetic")
        parser.add_argument("--seed", type=int, default=1, help="the synthetic market's seed")
        parser.add_argument("--speed", type=float, default=1.0, help="of a replayed tape")
        parser.add_argument("--symbols", default="BTCUSDT,ETHUSDT", help="separated by commas")
        parser.add_argument("--state", type=Path, help="the state file (SQLite)")
        parser.add_argument(
            "--create-key",
            action="store_true",
            help="first open an account of 10,000 USDT and print its key as one JSON line",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["speed"] != 1.0:
            raise CommandError("--speed is for replayed tapes; the synthetic market keeps time.")
        path = options["state"] or settings.TESTUDO_HOME / "paper" / "exchange.sqlite3"
        names = [name.strip() for name in options["symbols"].split(",") if name.strip()]
        now_ms = wall_ms()
        try:
            feed = open_feed(options["feed"], symbols=names, seed=options["seed"], now_ms=now_ms)
            store = Store(path)
            exchange = PaperExchange(feed, store, now_ms=now_ms, seed=options["seed"])
        except (ValueError, StateInUse) as error:
            raise CommandError(str(error)) from error
        if options["create_key"]:
            account, key = exchange.open_account(OPENING_BALANCE)
            line = {"key": key.key, "secret": key.secret, "account": account.id}
            self._say(json.dumps(line | {"balances": {"USDT": "10000"}}))
        asyncio.run(self._serve(exchange, options["host"], options["port"]))

    async def _serve(self, exchange: PaperExchange, host: str, port: int) -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        server = PaperServer(exchange, admin_token=os.environ.get("PAPER_ADMIN_TOKEN", ""))
        try:
            port = await server.start(host, port)
        except OSError as error:
            await server.stop()
            raise CommandError(f"Cannot listen on {host}:{port}: {error.strerror}.") from error
        self._say(f"ready http://{host}:{port}")
        await server.serve_until(stop)

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
