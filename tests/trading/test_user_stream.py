"""The user-data stream is a hint: however it breaks, that is noticed and the books are matched."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest
from websockets.asyncio.server import ServerConnection, serve

from testudo import clock
from trading.credentials import ApiKeys
from trading.exchange import user_stream
from trading.exchange.user_events import (
    Alive,
    Ending,
    FundsMoved,
    StreamLost,
    Subscribed,
)
from trading.exchange.user_stream import follow, session

KEYS = ApiKeys("key", "secret")


class Peer:
    """An exchange of one socket: it answers, and then does what it is told."""

    def __init__(self) -> None:
        self.url = ""
        self.subscribed = 0
        self.then = self.stays
        self.with_the_ack: list[dict] = []
        self.over = asyncio.Event()

    async def handle(self, socket: ServerConnection) -> None:
        async for text in socket:
            asked = json.loads(text)
            result: dict = {"serverTime": clock.now_ms()}
            if asked["method"] != "time":
                self.subscribed += 1
                result = {"subscriptionId": 0}
            await socket.send(json.dumps({"id": asked["id"], "status": 200, "result": result}))
            if asked["method"] != "time":
                for event in self.with_the_ack:
                    await socket.send(json.dumps(event))
                await self.then(socket)
                return

    async def stays(self, socket: ServerConnection) -> None:
        await self.over.wait()


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    there = Peer()
    async with serve(there.handle, "127.0.0.1", 0, ping_interval=None, close_timeout=0.1) as server:
        there.url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield there
        there.over.set()


def deposit(n: int) -> dict:
    return {"event": {"e": "balanceUpdate", "a": "USDT", "d": str(n), "T": 1_000 + n}}


async def lost(peer: Peer) -> str:
    """Follow one session to its end; why it ended."""
    async with asyncio.timeout(20):
        with pytest.raises(StreamLost) as why:
            async for _ in session(peer.url, KEYS):
                pass
    return str(why.value)


async def test_f19_a_peer_that_goes_silent_is_noticed_by_an_unanswered_ping(peer, monkeypatch):
    monkeypatch.setattr(user_stream, "PING_EVERY", 0.05)
    monkeypatch.setattr(user_stream, "PONG_WITHIN", 0.2)

    async def half_open(socket: ServerConnection) -> None:
        socket.transport.pause_reading()  # TCP is up, and nobody reads
        await peer.over.wait()

    peer.then = half_open
    assert "Timeout" in await lost(peer)


def at_the_readers_end(monkeypatch) -> asyncio.Event:
    """Set when the reader has nothing more to read."""
    ended, honest = asyncio.Event(), user_stream._read

    async def read(*args) -> None:
        await honest(*args)
        ended.set()

    monkeypatch.setattr(user_stream, "_read", read)
    return ended


async def to_the_end(events) -> list:
    """What is left of a session. Raises: StreamLost, as every session does."""
    async with asyncio.timeout(20):
        return [event async for event in events]


async def test_f19_it_is_noticed_while_the_books_are_matched(peer, monkeypatch):
    """Matching may take long; the reader goes on pinging beside it."""
    monkeypatch.setattr(user_stream, "PING_EVERY", 0.05)
    monkeypatch.setattr(user_stream, "PONG_WITHIN", 0.2)
    noticed = at_the_readers_end(monkeypatch)

    async def half_open(socket: ServerConnection) -> None:
        socket.transport.pause_reading()
        await peer.over.wait()

    peer.then = half_open
    async with aclosing(session(peer.url, KEYS)) as events:
        assert isinstance(await anext(events), Subscribed)
        async with asyncio.timeout(20):
            await noticed.wait()  # as long as the caller is busy with `Subscribed`
        with pytest.raises(StreamLost, match="Timeout"):
            await to_the_end(events)


async def test_twenty_seconds_are_the_longest_silence():
    assert user_stream.PING_EVERY + user_stream.PONG_WITHIN <= 20


async def test_a_quiet_peer_is_known_to_be_alive(peer, monkeypatch):
    monkeypatch.setattr(user_stream, "PING_EVERY", 0.01)

    async def listens(socket: ServerConnection) -> None:
        async for _ in socket:
            pass

    peer.then = listens
    async with aclosing(session(peer.url, KEYS)) as events:
        heard = [await anext(events) for _ in range(3)]
    assert [type(each) for each in heard] == [Subscribed, Alive, Alive]


def answering(subscriptions: list[int], *, before: list[dict] | None = None):
    """A peer that says so of its subscriptions, `before` sent first."""

    async def answers(socket: ServerConnection) -> None:
        async for text in socket:
            asked = json.loads(text)
            assert asked["method"] == "session.subscriptions"
            for event in before or []:
                await socket.send(json.dumps(event))
            result = [{"subscriptionId": number} for number in subscriptions]
            await socket.send(json.dumps({"id": asked["id"], "status": 200, "result": result}))

    return answers


@pytest.fixture
def probing(monkeypatch):
    """A quiet stream is probed instead of pinged."""
    monkeypatch.setattr(user_stream, "PING_EVERY", 0.01)
    monkeypatch.setattr(user_stream, "PROBE_EVERY", 0)


@pytest.mark.parametrize("left", [[], [1, 2]])
async def test_f20_a_subscription_lost_on_a_living_socket_is_noticed(peer, probing, left):
    peer.then = answering(left)
    assert "lost the subscription" in await lost(peer)


async def test_what_comes_before_the_answer_to_a_probe_is_handed_on(peer, probing):
    peer.then = answering([7, 0], before=[deposit(1), {"event": {"e": "listStatus"}}])
    async with aclosing(session(peer.url, KEYS)) as events:
        heard = [await anext(events) for _ in range(5)]
    kinds = [Subscribed, FundsMoved, Alive, FundsMoved, Alive]
    assert [type(each) for each in heard] == kinds


async def test_a_probe_that_is_not_answered_ends_the_session(peer, probing, monkeypatch):
    monkeypatch.setattr(user_stream, "PONG_WITHIN", 0.05)
    assert "Timeout" in await lost(peer)


async def test_an_exchange_too_busy_to_say_is_asked_again(peer, probing):
    async def busy(socket: ServerConnection) -> None:
        async for text in socket:
            error = {"code": -1003, "msg": "Too many requests."}
            said = {"id": json.loads(text)["id"], "status": 429, "error": error}
            await socket.send(json.dumps(said))

    peer.then = busy
    async with aclosing(session(peer.url, KEYS)) as events:
        heard = [await anext(events) for _ in range(3)]
    assert [type(each) for each in heard] == [Subscribed, Alive, Alive]


async def test_a_probe_takes_its_weight_first_and_where_there_is_none_it_is_a_ping(peer, probing):
    peer.then, asked = answering([]), []

    async def may_ask(weight: int) -> bool:
        asked.append(weight)
        return False

    async with aclosing(session(peer.url, KEYS, may_ask=may_ask)) as events:
        heard = [await anext(events) for _ in range(3)]
    assert [type(each) for each in heard] == [Subscribed, Alive, Alive]
    assert set(asked) == {2}


async def test_f20_every_connection_subscribes_anew_and_the_books_are_matched_first(peer):
    async def drops(socket: ServerConnection) -> None:
        await socket.close()

    peer.then = drops
    heard, gaps = [], []

    async def on_event(event) -> None:
        heard.append(type(event))

    async def on_lost(why: str) -> None:
        gaps.append(why)
        if len(gaps) == 3:
            following.cancel()

    following = asyncio.create_task(
        follow(lambda: session(peer.url, KEYS), on_event=on_event, on_lost=on_lost)
    )
    async with asyncio.timeout(20):
        await asyncio.gather(following, return_exceptions=True)
    assert peer.subscribed == 3
    assert heard == [Subscribed, Subscribed, Subscribed]
    assert len(gaps) == 3


async def test_f21_what_comes_right_behind_the_subscription_is_not_lost(peer):
    peer.with_the_ack = [deposit(n) for n in range(1, 6)]
    async with aclosing(session(peer.url, KEYS)) as events:
        assert isinstance(await anext(events), Subscribed)
        heard = [await anext(events) for _ in range(5)]
    assert [each.change for each in heard if isinstance(each, FundsMoved)] == [1, 2, 3, 4, 5]


async def test_f22_more_than_can_be_booked_is_a_gap_and_no_crash(peer, monkeypatch):
    monkeypatch.setattr(user_stream, "MOST_BUFFERED", 100)

    async def bursts(socket: ServerConnection) -> None:
        for n in range(1_000):
            await socket.send(json.dumps(deposit(n)))
        await peer.over.wait()

    peer.then = bursts
    overflown = at_the_readers_end(monkeypatch)
    async with aclosing(session(peer.url, KEYS)) as events:
        assert isinstance(await anext(events), Subscribed)
        async with asyncio.timeout(20):
            await overflown.wait()  # the caller is busy all the while
        with pytest.raises(StreamLost, match="80 events wait"):
            await to_the_end(events)


async def test_f23_a_stream_the_exchange_has_ended_is_lost(peer):
    peer.with_the_ack = [{"event": {"e": "eventStreamTerminated", "E": 1}}]
    assert await lost(peer) == "eventStreamTerminated"


async def test_f23_an_end_the_exchange_announces_is_told_and_the_session_goes_on(peer):
    peer.with_the_ack = [{"event": {"e": "serverShutdown", "E": 1}}, deposit(1)]
    async with aclosing(session(peer.url, KEYS)) as events, asyncio.timeout(20):
        assert isinstance(await anext(events), Subscribed)
        assert isinstance(await anext(events), Ending)
        assert isinstance(await anext(events), FundsMoved)


@pytest.mark.parametrize(
    "frame", ["{", "[]", "null", '"text"', '{"event": {"e": "executionReport"}}', "[" * 5_000]
)
async def test_a_frame_that_makes_no_sense_is_a_gap(peer, frame):
    async def talks(socket: ServerConnection) -> None:
        await socket.send(frame)
        await peer.over.wait()

    peer.then = talks
    assert "unreadable frame" in await lost(peer)


async def test_a_refused_subscription_is_lost_with_its_reason(peer, monkeypatch):
    async def handle(socket: ServerConnection) -> None:
        async for text in socket:
            asked = json.loads(text)
            answer: dict = {"id": asked["id"], "status": 200, "result": {"serverTime": 1}}
            if asked["method"] != "time":
                error = {"code": -2015, "msg": "Invalid API-key."}
                answer = {"id": asked["id"], "status": 401, "error": error}
            await socket.send(json.dumps(answer))

    async with serve(handle, "127.0.0.1", 0) as server:
        peer.url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        assert await lost(peer) == "subscription refused: -2015 Invalid API-key."
