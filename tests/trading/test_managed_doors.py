"""Declaring a position made by hand over HTTP: what counts then, and what is refused."""

import json
from decimal import Decimal
from uuid import uuid4

import pytest
from rest_framework.test import APIClient

from tests.trading.risky import SECOND, opened, risk_of
from testudo.web import step_up
from trading import decisions
from trading.api import accounts, holdings
from trading.book import read_book
from trading.models import AccountFlow, ManagedHolding

D = Decimal
BACKEND = "accounts.sign_in.PasswordBackend"
PASSWORD = "a long password"


@pytest.fixture(autouse=True)
def _prices(floor, monkeypatch):
    for view in (accounts.AccountRiskView, holdings.HoldingsView, holdings.HoldingView):
        monkeypatch.setattr(view, "quote_of", staticmethod(floor.quote_of))


@pytest.fixture
def account(floor, alice):
    balances = {"USDT": "10000", "BTC": "0.5", "ETH": "1"}
    return floor.open_account(alice, name="Mixed", balances=balances)


@pytest.fixture
def http(alice) -> APIClient:
    client = APIClient()
    client.force_login(alice, BACKEND)
    return client


def door(account, holding=None) -> str:
    return f"/api/v1/accounts/{account.pk}/holdings" + (f"/{holding}" if holding else "")


def declare(http, account, raw=None, **body):
    data = raw if raw is not None else json.dumps(body)
    return http.post(door(account), data, content_type="application/json")


def prove(http):
    assert http.post("/api/v1/step-up", {"password": PASSWORD}, format="json").status_code == 204


def end(http, account, holding):
    """Ends it with the password given a moment ago."""
    prove(http)
    return http.delete(door(account, holding))


def book(floor, account):
    return read_book(account, risk=risk_of(account), symbol="", quote_of=floor.quote_of)


def test_a_declared_position_counts_by_its_stop_and_refreshes_no_limit(http, floor, account):
    before = book(floor, account)
    bid = floor.quote_of("paper", "BTCUSDT").bid
    entry, stop = bid.quantize(D(1)), (bid * D("0.99")).quantize(D(1))
    answer = declare(
        http, account, symbol="BTCUSDT", quantity="0.1", entry=str(entry), stop=str(stop)
    )
    assert answer.status_code == 201, answer.content
    said = answer.json()
    assert (said["symbol"], said["asset"], said["quantity"]) == ("BTCUSDT", "BTC", "0.1")
    after = book(floor, account)
    assert D(said["worth"]) == after.equity - before.equity
    assert D(said["heat"]) == after.heat - before.heat
    assert after.equity == before.equity + D("0.1") * bid
    assert after.heat > before.heat + D("0.1") * (entry - stop)
    assert after.drawdown == before.drawdown
    assert http.get(door(account)).json() == {"results": [said]}
    apart = http.get(f"/api/v1/accounts/{account.pk}/risk").json()["holdings"]
    assert {each["asset"]: each["quantity"] for each in apart} == {"BTC": "0.4", "ETH": "1"}


def test_without_a_stop_its_whole_worth_is_at_risk(http, floor, account):
    bid = floor.quote_of("paper", "ETHUSDT").bid
    assert declare(http, account, symbol="ETHUSDT", quantity="1", entry="1").status_code == 201
    assert book(floor, account).heat == bid


def test_an_ended_one_counts_nowhere_and_is_gone(http, floor, account):
    before = book(floor, account)
    made = declare(http, account, symbol="ETHUSDT", quantity="1", entry="3000").json()
    assert end(http, account, made["id"]).status_code == 204
    after = book(floor, account)
    assert (after.equity, after.heat) == (before.equity, before.heat)
    assert http.get(door(account)).json() == {"results": []}
    assert http.delete(door(account, made["id"])).status_code == 404
    kinds = AccountFlow.objects.filter(account=account, kind="managed").values_list("change")
    assert sorted(change for (change,) in kinds) == [-1, 1]


def test_ending_needs_the_password_again_for_it_makes_room_for_new_risk(http, floor, account):
    """The coins and their risk stay on the exchange: only the counting stops (R30)."""
    made = declare(http, account, symbol="ETHUSDT", quantity="1", entry="3000").json()
    counted = book(floor, account)
    refused = http.delete(door(account, made["id"]))
    assert (refused.status_code, refused.json()["code"]) == (403, step_up.CODE)
    after = book(floor, account)
    assert (after.equity, after.heat) == (counted.equity, counted.heat)
    assert end(http, account, made["id"]).status_code == 204


