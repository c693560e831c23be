"""The shape of requests at the door: one meaning, bounded, nothing unknown (B10-B16)."""

import json

import pytest
from django.test import RequestFactory

from testudo.web import parsers, tenancy
from testudo.web.problems import Problem

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.web.doors")]

PLAN = {"symbol": "BTCUSDT", "quantity": "0.1"}


def send(client, body, content_type="application/json", **headers):
    return client.post("/api/v1/plans", body, content_type=content_type, **headers)


def refusal(answer, status=400):
    assert answer.status_code == status, answer.content
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert {"type", "title", "code", "detail", "errors"} <= problem.keys()
    assert "Traceback" not in answer.content.decode()
    return problem


@pytest.mark.parametrize("name", ["account_id", "status", "risk_used", "is_staff", "__class__"])
def test_b10_an_unknown_or_read_only_field_is_refused_by_name(signed_in, name):
    problem = refusal(send(signed_in, json.dumps({**PLAN, name: "x"})))
    assert [error["field"] for error in problem["errors"]] == [name]
    assert "Remove this field" in problem["errors"][0]["message"]
    assert "symbol" in problem["errors"][0]["message"]


def test_every_fault_is_named_at_once_and_the_nested_one_by_its_place(signed_in):
    body = {"quantity": "-1", "extra": 1, "targets": [{"price": "1"}, {"price": 2, "odd": 0}]}
    problem = refusal(send(signed_in, json.dumps(body)))
    fields = {error["field"] for error in problem["errors"]}
    assert fields == {"extra", "symbol", "quantity", "targets.1.price", "targets.1.odd"}
    values = {error["field"]: error["value"] for error in problem["errors"]}
    assert values["quantity"] == "-1"
    assert values["targets.1.price"] == "2"


def test_the_value_of_a_secret_field_is_not_said_back(signed_in):
    answer = send(signed_in, json.dumps({**PLAN, "secret": "canary-" * 9}))
    assert refusal(answer)["errors"][0]["field"] == "secret"
    assert b"canary" not in answer.content


@pytest.mark.parametrize(
    "body",
    [
        b'{"symbol": "BTCUSDT", "quantity": "1", "quantity": "2"}',
        b'{"a": ' * 9_000 + b"1" + b"}" * 9_000,
        b"[" * 10_000,
        b'{"symbol": "BTC\x00USDT"}',
        b'{"symbol": "BTCUSDT", "quantity": "1", "note": "\\u0000"}',
        b'{"symbol": "BTCUSDT", "quantity": "1", "note": "\\ud800"}',
        b'{"symbol": "BTCUSDT", "quantity": "1", "note": "\xed\xa0\x80"}',
        json.dumps(PLAN).encode("utf-16"),
        json.dumps(PLAN).encode("utf-16-le"),
        b"\xef\xbb\xbf" + json.dumps(PLAN).encode(),
        b"\xff\xfe",
        b"not json",
        b"",
        b'{"quantity": NaN}',
        b'{"count": ' + b"9" * 5000 + b"}",
        b"[]",
        b'"text"',
        b"null",
        b"1",
    ],
    ids=lambda body: repr(body[:24]),
)
def test_b11_a_body_that_is_not_one_plain_json_object_is_refused(signed_in, body):
    refusal(send(signed_in, body))


def test_b11_a_body_of_fifty_megabytes_is_refused_unread(signed_in):
    refusal(send(signed_in, b"[" + b" " * 50_000_000 + b"]"), 413)
    refusal(send(signed_in, b'"' + b"x" * parsers.LARGEST + b'"'), 413)


def test_brackets_inside_texts_do_not_count_as_depth(signed_in):
    body = json.dumps({**PLAN, "note": "[{" * 60 + '\\"'})
    assert send(signed_in, body).status_code == 201


def test_twenty_levels_are_read_and_twenty_one_are_not():
    assert parsers.read(b"[" * 20 + b"]" * 20) is not None
    with pytest.raises(parsers.ParseError, match="20 deep"):
        parsers.read(b"[" * 21 + b"]" * 21)


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "application/json; charset=utf-16",
    ],
)
def test_b12_another_content_type_is_refused(signed_in, content_type):
    problem = refusal(send(signed_in, json.dumps(PLAN), content_type), 415)
    assert problem["code"] == "unsupported_media_type"


def test_b12_a_compressed_body_is_refused(signed_in):
    answer = send(signed_in, json.dumps(PLAN), headers={"Content-Encoding": "gzip"})
    refusal(answer, 415)


def test_b13_trace_is_refused_and_a_method_override_or_a_body_on_get_is_ignored(signed_in):
    refusal(signed_in.generic("TRACE", "/api/v1/plans"), 405)
    override = {"X-HTTP-Method-Override": "DELETE"}
    assert send(signed_in, json.dumps(PLAN), headers=override).status_code == 201
    body = signed_in.generic("GET", "/api/v1/plans", "{not json", content_type="application/json")
    assert body.status_code == 200


def test_b14_a_parameter_sent_twice_is_refused(signed_in):
    problem = refusal(signed_in.get("/api/v1/plans?symbol=BTCUSDT&symbol=ETHUSDT"))
    assert problem["errors"][0]["field"] == "symbol"


