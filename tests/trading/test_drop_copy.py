"""R15: a second look at the exchange, apart from the order path, that says where books differ."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from tests.trading import faults
from tests.trading.risky import MINUTE, SECOND, opened, won
from trading import drop_copy, halts, ledger
from trading.actors import Actor
from trading.connecting import store_account
from trading.credentials import ApiKeys
from trading.drop_copy import Watch, look
from trading.exchange.factory import exchange_for
from trading.management.commands.drop_copy import WEIGHT_A_MINUTE, Rounds
from trading.models import (
    AccountRisk,
    Fill,
    Incident,
    Order,
    Trade,
)
from trading.order_states import State

NOT_YET = timedelta(seconds=11)


def seen(account, **how) -> set[str]:
    found = look(account, exchange=exchange_for(account), **how)
    return {each.kind for each in found.differences}


def quiet(floor) -> None:
    """So long that everything must be in the books."""
    floor.advance(NOT_YET)


def test_books_that_agree_are_left_alone(floor, account, draw):
    won(floor, account, draw())
    opened(floor, account, draw("ETHUSDT"))
    quiet(floor)
    assert seen(account) == set()
    assert not Incident.objects.exists()


def changed(sql: str, values: list) -> None:
    """Change what may not be changed: a bug, or a hand in the database."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE trading_fill DISABLE TRIGGER USER")
        cursor.execute(sql, values)
        cursor.execute("ALTER TABLE trading_fill ENABLE TRIGGER USER")


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM trading_fill WHERE id = %s",
        "UPDATE trading_fill SET price = price + 0.00000001 WHERE id = %s",
        "UPDATE trading_fill SET commission = commission / 2 WHERE id = %s",
        "UPDATE trading_fill SET exchange_trade_id = 999999 WHERE id = %s",
    ],
)
def test_a_fill_that_is_missing_or_otherwise_is_found(floor, account, draw, sql):
    opened(floor, account, draw())
    quiet(floor)
    changed(sql, [Fill.objects.first().pk])
    assert "fill_missed" in seen(account)


def test_a_fill_is_given_time_to_come(floor, account, draw):
    opened(floor, account, draw())
    changed("DELETE FROM trading_fill WHERE id = %s", [Fill.objects.first().pk])
    assert "fill_missed" not in seen(account)


@pytest.mark.parametrize(
    "change",
    [
        {"state": State.CANCELED},
        {"filled": Decimal("0.0001")},
        {"quantity": Decimal(9)},
    ],
)
def test_an_order_that_is_otherwise_at_the_exchange_is_found(floor, account, draw, change):
    trade = opened(floor, account, draw())
    quiet(floor)
    Order.objects.filter(trade=trade, leg="target").update(**change)
    assert "order_differs" in seen(account)


def test_an_order_of_ours_in_no_row_is_found(floor, account, draw):
    trade = opened(floor, account, draw())
    quiet(floor)
    Order.objects.filter(trade=trade, leg="target").delete()
    assert "order_differs" in seen(account)


def test_a_stop_that_is_gone_at_the_exchange_is_found_twice_over(floor, account, draw):
    trade = opened(floor, account, draw())
    stop = trade.orders.get(leg="stop")
    exchange_for(account).cancel_list("BTCUSDT", stop.list_client_order_id)
    quiet(floor)
    assert seen(account) == {"order_differs", "position_uncovered"}


def test_orders_of_the_traders_own_are_no_difference(floor, account, draw):
    from tests.trading.test_orphans import orphan_entry

    opened(floor, account, draw())
    quote = floor.quote_of("paper", "BTCUSDT")
    fields = {
        "symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC",
        "quantity": "0.01", "price": f"{quote.bid * Decimal('0.9'):.2f}",
        "newClientOrderId": "by-hand",
    }  # fmt: skip
    exchange_for(account)._client._post("order", True, data=fields)
    quiet(floor)
    assert seen(account) == set()
    orphan_entry(floor, account, below="0.8")
    quiet(floor)
    assert seen(account) == {"order_differs"}


def test_a_difference_counts_when_it_is_still_there_and_then_halts_and_is_told(
    floor, account, draw
):
    trade = opened(floor, account, draw())
    watch = Watch()
    quiet(floor)
    Order.objects.filter(trade=trade, leg="target").update(quantity=Decimal(9))
    watch.look_at(account, exchange=exchange_for(account))
    assert not Incident.objects.exists()
    assert watch.is_suspect(account), "it is looked at again soon"
    quiet(floor)
    watch.look_at(account, exchange=exchange_for(account))
    told = Incident.objects.get(account=account)
    assert (told.kind, told.trade_id) == ("order_differs", trade.pk)
    assert "is for 9 here" in told.text
    assert AccountRisk.objects.get(account=account).state == "halted"
    for _ in range(2):
        quiet(floor)
        watch.look_at(account, exchange=exchange_for(account))
    assert Incident.objects.count() == 1, "told once"


