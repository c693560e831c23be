"""A venue's breaker and clock: one row for all processes, and only new risk waits for it."""

from datetime import timedelta

import pytest
from django.db import OperationalError

from tests.trading.risky import SECOND, opened, risk_of
from testudo import clock
from trading import account_stream, incidents, orders, venue_health
from trading.book import read_book
from trading.market.health import StreamHealth
from trading.models import Incident, VenueHealth
from trading.order_states import TradeState
from trading.venue_health import Part


@pytest.fixture
def moment():
    from datetime import UTC, datetime

    with clock.use(clock.VirtualClock(datetime(2026, 11, 2, 9, 30, tzinfo=UTC))) as moment:
        yield moment


def fail(times: int, part=Part.ACCOUNT) -> None:
    for _ in range(times):
        venue_health.note_failure("paper", "ReadTimeout", part=part)


def probe(part=Part.ACCOUNT) -> bool:
    return venue_health.claim_probe("paper", part=part)


def test_answers_about_accounts_do_not_hide_that_orders_time_out(db, moment):
    for _ in range(5):
        fail(1, Part.ORDERS)
        venue_health.note_success("paper", part=Part.ACCOUNT)
        venue_health.note_success("paper", part=Part.PUBLIC)
    assert not venue_health.new_risk_allowed("paper")


def test_all_parts_must_answer_again_before_new_risk_is_taken(db, moment):
    fail(5, Part.ORDERS)
    moment.advance(timedelta(seconds=20))
    fail(5, Part.ACCOUNT)
    row = venue_health.health_of("paper")
    assert row.retry_at == clock.now() + timedelta(seconds=60), "the later of the two"
    assert row.opened_at == clock.now() - timedelta(seconds=20), "the earlier of the two"
    moment.advance(timedelta(seconds=60))
    assert probe(Part.ORDERS)
    assert venue_health.health_of("paper").breaker == "open"
    venue_health.note_success("paper", part=Part.ORDERS)
    assert not venue_health.new_risk_allowed("paper")
    assert probe(Part.ACCOUNT)
    assert venue_health.health_of("paper").breaker == "half_open"
    venue_health.note_success("paper", part=Part.ACCOUNT)
    assert venue_health.new_risk_allowed("paper")


def test_it_says_in_words_what_fails_and_what_still_protects(floor, account):
    fail(5, Part.ORDERS)
    (incident,) = incidents.open_of(account)
    assert incident.text == "The paper exchange does not answer orders (ReadTimeout)."
    assert "rest at the paper exchange and work without us" in incident.what_was_done
    floor.advance(timedelta(seconds=60))
    assert probe(Part.ORDERS)
    fail(1, Part.ORDERS)
    floor.advance(timedelta(seconds=60))
    assert probe(Part.ORDERS)
    venue_health.note_success("paper", part=Part.ORDERS)
    assert list(incidents.open_of(account)) == []
    (told,) = Incident.objects.all()
    assert told.pk == incident.pk, "one outage is one incident, however often it was tried again"
    assert told.closed_at - told.opened_at == timedelta(seconds=120)


def test_a_silent_market_stream_opens_it_and_prices_that_come_again_close_it(db, moment):
    stream = StreamHealth("paper", silence=20.0)
    stream.tell(clock.now_ms())
    for _ in range(5):
        stream.note_lost("TimeoutError")
    stream.tell(clock.now_ms() - 21_000)
    assert not venue_health.new_risk_allowed("paper")
    stream.tell(clock.now_ms())
    assert not venue_health.new_risk_allowed("paper"), "open for its minute"
    moment.advance(timedelta(seconds=60))
    stream.tell(clock.now_ms() - 21_000)
    assert not venue_health.new_risk_allowed("paper"), "still silent"
    stream.tell(clock.now_ms())
    assert venue_health.new_risk_allowed("paper")


def test_what_the_database_could_not_be_told_is_told_later(db, moment, monkeypatch):
    stream = StreamHealth("paper", silence=20.0)
    for _ in range(5):
        stream.note_lost("TimeoutError")

    def away(*_, **__):
        raise OperationalError("the connection is closed")

    with monkeypatch.context() as patched:
        patched.setattr("trading.market.health.venue_health.note_failure", away)
        with pytest.raises(OperationalError):
            stream.tell(0)
    stream.tell(0)
    assert not venue_health.new_risk_allowed("paper")


