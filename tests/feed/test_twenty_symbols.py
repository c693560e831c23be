"""Many synthetic symbols at once: each a market of its own, crosses near their two sides."""

import pytest

from tests.feed.market import NOON
from trading.exchange.paper.klines import HOUR, MINUTE
from trading.exchange.paper.symbols import SYMBOLS, listing
from trading.exchange.paper.synthetic import SyntheticFeed
from trading.exchange.paper.synthetic_markets import MARKETS
from trading.exchange.paper.values import E8

DAY = 24 * HOUR


def test_twenty_symbols_are_each_a_market_near_what_they_are_worth():
    feed = SyntheticFeed(tuple(MARKETS), seed=7, now_ms=NOON)
    assert len(feed.symbols) >= 20
    feed.advance(NOON + MINUTE)
    for symbol, traits in MARKETS.items():
        listed = listing(symbol, *feed.grid(symbol))
        assert listed == SYMBOLS[symbol], "each is listed as Binance lists it"
        days = feed.klines(symbol, "1d", None, None, 90)
        assert all(0.5 < day.close / traits.price < 2 for day in days)
        hours = feed.klines(symbol, "1h", None, NOON - NOON % HOUR - 1, 500)
        widths = sorted((hour.high - hour.low) / hour.open for hour in hours)
        assert 0.0002 < widths[250] < 0.03
        assert widths[475] > 2 * widths[250], "quiet hours and wild ones"
        assert len({hour.volume for hour in hours}) > 450
        book = feed.book(symbol, 50)
        assert book.bids[0].price < book.asks[0].price <= book.bids[0].price + 3 * traits.tick
        assert len(book.bids) == len(book.asks) == 50
        assert feed.last(symbol).price % traits.tick == 0


@pytest.mark.parametrize("cross", [m for m in MARKETS.values() if m.over], ids=lambda m: m.symbol)
def test_a_cross_stays_near_what_its_two_sides_are_worth(cross):
    feed = SyntheticFeed((cross.symbol, *cross.over), seed=7, now_ms=NOON)
    for ago in range(0, 30 * DAY, 7 * HOUR):
        at = NOON - ago
        price, first, *second = (
            feed.klines(s, "1m", None, at, 1)[0].close for s in (cross.symbol, *cross.over)
        )
        fair = first / (second[0] / E8 if second else 1)
        assert abs(price / fair - 1) < (0.06 if second else 0.001)
        day = NOON - ago - (NOON - ago) % DAY
        price, first, *second = (
            feed.klines(s, "1d", day, None, 1)[0].open for s in (cross.symbol, *cross.over)
        )
        fair = first / (second[0] / E8 if second else 1)
        assert abs(price - fair) <= 2 * cross.tick + 0.001 * fair
