"""The staff commands of the order path: what they say, what they change, how they end."""

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from tests.trading.waiting import drawn_away
from testudo import clock
from trading import orders
from trading.exchange.factory import exchange_for
from trading.market import prices
from trading.models import Decision, Order, Trade, Venue
from trading.order_states import State, TradeState


def lines(drawing) -> list[str]:
    return [f"--{name}={getattr(drawing, name)}" for name in ("entry", "stop", "target")]


@pytest.fixture
def run(floor):
    """A command on the floor's market: it finds its prices where the floor has them."""

    def call(name, *arguments, **options):
        said = StringIO()
        call_command(name, *arguments, stdout=said, stderr=said, **options)
        return said.getvalue()

    with prices.quoted_by(floor.quote_of):
        yield call


def test_place_trade_judges_without_a_trace_when_asked_to(run, account, draw):
    said = run(
        "place_trade", "BTCUSDT", "long", f"--account={account.pk}", "--dry-run", *lines(draw())
    )
    assert "Risk per trade" in said
    assert not Trade.objects.exists()
    assert not Decision.objects.exists()


def test_place_trade_ends_once_a_breakout_is_armed(run, floor, account):
    drawing = drawn_away(floor, "0.01")
    until = (clock.now() + timedelta(hours=6)).isoformat()
    said = run(
        "place_trade", "BTCUSDT", "long", f"--account={account.pk}", "--kind=breakout",
        f"--expires-at={until}", *lines(drawing),
    )  # fmt: skip
    trade = Trade.objects.get()
    assert (trade.kind, trade.state) == ("breakout", TradeState.APPROVED)
    assert trade.expires_at.isoformat() == until
    assert "breakout: Armed" in said


def test_place_trade_refuses_another_kind_than_was_named(run, floor, account):
    drawing = drawn_away(floor, "-0.01")
    with pytest.raises(CommandError, match="nothing was sent"):
        run(
            "place_trade", "BTCUSDT", "long", f"--account={account.pk}", "--kind=now",
            *lines(drawing),
        )  # fmt: skip
    assert not Trade.objects.exists()


def test_place_trade_refuses_a_live_account_without_yes_live(run, account, draw):
    type(account).objects.filter(pk=account.pk).update(venue=Venue.BINANCE)
    with pytest.raises(CommandError, match="--yes-live") as refused:
        run("place_trade", "BTCUSDT", "long", f"--account={account.pk}", *lines(draw()))
    assert refused.value.returncode == 2
    assert not Trade.objects.exists()


@pytest.mark.parametrize("bad", ["NaN", "1E+999", "٦٤٠٠٠", "0", "-1", "1_000"])
def test_place_trade_takes_plain_amounts_only(run, account, draw, bad):
    drawn = [f"--entry={bad}", *lines(draw())[1:]]
    with pytest.raises(CommandError, match="amount"):
        run("place_trade", "BTCUSDT", "long", f"--account={account.pk}", *drawn)


def test_reconcile_shows_what_we_missed_and_then_records_it(run, floor, account, draw):
    trade = orders.place_trade(account, draw(), quote_of=floor.quote_of)
    floor.turn(account)
    stop = trade.orders.get(leg="stop")
    exchange_for(account).cancel_list("BTCUSDT", stop.list_client_order_id)

    said = run("reconcile", "--dry-run")
    assert "stop order" in said
    assert "CANCELED on the exchange" in said
    assert Order.objects.get(pk=stop.pk).state == State.OPEN, "a dry run changes nothing"

    found = json.loads(run("reconcile", "--json"))
    assert len(found["differences"][str(account.pk)]) == 2
    assert Order.objects.get(pk=stop.pk).state == State.CANCELED
    assert json.loads(run("reconcile", "--json"))["differences"][str(account.pk)] == []
    trade.refresh_from_db()
    assert trade.state == TradeState.OPEN


def test_reconcile_of_an_unknown_account_ends_with_two(run, db):
    with pytest.raises(CommandError, match="no account") as refused:
        run("reconcile", "--account=00000000-0000-0000-0000-000000000000")
    assert refused.value.returncode == 2
