"""Commissions in BNB: every fill is booked, and its fee counted at BNB's price of that moment."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest

from tests.trading.conftest import START
from tests.trading.risky import won
from testudo import clock
from trading.exchange.paper.exchange import PaperExchange
from trading.exchange.paper.store import Store
from trading.exchange.paper.synthetic import SyntheticFeed
from trading.market import prices
from trading.market.candles import Minute, upsert_candles
from trading.models import Balance, Fill, Trade
from trading.virtual_floor import VirtualFloor, virtual_floor

D = Decimal
PENNY = D("0.01")


@pytest.fixture
def floor(db, tmp_path) -> Iterator[VirtualFloor]:
    start_ms = clock.to_ms(START)
    feed = SyntheticFeed(("BTCUSDT", "ETHUSDT", "BNBUSDT"), seed=7, now_ms=start_ms)
    paper = PaperExchange(feed, Store(tmp_path / "paper.sqlite3"), now_ms=start_ms, seed=7)
    with virtual_floor(paper, start=START) as running:
        yield running
    paper.close()


@pytest.fixture
def account(floor, alice):
    found = floor.open_account(alice, name="BNB", balances={"USDT": "10000", "BNB": "2"})
    floor.paper.set_account(max(floor.paper.accounts), pays_bnb=1)
    return found


def round_trip(floor, account, draw) -> list[Fill]:
    trade = won(floor, account, draw())
    assert trade.state == "closed"
    fills = list(Fill.objects.filter(trade=trade).order_by("at"))
    assert {fill.commission_asset for fill in fills} == {"BNB"}
    assert all(fill.commission > 0 for fill in fills)
    return fills


def test_a_fee_in_bnb_counts_at_the_latest_price(floor, account, draw):
    with prices.quoted_by(floor.quote_of):
        fills = round_trip(floor, account, draw)
    for fill in fills:
        rate = fill.commission_quote / fill.quote_quantity
        assert abs(rate - D("0.00075")) < D("0.00001")  # three quarters of 0.1 %
    trade = Trade.objects.get()
    paid = sum(fill.commission_quote for fill in fills)
    gross = sum(
        fill.quote_quantity if fill.order.side == "SELL" else -fill.quote_quantity for fill in fills
    )
    assert abs(trade.profit - (gross - paid)) < PENNY
    assert trade.profit < gross
    cash = Balance.objects.get(account=account, asset="USDT")
    assert cash.booked == D(10000) + gross  # BNB is no part of the cash


def test_without_a_price_now_the_candle_of_the_fill_tells_it(floor, account, draw, monkeypatch):
    monkeypatch.setattr(prices, "latest", lambda venue, symbol: None)
    minute = clock.to_ms(clock.now()) // 60_000 * 60_000
    rows = [Minute(minute + n * 60_000, "500", "500", "500", "500", "1") for n in range(-2, 3)]
    upsert_candles("paper", "BNBUSDT", rows)
    for fill in round_trip(floor, account, draw):
        assert fill.commission_quote == fill.commission * 500


def test_a_candle_of_long_ago_is_no_price_of_the_fill(floor, account, draw, monkeypatch):
    monkeypatch.setattr(prices, "latest", lambda venue, symbol: None)
    minute = clock.to_ms(clock.now() - timedelta(hours=2)) // 60_000 * 60_000
    upsert_candles("paper", "BNBUSDT", [Minute(minute, "5", "5", "5", "5", "1")])
    fills = round_trip(floor, account, draw)
    rate = Trade.objects.get().fee_rate
    assert rate > 0
    assert [fill.commission_quote for fill in fills] == [
        fill.quote_quantity * rate for fill in fills
    ]
