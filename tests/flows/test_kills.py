"""SIGKILL of the worker at three points between the click and the exchange's answer."""

import pytest

from tests.flows.trader import Trader, until


@pytest.fixture
def trader(stack):
    made = Trader(stack)
    yield made
    if not stack.alive("orders"):
        stack.start("orders")


def dies_at(stack, place: str) -> None:
    """Restart the orders worker so that it dies by SIGKILL on reaching `place`."""
    stack.restart("orders", TESTUDO_FAILPOINTS=f"{place}=kill")


def orders_at_the_exchange(trader, trade) -> list[dict]:
    """What the exchange itself holds under this trade's client ids."""
    ids = [leg["client_order_id"] for leg in trade["legs"]]
    code = (
        "from trading.exchange.factory import exchange_for\n"
        "from trading.models import ExchangeAccount\n"
        f"exchange = exchange_for(ExchangeAccount.objects.get(pk={trader.account!r}))\n"
        f"for each in {ids!r}:\n"
        "    found = exchange.find_order('BTCUSDT', each)\n"
        "    if found: print(found.client_order_id, found.status)\n"
    )
    return trader.stack.python(code)


def test_killed_after_the_commit_and_before_the_claim_one_order_is_placed_and_protected(
    trader, stack
):
    dies_at(stack, "before_claim")
    trade = trader.place()
    until("the worker to die", lambda: not stack.alive("orders"))
    trade = trader.protected(trade["id"], seconds=10)  # the guard does it, without Celery
    assert trade["state"] == "open"
    assert len(orders_at_the_exchange(trader, trade)) == 3
    assert sum(leg["leg"] == "entry" for leg in trade["legs"]) == 1


def test_killed_between_claim_and_send_the_entry_expires_and_its_risk_is_freed(trader, stack):
    dies_at(stack, "after_claim_before_send")
    trade = trader.place()
    until("the worker to die", lambda: not stack.alive("orders"))
    heat = trader.risk()["heat"]["value"]
    assert heat != "0", "while its fate is unknown its risk stays reserved"
    trade = trader.wait(trade["id"], "expired", seconds=45)
    assert orders_at_the_exchange(trader, trade) == []
    assert trader.risk()["heat"]["value"] == "0"
    assert any("free again" in line["text"] for line in trade["timeline"])


def test_killed_after_the_send_the_one_order_is_adopted_and_protected(trader, stack):
    dies_at(stack, "after_send_before_record")
    trade = trader.place()
    until("the worker to die", lambda: not stack.alive("orders"))
    trade = trader.protected(trade["id"], seconds=30)
    assert trade["state"] == "open"
    assert len(orders_at_the_exchange(trader, trade)) == 3
    entered = [fill for fill in trade["fills"] if fill["leg"] == "entry"]
    assert sum(float(fill["quantity"]) for fill in entered) == float(trade["quantity"])
