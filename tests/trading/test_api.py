"""The API's doors: what is refused, with which problem, and that nothing is saved or sent."""

import json
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import orjson
import pytest
import redis
from django.conf import settings as django_settings
from rest_framework.test import APIClient

from testudo import clock
from trading.api.present import moment
from trading.market import prices
from trading.models import Decision, Order, Trade

BACKEND = "accounts.sign_in.PasswordBackend"
NO_PLAIN_NUMBERS = [
    "NaN", "sNaN", "Infinity", "1E+999", "1e-999", "٦٤٠٠٠", "６４０００", "64_000", "+1", "-1", "0",
    " 1",
]  # fmt: skip
NO_SYMBOLS = ["DOGEUSDT", "BTCUSDT;DROP", "../", "btcusdt", "Ω" * 6, "A" * 5000]


@pytest.fixture
def quotes(floor):
    """The market's latest prices where the API looks for them: in Redis."""
    client = redis.Redis.from_url(django_settings.REDIS_URL)

    def publish(symbol="BTCUSDT"):
        quote = floor.quote_of("paper", symbol)
        said = {
            "price": str(quote.price),
            "bid": str(quote.bid),
            "ask": str(quote.ask),
            "at": clock.to_ms(quote.at),
            "seen": clock.to_ms(quote.seen),
        }
        client.set(prices.key_of("paper", symbol), orjson.dumps(said), ex=60)
        return quote

    publish()
    yield publish
    client.delete(prices.key_of("paper", "BTCUSDT"))


@pytest.fixture
def http(alice) -> APIClient:
    client = APIClient()
    client.force_login(alice, BACKEND)
    return client


@pytest.fixture
def plan(account, draw, quotes):
    drawing = draw()
    return {
        "account": str(account.pk),
        "symbol": drawing.symbol,
        "side": "long",
        "entry": str(drawing.entry),
        "stop": str(drawing.stop),
        "target": str(drawing.target),
    }


@pytest.fixture
def order(plan):
    return {**plan, "quoted_price": plan["entry"], "quoted_at": moment(clock.now())}


def place(http, body, key="a-key-of-its-own", raw=None):
    headers = {"Idempotency-Key": key} if key else {}
    data = raw if raw is not None else json.dumps(body)
    return http.post("/api/v1/trades", data, content_type="application/json", headers=headers)


def nothing_happened(floor) -> bool:
    return not (
        Trade.objects.exists()
        or Order.objects.exists()
        or Decision.objects.exists()
        or floor.paper.store.count("orders")
    )


def test_a_preview_sizes_and_judges_and_writes_nothing(http, plan, floor):
    answer = http.post("/api/v1/plans/preview", plan, format="json")
    assert answer.status_code == 200
    said = answer.json()
    assert said["ok"] is True
    assert said["kind"] == "now"
    assert float(said["planned_risk"]) <= float(said["risk_budget"]) == 100
    assert all(isinstance(said[name], str) for name in ("quantity", "planned_risk", "worst_entry"))
    assert nothing_happened(floor)


def test_a_trade_is_placed_once_for_one_key(http, order):
    first, second = place(http, order), place(http, order)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert second.headers["Idempotent-Replayed"] == "true"
    assert Trade.objects.count() == 1


def test_the_same_key_with_another_body_is_refused(http, order):
    place(http, order)
    again = place(http, {**order, "reason": "another"})
    assert again.status_code == 422
    assert again.json()["code"] == "idempotency_key_reused"
    assert Trade.objects.count() == 1


def test_a_trade_without_a_key_is_refused(http, order, floor):
    answer = place(http, order, key=None)
    assert answer.status_code == 400
    assert answer.json()["code"] == "idempotency_key_required"
    assert nothing_happened(floor)


@pytest.mark.parametrize("value", NO_PLAIN_NUMBERS)
@pytest.mark.parametrize("field", ["entry", "stop", "target"])
def test_what_is_no_plain_number_is_refused_by_field(http, order, floor, field, value):
    answer = place(http, {**order, field: value})
    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert nothing_happened(floor)


