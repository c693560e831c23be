"""PATCH of a trade: what moves, what is refused with which problem, and that nothing else does."""

import json
from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest

from tests.trading import test_api
from tests.trading.risky import opened
from testudo import clock
from trading.models import Move

JSON = "application/json"
http, quotes = test_api.http, test_api.quotes  # the same doors


@pytest.fixture
def trade(floor, account, draw, quotes):
    return opened(floor, account, draw())


def patch(http, trade, body, *, key=None, **headers):
    headers = {"Idempotency-Key": key or str(uuid4()), **headers}
    data = body if isinstance(body, str) else json.dumps(body)
    return http.patch(f"/api/v1/trades/{trade.pk}", data, content_type=JSON, headers=headers)


def up(trade, by=20) -> str:
    return f"{trade.stop + by:f}".rstrip("0").rstrip(".")


def test_a_move_is_taken_and_shown_as_under_way(http, trade):
    answer = patch(http, trade, {"stop": up(trade)})
    assert answer.status_code == 202
    body = answer.json()
    assert body["move"]["stop"] == up(trade)
    assert body["stop"] == body["planned_stop"], "confirmed by the exchange only"
    assert body["moves"][0]["why"] == "trader"


def test_after_the_turn_the_trade_shows_the_moved_stop_and_its_plan(http, floor, account, trade):
    patch(http, trade, {"stop": up(trade)})
    floor.turn(account)
    body = http.get(f"/api/v1/trades/{trade.pk}").json()
    assert (body["stop"], body["move"]) == (up(trade), None)
    assert body["planned_stop"] != body["stop"]
    assert body["moves"][0]["state"] == "done"
    assert body["protected"] is True


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        (lambda t: {"stop": up(t, -20)}, 409, "stop_only_tightens"),
        (lambda t: {"stop": up(t, 20) + "1234"}, 400, "invalid"),
        (lambda t: {"stop": str(t.entry + 5000)}, 400, "invalid"),
        (lambda t: {"target": str(t.stop - 1)}, 400, "invalid"),
        (lambda t: {"stop": str(t.entry.quantize(t.entry / t.entry) + 100)}, 409, "would_trigger"),
        (lambda t: {"target": str(t.entry - 100)}, 409, "would_trigger"),
        (lambda t: {"stop": str(t.stop)}, 409, "nothing_to_move"),
        (lambda t: {}, 400, "invalid"),
        (lambda t: {"stop": "NaN"}, 400, "invalid"),
        (lambda t: {"stop": 64000.5}, 400, "invalid"),
        (lambda t: {"stop": None}, 400, "invalid"),
        (lambda t: {"entry": "64000"}, 400, "invalid"),
        (lambda t: {"stop": up(t), "initial_risk": "1"}, 400, "invalid"),
        (lambda t: "[]", 400, "invalid"),
        (lambda t: "not json", 400, "bad_request"),
    ],
)
def test_what_cannot_be_moved_is_refused_with_the_way_out(http, trade, change, status, code):
    answer = patch(http, trade, change(trade))
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["detail"]
    assert not Move.objects.exists()


def test_a_stale_version_moves_nothing(http, trade):
    answer = patch(http, trade, {"stop": up(trade)}, **{"If-Match": f'"{trade.version + 7}"'})
    assert (answer.status_code, answer.json()["code"]) == (412, "stale_trade")
    assert not Move.objects.exists()


def test_the_version_seen_moves(http, trade):
    answer = patch(http, trade, {"stop": up(trade)}, **{"If-Match": f'"{trade.version}"'})
    assert answer.status_code == 202


@pytest.mark.parametrize("said", ["", "abc", '"1", "2"', "-1", "１", "9" * 40])
def test_an_if_match_that_names_no_version_is_refused(http, trade, said):
    answer = patch(http, trade, {"stop": up(trade)}, **{"If-Match": said})
    assert answer.status_code == 400
    assert not Move.objects.exists()


def test_the_same_key_moves_once(http, trade):
    first = patch(http, trade, {"stop": up(trade)}, key="one-key-for-one-move")
    again = patch(http, trade, {"stop": up(trade)}, key="one-key-for-one-move")
    other = patch(http, trade, {"stop": up(trade, 30)}, key="one-key-for-one-move")
    assert first.json() == again.json()
    assert other.status_code == 422
    assert Move.objects.count() == 1


def test_a_move_without_a_key_is_refused(http, trade):
    answer = http.patch(f"/api/v1/trades/{trade.pk}", "{}", content_type=JSON)
    assert answer.json()["code"] == "idempotency_key_required"


