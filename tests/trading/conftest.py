"""The order path on virtual time: real services, real adapter, real paper exchange, no sockets."""

import base64
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from risk.symbols import floor_to_tick
from tests.trading.unanswered import Died
from testudo import clock, failpoints
from trading.exchange import venue_clock
from trading.exchange.paper.exchange import PaperExchange
from trading.exchange.paper.store import Store
from trading.exchange.paper.synthetic import SyntheticFeed
from trading.plans import Drawing
from trading.virtual_floor import VirtualFloor, virtual_floor

START = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _master_key(settings):
    settings.MASTER_KEYS = "1:" + base64.b64encode(bytes(range(32))).decode()


@pytest.fixture(autouse=True)
def _fresh_clocks(monkeypatch):
    """What an earlier test measured of a venue's clock is no word on this one's."""
    monkeypatch.setattr(venue_clock, "_clocks", {})


@pytest.fixture
def floor(db, tmp_path) -> Iterator[VirtualFloor]:
    start_ms = clock.to_ms(START)
    feed = SyntheticFeed(seed=7, now_ms=start_ms)
    paper = PaperExchange(feed, Store(tmp_path / "paper.sqlite3"), now_ms=start_ms, seed=7)
    with virtual_floor(paper, start=START) as running:
        yield running
    paper.close()


@pytest.fixture
def alice(db, django_user_model):
    return django_user_model.objects.create_user("alice", "alice@example.com", "a long password")


@pytest.fixture
def account(floor, alice):
    return floor.open_account(alice, name="Practice", balances={"USDT": "10000"})


@pytest.fixture
def draw(floor):
    """A long at the ask with its stop and target at fractions of it."""

    def drawing(symbol="BTCUSDT", *, stop="0.012", target="0.04", **changes) -> Drawing:
        quote = floor.quote_of("paper", symbol)
        tick = Decimal("0.01")
        facts = {
            "symbol": symbol,
            "side": "long",
            "entry": quote.ask,
            "stop": floor_to_tick(quote.ask * (1 - Decimal(stop)), tick),
            "target": floor_to_tick(quote.ask * (1 + Decimal(target)), tick),
            "quoted_price": quote.ask,
            "quoted_at": clock.now(),
        }
        return Drawing(**{**facts, **changes})

    return drawing


@pytest.fixture
def dies_at(monkeypatch):
    """Let the worker die at a named place, once."""

    def arm(place: str) -> None:
        left = [place]

        def reach(name: str) -> None:
            if name in left:
                left.remove(name)
                raise Died(name)

        monkeypatch.setattr(failpoints, "reach", reach)

    return arm