def test_a_json_float_is_refused_as_a_price(http, order, floor):
    raw = json.dumps(order).replace(f'"{order["stop"]}"', order["stop"])
    answer = place(http, None, raw=raw)
    assert answer.status_code == 400
    assert "string" in answer.json()["errors"][0]["message"]
    assert nothing_happened(floor)


def test_a_stop_on_the_wrong_side_is_refused_with_the_way_out(http, order, floor):
    answer = place(http, {**order, "stop": order["target"]})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "stop"
    assert "below" in answer.json()["errors"][0]["message"]
    assert nothing_happened(floor)


def test_a_price_off_the_tick_is_refused_naming_the_nearest(http, order, floor):
    answer = place(http, {**order, "stop": order["stop"] + "5"})
    assert answer.status_code == 400
    assert order["stop"] in answer.json()["errors"][0]["message"]
    assert nothing_happened(floor)


@pytest.mark.parametrize("symbol", NO_SYMBOLS)
def test_an_unlisted_symbol_is_refused(http, order, floor, symbol):
    answer = place(http, {**order, "symbol": symbol})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "symbol"
    assert nothing_happened(floor)


def test_another_traders_account_is_as_absent_as_none(order, floor, django_user_model):
    mallory = django_user_model.objects.create_user("mallory", "m@example.com", "a long password")
    client = APIClient()
    client.force_login(mallory, BACKEND)
    foreign = place(client, order)
    absent = place(client, {**order, "account": str(uuid4())}, key="another-key-1")
    assert (foreign.status_code, absent.status_code) == (404, 404)
    assert foreign.json() == absent.json()
    assert nothing_happened(floor)


def test_another_traders_trade_can_neither_be_read_nor_closed(http, order, django_user_model):
    trade = place(http, order).json()["id"]
    mallory = django_user_model.objects.create_user("mallory", "m@example.com", "a long password")
    client = APIClient()
    client.force_login(mallory, BACKEND)
    assert client.get(f"/api/v1/trades/{trade}").status_code == 404
    assert client.post(f"/api/v1/trades/{trade}/close").status_code == 404
    assert client.get("/api/v1/trades", {"account": order["account"]}).status_code == 404
    assert Trade.objects.get().close_requested_at is None


def test_visitors_are_asked_to_sign_in(order, floor):
    answer = place(APIClient(), order)
    assert answer.status_code == 401
    assert nothing_happened(floor)


def test_an_unknown_field_is_refused_by_name(http, order, floor):
    answer = place(http, {**order, "quantity": "99"})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "quantity"
    assert nothing_happened(floor)


def test_a_refused_plan_says_every_reason_and_is_recorded(http, order, floor):
    answer = place(http, {**order, "risk_fraction": "0.05"})
    assert answer.status_code == 409
    said = answer.json()
    assert said["code"] == "plan_refused"
    broken = {verdict["code"] for verdict in said["verdicts"] if not verdict["ok"]}
    assert {"trade_risk", "large_risk"} <= broken
    assert Decision.objects.get().kind == "refused"
    assert not Trade.objects.exists()


def test_a_drawing_looked_at_too_long_ago_is_refused(http, order, floor, quotes):

    floor.advance(timedelta(seconds=11))
    quotes()
    answer = place(http, order)
    assert answer.status_code == 409
    broken = {v["code"] for v in answer.json()["verdicts"] if not v["ok"]}
    assert "quote_age" in broken


def test_an_entry_below_the_market_waits_as_a_pullback_until_the_moment_given(http, order, plan):
    away = f"{Decimal(plan['entry']) * Decimal('0.995'):.2f}"
    until = (clock.now() + timedelta(hours=5)).isoformat()
    answer = place(http, {**order, "entry": away, "kind": "pullback", "expires_at": until})
    assert answer.status_code == 201
    trade = answer.json()
    assert (trade["kind"], trade["waits"], trade["state"]) == ("pullback", "exchange", "approved")
    assert datetime.fromisoformat(trade["expires_at"]) == datetime.fromisoformat(until)
    listed = http.get("/api/v1/trades", {"account": order["account"], "state": "open"}).json()
    assert listed["results"][0]["waits"] == "exchange"


