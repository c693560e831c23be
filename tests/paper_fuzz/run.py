"""Throw generated requests at a real paper exchange and see whether anything gives way."""

from __future__ import annotations

import asyncio
import json
import queue
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from yarl import URL

from tests.paper.process import PaperProcess
from tests.paper_fuzz.generator import SYMBOLS, Generator

ACCOUNTS = 40  # so that no account's order limit stops the rest
WORKERS = 6
BATCH = 250  # requests from one source address: no address reaches the weight limit
BAD_WORDS = ("Traceback", "ERROR", "CRITICAL", " failed", "Unhandled", "exception was never")
PATIENCE = 30


@dataclass(slots=True)
class Findings:
    """What was seen."""

    requests: int = 0
    answers: Counter[str] = field(default_factory=Counter)  # by door and status
    codes: Counter[int] = field(default_factory=Counter)  # of the refusals over REST
    wrong: list[str] = field(default_factory=list)  # each a request and what came of it
    seconds: float = 0

    def report(self, seed: int) -> dict[str, Any]:
        return {
            "seed": seed,
            "requests": self.requests,
            "seconds": round(self.seconds, 1),
            "answers": dict(sorted(self.answers.items())),
            "codes": dict(sorted(self.codes.items())),
            "wrong": self.wrong[:20],
            "ok": not self.wrong,
        }


def address(number: int) -> str:
    """One of the loopback's many addresses: limits are counted by address."""
    return f"127.{1 + number // 62500 % 250}.{number // 250 % 250}.{1 + number % 250}"


class Fuzz:
    """One run against one process."""

    def __init__(self, process: PaperProcess, n: int, seed: int) -> None:
        self.process, self.n, self.seed = process, n, seed
        self.findings = Findings()
        self._addresses = random.Random(seed).randrange(60_000)
        self._left = n

    async def run(self) -> Findings:
        """Send all, each worker its own seed. Raises nothing: what is wrong is in the findings."""
        made = [
            await asyncio.to_thread(
                self.process.admin, "accounts", balances={"USDT": "100000", "BTC": "5", "ETH": "50"}
            )
            for _ in range(ACCOUNTS)
        ]
        keys = [(one["key"], one["secret"]) for one in made]
        prices = (await asyncio.to_thread(self.process.admin, "state"))["symbols"]
        last = {symbol: float(prices[symbol]) for symbol in SYMBOLS}
        started = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for worker in range(WORKERS):
                dealer = Generator(
                    self.seed * 1000 + worker, keys, lambda: time.time_ns() // 1_000_000, last
                )
                group.create_task(self._work(dealer, streams=worker == 0))
        self.findings.seconds = time.monotonic() - started
        return self.findings

    async def _work(self, dealer: Generator, *, streams: bool) -> None:
        while self._left > 0:
            self._addresses += 1
            connector = aiohttp.TCPConnector(local_addr=(address(self._addresses), 0))
            limit = aiohttp.ClientTimeout(total=PATIENCE)
            async with aiohttp.ClientSession(connector=connector, timeout=limit) as http:
                batch = min(BATCH, self._left)
                self._left -= batch
                for _ in range(batch * 7 // 10):
                    await self._rest(http, dealer)
                door = "/stream" if streams else "/ws-api/v3"
                await self._socket(http, dealer, batch - batch * 7 // 10, door)

    async def _rest(self, http: aiohttp.ClientSession, dealer: Generator) -> None:
        call = dealer.rest()
        self.findings.requests += 1
        url = URL(self.process.url + call.target.replace("#", "%23"), encoded=True)
        what = f"{call.method} {call.target[:300]} body={call.body[:200]!r}"
        try:
            async with http.request(
                call.method, url, data=call.body.encode("utf-8", "replace"), headers=call.headers
            ) as reply:
                text = await reply.text(errors="replace")
        except (aiohttp.ClientError, TimeoutError) as error:
            self.findings.wrong.append(f"{what}: {error!r}")
            return
        self.findings.answers[f"REST {reply.status}"] += 1
        if reply.status >= 500:
            self.findings.wrong.append(f"{what}: {reply.status} {text[:200]}")
        elif "json" in reply.headers.get("Content-Type", ""):
            self._check(what, text, refused=reply.status >= 400)

    async def _socket(
        self, http: aiohttp.ClientSession, dealer: Generator, count: int, door: str
    ) -> None:
        url, sent = self.process.url.replace("http", "ws", 1) + door, 0
        while sent < count:
            async with http.ws_connect(url, max_msg_size=0) as socket:
                while sent < count and not socket.closed:
                    text = dealer.frame() if door == "/ws-api/v3" else dealer.subscription()
                    sent += 1
                    self.findings.requests += 1
                    if not await self._frame(socket, text, door):
                        break

    async def _frame(self, socket: aiohttp.ClientWebSocketResponse, text: str, door: str) -> bool:
        """Send one frame and hear its answer. False: the server closed, which it may."""
        try:
            await socket.send_str(text)
            async with asyncio.timeout(PATIENCE):
                while True:
                    message = await socket.receive()
                    if message.type is not aiohttp.WSMsgType.TEXT:
                        self.findings.answers[f"{door} closed {socket.close_code}"] += 1
                        return False
                    answer = json.loads(message.data)
                    if "event" not in answer and "stream" not in answer and "e" not in answer:
                        break
        except (aiohttp.ClientError, ConnectionError, TimeoutError, ValueError) as error:
            self.findings.wrong.append(f"{door} {text[:300]}: {error!r}")
            return False
        status = answer.get("status", "answer")
        self.findings.answers[f"{door} {status}"] += 1
        if isinstance(status, int) and status >= 500:
            self.findings.wrong.append(f"{door} {text[:300]}: {str(answer)[:200]}")
        return True

    def _check(self, what: str, text: str, *, refused: bool) -> None:
        try:
            answer = json.loads(text)
        except ValueError:
            self.findings.wrong.append(f"{what}: no JSON: {text[:200]}")
            return
        if refused and not (isinstance(answer, dict) and type(answer.get("code")) is int):
            self.findings.wrong.append(f"{what}: no code: {text[:200]}")
        elif refused:
            self.findings.codes[answer["code"]] += 1
            if answer["code"] == -1000:
                self.findings.wrong.append(f"{what}: {text[:200]}")


def run(state: Path, n: int, seed: int) -> dict[str, Any]:
    """Fuzz a fresh exchange; then look into its log and its books, also after a restart."""
    process = PaperProcess(state)
    try:
        findings = asyncio.run(Fuzz(process, n, seed).run())
        report = findings.report(seed)
        wrong = report["wrong"]
        if process.child.poll() is not None:
            wrong.append(f"the exchange died: {process.child.returncode}")
        else:
            after = process.admin("state")
            report |= {name: after[name] for name in ("orders", "trades", "open_orders")}
            if not after["conserved"]:
                wrong.append(f"money was not conserved: {after['discrepancies']}")
            if process.stop() != 0:
                wrong.append("it did not stop cleanly")
        wrong += [line for line in _said(process) if any(word in line for word in BAD_WORDS)][:20]
    finally:
        process.close()
    again = PaperProcess(state)  # it checks its books at every start
    try:
        if not again.admin("state")["conserved"]:
            wrong.append("the books do not balance after a restart")
    finally:
        again.close()
    return report | {"ok": not wrong}


def _said(process: PaperProcess) -> list[str]:
    lines: list[str] = []
    while True:
        try:
            line = process._told.get(timeout=2)
        except queue.Empty:
            return lines
        if line is None:
            return lines
        lines.append(line)
