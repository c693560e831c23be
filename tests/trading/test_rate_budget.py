"""R21: one budget of requests for all processes; stops have the last of it; a ban is remembered."""

from datetime import timedelta
from decimal import Decimal

import pytest
import redis

from tests.trading import faults
from tests.trading.risky import SECOND, opened
from testudo import clock
from trading import account_stream, guard, orders, rate_budget
from trading.exchange.factory import exchange_for
from trading.exchange.outcomes import HELD_BACK
from trading.exchange.port import LegInstruction, Refused, RequestsHeld
from trading.exchange.weights import weight_of
from trading.models import Incident, RequestBan, VenueHealth
from trading.order_states import TradeState
from trading.rate_budget import (
    BAN_KNOWN_FOR,
    PROCESSES,
    RateBudget,
    Use,
    budget_of,
    client,
    spending,
)

PAPER = "paper"


@pytest.fixture(autouse=True)
def _fresh(db, monkeypatch):
    monkeypatch.setattr(rate_budget, "_budgets", {})

    def forget() -> None:
        for pattern in ("weight:*", "ban:*"):
            for key in client().scan_iter(pattern):
                client().delete(key)

    forget()
    yield
    forget()


@pytest.fixture
def bounded(floor):
    """Exchanges of this process keep to the budget, as those over the network do."""
    from trading.exchange import factory

    honest = factory._connected

    def connected(exchange):
        exchange = honest(exchange)
        exchange.keep_to(budget_of(exchange.venue))
        return exchange

    factory._connected = connected
    yield floor
    factory._connected = honest


def taken(budget: RateBudget, weight: int) -> int:
    """How many requests of that weight go through."""
    count = 0
    while True:
        try:
            budget.take(weight)
        except RequestsHeld:
            return count
        count += 1


def no_redis(monkeypatch) -> None:
    def gone():
        raise redis.ConnectionError("gone")

    class Gone:
        def __getattr__(self, name):
            return lambda *args, **options: gone()

    monkeypatch.setattr(rate_budget, "client", Gone)


@pytest.mark.parametrize(
    ("method", "path", "fields", "weight"),
    [
        ("GET", "account", {}, 20),
        ("GET", "openOrders", {"symbol": "BTCUSDT"}, 6),
        ("GET", "openOrders", {}, 80),
        ("GET", "myTrades", {"symbol": "BTCUSDT"}, 20),
        ("GET", "myTrades", {"symbol": "BTCUSDT", "orderId": 5}, 5),
        ("GET", "order", {}, 4),
        ("GET", "orderList", {}, 4),
        ("POST", "orderList/opoco", {}, 1),
        ("DELETE", "orderList", {}, 1),
    ],
)
def test_weights_are_binances(method, path, fields, weight):
    assert weight_of(method, path, fields) == weight


def test_all_processes_take_from_one_counter():
    one, other = RateBudget(PAPER, limit=1_000), RateBudget(PAPER, limit=1_000)
    for _ in range(5):
        one.take(60)
        other.take(60)
    with pytest.raises(RequestsHeld):
        one.take(60)
    with pytest.raises(RequestsHeld):
        other.take(60)


def test_the_last_third_is_kept_for_stops_and_exits():
    budget = RateBudget(PAPER, limit=1_000)
    with spending(Use.BACKGROUND):
        assert taken(budget, 10) == 40
    assert taken(budget, 10) == 20, "up to 60 % in all"
    with spending(Use.PROTECTIVE):
        assert taken(budget, 10) == 30, "up to 90 %"
    with pytest.raises(RequestsHeld) as held, spending(Use.PROTECTIVE):
        budget.take(10)
    assert held.value.until > clock.now()
    assert held.value.until - clock.now() <= timedelta(minutes=1)


def test_the_next_minute_begins_anew(floor):
    budget = RateBudget(PAPER, limit=1_000)
    assert taken(budget, 100) == 6
    floor.advance(timedelta(minutes=1))
    assert taken(budget, 100) == 6


def test_what_the_exchange_counted_corrects_us(floor):
    budget, other = RateBudget(PAPER, limit=1_000), RateBudget(PAPER, limit=1_000)
    budget.take(20)
    budget.heard(status=200, headers={"X-MBX-USED-WEIGHT-1M": "590"})
    with pytest.raises(RequestsHeld, match="590 of 1000"):
        other.take(20)
    budget.heard(status=200, headers={"X-MBX-USED-WEIGHT-1M": "30"})  # an older answer, late
    with pytest.raises(RequestsHeld):
        other.take(20)


