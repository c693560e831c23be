"""A position sold in parts: a pair for each target, all of it under a stop (R10, R11)."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest

from risk.manage_rules import Management
from risk.part_targets import PartTarget
from tests.trading import faults
from tests.trading.risky import SECOND, opened, walked
from tests.trading.test_moves_faults import (
    Died,
    lost_after,
    lost_before,
    places_alone,
    places_pair,
    refusal,
)
from testudo import failpoints
from trading import moves, orders
from trading.api import present
from trading.decision_replay import replay
from trading.exchange.factory import exchange_for
from trading.exchange.paper.values import to_e8
from trading.models import Incident, Move, MoveState
from trading.moves import Wish
from trading.order_states import State, TradeState
from trading.plans import judge

CENT = Decimal("0.01")
HALF = Decimal("0.5")


@pytest.fixture
def in_parts(draw):
    """A long whose half is sold half way to its target."""

    def drawing(*shares, **rules):
        plain = draw()
        near = ((plain.entry + plain.target * 3) / 4).quantize(CENT)
        step = (plain.target - near) / (len(shares) + 1)
        parts = tuple(
            PartTarget((near + step * number).quantize(CENT), Decimal(share))
            for number, share in enumerate(shares)
        )
        return draw(management=Management(targets=parts, **rules))

    return drawing


@pytest.fixture
def trade(floor, account, in_parts):
    floor.paper.deposit(1, "BTC", to_e8("2"))  # other coin: the wallet is no fence
    return opened(floor, account, in_parts("0.5"))


def first_target(trade) -> Decimal:
    return Decimal(trade.management["targets"][0]["price"])


def closer(trade) -> Decimal:
    return ((trade.stop + trade.entry) / 2).quantize(CENT)


def live(trade, leg):
    """Quantity by trigger price of what rests, as our books have it."""
    rows = trade.orders.filter(leg=leg, state=State.OPEN)
    return {(order.stop_price, order.quantity) for order in rows}


def at_exchange(trade) -> dict[str, Decimal]:
    """What the exchange itself has resting, added up by kind."""
    found = exchange_for(trade.account).open_orders(trade.symbol)
    kinds = {order.type for order in found}
    return {k: sum(o.quantity for o in found if o.type == k) for k in kinds}


def sold(trade) -> Decimal:
    return sum((f.quantity for f in trade.fills.exclude(order__leg="entry")), Decimal(0))


def settled(floor, account, trade, *, within=8 * SECOND):
    passed = timedelta(0)
    while True:
        floor.turn(account)
        trade.refresh_from_db()
        if trade.open_move_id is None and Move.objects.filter(trade=trade).exists():
            return Move.objects.filter(trade=trade).last()
        assert passed < within, "the move is stuck"
        floor.advance(timedelta(milliseconds=500))
        passed += timedelta(milliseconds=500)


def test_each_target_gets_its_part_and_each_part_the_stop(floor, account, trade):
    assert (trade.state, trade.open_move, trade.naked_since) == (TradeState.OPEN, None, None)
    move = Move.objects.get()
    assert (move.why, move.state) == ("targets", MoveState.DONE)
    (near, far) = sorted(live(trade, "target"))
    assert (near[0], far[0]) == (first_target(trade), trade.target)
    assert abs(near[1] - far[1]) <= trade.orders.first().quantity / 100
    assert {price for price, _ in live(trade, "stop")} == {trade.stop}
    held = at_exchange(trade)
    assert held["STOP_LOSS"] == held["TAKE_PROFIT"]
    assert trade.held - trade.dust < held["STOP_LOSS"] <= trade.held


def test_the_exchange_sells_each_part_at_its_target_and_r_is_that_of_both(floor, account, trade):
    trade = walked(floor, trade, first_target(trade) * Decimal("1.0005"))
    assert trade.state == TradeState.OPEN
    assert {price for price, _ in live(trade, "target")} == {trade.target}
    assert at_exchange(trade)["STOP_LOSS"] <= trade.held
    trade = walked(floor, trade, trade.target * Decimal("1.0005"))
    assert (trade.state, trade.exit_reason) == (TradeState.CLOSED, "target")
    won = sum(f.quote_quantity for f in trade.fills.exclude(order__leg="entry"))
    paid = sum(f.quote_quantity for f in trade.fills.filter(order__leg="entry"))
    fees = sum(f.commission_quote for f in trade.fills.all())
    sold_of = sold(trade) / trade.quantity
    assert abs(trade.profit - (won - paid * sold_of - fees)) < Decimal("0.02")
    at_last = (trade.target - trade.entry) / (trade.entry - trade.stop)
    assert 0 < trade.profit / trade.initial_risk < at_last, "a part was sold nearer"
    assert trade.naked_ms == Move.objects.get().naked_ms


def test_the_api_shows_every_target_and_which_has_sold(floor, account, trade):
    shown = present.trade(trade)
    assert [(part["share"], part["sold"]) for part in shown["targets"]] == [
        ("0.5", False), ("0.5", False),
    ]  # fmt: skip
    trade = walked(floor, trade, first_target(trade) * Decimal("1.0005"))
    shown = present.trade(trade)
    assert [part["sold"] for part in shown["targets"]] == [True, False]
    assert Decimal(shown["targets"][1]["price"]) == trade.target
    assert Decimal(shown["sold_quantity"]) == sold(trade) > 0


def test_after_a_part_is_sold_the_stop_still_moves_for_the_rest_alone(floor, account, trade):
    trade = walked(floor, trade, first_target(trade) * Decimal("1.0005"))
    moves.request_move(trade.pk, Wish(stop=closer(trade)), quote_of=floor.quote_of)
    assert settled(floor, account, trade).state == MoveState.DONE
    assert {price for price, _ in live(trade, "stop")} == {closer(trade)}
    assert {price for price, _ in live(trade, "target")} == {trade.target}
    assert len(live(trade, "stop")) == 1
    assert trade.held - trade.dust < at_exchange(trade)["STOP_LOSS"] <= trade.held


def test_a_moved_stop_moves_for_every_part(floor, account, trade):
    moves.request_move(trade.pk, Wish(stop=closer(trade)), quote_of=floor.quote_of)
    assert settled(floor, account, trade).state == MoveState.DONE
    assert trade.stop_now == closer(trade)
    assert [price for price, _ in live(trade, "stop")] == [closer(trade)] * 2
    assert {price for price, _ in live(trade, "target")} == {first_target(trade), trade.target}
    assert trade.held - trade.dust < at_exchange(trade)["STOP_LOSS"] <= trade.held


def test_all_parts_stopped_out_lose_no_more_than_planned(floor, account, trade):
    trade = walked(floor, trade, trade.stop * Decimal("0.9995"))
    assert (trade.state, trade.exit_reason) == (TradeState.CLOSED, "stop")
    assert at_exchange(trade) == {}
    assert trade.profit < 0
    assert -trade.profit <= trade.planned_risk * Decimal("1.1")


def test_a_close_takes_every_part_down_and_sells_once(floor, account, trade):
    held = trade.held
    orders.request_close(trade.pk)
    for _ in range(4):
        floor.turn(account)
        floor.advance(SECOND)
    trade.refresh_from_db()
    assert trade.state == TradeState.CLOSED
    assert at_exchange(trade) == {}
    assert held - trade.dust < sold(trade) <= held


def test_break_even_comes_with_the_first_target(floor, account, in_parts):
    from trading import armed

    trade = opened(floor, account, in_parts("0.5", break_even=True))
    half_way = (trade.entry + trade.target) / 2
    assert first_target(trade) > half_way
    (level,) = armed.levels_of("paper")
    assert abs(level.price - half_way) < trade.entry / 1000, "half way comes sooner here"


def refusing_pairs(*numbers, also_alone=False):
    """The exchange refuses the pairs with these numbers, counted from 1."""
    seen = [0]

    def fault(request, go_on):
        if places_pair(request):
            seen[0] += 1
            if seen[0] in numbers:
                return refusal()
        if also_alone and places_alone(request) and b"STOP_LOSS" in _body(request):
            return refusal(said="Stop price would trigger immediately.")
        return go_on()

    return fault


def _body(request) -> bytes:
    body = request.body or b""
    return body.encode() if isinstance(body, str) else body


@pytest.mark.parametrize("numbers", [(1,), (2,), (1, 2)])
def test_f30_refused_parts_leave_everything_under_the_former_stop(
    floor, account, in_parts, numbers
):
    with faults.wire(floor, refusing_pairs(*numbers)):
        trade = opened(floor, account, in_parts("0.5"))
        move = settled(floor, account, trade)
    assert move.state == MoveState.KEPT
    assert trade.naked_since is None
    assert trade.held - trade.dust < at_exchange(trade)["STOP_LOSS"] <= trade.held
    assert Incident.objects.get(kind="move_refused").closed_at is not None


def test_f30_one_part_of_a_move_refused_keeps_its_own_former_stop(floor, account, trade):
    moves.request_move(trade.pk, Wish(stop=closer(trade)), quote_of=floor.quote_of)
    with faults.wire(floor, refusing_pairs(2)):
        move = settled(floor, account, trade)
    assert (move.state, trade.stop_now) == (MoveState.KEPT, trade.stop)
    assert {price for price, _ in live(trade, "stop")} == {closer(trade), trade.stop}
    moves.request_move(trade.pk, Wish(target=trade.target + 10), quote_of=floor.quote_of)
    with faults.wire(floor, refusing_pairs(1, 2)):
        settled(floor, account, trade)
    assert max(price for price, _ in live(trade, "stop")) == closer(trade), "never loosened"
    assert trade.held - trade.dust < at_exchange(trade)["STOP_LOSS"] <= trade.held


def test_f30_where_no_stop_is_taken_for_a_part_the_whole_position_is_closed(
    floor, account, in_parts
):
    refused = refusing_pairs(*range(2, 30), also_alone=True)
    with faults.wire(floor, refused):
        trade = opened(floor, account, in_parts("0.5"))
        held = trade.held
        for _ in range(8):
            floor.turn(account)
            floor.advance(SECOND)
    trade.refresh_from_db()
    assert trade.state == TradeState.CLOSED
    assert at_exchange(trade) == {}
    assert held - trade.dust < sold(trade) <= held


PLACES = ["before_legs_down", "after_legs_down", "after_move_planned", "after_claim_before_send",
          "after_send_before_record"]  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("time", [1, 2])
def test_f01_f02_f03_a_worker_that_dies_amid_the_parts_leaves_them_to_the_next_turn(
    floor, account, trade, monkeypatch, place, time
):
    moves.request_move(trade.pk, Wish(stop=closer(trade)), quote_of=floor.quote_of)
    seen = []

    def die(name):
        seen.append(name)
        if seen.count(place) == time:
            raise Died

    with monkeypatch.context() as patch:
        patch.setattr(failpoints, "reach", die)
        try:
            floor.turn(account)
        except Died:
            assert seen[-1] == place
        else:
            assert seen.count(place) < time, "this place is passed once only"
    assert settled(floor, account, trade).state == MoveState.DONE
    assert [price for price, _ in live(trade, "stop")] == [closer(trade)] * 2
    assert trade.held - trade.dust < at_exchange(trade)["STOP_LOSS"] <= trade.held


def test_f31_a_part_that_sells_while_the_legs_come_down_is_not_sold_twice(floor, account, trade):
    """The nearer target fills between the wish and the cancel: only the rest gets new legs."""
    held = trade.held
    price = (first_target(trade) * Decimal("1.0005")).quantize(CENT)
    moves.request_move(trade.pk, Wish(stop=closer(trade)), quote_of=floor.quote_of)
    done = []

    def price_is_faster(request, go_on):
        if request.method == "DELETE" and not done:
            done.append(True)
            floor.paper.move("BTCUSDT", to_e8(price), 2_000)
            for _ in range(4):
                floor.advance(SECOND)
        return go_on()

    with faults.wire(floor, price_is_faster):
        move = settled(floor, account, trade)
    assert done
    assert move.state == MoveState.DONE
    assert {each for each, _ in live(trade, "target")} == {trade.target}
    assert sold(trade) + at_exchange(trade)["STOP_LOSS"] <= held
    assert trade.held - trade.dust < at_exchange(trade)["STOP_LOSS"] <= trade.held


def verdict(floor, account, drawing):
    judged = judge(account, drawing, quote_of=floor.quote_of)
    return judged, next(v for v in judged.verdicts if v.code == "exchange_filters")


def test_more_parts_than_the_exchange_holds_orders_for_are_refused_at_entry(
    floor, account, in_parts
):
    judged, found = verdict(floor, account, in_parts("0.3", "0.3"))
    assert judged.plan.symbol.max_algo_orders == 5
    assert not found.ok
    assert "3 targets need 6 such orders" in found.message
    assert "Leave a target out" in found.message


def test_a_part_below_the_exchanges_least_is_refused_at_entry(floor, account, in_parts):
    _, found = verdict(floor, account, in_parts("0.0001"))
    assert not found.ok
    assert "below the least the exchange sells at the stop" in found.message
    with pytest.raises(orders.PlanRefused):
        orders.place_trade(account, in_parts("0.0001"), quote_of=floor.quote_of)


def test_the_reward_is_that_of_the_parts_together(floor, account, draw, in_parts):
    whole = judge(account, draw(), quote_of=floor.quote_of).plan
    parts = judge(account, in_parts("0.5"), quote_of=floor.quote_of).plan
    assert parts.sizing.quantity == whole.sizing.quantity
    assert parts.sizing.worst_loss == whole.sizing.worst_loss
    ratio = parts.sizing.reward_to_risk / whole.sizing.reward_to_risk
    assert Decimal("0.8") < ratio < Decimal("0.9"), "half of it wins three quarters"


def test_the_decision_keeps_the_wish_and_judges_the_same_again(floor, account, trade):
    facts = json.loads(trade.decision.payload)
    assert facts["management"]["targets"] == trade.management["targets"]
    assert facts["plan"]["targets"][0]["share"] == "0.5"
    found = replay(trade.decision.payload)
    assert (found.same, found.differences) == (True, ())


@pytest.mark.parametrize("lost", [lost_after, lost_before])
def test_f04_a_lost_answer_about_one_part_ends_in_one_pair_for_each(floor, account, trade, lost):
    moves.request_move(trade.pk, Wish(stop=closer(trade)), quote_of=floor.quote_of)
    with faults.wire(floor, lost(places_pair)):
        move = settled(floor, account, trade)
    assert move.state == MoveState.DONE
    assert [price for price, _ in live(trade, "stop")] == [closer(trade)] * 2
    assert trade.held - trade.dust < at_exchange(trade)["STOP_LOSS"] <= trade.held


def test_f28_a_part_whose_pair_was_canceled_by_hand_gets_its_stop_back(floor, account, trade):
    first = trade.orders.filter(leg="stop", state=State.OPEN).order_by("pk").first()
    exchange_for(trade.account).cancel_list(trade.symbol, first.list_client_order_id)
    trade = floor.follow(trade, step=SECOND, at_most=timedelta(seconds=5))
    assert trade.naked_since is None
    assert [price for price, _ in live(trade, "stop")] == [trade.stop] * 2
    assert trade.held - trade.dust < at_exchange(trade)["STOP_LOSS"] <= trade.held
    moves.request_move(trade.pk, Wish(stop=closer(trade)), quote_of=floor.quote_of)
    assert settled(floor, account, trade).state == MoveState.DONE
    assert {price for price, _ in live(trade, "target")} == {first_target(trade), trade.target}