def test_both_are_in_the_decision_log_in_plain_language(http, floor, account):
    bid = floor.quote_of("paper", "ETHUSDT").bid
    made = declare(http, account, symbol="ETHUSDT", quantity="1", entry="3000").json()
    end(http, account, made["id"])
    query = {"account": str(account.pk), "limit": 20}
    ended, declared = http.get("/api/v1/decisions", query).json()["results"][:2]
    worth = f"{bid:,.2f} USDT"
    heat = f"{max(bid, D(3000)):,.2f} USDT"
    assert (declared["kind"], declared["title"]) == ("holding", "ETH declared managed")
    assert declared["reading"] == (
        "You declared 1 ETH managed, bought at 3,000, without a stop: "
        f"{worth} joined equity and {heat} joined heat."
    )
    assert (ended["kind"], ended["title"]) == ("holding", "ETH no longer managed")
    assert ended["reading"] == (
        f"You stopped counting 1 ETH: {worth} left equity and {heat} left heat. Nothing was sold."
    )
    assert list(decisions.breaks(account.pk)) == []
    full = http.get(f"/api/v1/decisions/{ended['id']}").json()
    assert full["payload"]["holding"] == made["id"]
    assert (full["intact"], full["replay"]["same"]) == (True, None)


def test_what_is_refused_is_in_no_log(http, account):
    asked = {"symbol": "BTCUSDT", "quantity": "9", "entry": "60000"}
    assert declare(http, account, **asked).status_code == 409
    assert decisions.head(account.pk)[0] == 0


def test_one_whose_price_is_not_known_counts_with_what_was_paid(http, account, monkeypatch):
    declare(http, account, symbol="ETHUSDT", quantity="0.5", entry="3000", stop="1")
    monkeypatch.setattr(holdings.HoldingsView, "quote_of", staticmethod(lambda *of: None))
    (said,) = http.get(door(account)).json()["results"]
    assert D(said["worth"]) == D("1500")


@pytest.mark.parametrize(
    ("wrong", "status", "says"),
    [
        ({"quantity": "0.50000001"}, 409, "holds 0.5 BTC beyond"),
        ({"symbol": "DOGEUSDT"}, 400, "DOGEUSDT"),
        ({"stop": "999999"}, 400, "would have sold it"),
        ({"quantity": "0"}, 400, "quantity"),
        ({"quantity": "-1"}, 400, "quantity"),
        ({"entry": "NaN"}, 400, "entry"),
        ({"entry": 60000}, 400, "entry"),
        ({"stop": "1e3"}, 400, "stop"),
        ({"quantity": "٠.١"}, 400, "quantity"),
        ({"side": "short"}, 400, "side"),
        ({"entry": "99999999999999999"}, 400, "Give what one BTC cost."),
    ],
)
def test_what_cannot_count_is_refused_by_name(http, account, wrong, status, says):
    asked = {"symbol": "BTCUSDT", "quantity": "0.1", "entry": "60000", **wrong}
    answer = declare(http, account, **asked)
    assert answer.status_code == status, answer.content
    assert says in answer.content.decode()
    (error,) = answer.json()["errors"]
    assert error["field"] in wrong
    assert not ManagedHolding.objects.exists()


def test_the_same_coins_are_not_declared_twice(http, account):
    asked = {"symbol": "BTCUSDT", "quantity": "0.1", "entry": "60000"}
    assert declare(http, account, **asked).status_code == 201
    again = declare(http, account, **asked)
    assert again.status_code == 409
    assert "declared already" in again.json()["detail"]
    assert [error["field"] for error in again.json()["errors"]] == ["symbol"]


def test_coins_of_a_trade_of_ours_cannot_be_declared(http, floor, account, draw):
    floor.advance(SECOND)  # after what the exchange said when the account was opened
    trade = opened(floor, account, draw())
    assert trade.held > 0
    there = D("0.5") + trade.held
    answer = declare(http, account, symbol="BTCUSDT", quantity=f"{there:f}", entry="60000")
    assert answer.status_code == 409
    assert "holds 0.5 BTC beyond what is managed" in answer.json()["detail"]


