"""R14: orders of ours that the books lost are adopted and protected; others are never touched."""

from datetime import timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
import requests
from django.db import connection

from tests.trading import faults
from tests.trading.risky import MINUTE, SECOND, opened, walked, won
from testudo import clock
from trading import account_stream, client_ids, foreign, ledger, orders, orphans
from trading.exchange.factory import exchange_for
from trading.exchange.port import Accepted, Bracket, LegInstruction
from trading.exchange.user_events import OrderUpdate
from trading.models import AccountRisk, Decision, Incident, Order, Trade
from trading.order_states import State, TradeState


def resting(account, symbol="BTCUSDT"):
    return {each.client_order_id: each for each in exchange_for(account).open_orders(symbol)}


def forget(trade) -> None:
    """The database is put back to before the trade: nothing of it is left (as after a restore)."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE trading_ledgerentry DISABLE TRIGGER USER")
        cursor.execute("ALTER TABLE trading_fill DISABLE TRIGGER USER")
        cursor.execute("DELETE FROM trading_ledgerentry WHERE source LIKE 'fill:%'")
        cursor.execute("DELETE FROM trading_fill WHERE trade_id = %s", [trade.pk])
        cursor.execute("ALTER TABLE trading_ledgerentry ENABLE TRIGGER USER")
        cursor.execute("ALTER TABLE trading_fill ENABLE TRIGGER USER")
        cursor.execute(
            "UPDATE trading_ledgerbalance b SET total = coalesce((SELECT sum(change) "
            "FROM trading_ledgerentry e WHERE e.account_id = b.account_id AND e.asset = b.asset "
            "AND e.book = 'wallet'), 0)"
        )
        cursor.execute(
            "UPDATE trading_balance b SET booked = l.total FROM trading_ledgerbalance l "
            "WHERE l.account_id = b.account_id AND l.asset = b.asset AND b.booked IS NOT NULL"
        )
        cursor.execute("ALTER TABLE trading_exchangecall DISABLE TRIGGER USER")
        cursor.execute("DELETE FROM trading_exchangecall WHERE trade_id = %s", [trade.pk])
        cursor.execute("ALTER TABLE trading_exchangecall ENABLE TRIGGER USER")
        cursor.execute("DELETE FROM trading_incident WHERE trade_id = %s", [trade.pk])
        cursor.execute("DELETE FROM trading_order WHERE trade_id = %s", [trade.pk])
        cursor.execute("DELETE FROM trading_trade WHERE id = %s", [trade.pk])


def in_step(floor, account) -> None:
    held = {
        each.asset: each.free + each.locked
        for each in exchange_for(account).balances()
        if each.free + each.locked
    }
    assert {k: v for k, v in ledger.totals(account).items() if v} == held
    assert ledger.faults(account) == []


def matched(floor, account) -> None:
    floor.advance(MINUTE)
    account_stream.match_books(account)
    account.refresh_from_db()


def test_ids_are_read_back_to_what_they_were_made_of():
    intent = uuid4()
    for leg in (client_ids.LIST, client_ids.ENTRY, client_ids.EXIT):
        for attempt in (1, 36, 36**4 - 1):
            ours = client_ids.read(client_ids.client_id(intent, leg, attempt))
            assert ours == client_ids.Ours(intent, leg, attempt)


OURS = client_ids.client_id(UUID("019a2c3e-5f60-7a81-92b3-c4d5e6f70819"), "E")


@pytest.mark.parametrize(
    "text",
    ["", "by-hand", "T" * 32, "x-HNA2TXFJ0123456789abcdef012345", "web_1a2b3c", OURS.lower(),
     OURS[:-4] + "0000", OURS + "1", "T" + "A" * 26 + "Z0001", "T" + "1" * 26 + "E0001"],
)  # fmt: skip
def test_an_id_of_anybody_else_is_not_ours(text):
    assert client_ids.read(text) is None


def test_a_position_whose_rows_are_lost_is_a_trade_again_with_its_stop_and_its_fills(
    floor, account, draw
):
    trade = opened(floor, account, draw())
    held, stop, plan = trade.held, trade.orders.get(leg="stop"), (trade.stop, trade.target)
    forget(trade)
    matched(floor, account)
    again = Trade.objects.get(account=account)
    assert (again.pk, again.state, again.held) == (trade.pk, TradeState.OPEN, held)
    assert (again.stop, again.target) == plan
    assert again.orders.get(leg="stop").client_order_id == stop.client_order_id
    assert again.orders.get(leg="stop").state == State.OPEN
    assert again.naked_since is None
    assert Decision.objects.filter(account=account, kind="adopted").count() == 1
    told = Incident.objects.get(kind="orphan_adopted")
    assert (told.account_id, told.trade_id) == (account.pk, trade.pk)
    in_step(floor, account)
    assert not account.flows.filter(kind__in=["external", "foreign_trade"]).exists()


def test_an_adopted_trade_lives_on_to_its_target(floor, account, draw):
    drawing = draw()
    trade = opened(floor, account, drawing)
    forget(trade)
    matched(floor, account)
    again = walked(floor, Trade.objects.get(pk=trade.pk), drawing.target * Decimal("1.0005"))
    assert (again.state, again.exit_reason) == (TradeState.CLOSED, "target")
    in_step(floor, account)


def test_a_trade_that_came_and_went_in_the_gap_is_booked_whole(floor, account, draw):
    trade = won(floor, account, draw())
    profit = trade.profit
    forget(trade)
    matched(floor, account)
    again = Trade.objects.get(pk=trade.pk)
    assert (again.state, again.profit) == (TradeState.CLOSED, profit)
    in_step(floor, account)


def test_matching_again_adopts_nothing_again(floor, account, draw):
    forget(opened(floor, account, draw()))
    for _ in range(3):
        matched(floor, account)
    assert Incident.objects.filter(kind="orphan_adopted").count() == 1
    assert Trade.objects.filter(account=account).count() == 1
    assert Order.objects.filter(account=account).count() == 3


def test_a_lost_stop_order_of_a_known_trade_is_put_back_into_its_trade(floor, account, draw):
    trade = opened(floor, account, draw())
    first = trade.orders.get(leg="stop")
    exchange_for(account).cancel_list("BTCUSDT", first.list_client_order_id)
    for _ in range(2):
        floor.advance(timedelta(seconds=30))
        floor.turn(account)
    second = trade.orders.filter(leg__in=["stop", "target"]).exclude(
        list_client_order_id=first.list_client_order_id
    )
    assert second.count() == 2
    second.delete()  # as if the database had been put back to before them
    matched(floor, account)
    assert trade.orders.filter(leg="stop", state=State.OPEN).count() == 1
    floor.turn(account)
    assert len(resting(account)) == 2, "protected by what rests there, and by nothing new"


def orphan_entry(floor, account, *, below="0.9"):
    """A resting entry with an id of ours, sent by nobody who is left."""
    intent = uuid4()
    quote = floor.quote_of("paper", "BTCUSDT")
    limit = (quote.bid * Decimal(below)).quantize(Decimal("0.01"))

    def leg(letter, kind, price=None, stop=None, quantity=None):
        return LegInstruction(
            client_order_id=client_ids.client_id(intent, letter), type=kind, price=price,
            side="BUY" if letter == "E" else "SELL", stop_price=stop, quantity=quantity,
            time_in_force="GTC" if letter == "E" else "",
        )  # fmt: skip

    bracket = Bracket(
        symbol="BTCUSDT", kind="OPOCO",
        list_client_order_id=client_ids.client_id(intent, client_ids.LIST),
        entry=leg("E", "LIMIT", price=limit, quantity=Decimal("0.01")),
        above=leg("G", "TAKE_PROFIT", stop=quote.bid * Decimal("1.5") // 1),
        below=leg("S", "STOP_LOSS", stop=limit * Decimal("0.9") // 1),
    )  # fmt: skip
    answer = exchange_for(account).place_bracket(bracket, signed_at=clock.now())
    assert isinstance(answer, Accepted), answer
    return intent


def test_an_entry_of_ours_that_no_plan_needs_is_cancelled_before_it_buys(floor, account):
    orphan_entry(floor, account)
    assert len(resting(account)) >= 1
    matched(floor, account)
    assert resting(account) == {}
    assert not Trade.objects.exists()
    told = Incident.objects.get(kind="orphan_adopted")
    assert "cancelled" in told.what_was_done


def test_an_orphan_the_stream_tells_of_is_adopted_at_once(floor, account, draw):
    trade = opened(floor, account, draw())
    entry = trade.orders.get(leg="entry")
    report = exchange_for(account).find_order("BTCUSDT", entry.client_order_id)
    forget(trade)
    account_stream.take_in(account, OrderUpdate(report, None))
    assert Trade.objects.get(pk=trade.pk).state == TradeState.OPEN


def test_an_entry_taken_for_absent_that_filled_after_all_is_a_position_again(floor, account, draw):
    """R4's proof can fail where the exchange hides an order longer than it says it may."""
    trade = orders.place_trade(account, draw(), quote_of=floor.quote_of)

    def hidden(request, go_on):
        if faults.is_order(request):
            return faults.lost_reply(request, go_on)
        if request.method == "GET" and any(
            part in request.url for part in ("/order", "/openOrders", "/myTrades")
        ):
            answer = requests.Response()
            answer.status_code, answer._content = 200, b"[]"
            if "/order?" in request.url or "/orderList?" in request.url:
                answer.status_code = 400
                answer._content = b'{"code":-2013,"msg":"Order does not exist."}'
            return answer
        return go_on()

    with faults.wire(floor, hidden):
        floor.turn(account)
        for _ in range(25):
            floor.advance(SECOND)
            floor.turn(account)
    trade.refresh_from_db()
    assert trade.state == TradeState.EXPIRED
    matched(floor, account)
    trade.refresh_from_db()
    assert trade.state == TradeState.OPEN
    assert trade.orders.get(leg="stop").state == State.OPEN
    assert trade.closed_at is None
    assert Incident.objects.filter(kind="orphan_adopted", trade=trade).exists()
    in_step(floor, account)


