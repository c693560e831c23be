"""Replayed tapes: what the archive holds is what the market tells, at any speed."""

import csv
import gzip
import logging
import tracemalloc
import zipfile
from fractions import Fraction
from pathlib import Path

import pytest

from tests.paper.scripted import Bench, Trader
from trading.exchange.paper.exchange import PaperExchange
from trading.exchange.paper.feed import open_feed
from trading.exchange.paper.klines import INTERVALS, floor, following
from trading.exchange.paper.replay import ReplayFeed, compare
from trading.exchange.paper.store import Store
from trading.exchange.paper.tape_files import BadTape
from trading.exchange.paper.values import E8, to_e8

DATA = Path(__file__).resolve().parent.parent / "data"
XRPETH = DATA / "XRPETH-aggTrades-2019-10-11_13.csv.gz"
ADABTC = DATA / "ADABTC-1m-2021-11-27.csv"
BEGAN, ENDED = 1_570_752_011_620, 1_570_965_568_844
NOW = 1_795_000_000_000


def by_hand(interval: str) -> dict[int, list]:
    """XRPETH's candles counted from the file in the plainest way there is."""
    candles: dict[int, list] = {}
    with gzip.open(XRPETH, "rt") as text:
        for _, price, quantity, first, last, at, maker, _ in csv.reader(text):
            p, q = to_e8(price), to_e8(quantity)
            row = candles.setdefault(floor(interval, int(at)), [p, p, p, p, 0, 0, 0, 0])
            row[1], row[2], row[3] = max(row[1], p), min(row[2], p), p
            row[4], row[5] = row[4] + q, row[5] + p * q
            row[6] += int(last) - int(first) + 1
            row[7] += q if maker == "False" else 0
    return candles


@pytest.mark.parametrize("interval", [name for name in INTERVALS if name != "1s"])
def test_candles_of_a_replayed_tape_equal_those_counted_from_the_file(interval):
    feed = ReplayFeed([XRPETH], now_ms=BEGAN)
    feed.advance(ENDED)
    expected, at = by_hand(interval), floor(interval, BEGAN)
    compared, close = 0, 0
    while at <= ENDED:
        (served,) = feed.klines("XRPETH", interval, at, at, 1)
        if at in expected:
            opening, high, low, close, volume, quote, trades, bought = expected[at]
            assert (served.open, served.high, served.low, served.close) == (
                opening,
                high,
                low,
                close,
            )
            assert (served.volume, served.trades, served.taker_base) == (volume, trades, bought)
            assert served.quote_volume == quote // E8
            compared += 1
        else:  # nobody traded: a flat candle at the last price, as Binance serves it
            assert (served.open, served.high, served.low, served.close) == (close,) * 4
            assert served.volume == served.trades == 0
        at = following(interval, at)
    assert compared == len(expected)


def test_replayed_candles_equal_the_archives_in_every_column():
    found = compare([ADABTC], ADABTC, "1m")
    assert found == {"compared": 10, "different": 0, "first_difference": None}


def test_the_comparison_says_which_candle_differs_and_how(tmp_path):
    other = tmp_path / ADABTC.name
    other.write_text(ADABTC.read_text().replace("0.00002851,0.00002854", "0.00002850,0.00002854"))
    found = compare([ADABTC], other, "1m")
    assert found["different"] == 1
    assert found["first_difference"]["archive_and_rebuilt"] == {"low": [2850, 2851]}


def test_every_trade_of_an_aggregate_is_told_with_the_archives_own_id():
    prints = ReplayFeed([XRPETH], now_ms=BEGAN).advance(ENDED)
    assert [p.id for p in prints] == list(range(15_373_518, 15_388_190))
    assert all(p.quantity % E8 == 0 for p in prints)  # whole XRP
    assert prints[0].at_ms == BEGAN
    assert prints[-1].at_ms == ENDED


@pytest.mark.parametrize("speed", [Fraction(1, 2), 1, 60, 1000])
def test_the_tape_starts_now_and_the_speed_divides_its_gaps(speed):
    feed = ReplayFeed([XRPETH], now_ms=NOW, speed=speed)
    prints = feed.advance(NOW + int((ENDED - BEGAN) / speed))
    plain = ReplayFeed([XRPETH], now_ms=BEGAN).advance(ENDED)
    assert len(prints) == len(plain)
    assert [p.at_ms for p in prints] == [NOW + int((p.at_ms - BEGAN) / speed) for p in plain]
    assert [(p.id, p.price, p.quantity) for p in prints] == [
        (p.id, p.price, p.quantity) for p in plain
    ]


