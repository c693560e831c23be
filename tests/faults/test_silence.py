"""A sale that no stream tells of: the independent check does not take its money for a gift."""

from datetime import timedelta

from trading import account_stream, drop_copy, ledger
from trading.exchange.factory import exchange_for
from trading.models import AccountFlow
from trading.order_states import TradeState


def test_f19_what_an_untold_sale_brought_is_not_booked_as_money_from_outside(
    floor, account, held, wait
):
    account_stream.match_books(account)
    floor.advance(timedelta(seconds=20))
    price = int(held.stop * 10**8) * 998 // 1000 // 10**6 * 10**6
    floor.paper.move("BTCUSDT", price, 500)
    floor.advance(timedelta(seconds=3))
    flows = AccountFlow.objects.filter(account=account)
    before = list(flows.order_by("pk"))
    look = drop_copy.look(account, exchange=exchange_for(account))
    assert look.external == ()
    assert list(flows.order_by("pk")) == before
    trade = wait(held, 35)
    assert trade.state == TradeState.CLOSED
    account_stream.match_books(account)
    there = {each.asset: each.free + each.locked for each in exchange_for(account).balances()}
    assert {asset: total for asset, total in ledger.totals(account).items() if total} == {
        asset: total for asset, total in there.items() if total
    }
    assert list(flows.order_by("pk")) == before
