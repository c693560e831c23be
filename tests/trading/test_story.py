"""A trade told whole: its steps with the milliseconds between, its incidents, the raw answers."""

from datetime import timedelta
from decimal import Decimal

import pytest
from rest_framework.test import APIClient

from risk.manage_rules import Management
from risk.part_targets import PartTarget
from risk.wording import money
from tests.trading.risky import opened, won
from testudo import clock
from testudo.events.models import OutboxEvent
from trading import incidents, orders, reconcile, settlement, story, venue_health
from trading.api import present
from trading.exchange.factory import exchange_for
from trading.models import ExchangeCall, MoveReason, Trade
from trading.public import story_of

BACKEND = "accounts.sign_in.PasswordBackend"


@pytest.fixture
def mallory(django_user_model):
    return django_user_model.objects.create_user("mallory", "m@example.com", "a long password")


def names(story):
    return [step.name for step in story.steps]


def test_a_won_trade_tells_every_step_in_order_and_the_time_between(floor, account, alice, draw):
    trade = won(floor, account, draw())
    story = story_of(alice, trade.pk)
    assert names(story) == [
        "planned", "approved", "sent", "acknowledged", "filled", "protected", "closed",
    ]  # fmt: skip
    assert all(step.at is not None for step in story.steps)
    assert story.steps[0].ms == 0
    assert sum(step.ms_between for step in story.steps) == pytest.approx(
        story.steps[-1].ms, abs=len(story.steps)
    )
    filled = next(step for step in story.steps if step.name == "filled")
    assert filled.exchange_at == trade.fills.filter(order__leg="entry").latest("at").at
    assert f"{trade.currency} after fees" in story.steps[-1].text


def test_an_open_trade_says_what_it_has_not_come_to(floor, account, alice, draw):
    trade = opened(floor, account, draw())
    story = story_of(alice, trade.pk)
    assert f"at most {money(trade.planned_risk)} USDT at risk" in story.steps[0].text
    assert (story.steps[-1].name, story.steps[-1].at) == ("closed", None)
    assert not story.is_over
    assert not story.is_unprotected


def test_a_plan_just_placed_waits_for_everything(floor, account, alice, draw):
    trade = orders.place_trade(account, draw(), quote_of=floor.quote_of)
    waiting = [step.name for step in story_of(alice, trade.pk).steps if step.at is None]
    assert waiting == ["sent", "acknowledged", "filled", "protected", "closed"]


def test_a_position_whose_stop_was_taken_down_is_unprotected_until_one_rests_again(
    floor, account, alice, draw
):
    trade = opened(floor, account, draw())
    exchange = exchange_for(account)
    exchange.cancel_list(trade.symbol, trade.orders.get(leg="stop").list_client_order_id)
    reconcile.catch_up_trade(trade.pk, exchange=exchange)  # as the user stream brings it about
    story = story_of(alice, trade.pk)
    assert story.is_unprotected
    assert story.unprotected_since == clock.now()
    shown = present.trade(Trade.objects.get(pk=trade.pk))
    assert (shown["unprotected"], shown["protected"]) == (True, False)
    floor.turn(account)
    assert not story_of(alice, trade.pk).is_unprotected
    assert story_of(alice, trade.pk).unprotected_since is None
    told = OutboxEvent.objects.filter(name="trading.position_protected").order_by("seq")
    assert told.count() == 2, "once after the entry, once after the stop was put back"


def test_each_incident_of_the_trade_comes_with_what_was_done(floor, account, alice, draw):
    trade = opened(floor, account, draw())
    incidents.open_incident(
        account.pk, "leg_lost", text="The stop is gone.", facts={}, trade_id=trade.pk
    )
    incidents.close_incident(
        account.pk, "leg_lost", done="A new stop was placed.", trade_id=trade.pk
    )
    incidents.open_incident(account.pk, "order_differs", text="Another trade's.", facts={})
    [trouble] = story_of(alice, trade.pk).troubles
    assert trouble.title == "A stop or target is gone from the exchange"
    assert (trouble.text, trouble.done) == ("The stop is gone.", "A new stop was placed.")
    assert trouble.ms is not None


def test_the_exchanges_trouble_while_it_lived_is_the_trades_too(floor, account, alice, draw):
    trade = opened(floor, account, draw())
    for _ in range(venue_health.MOST_FAILURES):
        venue_health.note_failure("paper", "timed out", part=venue_health.Part.ORDERS)
    story = story_of(alice, trade.pk)
    assert [(each.kind, each.of_exchange) for each in story.troubles] == [("venue_down", True)]
    assert story.exchange.title == "The paper exchange is down"
    assert "timed out" in story.exchange.fails


def test_trouble_before_the_trade_is_not_its_own(floor, account, alice, draw):
    incidents.open_incident(None, "venue_down", about="paper", text="It is silent.", facts={})
    incidents.close_incident(None, "venue_down", about="paper", done="It answers again.")
    floor.advance(timedelta(seconds=5))
    assert story_of(alice, opened(floor, account, draw()).pk).troubles == ()


def test_the_raw_answers_hold_no_secret_even_where_one_slipped_in(floor, account, alice, draw):
    trade = opened(floor, account, draw())
    secret = "Ab1" * 21 + "x"  # as long, and of the letters, of Binance's keys
    ExchangeCall.objects.create(
        trade=trade, method="GET", path=f"/api/v3/account?token={secret}", status=200,
        answer=f'{{"listenKey": "{secret}", "at": "{secret}"}}', ms=3,
    )  # fmt: skip
    story = story_of(alice, trade.pk)
    assert len(story.answers) == trade.exchange_calls.count() > 1
    whole = "".join(each.path + each.text for each in story.answers)
    assert secret not in whole
    assert "signature" not in whole
    assert "clientOrderId" in whole


def test_anothers_trade_has_no_story(floor, account, mallory, draw):
    assert story_of(mallory, opened(floor, account, draw()).pk) is None


def test_the_api_tells_the_same_story(floor, account, alice, draw):
    trade = won(floor, account, draw())
    http = APIClient()
    http.force_login(alice, BACKEND)
    told = http.get(f"/api/v1/trades/{trade.pk}").json()
    assert [each["name"] for each in told["steps"]] == names(story_of(alice, trade.pk))
    assert told["steps"][0]["at"].endswith("Z")
    assert told["incidents"] == []
    assert told["exchange_answers"][0]["status"] == 200
    assert (told["unprotected"], told["unprotected_since"]) == (False, None)


def test_a_story_has_words_for_every_reason_a_trade_is_moved_or_ends():
    assert set(story.WHY_MOVED) == set(MoveReason)
    assert set(story.CLOSED_BY) == set(settlement.ENDED)


def test_a_trade_in_parts_tells_that_its_legs_were_split(floor, account, alice, draw):
    wish = Management(targets=(PartTarget(nearer(draw()), Decimal("0.5")),))
    trade = opened(floor, account, draw(management=wish))
    step = next(step for step in story_of(alice, trade.pk).steps if step.name == "moved")
    assert step.text.startswith(
        "The stop and target became a pair for each part, to sell a part at each of your targets."
    )


def nearer(drawing):
    return ((drawing.entry + drawing.target * 3) / 4).quantize(Decimal("0.01"))
