"""F38: a Redis that accepts and never answers holds up nobody: not web, worker or page (R23)."""

import asyncio
import contextlib
import socket
import threading
import time
from uuid import uuid4

import orjson
import pytest
import redis
from channels.testing import WebsocketCommunicator
from django.core.cache import caches
from django.test import override_settings
from rest_framework.test import APIClient

from testudo import redis_clients
from testudo.events import wake
from testudo.events.bus import Delivery
from testudo.web.close_codes import TRY_AGAIN_LATER
from trading import risk_hint, risk_stream, subscribers
from trading.book_cache import cached_facts
from trading.consumers import AccountConsumer
from trading.events import OrderSent
from trading.market import hub as hub_module
from trading.market import prices
from trading.market.hub import Hub

LONG = 30.0  # seconds nothing here may come near: a retry policy of redis-py's would


class Silent:
    """Takes every connection, reads what is said, and answers nothing."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.connected = 0
        self._open: list[socket.socket] = []
        self._came = threading.Condition()
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self._listener.getsockname()[1]}/0"

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed: the test is over
            while True:
                taken, _ = self._listener.accept()
                with self._came:
                    self._open.append(taken)
                    self.connected += 1
                    self._came.notify_all()

    def has_taken(self, count: int) -> bool:
        with self._came:
            return self._came.wait_for(lambda: self.connected >= count, LONG)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)
        for each in self._open:
            each.close()


@pytest.fixture
def silent(settings, monkeypatch):
    server = Silent()
    # Long enough that a slow machine does not leave it within one test.
    monkeypatch.setattr(redis_clients, "AWAY", 600.0)
    cache = {**settings.CACHES["default"], "LOCATION": server.url}
    sessions = {**settings.CACHES["sessions"], "LOCATION": server.url}
    hosts = [{"address": server.url, "socket_timeout": None, "socket_connect_timeout": 0.5}]
    layer = {**settings.CHANNEL_LAYERS["default"], "CONFIG": {"hosts": hosts}}
    with override_settings(
        REDIS_URL=server.url,
        CACHES={"default": cache, "sessions": sessions},
        CHANNEL_LAYERS={"default": layer},
    ):
        prices.client.cache_clear()
        yield server
    prices.client.cache_clear()
    server.close()


@contextlib.contextmanager
def not_for_long(at_most: float = LONG):
    began = time.monotonic()
    yield
    assert time.monotonic() - began < at_most


def test_f38_ten_prices_cost_one_wait_and_are_no_prices(silent):
    with not_for_long():
        found = [prices.latest("paper", f"S{n}USDT") for n in range(10)]
    assert found == [None] * 10
    assert silent.connected == 1, "after no answer it is left alone for a while"


def test_f38_an_answer_that_is_waited_for_later_costs_one_wait_too(silent):
    client = redis_clients.commands()
    with not_for_long():
        with pytest.raises(redis.RedisError):
            client.ask("MGET", "price").answer()
        with pytest.raises(redis.ConnectionError, match="left alone"):
            client.ask("MGET", "price")
    assert silent.connected == 1


def test_f38_redis_is_asked_again_once_it_was_left_alone(silent, monkeypatch):
    monkeypatch.setattr(redis_clients, "AWAY", 0.0)
    for _ in range(2):
        assert prices.latest("paper", "BTCUSDT") is None
    assert silent.has_taken(2)


def test_f38_the_book_is_read_from_postgresql(silent, floor, account):
    with not_for_long():
        assert cached_facts(account).stamp
    assert silent.connected == 1


def test_f38_a_request_of_a_signed_in_trader_is_answered(silent, floor, account, alice):
    caches["sessions"].get("warm")  # the first look finds that nobody answers
    client = APIClient()
    client.force_login(alice, "accounts.sign_in.PasswordBackend")
    with not_for_long():
        answer = client.get(f"/api/v1/accounts/{account.pk}/risk")
        assert client.get("/api/v1/accounts").status_code == 200
        halted = client.post(f"/api/v1/accounts/{account.pk}/halt", {"reason": "x"}, format="json")
    assert (answer.status_code, answer.json()["account"]) == (200, str(account.pk))
    assert (halted.status_code, halted.json()["state"]) == (200, "halted")


def test_f38_a_relay_goes_on_without_telling_the_pages(silent, db):
    """The guard delivers every event that way: it may not stand still with Redis."""
    account = uuid4()
    sent = OrderSent(
        account_id=account, trade_id=uuid4(), symbol="BTCUSDT", client_order_id="x", text="Sent."
    )
    with not_for_long():
        for seq in range(20):
            subscribers._tell(Delivery(str(account), seq), sent)
    assert silent.connected == 1, "twenty events wait once"


def test_f38_whoever_wakes_a_worker_does_not_wait_for_the_broker(silent, monkeypatch):
    """A thread of its own speaks to the broker; what it cannot say the guard finds."""
    from celery import current_app

    said, stuck = threading.Event(), threading.Event()

    def blocked(*args, **options):
        said.set()
        stuck.wait(LONG)

    monkeypatch.setattr(current_app, "send_task", blocked)
    waker = wake.Waker("some.task")
    with not_for_long():
        for n in range(wake.MOST_PENDING + 10):
            waker.wake(str(n))
    assert said.wait(LONG)
    assert len(waker._pending) <= wake.MOST_PENDING
    stuck.set()


def test_f38_the_monitor_is_told_by_a_thread_that_gives_up(silent):
    with not_for_long():
        risk_hint._teller._send("someone")
    assert silent.connected == 1


@pytest.mark.django_db(transaction=True)
async def test_f38_a_page_is_told_to_come_again_rather_than_left_waiting(silent, monkeypatch):
    monkeypatch.setattr(redis_clients, "UNHURRIED", 0.2)
    page = WebsocketCommunicator(AccountConsumer.as_asgi(), "/ws/account/?account=x")
    await page.send_input({"type": "websocket.connect"})
    assert await page.receive_output(LONG) == {"type": "websocket.close", "code": TRY_AGAIN_LATER}
    await page.wait(LONG)


async def test_f38_the_hub_starts_over_until_redis_answers(silent, monkeypatch):
    monkeypatch.setattr(redis_clients, "UNHURRIED", 0.2)
    running = Hub()

    class Page:
        async def send(self, text_data: str) -> None:
            frames.append(orjson.loads(text_data))

        async def close(self, code: int) -> None:
            raise AssertionError("no page is closed because Redis is silent")

    frames: list[dict] = []
    seat = running.join(Page(), "paper")
    running.want(seat, ["BTCUSDT"])
    try:
        assert await asyncio.to_thread(silent.has_taken, 3), "it connects anew, and anew"
    finally:
        running.leave(seat)
    assert hub_module.redis_clients is redis_clients


async def test_f38_the_risk_stream_gives_a_silent_subscription_up(silent, monkeypatch):
    monkeypatch.setattr(redis_clients, "UNHURRIED", 0.2)

    async def in_thread(work, *args):
        return work(*args)

    stream = risk_stream.RiskStream(list, in_thread)
    async with asyncio.timeout(LONG):
        with pytest.raises((TimeoutError, redis.RedisError)):
            await stream._hear()


async def test_f38_a_subscription_that_answers_no_ping_is_given_up(silent, settings, monkeypatch):
    """Redis stood still after the subscription was made: nothing is read, and nothing fails."""
    loop = asyncio.get_running_loop()

    class Connection:
        next_health_check = loop.time() - 1.0

    class PubSub:
        connection = Connection()

    redis_clients.still_there(PubSub())  # a ping is under way
    Connection.next_health_check = loop.time() - redis_clients.PING_ANSWERED_WITHIN - 0.1
    with pytest.raises(TimeoutError, match="answered no ping"):
        redis_clients.still_there(PubSub())


def test_f38_no_command_of_this_house_is_without_a_time_out_or_tried_twice(settings):
    made = redis_clients.commands(), redis_clients.async_commands()
    for client in made:
        options = client.connection_pool.connection_kwargs
        assert options["socket_timeout"] == options["socket_connect_timeout"] == 0.5
        assert options["retry"].get_retries() == 0
    for name in ("default", "sessions"):
        options = settings.CACHES[name]["OPTIONS"]
        assert options["socket_timeout"] == options["socket_connect_timeout"] == 0.5
        assert options["retry"].get_retries() == 0
    assert settings.CHANNEL_LAYERS["default"]["BACKEND"].endswith("ImpatientChannelLayer")
