"""The account's loss breakers, stored: opened by rule, held through restarts; exits pass."""

from datetime import timedelta
from decimal import Decimal

import pytest

from risk.breaker import Cause, Phase
from risk.models import RiskProfile
from tests.trading.risky import SECOND, asleep, opened, risk_of, stopped_out, walked, won
from testudo import clock
from testudo.events.models import OutboxEvent
from trading import breakers, orders, reconcile
from trading.models import AccountBreaker, Decision, Trade
from trading.order_states import State, TradeState
from trading.periods import begin_days


@pytest.fixture
def loose(account):
    """One loss stops nothing but what the test asks about."""

    def limits(**values):
        roomy = {"symbol_cooldown_minutes": 0, "max_stop_outs": 20, **values}
        RiskProfile.objects.filter(account_id=account.pk).update(**roomy)

    limits()
    return limits


def sweep(floor, account):
    breakers.sweep(account, quote_of=floor.quote_of)
    return risk_of(account)


def breaker(account, cause):
    return next(each for each in breakers.breakers_of(account.pk) if each.cause is cause)


def told(account) -> list[str]:
    rows = OutboxEvent.objects.filter(stream=str(account.pk)).order_by("seq")
    return [row.name.removeprefix("trading.") for row in rows]


def place(floor, account, drawing):
    return orders.place_trade(account, drawing, quote_of=floor.quote_of)


def refused_codes(floor, account, drawing) -> set[str]:
    with pytest.raises(orders.PlanRefused) as refused:
        place(floor, account, drawing)
    return {each.code for each in refused.value.verdicts if not each.ok}


def test_a_daily_loss_at_its_limit_stops_new_trades_until_the_reset(floor, account, draw, loose):
    loose(max_day_loss="0.005")
    begin_days([account], quote_of=floor.quote_of)
    stopped_out(floor, account, draw(risk_fraction=Decimal("0.0049")))
    assert sweep(floor, account).state == "active", "below the limit"
    loose(max_day_loss="0.004")
    risk = sweep(floor, account)
    assert (risk.state, breaker(account, Cause.DAY_LOSS).phase) == ("reducing", Phase.OPEN)
    assert risk.state_until == breaker(account, Cause.DAY_LOSS).until
    assert {"daily_loss", "trading_state"} <= refused_codes(floor, account, draw())
    asleep(floor, account, timedelta(hours=24))
    assert risk_of(account).state == "active"
    assert place(floor, account, draw(risk_fraction=Decimal("0.002"))).state == TradeState.APPROVED


def test_a_breaker_stays_open_when_the_loss_is_earned_back(floor, account, draw, loose):
    begin_days([account], quote_of=floor.quote_of)
    trade = opened(floor, account, draw(target="0.2"))
    loose(max_day_loss="0.001")
    bid = floor.quote_of("paper", "BTCUSDT").bid
    lower = (bid * Decimal("0.993")).quantize(Decimal("0.01"))
    from trading.exchange.paper.values import to_e8

    floor.paper.move("BTCUSDT", to_e8(lower), 5_000)
    for _ in range(10):
        floor.advance(SECOND)
    assert sweep(floor, account).state == "reducing"
    floor.paper.move("BTCUSDT", to_e8((bid * Decimal("1.01")).quantize(Decimal("0.01"))), 5_000)
    for _ in range(10):
        floor.advance(SECOND)
    assert trade.state == TradeState.OPEN
    assert sweep(floor, account).state == "reducing", "latched until the reset"


def test_a_streak_pauses_a_day_then_lets_trades_through_at_half_size(floor, account, draw, loose):
    loose(max_losing_streak=2)
    for _ in range(2):
        trade = stopped_out(floor, account, draw())
    assert risk_of(account).state == "reducing", "the closed trade itself opened it"
    assert breaker(account, Cause.LOSING_STREAK).until == trade.closed_at + timedelta(hours=24)
    assert "losing_streak" in refused_codes(floor, account, draw())
    asleep(floor, account, timedelta(hours=25))
    assert breaker(account, Cause.LOSING_STREAK).phase is Phase.HALF_OPEN
    whole = draw(risk_fraction=Decimal("0.01"))
    assert "recovery_size" in refused_codes(floor, account, whole)
    assert place(floor, account, draw(risk_fraction=Decimal("0.005")))


def test_one_r_made_at_half_size_ends_the_recovery(floor, account, draw, loose):
    loose(max_losing_streak=1)
    stopped_out(floor, account, draw())
    asleep(floor, account, timedelta(hours=25))
    won(floor, account, draw(risk_fraction=Decimal("0.005")))
    assert breaker(account, Cause.LOSING_STREAK).phase is Phase.CLOSED
    assert place(floor, account, draw()).state == TradeState.APPROVED


def test_a_loss_at_half_size_pauses_another_day(floor, account, draw, loose):
    loose(max_losing_streak=1)
    stopped_out(floor, account, draw())
    asleep(floor, account, timedelta(hours=25))
    trade = stopped_out(floor, account, draw(risk_fraction=Decimal("0.005")))
    again = breaker(account, Cause.LOSING_STREAK)
    assert (again.phase, again.until) == (Phase.OPEN, trade.closed_at + timedelta(hours=24))