def test_anothers_account_and_holding_are_absent_alike(http, account, django_user_model):
    made = declare(http, account, symbol="ETHUSDT", quantity="1", entry="3000").json()
    user = django_user_model.objects.create_user("mallory", "m@example.com", "a long password")
    mallory = APIClient()
    mallory.force_login(user, BACKEND)
    asked = {"symbol": "BTCUSDT", "quantity": "0.1", "entry": "60000"}
    prove(mallory)
    for answer in (
        mallory.get(door(account)),
        declare(mallory, account, **asked),
        mallory.delete(door(account, made["id"])),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert end(http, account, uuid4()).status_code == 404
    assert ManagedHolding.objects.filter(ended_at=None).count() == 1


def test_without_a_live_price_nothing_is_declared(http, account, monkeypatch):
    monkeypatch.setattr(holdings.HoldingsView, "quote_of", staticmethod(lambda *of: None))
    answer = declare(http, account, symbol="BTCUSDT", quantity="0.1", entry="60000")
    assert answer.status_code == 409
    assert "Wait until prices move again" in answer.json()["detail"]


def move_stop(http, account, holding, stop):
    return http.patch(door(account, holding), {"stop": stop}, format="json")


def test_its_stop_moves_towards_the_price_at_once_and_lowers_heat(http, floor, account):
    bid = floor.quote_of("paper", "BTCUSDT").bid
    entry, stop = bid.quantize(D(1)), (bid * D("0.97")).quantize(D(1))
    made = declare(http, account, symbol="BTCUSDT", quantity="0.1", entry=str(entry))
    holding, whole = made.json()["id"], D(made.json()["heat"])
    first = move_stop(http, account, holding, str(stop))
    assert first.status_code == 200, first.content
    assert D(first.json()["heat"]) < whole
    nearer = (bid * D("0.99")).quantize(D(1))
    second = move_stop(http, account, holding, str(nearer)).json()
    assert D(second["stop"]) == nearer
    assert D(second["heat"]) < D(first.json()["heat"])
    assert D(second["heat"]) == book(floor, account).heat
    assert http.get(f"/api/v1/accounts/{account.pk}/risk").json()["heat"]["value"] == second["heat"]
    rows = http.get("/api/v1/decisions", {"account": str(account.pk)}).json()["results"]
    assert rows[0]["title"] == "BTC's stop moved"
    assert "Nothing was sent" in rows[0]["reading"]


@pytest.mark.parametrize(
    ("fraction", "status", "says"),
    [("0.96", 409, "moves only towards the price"), ("0.98", 409, "Give a higher one"),
     ("1.01", 400, "would have sold it")],
)  # fmt: skip
def test_a_stop_that_gives_room_or_is_past_the_price_is_refused(
    http, floor, account, fraction, status, says
):
    bid = floor.quote_of("paper", "BTCUSDT").bid
    stop = (bid * D("0.98")).quantize(D(1))
    made = declare(
        http, account, symbol="BTCUSDT", quantity="0.1", entry=str(bid), stop=str(stop)
    ).json()
    answer = move_stop(http, account, made["id"], str((bid * D(fraction)).quantize(D(1))))
    assert answer.status_code == status
    assert [each["field"] for each in answer.json()["errors"]] == ["stop"]
    assert says in answer.json()["errors"][0]["message"]
    assert ManagedHolding.objects.get().stop == stop


@pytest.mark.parametrize("body", [{}, {"stop": 1.5}, {"stop": "0"}, {"stop": "9", "quantity": "1"}])
def test_a_malformed_move_of_its_stop_is_refused(http, floor, account, body):
    bid = floor.quote_of("paper", "BTCUSDT").bid
    made = declare(http, account, symbol="BTCUSDT", quantity="0.1", entry=str(bid)).json()
    answer = http.patch(door(account, made["id"]), body, format="json")
    assert answer.status_code == 400
    assert ManagedHolding.objects.get().stop is None


def test_the_stop_of_anothers_holding_is_absent(http, floor, account, django_user_model):
    bid = floor.quote_of("paper", "BTCUSDT").bid
    made = declare(http, account, symbol="BTCUSDT", quantity="0.1", entry=str(bid)).json()
    mallory = APIClient()
    person = django_user_model.objects.create_user("mallory", "m@example.com", PASSWORD)
    mallory.force_login(person, BACKEND)
    answers = [move_stop(mallory, account, made["id"], "1"), move_stop(http, account, uuid4(), "1")]
    assert [each.status_code for each in answers] == [404, 404]
    assert ManagedHolding.objects.get().stop is None
