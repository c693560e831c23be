"""Each invariant holds after an honest trade, and is seen to break with what it guards."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal, localcontext

import pytest
from django.db import connection

from tests.drills import invariants
from tests.drills.heat import heat_within
from tests.drills.invariants import Seen, Sent, Span, check_all
from tests.drills.ledger import read_ledger
from testudo import clock
from testudo.events.models import OutboxEvent
from trading import account_stream, ledger, orders
from trading.exchange.factory import exchange_for
from trading.exchange.port import LegInstruction
from trading.models import Fill, Order, Trade
from trading.order_states import State, TradeState

SECOND = timedelta(seconds=1)


@pytest.fixture
def closed(floor, account, draw) -> Trade:
    """A trade bought, protected and sold again."""
    trade = orders.place_trade(account, draw(), quote_of=floor.quote_of)
    floor.turn(account)
    floor.advance(SECOND)
    orders.request_close(trade.pk)
    for _ in range(4):
        floor.advance(SECOND)
        floor.turn(account)
    account_stream.match_books(account)
    trade.refresh_from_db()
    assert trade.state == TradeState.CLOSED
    return trade


@pytest.fixture
def held(floor, account, draw) -> Trade:
    """A trade bought and protected."""
    trade = orders.place_trade(account, draw(), quote_of=floor.quote_of)
    floor.turn(account)
    account_stream.match_books(account)
    trade.refresh_from_db()
    assert trade.protected_at is not None
    return trade


@pytest.fixture
def look(floor, account):
    """What a drill would have seen of the account; the trader himself owns number 1."""

    def see(**facts) -> Seen:
        store, now_ms = floor.paper.store, floor.paper.now_ms
        ledger = read_ledger(store, 1, symbols=["BTCUSDT", "ETHUSDT"], now_ms=now_ms)
        return Seen(account=account, venue=ledger, **facts)

    return see


def by_force(sql: str, *values: object) -> None:
    """Change what the database itself forbids to change."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(sql, values)
        cursor.execute("SET session_replication_role = DEFAULT")


def broken(seen: Seen) -> set[str]:
    return {finding.invariant for finding in check_all(seen)}


def test_an_honest_trade_breaks_nothing(closed, look):
    assert [str(each) for each in check_all(look())] == []


def test_an_open_position_breaks_nothing(held, look):
    assert [str(each) for each in check_all(look())] == []


def test_a_lost_fill_is_found(closed, look):
    by_force("DELETE FROM trading_fill WHERE trade_id = %s", closed.pk)
    assert "I1" in broken(look())


def test_a_fill_that_is_off_by_the_last_digit_is_found(closed, look):
    by_force("UPDATE trading_fill SET price = price + 0.00000001 WHERE trade_id = %s", closed.pk)
    assert "I1" in broken(look())


def test_an_order_taken_in_twice_is_found(closed, look):
    seen = look()
    entry = next(order for order in seen.venue.orders if order.side == "BUY")
    again = replace(entry, id=entry.id + 1000)
    seen.venue = replace(seen.venue, orders=(*seen.venue.orders, again))
    assert "I2" in broken(seen)


def test_more_bought_than_planned_is_found(closed, look):
    Trade.objects.filter(pk=closed.pk).update(quantity=closed.quantity / 2)
    assert "I2" in broken(look())


def test_a_position_without_its_stop_is_found(floor, account, held, look):
    stop = held.orders.get(leg="stop")
    exchange_for(account).cancel_list("BTCUSDT", stop.list_client_order_id)
    floor.advance(timedelta(seconds=9))
    assert any(finding.invariant == "I3" for finding in invariants.never_naked(look()))
    away = [Span(clock.now() - timedelta(seconds=10))]
    assert not list(invariants.never_naked(look(unreachable=away)))
    down = [Span(clock.now() - timedelta(seconds=8), clock.now() - timedelta(seconds=7))]
    assert not list(invariants.never_naked(look(database_down=down))), "for that long it may be"
    floor.advance(timedelta(seconds=2))
    assert list(invariants.never_naked(look(database_down=down))), "and no longer"


def test_two_live_trades_in_one_symbol_are_found(floor, account, draw, held, look):
    other = orders.place_trade(account, draw("ETHUSDT"), quote_of=floor.quote_of)
    assert "I4" not in broken(look())
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("DROP INDEX one_live_trade_per_symbol")
    Trade.objects.filter(pk=other.pk).update(symbol="BTCUSDT")
    assert "I4" in broken(look())


