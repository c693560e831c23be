"""The doors to limits, switches and the decision log: whose they are, and what they refuse."""

import json
from decimal import Decimal
from uuid import uuid4

import pytest
from rest_framework.test import APIClient

from risk.limits import CAPS, DEFAULTS
from risk.models import PendingChange
from testudo.web import step_up
from trading import decisions, limits, orders
from trading.actors import Actor
from trading.api import accounts, risk_profile, switches
from trading.models import AccountRisk, Decision

BACKEND = "accounts.sign_in.PasswordBackend"
PASSWORD = "a long password"
PROFILE = "/api/v1/risk-profile"


@pytest.fixture(autouse=True)
def _prices(floor, monkeypatch):
    """The doors find the floor's market instead of Redis."""
    for view in (
        accounts.AccountRiskView,
        risk_profile.RiskProfileView,
        risk_profile.ChangeView,
        switches.ResumeView,
    ):
        monkeypatch.setattr(view, "quote_of", staticmethod(floor.quote_of))


@pytest.fixture
def http(alice) -> APIClient:
    client = APIClient()
    client.force_login(alice, BACKEND)
    return client


@pytest.fixture
def mallory(django_user_model) -> APIClient:
    client = APIClient()
    user = django_user_model.objects.create_user("mallory", "m@example.com", PASSWORD)
    client.force_login(user, BACKEND)
    return client


def put(http, account, raw=None, **body):
    data = raw if raw is not None else json.dumps({"account": str(account.pk), **body})
    return http.put(PROFILE, data, content_type="application/json")


def get(http, account):
    return http.get(PROFILE, {"account": str(account.pk)})


def prove(http):
    assert http.post("/api/v1/step-up", {"password": PASSWORD}, format="json").status_code == 204


def test_the_profile_says_all_a_page_needs(http, account):
    said = get(http, account).json()
    assert said["limits"]["max_risk"] == "0.01"
    assert said["limits"]["max_positions"] == 5
    assert said["limits"]["lock_losing_symbols"] is False
    assert said["caps"]["max_risk"] == ["0.0001", "0.06"]
    assert said["tighter"]["min_reward_to_risk"] == "higher"
    assert set(said["presets"]) == {"conservative", "standard"}
    assert said["preset"] == "standard"
    assert said["reset_zone"] == "UTC"
    assert said["titles"]["max_heat"] == "Portfolio heat"
    assert set(said["limits"]) == set(said["defaults"]) == set(CAPS)
    assert said["pending"] == []


def test_a_stricter_limit_needs_no_password_and_acts_at_once(http, account):
    answer = put(http, account, limits={"max_risk": "0.005", "symbol_cooldown_minutes": 60})
    assert answer.status_code == 200
    assert answer.json()["limits"]["max_risk"] == "0.005"
    assert answer.json()["preset"] == "own"


def test_a_laxer_limit_needs_the_password_and_nothing_of_the_wish_is_taken_without(http, account):
    wish = {"max_risk": "0.005", "max_heat": "0.05"}
    answer = put(http, account, limits=wish)
    assert answer.status_code == 403
    assert answer.json()["code"] == step_up.CODE
    assert limits.limits_of(account.pk) == DEFAULTS
    prove(http)
    said = put(http, account, limits=wish).json()
    assert (said["limits"]["max_risk"], said["limits"]["max_heat"]) == ("0.005", "0.03")
    (pending,) = said["pending"]
    assert (pending["name"], pending["from"], pending["to"]) == ("max_heat", "0.03", "0.05")
    assert pending["text"] == "Portfolio heat from 3 % of equity to 5 % of equity."
    assert any("24 hours" in each for each in pending["waits_for"])
    assert pending["earliest_at"].endswith("Z")


def test_a_pending_change_can_be_withdrawn_once(http, account):
    prove(http)
    (pending,) = put(http, account, reset_zone="Asia/Tokyo").json()["pending"]
    address = f"{PROFILE}/changes/{pending['id']}"
    assert http.delete(address).json()["pending"] == []
    assert http.delete(address).status_code == 409


@pytest.mark.parametrize(
    ("body", "field", "says"),
    [
        ({"limits": {"max_risk": "0.07"}}, "limits.max_risk", "0.0001 to 0.06"),
        ({"limits": {"max_risk": "NaN"}}, "limits.max_risk", "digits"),
        ({"limits": {"max_risk": "1e-2"}}, "limits.max_risk", "exponent"),
        ({"limits": {"max_risk": "٠.٠١"}}, "limits.max_risk", "digits"),
        ({"limits": {"max_risk": 0.01}}, "limits.max_risk", "string"),
        ({"limits": {"max_risk": True}}, "limits.max_risk", "string"),
        ({"limits": {"max_positions": "5"}}, "limits.max_positions", "whole number"),
        ({"limits": {"max_positions": 5.0}}, "limits.max_positions", "whole number"),
        ({"limits": {"max_positions": True}}, "limits.max_positions", "whole number"),
        ({"limits": {"max_positions": 0}}, "limits.max_positions", "1 to 8"),
        ({"limits": {"max_positions": 10**10}}, "limits.max_positions", "whole number"),
        ({"limits": {"lock_losing_symbols": 1}}, "limits.lock_losing_symbols", "true or false"),
        ({"limits": {"leverage": "2"}}, "limits.leverage", "Remove this field"),
        ({"limits": []}, "limits", "dictionary"),
        ({"reset_zone": "Mars/Olympus"}, "reset_zone", "Europe/Berlin"),
        ({"reset_zone": "../../etc/passwd"}, "reset_zone", "Europe/Berlin"),
        ({"preset": "wild"}, "preset", "Remove this field"),
    ],
)
def test_what_no_limit_can_be_is_refused_naming_field_and_way_out(http, account, body, field, says):
    prove(http)
    answer = put(http, account, **body)
    assert answer.status_code == 400
    errors = {each["field"]: each["message"] for each in answer.json()["errors"]}
    assert says in errors[field]
    assert limits.limits_of(account.pk) == DEFAULTS
    assert not Decision.objects.exists()


