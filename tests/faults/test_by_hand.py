"""The trader acts on the exchange's own site: nothing of his is touched, nothing stays naked."""

from datetime import timedelta
from decimal import Decimal

from tests.trading import risky
from testudo.events.models import OutboxEvent
from trading import account_stream, drop_copy, ledger
from trading.exchange.factory import exchange_for
from trading.exchange.port import LegInstruction
from trading.ledger import faults as ledger_faults
from trading.models import AccountFlow, AccountRisk, Incident, Order
from trading.order_states import State, TradeState
from trading.public import story_of


def cancel_legs(account, trade) -> None:
    stop = trade.orders.get(leg="stop")
    exchange_for(account).cancel_list(trade.symbol, stop.list_client_order_id)


def test_f28_a_stop_cancelled_by_hand_is_put_back_for_the_whole_position(
    floor, account, held, wait
):
    cancel_legs(account, held)
    floor.advance(timedelta(seconds=30))  # as without a stream: the poll finds it
    trade = wait(held, 3)
    stop = Order.objects.get(trade=trade, leg="stop", state=State.OPEN)
    assert trade.held - trade.dust < stop.quantity <= trade.held
    assert trade.naked_since is None
    incident = Incident.objects.get(trade=trade)
    assert (incident.kind, bool(incident.closed_at)) == ("leg_lost", True)
    assert "ended at the exchange" in incident.text
    assert "rests after" in incident.what_was_done


def test_f29_a_position_sold_by_hand_is_not_sold_again_and_nothing_is_left_resting(
    floor, account, held, wait
):
    cancel_legs(account, held)
    sale = LegInstruction(
        client_order_id="by-hand",
        side="SELL",
        type="MARKET",
        quantity=held.orders.get(leg="stop").quantity,
    )
    exchange = exchange_for(account)
    exchange.place_order("BTCUSDT", sale, signed_at=floor.moment.moment)
    taken = floor.paper.store.count("orders")
    floor.advance(timedelta(seconds=30))
    trade = wait(held, 60)
    assert exchange.open_orders("BTCUSDT") == []
    sold = floor.paper.engine.counters.trade["BTCUSDT"]
    assert sold == 2, "bought by us, sold by the trader, and by nobody else"
    refused = Order.objects.filter(trade=trade, state=State.REJECTED).count()
    assert refused <= 12, "no loop of refused orders"
    assert floor.paper.store.count("orders") == taken
    assert trade.state in (TradeState.CLOSED, TradeState.OPEN, TradeState.CLOSING)


def sell_by_hand(floor, account, quantity, client_order_id="web_by_hand") -> None:
    sale = LegInstruction(
        client_order_id=client_order_id, side="SELL", type="MARKET", quantity=quantity
    )
    exchange = exchange_for(account)
    exchange.place_order("BTCUSDT", sale, signed_at=floor.moment.moment)


def books_equal_the_exchange(account) -> None:
    there = {each.asset: each.free + each.locked for each in exchange_for(account).balances()}
    ours = {asset: total for asset, total in ledger.totals(account).items() if total}
    assert ours == {asset: total for asset, total in there.items() if total}
    assert ledger_faults(account) == []


def test_f29_a_position_sold_by_hand_is_closed_as_external_at_the_price_it_brought(
    floor, account, held, wait
):
    account_stream.match_books(account)
    floor.advance(timedelta(seconds=20))
    flows = AccountFlow.objects.filter(account=account).count()
    cancel_legs(account, held)
    sell_by_hand(floor, account, held.orders.get(leg="stop").quantity)
    floor.advance(timedelta(seconds=3))
    account_stream.match_books(account)
    trade = wait(held, 10)
    assert (trade.state, trade.exit_reason) == (TradeState.CLOSED, "external")
    told = story_of(account.user, trade.pk).steps[-1]
    assert told.text.startswith("Sold by hand at the exchange: ")
    bought, sold = trade.fills.order_by("at")
    fees = bought.commission_quote + sold.commission_quote
    assert trade.profit == sold.quantity * (sold.price - bought.price) - fees
    assert AccountFlow.objects.filter(account=account).count() == flows, "no money from outside"
    incident = Incident.objects.get(kind="sold_by_hand")
    assert "by hand" in incident.text
    assert incident.closed_at is not None
    closed = OutboxEvent.objects.get(name="trading.trade_closed").payload
    assert closed["exit_reason"] == "external"
    assert closed["text"].startswith("Closed by hand at the exchange: ")
    assert exchange_for(account).open_orders("BTCUSDT") == []
    assert AccountRisk.objects.get(account=account).state == "active", "nothing is missing"
    books_equal_the_exchange(account)
    account_stream.match_books(account)
    assert trade.fills.count() == 2, "told again, booked once"
    assert drop_copy.look(account, exchange=exchange_for(account)).differences == ()


def test_f29_a_part_sold_by_hand_leaves_the_rest_under_its_stop(floor, account, held, wait):
    account_stream.match_books(account)
    floor.advance(timedelta(seconds=20))
    cancel_legs(account, held)
    before = held.held
    part = (held.orders.get(leg="stop").quantity / 2).quantize(Decimal("0.0001"))
    sell_by_hand(floor, account, part)
    floor.advance(timedelta(seconds=3))
    account_stream.match_books(account)
    trade = wait(held, 40)
    assert trade.state == TradeState.OPEN
    stop = Order.objects.get(trade=trade, leg="stop", state=State.OPEN)
    assert trade.held - trade.dust < stop.quantity <= trade.held
    assert trade.held == before - part
    books_equal_the_exchange(account)


def test_f29_what_the_trader_sells_of_coins_apart_is_no_exit_of_ours(floor, alice, draw):
    account = floor.open_account(alice, name="Mixed", balances={"USDT": "10000", "BTC": "1"})
    trade = risky.opened(floor, account, draw())
    account_stream.match_books(account)
    floor.advance(timedelta(seconds=20))
    cancel_legs(account, trade)
    sell_by_hand(floor, account, Decimal("0.05"))
    floor.advance(timedelta(seconds=3))
    account_stream.match_books(account)
    floor.turn(account)
    trade.refresh_from_db()
    assert trade.state == TradeState.OPEN
    assert trade.fills.count() == 1
    assert AccountFlow.objects.filter(account=account, kind="foreign_trade").exists()
    books_equal_the_exchange(account)