def test_at_the_tapes_end_the_market_stands_still_and_says_so(caplog):
    feed = ReplayFeed([ADABTC], now_ms=NOW, speed=60)
    assert feed.ended_ms is None
    with caplog.at_level(logging.WARNING):
        feed.advance(NOW + 60_000)
        feed.advance(NOW + 120_000)
    assert [r.getMessage() for r in caplog.records] == [
        "The replay market has ended: prices stand still from now on."
    ]
    book = feed.book("ADABTC")
    feed.advance(NOW + 3_600_000)
    assert (feed.book("ADABTC").bids, feed.book("ADABTC").asks) == (book.bids, book.asks)
    assert feed.ended_ms == NOW + 599_999 // 60
    (candle,) = feed.klines("ADABTC", "1m", None, None, 1)
    assert candle.volume == 0
    assert candle.close == feed.last("ADABTC").price


def test_zip_and_plain_files_with_titles_and_microseconds_read_the_same(tmp_path):
    plain, packed = tmp_path / "ADABTC-1m-a.csv", tmp_path / "ADABTC-1m-b.zip"
    micros = "\n".join(
        ",".join([f[0] + "000", *f[1:6], f[6] + "999", *f[7:]])
        for f in csv.reader(ADABTC.read_text().splitlines())
    )
    plain.write_text("open_time,open,high,low,close,volume,close_time,q,n,tb,tq,i\n" + micros)
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("ADABTC-1m-b.csv", ADABTC.read_text())
    told = [ReplayFeed([p], now_ms=NOW).advance(NOW + 600_000) for p in (ADABTC, plain, packed)]
    assert told[0] == told[1] == told[2]


def test_a_trades_file_and_a_pattern_of_days(tmp_path):
    for day in (2, 1):
        rows = [
            f"{day * 100 + i},64000.0{i},0.5,32000,{NOW + day * 86_400_000 + i},{i % 2 > 0},True"
            for i in range(3)
        ]
        (tmp_path / f"BTCUSDT-trades-2025-01-0{day}.csv").write_text("\n".join(rows))
    feed = open_feed(f"replay:{tmp_path}/BTCUSDT-trades-*.csv", speed="1000", now_ms=NOW)
    prints = feed.advance(NOW + 90_000)
    assert [p.price for p in prints] == [to_e8(f"64000.0{i}") for i in (0, 1, 2, 0, 1, 2)]
    assert [p.buyer_is_maker for p in prints[:3]] == [False, True, False]


GOOD = "7,1.5,2,3,1700000000000,True,True"


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        (["nonsense", "more"], "row 2: 1 columns that are neither"),
        ([GOOD, "8,x,2,3,1700000000001,True,True"], "row 2: 'x' is no amount"),
        ([GOOD, "8,1e5,2,3,1700000000001,True,True"], "row 2: '1e5' is no amount"),
        ([GOOD, "8,1.123456789,2,3,1700000000001,True,True"], "row 2: '1.123456789' is no"),
        ([GOOD, "8,0,2,3,1700000000001,True,True"], "row 2: price and quantity must be above"),
        ([GOOD, "8,1.5,2,3,1600000000000,True,True"], "row 2: its time lies before"),
        ([GOOD, "7,1.5,2,3,1700000000001,True,True"], "row 2: trade 7 comes after trade 7"),
        ([GOOD, "8,1.5,2,3,1700000000001,True"], "row 2: 6 columns instead of 7"),
        ([GOOD, "8,1.5,2,3,17000x,True,True"], "row 2: '17000x' is no time"),
        ([GOOD, "8,1.5,2,3,1700000000001,maybe,True"], "row 2: 'maybe'"),
        ([], "is empty"),
    ],
)
def test_a_bad_file_is_refused_in_one_sentence_with_the_row(tmp_path, rows, sentence):
    file = tmp_path / "BTCUSDT-trades-x.csv"
    file.write_text("\n".join(rows))
    with pytest.raises(BadTape, match=sentence):
        ReplayFeed([file], now_ms=NOW)


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("BTCUSDT-x.zip", b"no zip", "is no zip file"),
        ("BTCUSDT-x.csv.gz", b"no gzip", "row 1: cannot be read"),
        ("BTCUSDT-x.csv.gz", gzip.compress(b"7," * 5000, mtime=0)[:-9], "cannot be read"),
        ("BTCUSDT-x.csv", b"\xff\xfe", "row 1: cannot be read"),
        ("btc.csv", b"1", "must begin with the symbol"),
    ],
)
def test_what_is_no_archive_is_refused(tmp_path, name, content, sentence):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BadTape, match=sentence):
        open_feed(f"replay:{tmp_path / name}", now_ms=NOW)


