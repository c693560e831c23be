"""The synthetic market: a function of its seed, and its candles are those of its prints."""

import json
from itertools import pairwise

import pytest

from tests.feed.market import NOON, market
from trading.exchange.paper.klines import HOUR, INTERVALS, MINUTE, floor, following, of_prints
from trading.exchange.paper.synthetic import RECENT, SyntheticFeed
from trading.exchange.paper.values import E8, Kline, Level, to_e8

DAY = 24 * HOUR


def live(feed: SyntheticFeed, for_ms: int, start: int = NOON, step: int = 1000) -> list:
    """Every print of a feed driven in steps."""
    return [p for at in range(start + step, start + for_ms + 1, step) for p in feed.advance(at)]


def exact(candle: Kline) -> tuple:
    """What must equal to the last digit; quote volumes are near, see synthetic.py."""
    k = candle
    return k.open_ms, k.open, k.high, k.low, k.close, k.volume, k.trades, k.taker_base


def test_the_same_seed_makes_the_same_market_however_it_is_stepped():
    assert live(market(), 10 * MINUTE, step=250) == live(market(), 10 * MINUTE, step=MINUTE)


def test_another_seed_makes_another_market():
    other = SyntheticFeed(("BTCUSDT",), seed=8, now_ms=NOON)
    assert other.last("BTCUSDT").price != market().last("BTCUSDT").price


@pytest.mark.parametrize("interval", [i for i in INTERVALS if INTERVALS[i] <= 6 * HOUR])
def test_candles_rebuilt_from_prints_equal_the_candles_served(interval):
    feed = market()
    end = floor(interval, NOON)
    count = 3 if INTERVALS[interval] >= HOUR else 20
    served = feed.klines("BTCUSDT", interval, None, end - 1, count)
    assert len(served) == count
    for candle in served:
        prints = feed.history(
            "BTCUSDT", start_ms=candle.open_ms, end_ms=candle.close_ms, limit=1_000_000
        )
        rebuilt = of_prints(prints, candle.open_ms, candle.close_ms)
        if rebuilt is None:
            assert interval == "1s"
            assert candle.volume == candle.trades == 0
            continue
        assert exact(candle) == exact(rebuilt)
        assert candle.low * candle.volume // E8 - 1 <= candle.quote_volume
        assert candle.quote_volume <= candle.high * candle.volume // E8
        spread = (candle.high - candle.low) * candle.volume // E8
        assert abs(candle.quote_volume - rebuilt.quote_volume) <= spread // 2 + 1


def test_every_interval_is_the_sum_of_its_days_hours_and_minutes():
    feed = market()
    for interval, part in (("12h", "1h"), ("1d", "1h"), ("3d", "1d"), ("1w", "1d"), ("1M", "1d")):
        (candle,) = feed.klines("ETHUSDT", interval, None, floor(interval, NOON) - 1, 1)
        parts = feed.klines("ETHUSDT", part, candle.open_ms, candle.close_ms, 1000)
        assert candle.open == parts[0].open
        assert candle.close == parts[-1].close
        assert candle.high == max(p.high for p in parts)
        assert candle.low == min(p.low for p in parts)
        assert candle.volume == sum(p.volume for p in parts)
        assert parts[-1].close_ms == candle.close_ms


def test_the_open_candle_counts_only_what_has_been_printed():
    feed = market(floor("1m", NOON) - 1)
    seen = [p for p in live(feed, 17_000, floor("1m", NOON) - 1) if p.symbol == "BTCUSDT"]
    candle = feed.klines("BTCUSDT", "1m", None, None, 1)[0]
    assert exact(candle) == exact(of_prints(seen, floor("1m", NOON), candle.close_ms))
    assert candle.quote_volume == of_prints(seen, 0, 1).quote_volume


def test_trade_ids_follow_one_another_for_ever_even_through_moves_and_takers():
    feed = market()
    before = feed.last("BTCUSDT")
    feed.move("BTCUSDT", to_e8("70000"), at_ms=NOON, over_ms=3000)
    feed.take("BTCUSDT", "BUY", None, to_e8("5"), NOON)
    ids = [p.id for p in live(feed, 26 * MINUTE) if p.symbol == "BTCUSDT"]
    assert ids == list(range(before.id + 1, before.id + 1 + len(ids)))