def test_a_body_that_is_no_json_is_refused(http, account):
    assert put(http, account, raw=b'{"limits": {"max_risk": NaN}}').status_code == 400


def test_everything_here_is_the_traders_own(http, account, mallory):
    prove(mallory)
    prove(http)
    (pending,) = put(http, account, limits={"max_risk": "0.02"}).json()["pending"]
    decision = Decision.objects.get()
    own = str(account.pk)
    answers = [
        get(mallory, account),
        put(mallory, account, limits={"max_risk": "0.001"}),
        mallory.delete(f"{PROFILE}/changes/{pending['id']}"),
        mallory.post(f"/api/v1/accounts/{own}/halt", {"reason": "x"}, format="json"),
        mallory.post(f"/api/v1/accounts/{own}/resume", {"reason": "x"}, format="json"),
        mallory.get("/api/v1/decisions", {"account": own}),
        mallory.get(f"/api/v1/decisions/{decision.pk}"),
        mallory.get("/api/v1/decisions/export", {"account": own}),
    ]
    assert [each.status_code for each in answers] == [404] * len(answers)
    assert limits.limits_of(account.pk) == DEFAULTS
    assert PendingChange.objects.open().count() == 1
    assert AccountRisk.objects.get(account=account).state == "active"
    absent = mallory.get(f"/api/v1/decisions/{uuid4()}")
    assert absent.json() == answers[6].json()


def test_visitors_are_asked_to_sign_in(account, db):
    visitor = APIClient()
    assert get(visitor, account).status_code == 401
    halt = visitor.post(f"/api/v1/accounts/{account.pk}/halt", {"reason": "x"}, format="json")
    assert halt.status_code == 401


def test_halting_needs_no_password_and_resuming_does(http, account):
    address = f"/api/v1/accounts/{account.pk}"
    halted = http.post(f"{address}/halt", {"reason": "stepping away"}, format="json")
    assert halted.status_code == 200
    assert halted.json()["state"] == "halted"
    back = http.post(f"{address}/resume", {"reason": "rested"}, format="json")
    assert (back.status_code, back.json()["code"]) == (403, step_up.CODE)
    prove(http)
    back = http.post(f"{address}/resume", {"reason": "rested"}, format="json")
    assert back.status_code == 200
    assert back.json()["state"] == "active"


def test_a_resume_that_must_wait_says_what_for(http, account):
    from trading import halts

    halts.halt(account, reason="investigation", by=Actor("operator"))
    prove(http)
    answer = http.post(f"/api/v1/accounts/{account.pk}/resume", {"reason": "please"}, format="json")
    assert answer.status_code == 409
    assert answer.json()["code"] == "resume_waits"
    assert answer.json()["waits"] == ["Staff halted this account: ask them to resume it."]


@pytest.mark.parametrize(
    "body", [{}, {"reason": ""}, {"reason": "x" * 201}, {"reason": 5}, {"reason": "a\nb"},
             {"reason": "x", "flatten": "yes"}, {"reason": "x", "global": True}],
)  # fmt: skip
def test_a_malformed_halt_is_refused(http, account, body):
    answer = http.post(f"/api/v1/accounts/{account.pk}/halt", body, format="json")
    assert answer.status_code == 400
    assert AccountRisk.objects.get(account=account).state == "active"


def test_the_decision_log_pages_downwards_by_number(http, account):
    for value in ("0.009", "0.008", "0.007"):
        limits.ask(account, {"max_risk": Decimal(value)}, by=Actor("trader"))
    query = {"account": str(account.pk), "limit": 2}
    first = http.get("/api/v1/decisions", query).json()
    assert [each["number"] for each in first["results"]] == [3, 2]
    assert first["next"] == "2"
    second = http.get("/api/v1/decisions", {**query, "cursor": first["next"]}).json()
    assert [each["number"] for each in second["results"]] == [1]
    assert second["next"] is None
    assert first["results"][0]["hash"] == decisions.head(account.pk)[1]
    assert first["results"][0]["title"] == "Limits tightened"


@pytest.mark.parametrize("cursor", ["x", "-1", "1.5", "٣", "1" * 19, "1\n"])
def test_a_cursor_is_a_number(http, account, cursor):
    query = {"account": str(account.pk), "cursor": cursor}
    assert http.get("/api/v1/decisions", query).status_code == 400


def test_one_decision_shows_its_figures_its_reading_and_that_it_holds(http, account, floor, draw):
    with pytest.raises(orders.PlanRefused):
        orders.place_trade(account, draw(target="0.013"), quote_of=floor.quote_of)
    record = Decision.objects.get()
    said = http.get(f"/api/v1/decisions/{record.pk}").json()
    assert said["intact"] is True
    assert said["replay"] == {
        "same": True, "differences": [], "recorded_version": said["rules_version"],
        "version": said["rules_version"],
    }  # fmt: skip
    assert said["payload"]["number"] == 1
    refused = {each["code"]: each for each in said["verdicts"] if not each["ok"]}
    assert refused["reward_to_risk"]["title"]
    assert refused["reward_to_risk"]["message"]
    assert "reward_to_risk" in said["codes"]