def test_feeds_that_cannot_be_are_refused():
    for spec, sentence in (
        ("replay:/nowhere.csv", "no file /nowhere.csv"),
        ("replay:/nowhere*.csv", "No file matches"),
        ("replay:", "There is no feed"),
        ("tape", "There is no feed"),
    ):
        with pytest.raises(ValueError, match=sentence):
            open_feed(spec, now_ms=NOW)
    with pytest.raises(ValueError, match="No file is named after BTCUSDT"):
        open_feed(f"replay:{XRPETH}", symbols=["BTCUSDT"], now_ms=NOW)
    with pytest.raises(ValueError, match="speed"):
        open_feed(f"replay:{XRPETH}", speed="0", now_ms=NOW)


def test_our_takers_and_moves_survive_a_restart_with_every_id():
    def drive(feed: ReplayFeed, begin: int, end: int) -> list:
        return [p for at in range(begin, end, 1000) for p in feed.advance(at)]

    feed = ReplayFeed([XRPETH], now_ms=NOW, speed=60)
    told = drive(feed, NOW, NOW + 60_000)
    fills = feed.take("XRPETH", "BUY", None, 500 * E8, NOW + 59_000)
    assert sum(f.quantity for f in fills) == 500 * E8
    feed.move("XRPETH", 150_000, at_ms=NOW + 60_000, over_ms=5000)
    told += drive(feed, NOW + 60_000, NOW + 120_000)
    again = ReplayFeed([XRPETH], now_ms=NOW + 999_999, speed=60)
    again.restore(feed.state())
    assert again.last("XRPETH") == feed.last("XRPETH")
    assert again.klines("XRPETH", "1m", None, None, 9) == feed.klines("XRPETH", "1m", None, None, 9)
    rest = feed.advance(NOW + 300_000)
    assert again.advance(NOW + 300_000) == rest
    ids = [p.id for p in told + rest]
    assert ids == list(range(ids[0], ids[0] + len(ids)))
    with pytest.raises(ValueError, match="another feed or tape"):
        ReplayFeed([ADABTC], now_ms=NOW).restore(feed.state())


def test_a_symbol_that_only_a_tape_knows_can_be_traded_with_ether():
    feed = ReplayFeed([XRPETH], now_ms=NOW, speed=60)
    exchange = PaperExchange(feed, Store(), now_ms=NOW)
    account, key = exchange.open_account({"ETH": to_e8("10")})
    info = exchange.symbols["XRPETH"].info()
    assert (info["baseAsset"], info["quoteAsset"]) == ("XRP", "ETH")
    filters = {f["filterType"]: f for f in info["filters"]}
    assert filters["PRICE_FILTER"]["tickSize"] == "0.00000001"
    assert filters["LOT_SIZE"]["stepSize"] == "1.00000000"
    bench = Bench.__new__(Bench)
    bench.exchange, bench.now_ms = exchange, NOW

    answer = Trader(bench, account, key).ok(
        "POST", "/api/v3/order", symbol="XRPETH", side="BUY", type="MARKET", quantity="100"
    )
    assert answer["status"] == "FILLED"
    assert exchange.engine.ledger.free(account.id, "ETH") < to_e8("10")


def test_memory_stays_flat_on_a_long_tape(tmp_path):
    file = tmp_path / "BTCUSDT-trades-long.csv"
    with file.open("w") as out:
        for i in range(120_000):
            out.write(f"{i},{60000 + i % 97}.5,0.01,600,{NOW + i * 50},{i % 3 == 0},True\n")
    feed = ReplayFeed([file], now_ms=NOW, speed=10)

    def run(begin: int, end: int) -> int:
        for at in range(begin, end, 1000):
            feed.advance(NOW + at)
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        half = run(0, 400_000)
        whole = run(400_000, 601_000)
    finally:
        tracemalloc.stop()
    assert feed.ended_ms is not None
    assert whole < half * 1.2 + 1_000_000
