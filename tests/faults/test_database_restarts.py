"""R25: PostgreSQL restarts under the platform: no new risk without it, and no order twice."""

from datetime import timedelta
from types import SimpleNamespace

import psycopg2
import pytest
from channels.testing import WebsocketCommunicator
from django.db import InterfaceError, OperationalError, close_old_connections, connection
from rest_framework.test import APIClient

from testudo import failpoints
from testudo.web.close_codes import TRY_AGAIN_LATER
from trading import account_stream, orders
from trading.consumers import AccountConsumer
from trading.exchange.factory import exchange_for
from trading.models import Fill, Order, Trade
from trading.order_states import State, TradeState

GONE = (OperationalError, InterfaceError)
pytestmark = pytest.mark.django_db(transaction=True)


def restart() -> None:
    """What every session of this database sees of a restart: it is ended, whatever it was doing."""
    options = connection.settings_dict
    server = psycopg2.connect(
        host=options["HOST"], port=options["PORT"], user=options["USER"],
        password=options["PASSWORD"], dbname=options["NAME"],
    )  # fmt: skip
    with server, server.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        assert cursor.fetchone()[0] >= 1, "nobody was connected: this would prove nothing"
    server.close()


def restart_of_the_pooled() -> None:
    """The same, where the only session of ours lies idle in the pool."""
    assert connection.connection is None
    restart()


def turns(floor, account, seconds: int) -> None:
    """As the guard goes on: fresh connections, a turn in each second."""
    for _ in range(seconds):
        close_old_connections()
        floor.advance(timedelta(seconds=1))
        floor.turn(account)


def as_held(floor, account) -> None:
    """One trade was bought once, is covered by its stop, and the books equal the exchange's."""
    (trade,) = Trade.objects.all()
    assert trade.state == TradeState.OPEN
    assert trade.protected_at is not None
    assert trade.orders.get(leg="stop").state == State.OPEN
    ours = {fill.exchange_trade_id for fill in Fill.objects.all()}
    theirs = exchange_for(account).trades(trade.symbol, since=trade.placed_at)
    assert ours == {each.trade_id for each in theirs}
    assert sum(fill.quantity for fill in Fill.objects.all()) <= trade.quantity


@pytest.mark.parametrize(
    "place", ["before_claim", "after_claim_before_send", "after_send_before_record"]
)
def test_a_restart_in_the_middle_of_sending_buys_once_and_is_protected(
    floor, account, draw, monkeypatch, place
):
    orders.place_trade(account, draw(), quote_of=floor.quote_of)
    restarted = []

    def reach(name: str) -> None:
        if name == place and not restarted:
            restarted.append(name)
            restart()

    monkeypatch.setattr(failpoints, "reach", reach)
    with pytest.raises(GONE):
        floor.turn(account)
    assert restarted == [place]
    turns(floor, account, 25)  # a lease, a look, and what then is due
    as_held(floor, account)
    assert floor.paper.store.count("orders") == 3  # one bracket


def test_a_restart_while_a_position_is_held_leaves_its_stop_and_the_books_in_step(
    floor, account, draw
):
    orders.place_trade(account, draw(), quote_of=floor.quote_of)
    floor.turn(account)
    restart()
    with pytest.raises(GONE):
        floor.turn(account)
    turns(floor, account, 2)
    as_held(floor, account)
    account_stream.match_books(account)  # what the process that starts again does first (R14)
    as_held(floor, account)


def test_a_restart_between_two_requests_is_not_seen_by_the_trader(floor, account, alice):
    client = APIClient()
    client.force_login(alice, "accounts.sign_in.PasswordBackend")
    assert client.get("/api/v1/accounts").status_code == 200
    connection.close()  # back to the pool, as after each request
    restart_of_the_pooled()
    assert client.get("/api/v1/accounts").status_code == 200


def test_a_placement_whose_database_goes_away_places_nothing_and_says_so(
    floor, account, draw, monkeypatch
):
    """Without the database no new risk: it fails closed, and the next try is a new one."""
    from trading import decisions

    honest = decisions.record

    def record(*args, **options):
        restart()
        return honest(*args, **options)

    monkeypatch.setattr(decisions, "record", record)
    with pytest.raises(GONE):
        orders.place_trade(account, draw(), quote_of=floor.quote_of)
    monkeypatch.undo()
    close_old_connections()
    assert not Trade.objects.exists()
    assert not Order.objects.exists()
    orders.place_trade(account, draw(), quote_of=floor.quote_of)
    turns(floor, account, 1)
    as_held(floor, account)


def test_a_request_that_finds_no_database_is_told_to_come_again(floor, account, alice, monkeypatch):
    from trading.api import accounts

    def gone(*args, **options):
        restart()
        return list(Trade.objects.all())

    client = APIClient()
    client.force_login(alice, "accounts.sign_in.PasswordBackend")
    monkeypatch.setattr(accounts, "risk_facts", gone)
    answer = client.get(f"/api/v1/accounts/{account.pk}/risk")
    assert (answer.status_code, answer.json()["code"]) == (503, "busy")
    assert answer.headers["Retry-After"] == "2"
    monkeypatch.undo()
    connection.close()
    assert client.get("/api/v1/accounts").status_code == 200


@pytest.mark.parametrize("gone", [OperationalError, InterfaceError])
async def test_f39_a_page_that_connects_while_the_database_is_away_is_told_to_come_again(
    gone, monkeypatch, settings
):
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}

    async def away(self, user):
        raise gone("the connection was closed")

    monkeypatch.setattr(AccountConsumer, "_own_account", away)
    page = WebsocketCommunicator(AccountConsumer.as_asgi(), "/ws/account/?account=x")
    page.scope["user"] = SimpleNamespace(is_authenticated=True)
    await page.send_input({"type": "websocket.connect"})
    assert await page.receive_output(10) == {"type": "websocket.close", "code": TRY_AGAIN_LATER}
    await page.wait(10)