def test_prints_come_in_time_order_at_most_a_few_a_second():
    prints = live(market(), 3 * HOUR, step=MINUTE)
    assert all(a.at_ms <= b.at_ms for a, b in pairwise(prints))
    assert all(a.at_ms > NOON for a in prints)
    assert 0.2 < len(prints) / (3 * 3600) < 6
    assert all(p.quantity > 0 and p.price % to_e8("0.01") == 0 for p in prints)


def test_it_looks_like_bitcoin_and_ether():
    feed = market()
    for symbol, low, high in (("BTCUSDT", 55_000, 76_000), ("ETHUSDT", 2_500, 3_900)):
        days = feed.klines(symbol, "1d", None, None, 365)
        assert len(days) == 365
        assert min(d.low for d in days) > low * E8
        assert max(d.high for d in days) < high * E8
    minutes = feed.klines("BTCUSDT", "1m", NOON - 7 * DAY, None, 7 * 1440)
    ranges = sorted((m.high - m.low) / m.open for m in minutes)
    assert 0.0002 < ranges[len(ranges) // 2] < 0.0015
    assert 0.0002 < ranges[len(ranges) * 9 // 10] < 0.003


def test_bitcoin_and_ether_move_together_in_part():
    feed = market()
    btc, eth = (
        [k.close / k.open - 1 for k in feed.klines(s, "1h", None, None, 1000)]
        for s in ("BTCUSDT", "ETHUSDT")
    )
    together = sum(a * b for a, b in zip(btc, eth, strict=True))
    alone = (sum(a * a for a in btc) * sum(b * b for b in eth)) ** 0.5
    assert 0.3 < together / alone < 0.9


def test_a_move_walks_to_its_price_and_stays():
    feed = market()
    start, target = feed.last("BTCUSDT").price, feed.last("BTCUSDT").price * 103 // 100
    target -= target % to_e8("0.01")
    feed.move("BTCUSDT", target, at_ms=NOON, over_ms=2000)
    walk = [p for p in live(feed, 2000, step=50) if p.symbol == "BTCUSDT"]
    assert walk[-1].price == target
    assert walk[-1].at_ms == NOON + 2000
    steps = [b.price - a.price for a, b in pairwise([feed.recent("BTCUSDT", 99)[0], *walk])]
    assert max(steps) < (target - start) / 8  # a walk, not a jump
    after = [p for p in live(feed, 10 * MINUTE, NOON + 2000) if p.symbol == "BTCUSDT"]
    assert all(abs(p.price / target - 1) < 0.01 for p in after)


def test_candles_include_the_walk_of_a_move_and_what_takers_did():
    feed = market(floor("5m", NOON) - 1)
    start = floor("5m", NOON) - 1
    seen = live(feed, 2 * MINUTE, start)
    for number, price in enumerate(("61000", "71000", "66000.01")):
        at = start + 2 * MINUTE + number * 4000
        feed.move("BTCUSDT", to_e8(price), at_ms=at, over_ms=6000)  # the third interrupts
        feed.take("BTCUSDT", "SELL", None, to_e8("1.5"), at)
        seen += live(feed, 4000, at, step=50)
    seen += live(feed, 15 * MINUTE, start + 2 * MINUTE + 12_000, step=50)
    seen = [p for p in seen if p.symbol == "BTCUSDT"]
    assert max(p.price for p in seen) > to_e8("67000")
    for interval in ("1s", "1m", "3m", "5m", "15m"):
        for candle in feed.klines("BTCUSDT", interval, start + 1, NOON + 14 * MINUTE, 700):
            prints = [p for p in seen if candle.open_ms <= p.at_ms <= candle.close_ms]
            if prints:
                assert exact(candle) == exact(of_prints(prints, candle.open_ms, candle.close_ms))
            else:
                assert candle.trades == 0


def test_a_restart_continues_the_moved_market_id_by_id():
    whole = market()
    whole.move("BTCUSDT", to_e8("68000"), at_ms=NOON, over_ms=500)
    whole.take("ETHUSDT", "BUY", None, to_e8("30"), NOON + 100)
    live(whole, 5000)
    state = json.loads(json.dumps(whole.state()))
    restarted = market(NOON + 999_999)
    restarted.restore(state)
    assert restarted.last("BTCUSDT") == whole.last("BTCUSDT")
    assert restarted.recent("ETHUSDT", 300) == whole.recent("ETHUSDT", 300)
    assert live(restarted, 5 * MINUTE, NOON + 5000) == live(whole, 5 * MINUTE, NOON + 5000)
    for interval in ("1m", "1h", "1d"):
        both = [f.klines("BTCUSDT", interval, None, None, 50) for f in (restarted, whole)]
        assert both[0] == both[1]


def test_a_state_of_another_seed_is_refused_with_the_way_out():
    with pytest.raises(ValueError, match="start with that seed"):
        SyntheticFeed(("BTCUSDT",), seed=8, now_ms=NOON).restore(market().state())


def test_an_unknown_symbol_is_refused_naming_the_known_ones():
    with pytest.raises(ValueError, match="BTCUSDT"):
        SyntheticFeed(("PEPEUSDT",), now_ms=NOON)


@pytest.mark.parametrize(
    ("gap", "most"), [(9 * HOUR, 6000), (20 * DAY, 6000), (400 * DAY, 5000)], ids=str
)
def test_a_long_gap_is_told_in_outline_and_still_meets_every_extreme(gap, most):
    feed = market(floor("1d", NOON) - 1)
    feed.move("BTCUSDT", to_e8("66000"), at_ms=0, over_ms=2 * 3600_000)
    prints = [p for p in feed.advance(floor("1d", NOON) + gap) if p.symbol == "BTCUSDT"]
    assert len(prints) < most + 2 * 120 * 60
    assert all(a.id < b.id and a.at_ms <= b.at_ms for a, b in pairwise(prints))
    candles = feed.klines("BTCUSDT", "1h", floor("1d", NOON), floor("1d", NOON) + gap - 1, 9999)
    assert max(p.price for p in prints) == max(k.high for k in candles)
    assert min(p.price for p in prints) == min(k.low for k in candles)
    assert prints[-1].at_ms >= floor("1d", NOON) + gap - 60_000


def test_seeding_outlines_a_month_in_seconds_and_keeps_its_extremes():
    feed = market(floor("1d", NOON), prints_per_minute=4)
    prints = live(feed, 1 * DAY, floor("1d", NOON), step=20_000)
    btc = [p for p in prints if p.symbol == "BTCUSDT"]
    assert len(btc) == pytest.approx(4 * 1440, abs=8)
    (day,) = feed.klines("BTCUSDT", "1d", floor("1d", NOON), None, 1)
    assert max(p.price for p in btc) == day.high
    assert min(p.price for p in btc) == day.low
    assert sum(p.quantity for p in btc) == pytest.approx(day.volume, rel=0.01)


def test_the_book_stands_around_the_last_print_and_deepens():
    feed = market()
    for _ in live(feed, 60_000, step=500):
        book = feed.book("BTCUSDT", 50)
        assert book.bids[0].price < book.asks[0].price
        assert book.asks[0].price - book.bids[0].price <= to_e8("0.03")
        assert feed.last("BTCUSDT").price in (book.bids[0].price, book.asks[0].price)
        assert len(book.bids) == len(book.asks) == 50
        assert all(a.price > b.price for a, b in pairwise(book.bids))
        assert all(a.price < b.price for a, b in pairwise(book.asks))
    near, far = (sum(x.quantity for x in book.asks[i : i + 10]) for i in (0, 40))
    assert far > near


def test_the_books_number_grows_with_every_change():
    feed = market()
    numbers = [feed.book("BTCUSDT").update_id]
    for at in range(NOON + 50, NOON + 3000, 50):
        feed.advance(at)
        numbers.append(feed.book("BTCUSDT").update_id)
        if feed.take("BTCUSDT", "BUY", None, to_e8("0.01"), at):
            numbers.append(feed.book("BTCUSDT").update_id)
    assert all(a < b for a, b in pairwise(numbers))


def test_a_taker_eats_the_book_best_first_up_to_its_limit_and_it_comes_back():
    feed = market()
    before = feed.book("BTCUSDT", 20)
    wanted = sum(level.quantity for level in before.asks[:3]) + 1000
    fills = feed.take("BTCUSDT", "BUY", before.asks[3].price, wanted, NOON)
    assert [Level(f.price, f.quantity) for f in fills[:3]] == list(before.asks[:3])
    assert fills[3].price == before.asks[3].price
    assert sum(fill.quantity for fill in fills) == wanted
    assert feed.book("BTCUSDT").asks[0].price == before.asks[3].price
    assert feed.book("BTCUSDT").bids == before.bids
    assert feed.take("BTCUSDT", "BUY", before.asks[0].price, wanted, NOON) == []
    prints = [p for p in feed.advance(NOON + 50) if p.symbol == "BTCUSDT"][: len(fills)]
    assert [(p.price, p.quantity) for p in prints] == [(f.price, f.quantity) for f in fills]
    assert not any(p.buyer_is_maker for p in prints)
    feed.advance(NOON + 10_000)
    asks = feed.book("BTCUSDT", 20).asks
    assert asks[0].price - feed.book("BTCUSDT").bids[0].price <= to_e8("0.03")


def test_a_seller_without_limit_empties_what_there_is_and_no_more():
    feed = market()
    depth = sum(level.quantity for level in feed.book("BTCUSDT", 1000).bids)
    fills = feed.take("BTCUSDT", "SELL", None, depth * 2, NOON)
    assert sum(fill.quantity for fill in fills) == depth


def test_recent_prints_reach_back_before_the_start():
    feed = market()
    recent = feed.recent("ETHUSDT", RECENT)
    assert len(recent) == RECENT
    assert [p.id for p in recent] == list(range(recent[0].id, recent[0].id + RECENT))
    assert recent[-1] == feed.last("ETHUSDT")


def test_history_is_found_by_id_by_time_or_backwards_and_agrees():
    feed = market()
    feed.take("BTCUSDT", "BUY", None, to_e8("3"), NOON)
    live(feed, 3 * MINUTE)
    newest = feed.history("BTCUSDT", limit=400)
    assert newest == feed.recent("BTCUSDT", 400)
    assert feed.history("BTCUSDT", from_id=newest[7].id, limit=300) == newest[7:307]
    at = newest[100].at_ms
    assert feed.history("BTCUSDT", start_ms=at, limit=5) == [p for p in newest if p.at_ms >= at][:5]
    (old,) = feed.history("BTCUSDT", from_id=newest[0].id - 5_000_000, limit=1)
    assert old.id == newest[0].id - 5_000_000
    assert feed.history("BTCUSDT", from_id=newest[-1].id + 1, limit=5) == []


def test_candles_are_paged_from_start_or_from_the_newest():
    feed = market()
    newest = feed.klines("BTCUSDT", "15m", None, None, 5)
    assert [k.open_ms for k in newest] == [floor("15m", NOON) - i * 15 * MINUTE for i in range(5)][
        ::-1
    ]
    assert feed.klines("BTCUSDT", "15m", newest[0].open_ms, None, 3) == newest[:3]
    assert feed.klines("BTCUSDT", "15m", newest[0].open_ms + 1, None, 3) == newest[1:4]
    assert feed.klines("BTCUSDT", "15m", None, newest[2].close_ms, 2) == newest[1:3]
    assert feed.klines("BTCUSDT", "15m", NOON + HOUR, None, 5) == []
    assert feed.klines("BTCUSDT", "1M", 0, None, 2)[0].open_ms == floor("1M", 1_502_928_000_000)


def test_months_and_weeks_begin_where_the_calendar_says():
    assert following("1M", floor("1M", NOON)) - floor("1M", NOON) == 30 * DAY
    assert floor("1w", NOON) == floor("1d", NOON)  # 23 November 2026 is a Monday