def test_each_closed_trade_is_counted_once_however_often_it_is_looked_at(
    floor, account, draw, loose
):
    loose(max_losing_streak=1)
    stopped_out(floor, account, draw())
    asleep(floor, account, timedelta(hours=25))
    opened(floor, account, draw(risk_fraction=Decimal("0.005")))
    orders.request_close(Trade.objects.exclude(state=TradeState.CLOSED).get().pk)
    floor.turn(account)
    first = AccountBreaker.objects.get(account=account, cause="losing_streak")
    for _ in range(3):
        sweep(floor, account)
    again = AccountBreaker.objects.get(account=account, cause="losing_streak")
    assert again.recovered_r == first.recovered_r
    assert not Trade.objects.filter(state=TradeState.CLOSED, counted_at=None).exists()


def test_a_placement_hears_of_a_loss_before_any_listener_does(
    floor, account, draw, loose, monkeypatch
):
    loose(max_losing_streak=1)
    monkeypatch.setattr("trading.subscribers.breakers.sweep", lambda account: None)
    stopped_out(floor, account, draw())
    assert Trade.objects.filter(counted_at=None).exists()
    assert "trading_state" in refused_codes(floor, account, draw())


def test_a_drawdown_halts_until_a_person_ends_it_and_starts_the_peak_again(
    floor, account, draw, loose
):
    loose(max_drawdown="0.005")
    begin_days([account], quote_of=floor.quote_of)
    stopped_out(floor, account, draw())
    risk = sweep(floor, account)
    assert (risk.state, risk.state_until) == ("halted", None)
    assert risk.peak_nav == 1 > risk.nav
    asleep(floor, account, timedelta(days=9))
    assert risk_of(account).state == "halted", "no reset ends it"
    assert breakers.close_breaker(
        account.pk, Cause.DRAWDOWN, reason="Looked at it", by="trader", quote_of=floor.quote_of
    )
    risk = sweep(floor, account)
    assert (risk.state, risk.peak_nav) == ("active", risk.nav)
    assert "trading_resumed" in told(account)


def test_a_halt_survives_a_restart_and_is_in_the_log_and_the_stream(floor, account, loose):
    assert breakers.open_breaker(account.pk, Cause.OPERATOR, reason="Holiday", by="trader")
    assert not breakers.open_breaker(account.pk, Cause.OPERATOR, reason="Again"), "latched"
    risk = sweep(floor, account)
    assert (risk.state, risk.reason) == ("halted", "Holiday")
    assert told(account) == ["breaker_changed", "trading_halted"]
    assert list(Decision.objects.values_list("kind", flat=True)) == ["halted"]


@pytest.mark.parametrize("cause", [Cause.OPERATOR, Cause.DAY_LOSS])
def test_exits_pass_whatever_is_open(cause, floor, account, draw):
    trade = opened(floor, account, draw())
    breakers.open_breaker(account.pk, cause, reason="Stop", until=clock.now() + timedelta(hours=9))
    orders.request_close(trade.pk)
    floor.turn(account)
    trade.refresh_from_db()
    assert (trade.state, trade.exit_reason) == (TradeState.CLOSED, "closed")


@pytest.mark.parametrize("cause", [Cause.OPERATOR, Cause.HEAT])
def test_an_entry_that_was_not_sent_is_withdrawn_when_trading_stops(cause, floor, account, draw):
    trade = place(floor, account, draw())
    breakers.open_breaker(account.pk, cause, reason="Stop")
    floor.turn(account)
    trade.refresh_from_db()
    assert trade.state in (TradeState.CANCELED, TradeState.EXPIRED)
    assert floor.paper.store.count("orders") == 0


def test_a_position_that_lost_its_stop_is_protected_while_trading_is_halted(floor, account, draw):
    from trading.exchange.factory import exchange_for

    trade = opened(floor, account, draw())
    stop = trade.orders.get(leg="stop")
    breakers.open_breaker(account.pk, Cause.OPERATOR, reason="Stop")
    exchange_for(account).cancel_list("BTCUSDT", stop.list_client_order_id)
    reconcile.catch_up_trade(trade.pk, exchange=exchange_for(account))
    for _ in range(3):
        floor.advance(SECOND)
        floor.turn(account)
    trade.refresh_from_db()
    live = trade.orders.filter(leg="stop", state=State.OPEN)
    assert live.exists() or trade.state in (TradeState.CLOSED, TradeState.CLOSING)


def test_a_warning_is_given_once_a_crossing(floor, account, draw, loose):
    begin_days([account], quote_of=floor.quote_of)
    opened(floor, account, draw())
    loose(max_heat="0.0105")
    for _ in range(3):
        sweep(floor, account)
        floor.advance(SECOND)
    assert told(account).count("risk_warning") == 1
    assert risk_of(account).warned == ["portfolio_heat"]
    loose(max_heat="0.03")
    assert sweep(floor, account).warned == []
    loose(max_heat="0.0105")
    sweep(floor, account)
    assert told(account).count("risk_warning") == 2


def test_a_sweep_that_finds_nothing_new_writes_nothing(floor, account, draw):
    begin_days([account], quote_of=floor.quote_of)
    before = sweep(floor, account).version
    assert sweep(floor, account).version == before


def test_the_trades_that_walk_to_target_open_nothing(floor, account, draw):
    trade = opened(floor, account, draw())
    walked(floor, trade, Decimal(trade.target) * Decimal("1.0005"))
    assert risk_of(account).state == "active"
    assert not AccountBreaker.objects.exists()