def test_heat_above_the_limit_is_found(floor, account, held):
    def found(most: Decimal) -> bool:
        return bool([*heat_within(account, most=most, quote_of=floor.quote_of)])

    (bought,) = Fill.objects.filter(trade=held)
    per_unit = bought.price - held.stop + held.stop * held.fee_rate
    cash = ledger.totals(account)["USDT"]
    equity = cash + held.held * floor.quote_of("paper", "BTCUSDT").bid
    with localcontext(prec=60):
        share = per_unit * held.held / equity
    assert not found(share + Decimal("1e-30")), "nothing is found where all of it just fits"
    assert found(share - Decimal("1e-30")), "and nothing is let pass"


def test_an_order_of_ours_that_nobody_here_knows_is_found(closed, look):
    Order.objects.filter(trade=closed, leg="stop").update(client_order_id="Tsomebody-else")
    assert "I5" in broken(look())


def test_a_cancelled_order_of_the_traders_own_is_found(floor, account, held, look):
    exchange, quote = exchange_for(account), floor.quote_of("paper", "BTCUSDT")
    own = LegInstruction(
        client_order_id="mine",
        side="BUY",
        type="LIMIT",
        time_in_force="GTC",
        quantity=Decimal("0.001"),
        price=Decimal(int(quote.bid * Decimal("0.9"))),
    )
    exchange.place_order("BTCUSDT", own, signed_at=clock.now())
    assert "I5" not in broken(look())
    exchange.cancel_order("BTCUSDT", "mine")
    seen = look()
    assert "I5" in broken(seen)
    seen.by_hand = {order.id for order in seen.venue.orders if order.client_id == "mine"}
    assert "I5" not in broken(seen)


def test_books_that_differ_from_the_balances_are_found(floor, closed, look):
    floor.paper.deposit(1, "USDT", 1)  # a hundred-millionth that we were never told of
    floor.paper.commit()
    assert "I6" in broken(look())


def test_a_state_that_is_not_the_exchanges_is_found(closed, look):
    Order.objects.filter(trade=closed, leg="exit").update(state=State.OPEN)
    assert "I7" in broken(look())


def test_a_stop_at_another_price_than_shown_is_found(held, look):
    Trade.objects.filter(pk=held.pk).update(moved_stop=held.stop + 1)
    assert "I7" in broken(look())


def test_new_risk_after_a_halt_is_found(closed, look):
    halt = Span(clock.now() - timedelta(seconds=10))
    late, early = clock.now(), halt.since + timedelta(milliseconds=400)
    assert "I8" not in broken(look(halts=[halt], entries=[Sent(early, 1, "T", early)]))
    assert "I8" in broken(look(halts=[halt], entries=[Sent(late, 1, "T", late)]))
    stale = Sent(late, 1, "T", late - timedelta(seconds=5))  # the exchange itself refuses it
    assert "I8" not in broken(look(halts=[halt], entries=[stale]))


def test_an_order_unsettled_past_its_window_is_found(closed, look):
    long_ago = clock.now() - timedelta(minutes=2)
    Order.objects.filter(trade=closed, leg="exit").update(state=State.UNKNOWN, claimed_at=long_ago)
    assert "I9" in broken(look())


def test_an_event_that_was_not_delivered_is_found(closed, look):
    OutboxEvent.objects.filter(name="trading.trade_closed").update(delivered_at=None)
    assert "I9" in broken(look())


def test_a_frame_to_a_stranger_is_found(closed, look):
    assert "I10" in broken(look(strangers=["a frame of one account went to another"]))


def test_a_request_during_a_ban_is_found(closed, look):
    ban = Span(clock.now() - SECOND, clock.now() + SECOND)
    assert "I11" not in broken(look(bans=[ban], requests=[ban.since]))
    assert "I11" in broken(look(bans=[ban], requests=[clock.now()]))


def test_more_weight_than_nine_tenths_is_found(closed, look):
    assert "I11" in broken(look(most_weight=5_401))


def test_a_decision_rewritten_is_found(closed, look):
    by_force("UPDATE trading_decision SET payload = payload || ' '")
    assert "I12" in broken(look())


def test_a_gap_in_the_accounts_events_is_found(closed, look):
    by_force("UPDATE events_outboxevent SET seq = seq + 1000 WHERE name = 'trading.order_sent'")
    assert "I12" in broken(look())
