"""The demo trader's past: a month of paper trades by the real order services on virtual time.

The paper exchange's ledger of that month is the opening state of the paper server. The trades are
drawn by a plain rule (buy strength over the last hours), win or lose as the market had it.
"""

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

from risk.symbols import floor_to_tick
from testudo import clock
from trading import account_stream, breakers, orders, points
from trading.book import begin_days
from trading.exchange.paper.exchange import PaperExchange
from trading.exchange.paper.store import Store
from trading.exchange.paper.synthetic import SyntheticFeed
from trading.exchange.paper.values import from_e8
from trading.market import prices
from trading.models import ExchangeAccount, Trade
from trading.order_states import FINISHED
from trading.plans import Drawing
from trading.virtual_floor import VirtualFloor, virtual_floor

STEP = timedelta(minutes=1)
BETWEEN = (timedelta(hours=7), timedelta(hours=30))  # a patient trader's pause
LONGEST = timedelta(hours=36)  # then the trade is closed by hand
LAST_DAYS = timedelta(days=10)
LOOK_EVERY = timedelta(hours=2)
SETUPS = ("Breakout retest", "Range low", "Trend pullback")
TICK = Decimal("0.01")
HALF = Decimal("0.005")  # of equity
SYMBOLS = ("BTCUSDT", "ETHUSDT")

Progress = Callable[[str], None]


def seed_past(
    user, *, state: Path, seed: int, until: datetime, days: int, tell: Progress
) -> ExchangeAccount:
    """Trade the month before `until`; leave `state` as the paper server's ledger."""
    start = until - timedelta(days=days)
    feed = SyntheticFeed(SYMBOLS, seed=seed, now_ms=clock.to_ms(start), prints_per_minute=4)
    paper = PaperExchange(
        feed,
        Store(state),
        now_ms=clock.to_ms(start),
        seed=seed,
        autocommit=False,
        step_ms=STEP // timedelta(milliseconds=1),
    )
    choose = random.Random(seed)  # noqa: S311  a demo's past, not a secret
    try:
        with virtual_floor(paper, start=start) as floor:
            with prices.quoted_by(floor.quote_of):
                account = floor.open_account(user, name="Practice", balances={"USDT": "10000"})
                _trade_along(floor, account, until=until, choose=choose, tell=tell)
            paper.commit()
    finally:
        paper.close()
    return account


def _trade_along(
    floor: VirtualFloor, account: ExchangeAccount, *, until: datetime, choose, tell: Progress
) -> None:
    placed = 0
    while True:
        pause = _between(choose)
        if clock.now() + pause >= until - LONGEST:
            return  # the next trade could outlast the present: no ledger may lie in the future
        floor.advance(pause)
        account_stream.match_books(account)
        account.refresh_from_db()
        look(account)
        trade = _place(floor, account, _draw(floor, choose))
        if trade is None:
            continue
        trade = floor.follow(trade, step=STEP, at_most=LONGEST, meanwhile=Sometimes(account))
        if trade.state not in FINISHED:
            orders.request_close(trade.pk)
            floor.follow(trade, step=STEP, at_most=timedelta(minutes=5))
        account_stream.match_books(account)
        placed += 1
        if clock.now() > until - LAST_DAYS and trade.profit and trade.profit > 0:
            return  # the newcomer begins after a win, not in the pause a losing streak brings
        if placed % 5 == 0:
            tell(f"{placed} past trades, {clock.now():%d %B}")


class Sometimes:
    """Looks at the account's risk every so often while a trade is followed."""

    def __init__(self, account: ExchangeAccount) -> None:
        self._account, self._next = account, clock.now()

    def __call__(self) -> None:
        if clock.now() >= self._next:
            self._next = clock.now() + LOOK_EVERY
            look(self._account)


def look(account: ExchangeAccount) -> None:
    """What guard and monitor do: begin the day, settle the breakers, note what it is worth."""
    begin_days([account], quote_of=prices.latest)
    breakers.sweep(account)
    points.note(account)


def _place(floor: VirtualFloor, account: ExchangeAccount, drawing: Drawing) -> Trade | None:
    """Place it; at half size where a losing streak asks for that; else leave it be."""
    for risk in (drawing.risk_fraction, HALF):
        try:
            sized = replace(drawing, risk_fraction=risk)
            return orders.place_trade(account, sized, quote_of=floor.quote_of)
        except orders.PlanRefused as refused:  # the past holds refusals too, in the decision log
            broken = {v.code for v in refused.verdicts if not v.ok and v.effect == "block"}
            if broken != {"recovery_size"}:
                return None
    return None


def _between(choose: random.Random) -> timedelta:
    shortest, longest = BETWEEN
    return shortest + (longest - shortest) * choose.random()


def _draw(floor: VirtualFloor, choose: random.Random) -> Drawing:
    symbol = max(SYMBOLS, key=lambda name: _strength(floor, name))
    quote = floor.quote_of("paper", symbol)
    distance = Decimal(choose.randint(9, 16)) / 1000  # 0.9 % to 1.6 % to the stop
    reward = Decimal(choose.randint(27, 36)) / 10
    return Drawing(
        symbol=symbol,
        side="long",
        entry=quote.ask,
        stop=floor_to_tick(quote.ask * (1 - distance), TICK),
        target=floor_to_tick(quote.ask * (1 + distance * reward), TICK),
        quoted_price=quote.ask,
        quoted_at=clock.now(),
        setup=choose.choice(SETUPS),
    )


def _strength(floor: VirtualFloor, symbol: str) -> Decimal:
    """How far the last price stands above that of six hours ago, as a fraction."""
    now = clock.now_ms()
    candles = floor.paper.feed.klines(symbol, "1h", now - 7 * 3_600_000, now, 7)
    if not candles:
        return Decimal(0)
    first = Decimal(from_e8(candles[0].open))
    return Decimal(from_e8(candles[-1].close)) / first - 1