def test_a_difference_that_is_gone_closes_its_incident_and_the_halt_waits_for_a_person(
    floor, account, draw
):
    trade = opened(floor, account, draw())
    target = Order.objects.get(trade=trade, leg="target")
    watch = Watch()
    quiet(floor)
    Order.objects.filter(pk=target.pk).update(quantity=Decimal(9))
    for _ in range(2):
        watch.look_at(account, exchange=exchange_for(account))
        quiet(floor)
    Order.objects.filter(pk=target.pk).update(quantity=target.quantity)
    watch.look_at(account, exchange=exchange_for(account))
    assert Incident.objects.get(account=account).closed_at is not None
    assert AccountRisk.objects.get(account=account).state == "halted"
    operator = Actor(role="operator", user_id=None)
    halts.resume(account, reason="Looked into it.", by=operator, quote_of=floor.quote_of)
    assert AccountRisk.objects.get(account=account).state == "active"


def test_a_difference_of_a_moment_is_none(floor, account, draw):
    trade = opened(floor, account, draw())
    watch = Watch()
    quiet(floor)
    before = Order.objects.get(trade=trade, leg="target").quantity
    Order.objects.filter(trade=trade, leg="target").update(quantity=Decimal(9))
    watch.look_at(account, exchange=exchange_for(account))
    Order.objects.filter(trade=trade, leg="target").update(quantity=before)
    quiet(floor)
    watch.look_at(account, exchange=exchange_for(account))
    assert not watch.is_suspect(account)
    assert not Incident.objects.exists()


@pytest.mark.parametrize("asset", ["USDT", "BTC"])
def test_money_from_outside_is_booked_as_external_and_halts_nothing(floor, account, draw, asset):
    opened(floor, account, draw())
    floor.advance(MINUTE)
    floor.paper.deposit(1, asset, 2 * 10**8)
    floor.advance(MINUTE)
    watch = Watch()
    found = watch.look_at(account, exchange=exchange_for(account))
    assert found.external == (f"The exchange holds 2 {asset} more than the books say.",)
    watch.look_at(account, exchange=exchange_for(account))
    assert account.flows.filter(kind="external").count() == 1
    assert AccountRisk.objects.get(account=account).state == "active"
    assert not Incident.objects.exists()
    assert ledger.faults(account) == []


def test_it_does_not_open_the_books_of_an_account_that_was_never_matched(floor, alice):
    _, key = floor.paper.open_account({"USDT": 50 * 10**8})
    keys = ApiKeys(key.key, key.secret)
    new = store_account(alice, venue="paper", name="New", keys=keys)
    floor.advance(MINUTE)
    assert Watch().look_at(new, exchange=exchange_for(new)).external == ()
    assert not new.flows.exists()


def test_it_sends_nothing_but_questions(floor, account, draw):
    opened(floor, account, draw())
    quiet(floor)
    methods = set()

    def note(request, go_on):
        methods.add(request.method)
        return go_on()

    with faults.wire(floor, note):
        Watch().look_at(account, exchange=exchange_for(account))
    assert methods == {"GET"}


def test_it_is_paced_to_a_fifth_of_the_weight(floor, account, draw):
    opened(floor, account, draw())
    rounds = Rounds(lambda: [account])
    pause = rounds._look_at(account)
    weight = 20 + 26
    assert pause == pytest.approx(weight * 60 / WEIGHT_A_MINUTE)
    assert WEIGHT_A_MINUTE == 6_000 // 5
    assert list(rounds._due_now()) == [], "not before its next round"


def test_an_exchange_that_does_not_answer_concludes_nothing(floor, account, draw):
    opened(floor, account, draw())
    floor.advance(SECOND)
    rounds = Rounds(lambda: [account])
    with faults.wire(floor, lambda request, go_on: _gone()):
        rounds._look_at(account)
    assert not Incident.objects.exists()


def _gone():
    import requests

    raise requests.ConnectionError("down")


def test_the_command_looks_once_and_says_what_differs(floor, account, draw, capsys):
    trade = opened(floor, account, draw())
    quiet(floor)
    call_command("drop_copy", once=True)
    assert "0 differences" in capsys.readouterr().out
    Order.objects.filter(trade=trade, leg="target").update(quantity=Decimal(9))
    with pytest.raises(CommandError):
        call_command("drop_copy", once=True, json=True)
    found = json.loads(capsys.readouterr().out)
    assert len(found["differences"][str(account.pk)]) == 1
    assert not Incident.objects.exists(), "it only looked"
    assert Trade.objects.get(pk=trade.pk).version
    assert drop_copy.KINDS
