"""F51, F52: a halt among entries that fly lets none follow, and leaves none unprotected."""

import threading
from decimal import Decimal

import pytest
from django.db import connection

from risk.models import RiskProfile
from trading import global_halt, orders, submission
from trading.actors import Actor
from trading.exchange.factory import exchange_for
from trading.models import Order
from trading.order_states import State, TradeState

ACCOUNTS = 20


@pytest.mark.django_db(transaction=True)
def test_f51_of_twenty_entries_in_flight_none_is_claimed_after_the_halt_and_the_rest_is_protected(
    transactional_db, floor, alice, draw
):
    accounts = [
        floor.open_account(alice, name=f"No {number}", balances={"USDT": "10000"})
        for number in range(ACCOUNTS)
    ]
    small = draw(risk_fraction=Decimal("0.002"))
    trades = [orders.place_trade(each, small, quote_of=floor.quote_of) for each in accounts]
    ids = {each.pk: [order.pk for order in each.orders.all()] for each in trades}
    claimed: dict[object, list[Order]] = {}
    flying, halted = threading.Barrier(ACCOUNTS // 2 + 1), threading.Event()

    def claim(trade, *, after_the_halt):
        try:
            if after_the_halt:
                halted.wait(30)
            claimed[trade.pk] = submission.claim(ids[trade.pk])
            if not after_the_halt:
                flying.wait(30)
        finally:
            connection.close()

    threads = [
        threading.Thread(target=claim, args=(each,), kwargs={"after_the_halt": number % 2 == 1})
        for number, each in enumerate(trades)
    ]
    for thread in threads:
        thread.start()
    flying.wait(30)  # ten are claimed and not sent yet
    global_halt.halt_all(reason="exchange trouble", by=Actor("operator"))
    halted.set()
    for thread in threads:
        thread.join(30)
    assert [bool(claimed[each.pk]) for each in trades] == [True, False] * (ACCOUNTS // 2)

    for trade, account in zip(trades, accounts, strict=True):
        if claimed[trade.pk]:  # in flight when the switch was pulled: it arrives
            exchange = exchange_for(account)
            sent = list(Order.objects.filter(pk__in=ids[trade.pk]).order_by("pk"))
            submission.record(sent, submission._send(sent, exchange))
        floor.turn(account)
        trade.refresh_from_db()
    in_flight, held_back = trades[::2], trades[1::2]
    assert {each.state for each in in_flight} == {TradeState.OPEN}
    assert all(each.protected_at and each.naked_since is None for each in in_flight)
    assert {each.orders.get(leg="stop").state for each in in_flight} == {State.OPEN}
    assert {each.state for each in held_back} == {TradeState.EXPIRED}
    assert not Order.objects.filter(trade__in=held_back).exclude(claimed_at=None).exists()


def test_f52_what_a_fill_will_use_of_a_limit_is_counted_while_its_entry_flies(floor, account, draw):
    RiskProfile.objects.update_or_create(
        account_id=account.pk,
        defaults={"max_risk": Decimal("0.02"), "max_heat": Decimal("0.03")},
    )
    large = {"risk_fraction": Decimal("0.02"), "acknowledged": frozenset({"large_risk"})}
    first = orders.place_trade(
        account, draw(stop="0.05", target="0.15", **large), quote_of=floor.quote_of
    )
    second = draw("ETHUSDT", stop="0.05", target="0.15", **large)

    def refused_by():
        with pytest.raises(orders.PlanRefused) as refused:
            orders.place_trade(account, second, quote_of=floor.quote_of)
        return {each.code for each in refused.value.verdicts if not each.ok}

    assert refused_by() == {"daily_loss", "portfolio_heat"}, "flying"
    floor.turn(account)
    first.refresh_from_db()
    assert first.state == TradeState.OPEN
    assert refused_by() == {"daily_loss", "portfolio_heat"}, "filled"