@pytest.mark.parametrize(
    "query", ["format=api", "format=xml", "ordering=password", "fields=__class__"]
)
def test_b14_an_unknown_parameter_changes_nothing(signed_in, query):
    answer = signed_in.get(f"/api/v1/plans?{query}")
    assert answer.status_code == 200
    assert answer.json() == {"limit": 500}


@pytest.mark.parametrize("limit", ["-1", "0", "x", "1.5", "١", "9" * 30])
def test_b14_a_senseless_limit_is_refused(signed_in, limit):
    problem = refusal(signed_in.get("/api/v1/plans", {"limit": limit}))
    assert problem["errors"][0]["value"] == limit


def test_b14_a_huge_limit_is_capped(signed_in):
    assert signed_in.get("/api/v1/plans", {"limit": 10**9}).json() == {"limit": 500}


@pytest.mark.parametrize("query", ["symbol=BTC%00USDT", "x=%00", "%00=1"])
def test_a_nul_in_the_address_is_refused(signed_in, query):
    refusal(signed_in.get(f"/api/v1/plans?{query}"))


@pytest.mark.parametrize(
    "symbol", ["BTCUSDT;DROP", "../", "B" * 5000, "ВТСUSDT", "btcusdt", "", 5, None, "BTCUSDT\n"]
)
def test_b15_what_is_no_symbol_is_refused_with_an_example(signed_in, symbol):
    problem = refusal(send(signed_in, json.dumps({**PLAN, "symbol": symbol})))
    assert problem["errors"][0]["field"] == "symbol"
    assert len(json.dumps(problem)) < 1000


@pytest.mark.parametrize(
    "moment",
    [
        "9999-12-31T00:00:00Z",
        "9999-12-31T23:59:59-14:00",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "2026-02-30T00:00:00Z",
        "2126-11-23T00:00:00Z",
        "2026-11-23T00:00:00",
        "tomorrow",
        1764000000,
        "2026-11-23",
    ],
)
def test_b16_a_moment_that_cannot_be_is_refused(signed_in, moment):
    problem = refusal(send(signed_in, json.dumps({**PLAN, "expires_at": moment})))
    assert problem["errors"][0]["field"] == "expires_at"


def test_b16_a_moment_with_its_offset_is_taken_in_utc(signed_in):
    body = {**PLAN, "expires_at": "2026-11-23T12:00:00+02:00"}
    assert send(signed_in, json.dumps(body)).json()["expires_at"] == "2026-11-23T10:00:00Z"


def test_whoever_is_not_signed_in_gets_a_401_in_the_same_form(client):
    answer = client.get("/api/v1/plans")
    assert refusal(answer, 401)["code"] == "not_authenticated"
    assert answer.headers["WWW-Authenticate"]


def test_a_post_without_the_csrf_token_is_refused(alice):
    from django.test import Client

    browser = Client(enforce_csrf_checks=True)
    browser.force_login(alice, backend="accounts.sign_in.PasswordBackend")
    assert refusal(send(browser, json.dumps(PLAN)), 403)["code"] == "csrf_failed"


def test_an_absent_address_under_api_is_a_problem_and_elsewhere_a_page(signed_in):
    assert refusal(signed_in.get("/api/v1/nothing"), 404)["code"] == "not_found"
    assert "text/html" in signed_in.get("/nothing").headers["Content-Type"]


def test_a_crash_is_a_problem_that_says_nothing_but_the_id_of_its_log_lines(signed_in):
    answer = signed_in.get("/api/v1/errors/crash", headers={"X-Request-ID": "request-12345678"})
    problem = refusal(answer, 500)
    assert problem["request_id"] == "request-12345678"
    assert b"secret-in-the-message" not in answer.content


@pytest.mark.parametrize("pk", ["1", "x" * 100, "0192f0c1-2f4e-7e4e-8a4b-2f3d1c0b9a88", "%2e%2e"])
def test_an_account_that_is_absent_or_no_key_at_all_is_the_same_404(signed_in, pk):
    class Nobody:
        def for_principal(self, user):
            from accounts.models import User

            return User.objects.none()

    with pytest.raises(Problem) as refused:
        tenancy.get_owned(Nobody(), None, pk, thing="account")
    assert refused.value.document()["detail"] == "There is no such account."
    assert refused.value.status == 404


def test_anothers_object_is_refused_in_the_words_of_an_absent_one(alice, mallory):
    class OwnRow:
        def for_principal(self, user):
            return type(user).objects.filter(pk=user.pk)

    assert tenancy.get_owned(OwnRow(), alice, str(alice.pk)) == alice
    said = []
    for pk in (alice.pk, "0192f0c1-2f4e-7e4e-8a4b-2f3d1c0b9a88"):
        with pytest.raises(Problem) as refused:
            tenancy.get_owned(OwnRow(), mallory, pk, thing="account")
        said.append(refused.value.document())
    assert said[0] == said[1]


def test_a_host_that_is_not_ours_is_refused_and_a_forwarded_one_is_ignored(signed_in):
    """B59."""
    assert signed_in.get("/api/v1/plans", headers={"Host": "evil.example"}).status_code == 400
    forged = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"}
    assert signed_in.get("/api/v1/plans", headers=forged).status_code == 200
    request = RequestFactory().get("/", headers=forged)
    assert (request.get_host(), request.is_secure()) == ("testserver", False)