def test_another_traders_stop_is_as_absent_as_none(http, trade, django_user_model, client):
    mallory = django_user_model.objects.create_user("mallory", "m@example.com", "a long password")
    http.force_login(mallory, "accounts.sign_in.PasswordBackend")
    answer = patch(http, trade, {"stop": up(trade)})
    assert answer.status_code == 404
    assert not Move.objects.exists()


@pytest.fixture
def order(floor, account, draw, quotes):
    from testudo import clock
    from trading.api.present import moment

    it = draw()
    lines = {name: str(getattr(it, name)) for name in ("entry", "stop", "target")}
    return {
        "account": str(account.pk), "symbol": it.symbol, "side": "long", **lines,
        "quoted_price": lines["entry"], "quoted_at": moment(clock.now()),
    }  # fmt: skip


def place(http, body):
    headers = {"Idempotency-Key": str(uuid4())}
    return http.post("/api/v1/trades", json.dumps(body), content_type=JSON, headers=headers)


def test_rules_for_the_open_position_are_placed_with_it(http, order):
    rules = {"break_even": True, "ratchets": [{"at": "1", "to": "0"}], "close_after_minutes": "90"}
    answer = place(http, {**order, "management": rules})
    assert answer.status_code == 201, answer.content
    assert answer.json()["management"] == rules


@pytest.mark.parametrize(
    "rules",
    [
        {"trail_r": "0.1"},
        {"trail_r": "1", "trail_atr": "1"},
        {"trail_r": 1.5},
        {"ratchets": [{"at": "1", "to": "2"}]},
        {"ratchets": [{"at": "1"}]},
        {"ratchets": "all"},
        {"close_after_minutes": "0"},
        {"close_after_minutes": 90},
        {"trail_atr": "2", "atr_interval": "7h"},
        {"break_even": "yes please"},
        {"partial": []},
        [],
    ],
)
def test_rules_that_are_none_are_refused(http, order, rules):
    answer = place(http, {**order, "management": rules})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")


def test_nearer_targets_and_rules_are_previewed_placed_and_shown(http, order):
    """The same wish in the preview and in the order; the record keeps it (ids and figures)."""
    near = str((Decimal(order["entry"]) * 3 + Decimal(order["target"]) * 7) / 10)[:8]
    wish = {
        "management": {"break_even": True, "break_even_r": "1.5", "trail_percent": "2"},
        "targets": [{"price": near, "share": "0.4"}],
    }
    drawing = {k: v for k, v in order.items() if not k.startswith("quoted")}
    answer = http.post("/api/v1/plans/preview", json.dumps(drawing | wish), content_type=JSON)
    assert answer.status_code == 200, answer.content
    seen = answer.json()
    assert [part["share"] for part in seen["parts"]] == ["0.4", "0.6"]
    assert seen["management"]["trail_percent"] == "2"
    placed = place(http, order | wish)
    assert placed.status_code == 201, placed.content
    kept = placed.json()["management"]
    assert kept == {**wish["management"], "targets": [{"price": near, "share": "0.4"}]}


@pytest.mark.parametrize(
    ("targets", "field", "says"),
    [
        ([{"price": "1", "share": "0.5"}], "targets", "between the entry"),
        ([{"price": "90000", "share": "1.5"}], "targets.0.share", "a share below 1"),
        ([{"price": "90000", "share": 0.5}], "targets.0.share", ""),
        ([{"price": "90000"}], "targets.0.share", ""),
        ([{"price": "1", "share": "0.2"}] * 3, "targets", ""),
        ("half", "targets", ""),
    ],
)
def test_targets_that_are_none_are_refused_beside_their_field(http, order, targets, field, says):
    drawing = {k: v for k, v in order.items() if not k.startswith("quoted")}
    for answer in (
        http.post(
            "/api/v1/plans/preview",
            json.dumps(drawing | {"targets": targets}),
            content_type=JSON,
        ),
        place(http, order | {"targets": targets}),
    ):
        assert answer.status_code == 400, answer.content
        errors = answer.json()["errors"]
        assert any(each["field"].startswith(field) and says in each["message"] for each in errors)


def test_an_entry_that_waits_is_previewed_with_its_own_end(http, order):
    from trading.api.present import moment

    end = clock.now() + timedelta(hours=5)
    below = str((Decimal(order["entry"]) * Decimal("0.995")).quantize(Decimal("0.01")))
    drawing = {k: v for k, v in order.items() if not k.startswith("quoted")}
    body = json.dumps(drawing | {"entry": below, "expires_at": moment(end)})
    answer = http.post("/api/v1/plans/preview", body, content_type=JSON)
    assert answer.status_code == 200, answer.content
    assert (answer.json()["kind"], answer.json()["expires_at"]) == ("pullback", moment(end))