def test_five_failures_in_a_row_open_it_four_do_not(db, moment):
    fail(4)
    assert venue_health.new_risk_allowed("paper")
    venue_health.note_success("paper")
    fail(4)
    assert venue_health.new_risk_allowed("paper"), "an answer in between ends the row"
    fail(1)
    assert not venue_health.new_risk_allowed("paper")
    assert venue_health.health_of("paper").retry_at == clock.now() + timedelta(seconds=60)


def test_one_probe_goes_after_a_minute_and_its_answer_closes_it(db, moment):
    fail(5)
    venue_health.note_success("paper")
    assert not venue_health.new_risk_allowed("paper"), "open for its minute whoever answers"
    assert not probe()
    moment.advance(timedelta(seconds=60))
    assert [probe() for _ in range(3)] == [True, False, False]
    venue_health.note_success("paper")
    assert venue_health.new_risk_allowed("paper")


def test_a_probe_that_fails_opens_it_for_another_minute(db, moment):
    fail(5)
    moment.advance(timedelta(seconds=60))
    assert probe()
    fail(1)
    row = venue_health.health_of("paper")
    assert (row.breaker, row.retry_at) == ("open", clock.now() + timedelta(seconds=60))


def test_a_probe_that_was_lost_may_be_made_again(db, moment):
    fail(5)
    moment.advance(timedelta(seconds=60))
    assert probe()
    moment.advance(venue_health.PROBE_LEASE)
    assert probe()


def test_a_look_at_the_clock_tells_of_a_jump(db, moment):
    assert venue_health.clock_uncertainty(venue_health.health_of("paper"), clock.now()) is None
    venue_health.note_clock("paper", offset_ms=10, uncertainty_ms=20)
    venue_health.note_clock("paper", offset_ms=-390, uncertainty_ms=30)
    row = venue_health.health_of("paper")
    assert row.clock_jump_ms == 400
    incident = Incident.objects.get(kind="clock_drift")
    assert (incident.about, incident.closed_at) == ("paper", None)
    venue_health.note_clock("paper", offset_ms=-390, uncertainty_ms=30)
    incident.refresh_from_db()
    assert incident.closed_at is not None
    row.refresh_from_db()
    assert venue_health.clock_uncertainty(row, clock.now()) == timedelta(milliseconds=30)
    moment.advance(timedelta(seconds=91))
    assert venue_health.clock_uncertainty(row, clock.now()) is None, "too old to say"


def test_the_venues_limits_of_orders_are_kept(db):
    venue_health.note_order_limits(
        "paper",
        {
            "rateLimits": [
                {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 50},
                {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "limit": 6000},
            ]
        },
    )
    assert VenueHealth.objects.get().order_limits == [{"seconds": 10, "limit": 50}]


def test_while_it_is_open_entries_wait_and_exits_go(floor, account, draw):
    held = opened(floor, account, draw())
    waiting = orders.place_trade(
        account, draw("ETHUSDT", risk_fraction=None, stop="0.05", target="0.15"),
        quote_of=floor.quote_of,
    )  # fmt: skip
    fail(5)
    floor.turn(account)
    waiting.refresh_from_db()
    assert waiting.state == TradeState.APPROVED, "not sent"
    with pytest.raises(orders.PlanRefused, match="fails to answer"):
        orders.place_trade(account, draw("ETHUSDT"), quote_of=floor.quote_of)
    orders.request_close(held.pk)
    floor.turn(account)
    held.refresh_from_db()
    assert held.state == TradeState.CLOSED
    floor.advance(SECOND)


def test_matching_the_books_reads_the_venues_clock(floor, account):
    account_stream.match_books(account)
    book = read_book(account, risk=risk_of(account), symbol="", quote_of=floor.quote_of)
    assert book.clock_uncertainty is not None
    assert book.clock_uncertainty < timedelta(seconds=5)
    assert book.exchange_breaker == "closed"