def test_a_stop_left_resting_after_its_trade_is_over_is_taken_down(floor, account, draw):
    """It would sell coin that is not its own (as in freqtrade's 12528)."""
    floor.paper.deposit(1, "BTC", 5 * 10**8)
    trade = opened(floor, account, draw())
    Order.objects.filter(trade=trade).update(state=State.CANCELED)
    Trade.objects.filter(pk=trade.pk).update(state=TradeState.CLOSED, held=0, naked_since=None)
    assert len(resting(account)) == 2
    matched(floor, account)
    assert resting(account) == {}


def test_orders_of_the_traders_own_are_shown_and_never_touched(floor, account):
    quote = floor.quote_of("paper", "BTCUSDT")
    mine = LegInstruction(
        client_order_id="by-hand-1", side="BUY", type="LIMIT", quantity=Decimal("0.01"),
        price=(quote.bid * Decimal("0.9")).quantize(Decimal("0.01")), time_in_force="GTC",
    )  # fmt: skip
    answer = exchange_for(account).place_order("BTCUSDT", mine, signed_at=clock.now())
    assert isinstance(answer, Accepted)
    found = orphans.sweep(account, exchange=exchange_for(account), symbols=["BTCUSDT"])
    assert [each.client_order_id for each in found.foreign] == ["by-hand-1"]
    for _ in range(3):
        matched(floor, account)
    shown = foreign.of(account).get()
    assert (shown.client_order_id, shown.quantity) == ("by-hand-1", Decimal("0.01"))
    assert set(resting(account)) == {"by-hand-1"}
    assert not Incident.objects.exists()
    assert AccountRisk.objects.get(account=account).state == "active"


