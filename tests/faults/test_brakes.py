"""Symbols that halt, keys that are revoked, switches and limits in the middle of things."""

from datetime import timedelta
from decimal import Decimal

import pytest
import requests

from risk.models import RiskProfile
from risk.protocol import Effect
from tests.trading import faults, risky
from testudo import clock, failpoints
from trading import account_stream, halts, orders, venue_health
from trading.actors import Actor
from trading.exchange.factory import exchange_for
from trading.exchange.paper.faults import Faults
from trading.exchange.paper.faults_market import MarketFaults
from trading.exchange.user_events import StreamLost
from trading.models import AccountBreaker, AccountRisk, Incident, Order
from trading.order_states import State, TradeState


@pytest.mark.parametrize("status", ["HALT", "CANCEL_ONLY"])
def test_f50_a_halted_symbol_is_not_stormed_and_the_exit_goes_when_it_trades_again(
    floor, account, held, wait, status
):
    desk = Faults()
    market = MarketFaults(floor.paper, desk)
    market.put_in(desk.arm(f"symbol-status:symbol=BTCUSDT,status={status}", clock.now_ms()))
    orders.request_close(held.pk)
    asked: list[str] = []

    def note(request, go_on):
        if request.method == "POST":
            asked.append(request.url)
        return go_on()

    with faults.wire(floor, note):
        trade = wait(held, 60)
    assert trade.state != TradeState.CLOSED
    assert len(asked) <= 60, "at most one try a second"
    desk.disarm()
    market.take_out()
    trade = wait(trade, 40)
    assert trade.state == TradeState.CLOSED


def test_f49_a_revoked_key_halts_loudly_is_not_stormed_and_the_stop_goes_on_resting(
    floor, account, held, wait
):
    asked: list[str] = []

    def revoked(request, go_on):
        if "signature=" not in f"{request.url}{request.body}":
            return go_on()
        asked.append(request.url)
        return refused_key(request)

    with faults.wire(floor, revoked):
        trade = wait(held, 120)
        assert trade.state == TradeState.OPEN, "its stop rests at the exchange"
        assert len(asked) <= 120, "no storm: at most one question a second"
        assert AccountRisk.objects.get(account=account).state == "halted"
        alarm = Incident.objects.get(kind="key_refused")
        assert (alarm.severity, alarm.closed_at) == ("alarm", None)
        assert "1 positions are held" in alarm.text
        assert "go on protecting you" in alarm.text
        with pytest.raises(StreamLost, match="could not match the books"):
            account_stream.match_books(account)
    trade = wait(trade, 35)
    assert trade.state == TradeState.OPEN
    account_stream.match_books(account)
    alarm.refresh_from_db()
    assert "takes the key again" in alarm.what_was_done
    assert alarm.closed_at is not None
    assert AccountRisk.objects.get(account=account).state == "halted", "a person lifts it"


def test_f49_an_entry_refused_for_its_key_halts_the_account(floor, account, draw):
    trade = orders.place_trade(account, draw(), quote_of=floor.quote_of)

    def revoked(request, go_on):
        if request.method != "POST":
            return go_on()
        return refused_key(request)

    with faults.wire(floor, revoked):
        floor.turn(account)
    trade.refresh_from_db()
    assert trade.state == TradeState.REJECTED
    assert Incident.objects.get(kind="key_refused").facts == {"code": -2015, "positions": 0}
    assert AccountRisk.objects.get(account=account).state == "halted"


def refused_key(request) -> requests.Response:
    answer = requests.Response()
    answer.status_code = 401
    answer._content = b'{"code":-2015,"msg":"Invalid API-key, IP, or permissions."}'
    answer.request, answer.url = request, request.url
    return answer


def test_f51_a_halt_while_an_entry_is_on_its_way_lets_that_one_be_protected_and_no_other_go(
    floor, account, draw, monkeypatch
):
    sent = orders.place_trade(account, draw(), quote_of=floor.quote_of)
    other = orders.place_trade(account, draw("ETHUSDT"), quote_of=floor.quote_of)
    left = [True]

    def reach(name: str) -> None:
        if name == "after_claim_before_send" and left:
            left.clear()
            by = Actor(role="trader", user_id=account.user_id)
            halts.halt(account, reason="enough", by=by)

    monkeypatch.setattr(failpoints, "reach", reach)
    for _ in range(3):
        floor.turn(account)
        floor.advance(timedelta(seconds=1))
    for trade in (sent, other):
        trade.refresh_from_db()
    states = {sent.state, other.state}
    assert states == {TradeState.OPEN, TradeState.EXPIRED}
    assert Order.objects.filter(leg="stop", state=State.OPEN).count() == 1


def test_f52_a_loss_that_comes_while_an_entry_waits_was_reserved_before_and_breaks_no_limit(
    floor, account, draw
):
    """A plan is judged with the whole risk of those reserved that are still on their way."""
    RiskProfile.objects.update_or_create(account_id=account.pk, defaults={"max_day_loss": "0.006"})

    def place(symbol, fraction):
        plan = draw(symbol, risk_fraction=Decimal(fraction))
        return orders.place_trade(account, plan, quote_of=floor.quote_of)

    first = place("BTCUSDT", "0.004")  # not sent yet
    with pytest.raises(orders.PlanRefused) as refused:
        place("ETHUSDT", "0.004")
    verdicts = refused.value.verdicts
    broken = {each.code for each in verdicts if not each.ok and each.effect == Effect.BLOCK}
    assert broken == {"daily_loss"}
    second = place("ETHUSDT", "0.0015")
    floor.turn(account)
    lost = Decimal(0)
    for trade in (first, second):
        trade.refresh_from_db()
        over = risky.walked(floor, trade, trade.stop * Decimal("0.999"))
        assert over.state == TradeState.CLOSED
        lost -= over.profit
    assert Decimal(50) < lost <= 60, "both stopped out, and within the day's limit of 10,000"


def test_f53_an_open_breaker_outlives_every_process_and_one_probe_goes_over_all_of_them(
    floor, account, draw, held
):
    by = Actor(role="trader", user_id=account.user_id)
    halts.halt(account, reason="enough", by=by)
    for number in range(5):
        venue_health.note_failure("paper", f"timeout {number}", part=venue_health.Part.ORDERS)
    # Nothing of a process is needed to know it: the rows alone say so.
    assert AccountBreaker.objects.get(account=account, cause="operator").phase == "open"
    assert AccountRisk.objects.get(account=account).state == "halted"
    assert not venue_health.new_risk_allowed("paper")
    with pytest.raises(orders.PlanRefused):
        orders.place_trade(account, draw("ETHUSDT"), quote_of=floor.quote_of)
    floor.advance(timedelta(seconds=61))
    claims = [venue_health.claim_probe("paper", part=venue_health.Part.ORDERS) for _ in range(4)]
    assert claims == [True, False, False, False]
    orders.request_close(held.pk)  # what ends risk goes on
    for _ in range(4):
        floor.advance(timedelta(seconds=1))
        floor.turn(account)
    held.refresh_from_db()
    assert held.state == TradeState.CLOSED
    assert exchange_for(account).open_orders("BTCUSDT") == []