def test_an_entry_above_the_market_is_armed_as_a_breakout(http, order, plan):
    lines = {"entry": "1.005", "target": "1.06"}
    away = {name: f"{Decimal(plan['entry']) * Decimal(by):.2f}" for name, by in lines.items()}
    trade = place(http, {**order, **away}).json()
    assert (trade["kind"], trade["waits"]) == ("breakout", "line")
    assert trade["state_text"].startswith("Armed")
    answer = http.post(f"/api/v1/trades/{trade['id']}/cancel")
    assert answer.status_code == 202
    assert answer.json()["state_text"] == "Being withdrawn"


def test_the_kind_the_trader_saw_must_be_what_the_line_means(http, order, plan):
    away = f"{Decimal(plan['entry']) * Decimal('0.995'):.2f}"
    answer = place(http, {**order, "entry": away, "kind": "breakout"})
    broken = {v["code"]: v["message"] for v in answer.json()["verdicts"] if not v["ok"]}
    assert answer.status_code == 409
    assert "pullback" in broken["entry_kind"]


@pytest.mark.parametrize("wish", ["2020-01-01T00:00:00Z", "2099-01-01T00:00:00Z", "soon"])
def test_an_expiry_in_the_past_or_far_away_is_a_bad_request(http, order, floor, wish):
    answer = place(http, {**order, "expires_at": wish})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "expires_at"
    assert nothing_happened(floor)


def test_a_preview_names_the_kind_and_how_long_it_would_wait(http, plan):
    now = http.post("/api/v1/plans/preview", plan, format="json").json()
    assert (now["kind"], now["expires_at"]) == ("now", None)
    away = {**plan, "entry": f"{Decimal(plan['entry']) * Decimal('0.995'):.2f}"}
    later = http.post("/api/v1/plans/preview", away, format="json").json()
    assert later["kind"] == "pullback"
    assert later["expires_at"].startswith("2026-11-04T00:00:00")
    assert later["ok"], [v for v in later["verdicts"] if not v["ok"]]


def test_without_a_live_price_nothing_is_placed(http, order, floor):
    redis.Redis.from_url(django_settings.REDIS_URL).delete(prices.key_of("paper", "BTCUSDT"))
    answer = place(http, order)
    assert answer.status_code == 409
    assert answer.json()["code"] == "market_data"
    assert nothing_happened(floor)


def test_a_short_on_spot_is_refused_with_the_way_out(http, order, floor):
    turned = {**order, "side": "short", "stop": order["target"], "target": order["stop"]}
    answer = place(http, turned)
    assert answer.status_code == 409
    broken = {v["code"]: v["message"] for v in answer.json()["verdicts"] if not v["ok"]}
    assert "direction_allowed" in broken
    assert not Trade.objects.exists()


def test_the_list_pages_by_cursor(http, order, account, floor, quotes, draw):
    place(http, order)
    page = http.get("/api/v1/trades", {"account": str(account.pk), "limit": 1}).json()
    assert len(page["results"]) == 1
    assert page["next"] is None


def test_a_live_account_cannot_be_connected_yet(http):
    body = {"venue": "binance", "name": "Live", "key": "k" * 64, "secret": "s" * 64}
    answer = http.post("/api/v1/exchange-accounts", body, format="json")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "venue"
    assert "kkkk" not in answer.content.decode()


def test_a_preview_says_what_the_model_asked_for_what_is_given_and_which_fees(http, plan):
    model = {"model": "fixed_money", "money": "40"}
    answer = http.post("/api/v1/plans/preview", {**plan, "size_model": model}, format="json")
    said = answer.json()
    assert answer.status_code == 200
    assert (said["size_model"], said["bound"], said["wanted_loss"]) == (
        "fixed_money",
        "model",
        "40",
    )
    assert Decimal(said["planned_risk"]) <= 40 < Decimal(said["risk_budget"])
    assert said["fees"] == {"entry": "0.001", "exit": "0.001", "slippage": "0", "taken_in": "base"}