def test_without_redis_each_process_keeps_to_its_share(monkeypatch):
    no_redis(monkeypatch)
    shares = [taken(RateBudget(PAPER, limit=6_000), 20) for _ in range(PROCESSES)]
    assert set(shares) == {6_000 * 60 // 100 // PROCESSES // 20}
    assert sum(shares) * 20 <= 6_000 * 90 // 100
    with spending(Use.PROTECTIVE):
        assert taken(RateBudget(PAPER, limit=6_000), 20) > shares[0]


def test_redis_that_does_not_answer_is_not_asked_for_a_while(monkeypatch):
    """Each order would wait half a second for it."""
    asked = []

    class Stalled:
        def __getattr__(self, name):
            asked.append(name)
            raise redis.TimeoutError("stalled")

    monkeypatch.setattr(rate_budget, "client", Stalled)
    budget = RateBudget(PAPER)
    for _ in range(10):
        budget.take(1)
        budget.heard(status=200, headers={"X-MBX-USED-WEIGHT-1M": "900"})
    assert len(asked) == 1
    budget._away_until = float("-inf")
    budget.take(1)
    assert len(asked) == 2


def test_redis_that_comes_back_empty_is_counted_from_there(floor):
    budget = RateBudget(PAPER, limit=1_000)
    assert taken(budget, 100) == 6
    client().delete(budget._minute(clock.now_ms()), budget._ban_key)
    budget.take(100)


@pytest.mark.parametrize(("status", "seconds"), [(429, 7), (418, 120)])
def test_f12_a_ban_holds_every_process_until_its_time_is_over(floor, status, seconds):
    heard, other = RateBudget(PAPER), RateBudget(PAPER)
    heard.heard(status=status, headers={"Retry-After": str(seconds)})
    for budget in (heard, other):
        with pytest.raises(RequestsHeld) as held, spending(Use.PROTECTIVE):
            budget.take(1)
        assert held.value.until == clock.now() + timedelta(seconds=seconds)
    floor.advance(timedelta(seconds=seconds) + SECOND)
    other.take(1)


@pytest.mark.parametrize("forgets", ["process", "redis", "both", "redis_is_gone"])
def test_f12_a_restart_neither_forgets_a_ban_nor_lengthens_it(floor, monkeypatch, forgets):
    first = RateBudget(PAPER)
    first.heard(status=418, headers={"Retry-After": "120"})
    until = RequestBan.objects.get(pk=PAPER).until
    floor.advance(timedelta(seconds=60))
    if forgets in ("redis", "both"):
        client().delete(first._ban_key)
    if forgets == "redis_is_gone":
        no_redis(monkeypatch)
    after = first if forgets == "redis" else RateBudget(PAPER)
    with pytest.raises(RequestsHeld) as held:
        after.take(1)
    assert held.value.until == until
    assert RequestBan.objects.get(pk=PAPER).until == until
    floor.advance(timedelta(seconds=61))
    after.take(1)


def test_a_shorter_word_does_not_shorten_a_ban(floor):
    budget = RateBudget(PAPER)
    budget.heard(status=418, headers={"Retry-After": "300"})
    until = RequestBan.objects.get(pk=PAPER).until
    budget.heard(status=429, headers={"Retry-After": "1"})
    assert RequestBan.objects.get(pk=PAPER).until == until


def test_too_many_orders_of_one_account_hold_nobody_else():
    budget = RateBudget(PAPER)
    budget.heard(status=429, headers={"Retry-After": "10"}, code=-1015)
    budget.take(1)
    assert not RequestBan.objects.exists()


def test_a_ban_is_told_once_and_closed_when_it_is_over(floor):
    budget = RateBudget(PAPER)
    for _ in range(2):
        budget.heard(status=418, headers={"Retry-After": "120"})
    told = Incident.objects.get(kind="rate_ban")
    assert (told.account, told.about) == (None, PAPER)
    assert "HTTP 418" in told.text
    rate_budget.close_bans_that_are_over()
    told.refresh_from_db()
    assert told.closed_at is None
    floor.advance(timedelta(seconds=121))
    rate_budget.close_bans_that_are_over()
    told.refresh_from_db()
    assert told.closed_at is not None


def test_a_ban_is_known_from_postgresql_within_seconds_though_redis_says_none(floor):
    """Another process could not reach Redis when it heard of the ban."""
    budget = RateBudget(PAPER)
    budget.take(1)
    assert 0 < client().ttl(budget._ban_key) <= BAN_KNOWN_FOR


# Through the whole path.


def count_and(answer=None):
    sent = []

    def fault(request, go_on):
        sent.append(request)
        return answer(request) if answer else go_on()

    return sent, fault


def banned_with(status: int, seconds: int):
    import requests

    def answer(request):
        said = requests.Response()
        said.status_code = status
        said.headers["Retry-After"] = str(seconds)
        said._content = b'{"code":-1003,"msg":"Way too much request weight used; IP banned."}'
        return said

    return answer


def test_f11_a_429_stops_everyone_and_the_entry_waits_for_it_to_pass(bounded, account, draw):
    trade = orders.place_trade(account, draw(), quote_of=bounded.quote_of)
    sent, fault = count_and(banned_with(429, 5))
    with faults.wire(bounded, fault):
        with pytest.raises(Exception, match=r"429|no request"):
            exchange_for(account).balances()
        asked = len(sent)
        for _ in range(4):
            bounded.advance(SECOND)
            bounded.turn(account)
        assert len(sent) == asked, "not a single request while it lasts"
    trade.refresh_from_db()
    assert trade.state == TradeState.APPROVED, "it waits, unsent"
    for _ in range(3):
        bounded.advance(SECOND)
        bounded.turn(account)
    trade.refresh_from_db()
    assert trade.state == TradeState.OPEN


def test_f12_in_a_ban_nothing_is_sent_and_everything_is_caught_up_afterwards(
    bounded, account, draw
):
    drawing = draw()
    trade = opened(bounded, account, drawing)
    sent, fault = count_and(banned_with(418, 120))
    with faults.wire(bounded, fault):
        with pytest.raises(Exception, match=r"418|no request"):
            exchange_for(account).balances()
        asked = len(sent)
        bounded.paper.move("BTCUSDT", int(drawing.target * Decimal("1.001") * 10**8), 10_000)
        for _ in range(11):
            bounded.advance(timedelta(seconds=10))
            bounded.turn(account)
            guard.look_at_venues()
            with pytest.raises(RequestsHeld):
                account_stream.match_books(account)
        assert len(sent) == asked
    bounded.advance(timedelta(seconds=11))
    account_stream.match_books(account)
    trade.refresh_from_db()
    assert trade.state == TradeState.CLOSED


def test_a_budget_that_is_used_up_is_no_trouble_of_the_exchanges(bounded, account, draw):
    opened(bounded, account, draw())
    into_the_minute = timedelta(seconds=clock.now().second)
    if into_the_minute > 25 * SECOND:  # what follows must lie within one minute's budget
        bounded.advance(61 * SECOND - into_the_minute)
    with spending(Use.PROTECTIVE):
        for weight in (100, 1):
            taken(budget_of(PAPER), weight)
    failures = VenueHealth.objects.get(pk=PAPER).failures
    bounded.advance(31 * SECOND)  # the turn would ask the exchange again
    with pytest.raises(RequestsHeld):
        account_stream.match_books(account)
    bounded.turn(account)
    assert VenueHealth.objects.get(pk=PAPER).failures == failures


def test_an_order_held_back_is_a_no_without_a_byte(bounded, account):
    exchange = exchange_for(account)
    exchange.clock_offset()
    with spending(Use.PROTECTIVE):
        taken(budget_of(PAPER), 1)
    sent, fault = count_and()
    market = LegInstruction(client_order_id="x", side="SELL", type="MARKET", quantity=Decimal(1))
    with faults.wire(bounded, fault):
        outcome = exchange.place_order("BTCUSDT", market, signed_at=clock.now())
    assert isinstance(outcome, Refused)
    assert outcome.code == HELD_BACK
    assert sent == []


def test_a_stop_passes_where_an_entry_must_wait(bounded, account, draw):
    trade = orders.place_trade(account, draw(), quote_of=bounded.quote_of)
    taken(budget_of(PAPER), 10)
    bounded.turn(account)
    trade.refresh_from_db()
    assert trade.state == TradeState.APPROVED
    with spending(Use.PROTECTIVE):
        exchange_for(account).ask_for_room()
        assert exchange_for(account).balances()
