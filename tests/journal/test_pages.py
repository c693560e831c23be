"""The journal's pages and its API: a trader's own trades, the newest first, nobody else's."""

import re
from datetime import timedelta

import pytest

from journal.public import statistics_of
from tests.journal.builders import NOON, D, closed, tell, trader, written
from testudo.db.ids import new_id
from trading.models import ExchangeAccount


@pytest.fixture
def desk(client, alice):
    client.force_login(alice, backend="accounts.sign_in.PasswordBackend")
    return client


def account_of(user) -> ExchangeAccount:
    return ExchangeAccount.objects.create(
        user=user, venue="paper", name="Practice", sealed_keys=b"", key_hint="abcd",
        key_fingerprint=str(new_id()),
    )  # fmt: skip


def several(user, count, **changes):
    """Trades closed an hour apart, the newest last."""
    return [written(user, closed_at=NOON + timedelta(hours=1 + n), **changes) for n in range(count)]


def test_the_list_shows_the_traders_own_trades_and_what_they_say(desk, alice, mallory):
    written(alice)
    written(mallory, symbol="ETHUSDT")
    answer = desk.get("/journal/")
    assert answer.status_code == 200
    assert [entry.symbol for entry in answer.context["entries"]] == ["BTCUSDT"]
    assert answer.context["summary"].trades == 1
    assert "ETHUSDT" not in answer.content.decode()
    assert "+2.33" in answer.content.decode()


def test_an_empty_journal_says_how_it_fills(desk):
    assert "writes itself" in desk.get("/journal/").content.decode()


def test_a_long_journal_comes_in_pages_without_gaps_or_repeats(desk, alice):
    own = several(alice, 53)
    first = desk.get("/journal/")
    assert len(first.context["entries"]) == 50
    second = desk.get("/journal/", {"cursor": first.context["next"]})
    assert second.context["next"] is None
    shown = [*first.context["entries"], *second.context["entries"]]
    assert [e.pk for e in shown] == [e.pk for e in reversed(own)]


@pytest.mark.parametrize("cursor", ["nonsense", "", "018f0000-0000-7000-8000-000000000000"])
def test_a_page_that_does_not_exist_is_not_found(desk, cursor):
    assert desk.get("/journal/", {"cursor": cursor}).status_code == 404


def test_anothers_trade_is_as_absent_as_none(desk, alice, mallory):
    own, others = written(alice), written(mallory)
    assert desk.get(f"/journal/{own.pk}/").status_code == 200
    absent = desk.get(f"/journal/{new_id()}/")
    hidden = desk.get(f"/journal/{others.pk}/")
    assert hidden.status_code == absent.status_code == 404
    assert desk.get("/journal/", {"cursor": str(others.pk)}).status_code == 404
    assert _without_nonce(hidden) == _without_nonce(absent)


def _without_nonce(answer) -> str:
    return re.sub(r'nonce="[^"]*"|value="[^"]*"', "", answer.content.decode())


def test_a_trades_page_shows_result_and_fills(desk, alice):
    page = desk.get(f"/journal/{written(alice).pk}/").content.decode()
    for shown in ("BTCUSDT", "+2.33", "60,000", "61,800", "0.0001"):
        assert shown in page


@pytest.mark.parametrize("path", ["/journal/", "/journal/018f0000-0000-7000-8000-000000000000/"])
def test_visitors_are_asked_to_sign_in(client, db, path):
    answer = client.get(path)
    assert answer.status_code == 302
    assert answer["Location"].startswith("/sign-in/")


# The API.


def test_the_api_lists_entries_with_money_as_strings(desk, alice):
    account = account_of(alice)
    event = closed(alice, account_id=account.pk)
    tell(event)
    written(alice)  # another account's
    answer = desk.get("/api/v1/journal/trades", {"account": account.pk}).json()
    assert answer["next"] is None
    [row] = answer["results"]
    assert row["trade"] == str(event.trade_id)
    assert row["profit"] == "167.64618"
    assert row["r_multiple"] == "2.332499096336007734"
    assert row["closed_at"] == "2026-11-23T14:00:00Z"
    money = ("entry", "stop", "target", "fees", "quantity", "initial_risk", "reward_to_risk")
    assert all(isinstance(row[name], str) for name in money)


def test_a_loss_keeps_its_sign_on_the_wire(desk, alice):
    written(alice, profit=D("-71.87406"), gross=D("-59.94"), fees=D("11.93406"))
    [row] = desk.get("/api/v1/journal/trades").json()["results"]
    assert (row["profit"], row["r_multiple"]) == ("-71.87406", "-1")


def test_the_api_pages_by_cursor(desk, alice):
    own = several(alice, 3)
    first = desk.get("/api/v1/journal/trades", {"limit": 2}).json()
    second = desk.get("/api/v1/journal/trades", {"limit": 2, "cursor": first["next"]}).json()
    assert second["next"] is None
    rows = [*first["results"], *second["results"]]
    assert [row["trade"] for row in rows] == [str(e.pk) for e in reversed(own)]


def test_the_api_hides_anothers_account_and_trades(desk, alice, mallory):
    others = account_of(mallory)
    foreign = closed(mallory, account_id=others.pk)
    tell(foreign)
    assert desk.get("/api/v1/journal/trades").json()["results"] == []
    assert desk.get("/api/v1/journal/trades", {"account": others.pk}).status_code == 404
    assert desk.get("/api/v1/journal/trades", {"cursor": foreign.trade_id}).status_code == 400


@pytest.mark.parametrize(
    "query", [{"limit": "0"}, {"limit": "x"}, {"cursor": "1"}, {"account": "1"}]
)
def test_the_api_refuses_a_malformed_query_by_name(desk, query):
    answer = desk.get("/api/v1/journal/trades", query)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == next(iter(query))


def test_strangers_get_nothing(client, db):
    assert client.get("/api/v1/journal/trades").status_code in (401, 403)


def test_other_rooms_may_ask_what_an_accounts_trades_say(alice):
    account_id = new_id()
    written(alice, account_id=account_id)
    written(alice, account_id=account_id, profit=D("-71.87406"), gross=D("-59.94"),
            fees=D("11.93406"))  # fmt: skip
    told = statistics_of(account_id)
    assert (told.trades, told.wins, told.losses) == (2, 1, 1)
    assert statistics_of(new_id()).expectancy is None


def test_staff_read_the_journal_and_cannot_change_it(client, alice):
    boss = trader("boss")
    boss.role = "admin"
    boss.save()
    entry = written(alice)
    client.force_login(boss, backend="accounts.sign_in.PasswordBackend")
    assert client.get("/admin/journal/journalentry/").status_code == 200
    page = client.get(f"/admin/journal/journalentry/{entry.pk}/change/")
    assert page.status_code == 200
    assert "Save" not in page.content.decode()
    assert client.get("/admin/journal/journalentry/add/").status_code == 403
    assert client.post(f"/admin/journal/journalentry/{entry.pk}/delete/").status_code == 403