def test_an_own_order_that_is_gone_is_shown_no_more(floor, account):
    quote = floor.quote_of("paper", "BTCUSDT")
    mine = LegInstruction(
        client_order_id="by-hand-3", side="BUY", type="LIMIT", quantity=Decimal("0.01"),
        price=(quote.bid * Decimal("0.9")).quantize(Decimal("0.01")), time_in_force="GTC",
    )  # fmt: skip
    exchange = exchange_for(account)
    exchange.place_order("BTCUSDT", mine, signed_at=clock.now())
    report = exchange.find_order("BTCUSDT", "by-hand-3")
    account_stream.take_in(account, OrderUpdate(report, None))
    assert foreign.of(account).count() == 1
    exchange.cancel_order("BTCUSDT", "by-hand-3")
    gone = exchange.find_order("BTCUSDT", "by-hand-3")
    account_stream.take_in(account, OrderUpdate(gone, None))
    assert foreign.of(account).count() == 0
    account_stream.take_in(account, OrderUpdate(report, None))  # told late
    matched(floor, account)
    assert foreign.of(account).count() == 0


def test_a_hand_made_trade_in_a_gap_is_named_not_external(floor, account):
    floor.advance(MINUTE)
    market = LegInstruction(
        client_order_id="by-hand-2", side="BUY", type="MARKET", quantity=Decimal("0.01")
    )
    exchange_for(account).place_order("BTCUSDT", market, signed_at=clock.now())
    matched(floor, account)
    kinds = set(account.flows.exclude(kind="opening").values_list("kind", flat=True))
    assert kinds == {"foreign_trade"}
    in_step(floor, account)


def test_an_orphan_that_fits_into_no_trade_halts_new_risk_and_says_so(floor, account, draw):
    first = opened(floor, account, draw())
    forget(first)
    second = Trade.objects.filter(account=account)
    assert not second.exists()
    other = orders.place_trade(account, draw(), quote_of=floor.quote_of)  # lives in the symbol
    matched(floor, account)
    assert AccountRisk.objects.get(account=account).state == "halted"
    assert "fits into no trade" in Incident.objects.get(kind="orphan_adopted").text
    assert Trade.objects.get(account=account).pk == other.pk
