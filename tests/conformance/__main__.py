"""`python -m tests.conformance --base-url http://127.0.0.1:8900`: is this Binance's wire?

Reads what can be read (with --key and --secret also the account; with --trade small orders too),
and compares fields and JSON types with the documented ones. One line per finding, then a JSON
report; exit status 1 where something does not conform. Against Demo Mode:
`--base-url https://demo-api.binance.com --ws-url wss://demo-ws-api.binance.com/ws-api/v3
--stream-url wss://demo-stream.binance.com --key … --secret … --trade`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence

import aiohttp

from tests.conformance import checks, sockets
from tests.conformance.checks import Result
from tests.conformance.host import Host


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.conformance")
    parser.add_argument("--base-url", required=True, help="like https://api.binance.com")
    parser.add_argument("--ws-url", help="the WS API; default: base URL + /ws-api/v3")
    parser.add_argument("--stream-url", help="the market streams; default: the base URL's host")
    parser.add_argument("--key", default="")
    parser.add_argument("--secret", default="")
    parser.add_argument("--symbol", default="BTCUSDT")
    parser.add_argument("--second-symbol", default="ETHUSDT")
    parser.add_argument("--trade", action="store_true", help="place, change and cancel orders")
    parser.add_argument(
        "--wallet", action="store_true", help="also the /sapi paths, which Demo Mode has not"
    )
    given = parser.parse_args(arguments)
    if given.trade and not (given.key and given.secret):
        parser.error("--trade needs --key and --secret")
    return given


async def examine(given: argparse.Namespace) -> list[Result]:
    """Run every check. Raises: requests.RequestException, aiohttp.ClientError."""
    base = given.base_url.rstrip("/")
    socket = base.replace("http", "ws", 1)
    host = Host(
        base,
        given.ws_url or f"{socket}/ws-api/v3",
        (given.stream_url or socket).rstrip("/"),
        given.key,
        given.secret,
    )
    await asyncio.to_thread(host.learn_time)
    symbols = [given.symbol, given.second_symbol]
    reads = checks.reads(host, given.symbol, symbols, wallet=given.wallet)
    results = await asyncio.to_thread(lambda: list(reads))
    async with aiohttp.ClientSession() as http:
        results += [one async for one in sockets.market(http, host, given.symbol)]
        results += [one async for one in sockets.api(http, host, given.symbol, trade=given.trade)]
    return results


def main(arguments: Sequence[str]) -> int:
    given = parse(arguments)
    results = asyncio.run(examine(given))
    wrong = [one for one in results if one.problems]
    for one in wrong:
        for problem in one.problems:
            print(f"{one.name}: {problem}")
    report = {
        "base_url": given.base_url,
        "checks": len(results),
        "failed": len(wrong),
        "conforms": not wrong,
        "findings": {one.name: one.problems for one in wrong},
    }
    print(json.dumps(report))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
