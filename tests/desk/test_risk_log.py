"""The risk page's memory: the history as charts and table, the decision log, one record."""

import re

from playwright.sync_api import expect

from tests.desk.risk_wire import decision, decision_in_full


def test_the_history_is_read_by_arrow_keys_one_moment_at_a_time(open_risk):
    risk = open_risk().open()
    cursor = risk.page.get_by_role("slider", name="History")
    expect(cursor).to_have_attribute("aria-valuemax", re.compile(r"^2\d\d$"))
    cursor.focus()
    risk.page.keyboard.press("Home")
    expect(cursor).to_have_attribute("aria-valuenow", "0")
    expect(cursor).to_have_attribute("aria-valuetext", re.compile("equity 9,950.00, heat 0.00"))
    first = risk.text("[data-chart=equity] .history-value")
    risk.page.keyboard.press("PageUp")
    expect(cursor).to_have_attribute("aria-valuenow", "10")
    assert risk.text("[data-chart=equity] .history-value") != first


def test_the_history_is_there_as_a_table_with_every_moment(open_risk):
    risk = open_risk().open()
    risk.page.get_by_role("radio", name="Table").click()
    rows = risk.page.locator("#history-table tbody tr")
    expect(rows.last).to_contain_text("9,950.00")
    assert rows.count() >= 240
    expect(risk.page.locator("#history-charts")).to_be_hidden()


def test_a_longer_span_is_asked_for(open_risk):
    risk = open_risk()
    spans: list[int] = []
    original = risk.api.history
    risk.api.history = lambda hours: (spans.append(hours), original(hours))[1]
    risk.open()
    with risk.page.expect_response("**/history?hours=168"):
        risk.page.get_by_role("radio", name="7 d").click()
    assert spans == [24, 168]


def test_an_empty_day_looks_back_a_month_by_itself_once(open_risk):
    risk = open_risk()
    original = risk.api.history
    risk.api.history = lambda hours: original(hours) if hours == 720 else {"points": []}
    risk.open()
    expect(risk.page.get_by_role("radio", name="30 d")).to_have_attribute("aria-checked", "true")
    expect(risk.page.locator("#history-state")).to_be_hidden()
    risk.page.get_by_role("radio", name="24 h").click()
    expect(risk.page.locator("#history-state")).to_contain_text("Nothing is recorded")


def test_a_history_that_cannot_be_read_can_be_asked_for_again(open_risk):
    risk = open_risk()
    risk.api.status["history"] = (503, {"detail": "The store is restarting."})
    risk.open()
    expect(risk.page.locator("#history-state")).to_contain_text("The store is restarting")
    del risk.api.status["history"]
    risk.page.get_by_role("button", name="Try again").click()
    expect(risk.page.locator("#history-state")).to_be_hidden()


def test_the_log_reads_in_plain_words_and_goes_back_page_by_page(open_risk):
    risk = open_risk().open()
    rows = risk.page.locator("#decisions > li")
    expect(rows).to_have_count(20)
    expect(rows.first).to_contain_text("Portfolio heat lowered")
    expect(rows.first.locator("a")).to_have_attribute(
        "href", f"/risk/decisions/{decision(40)['id']}/"
    )
    risk.page.get_by_role("button", name="Older records").click()
    expect(rows).to_have_count(40)
    expect(rows.last).to_contain_text("#1")
    expect(risk.page.get_by_role("button", name="Older records")).to_be_hidden()
    assert len(set(rows.locator("a").evaluate_all("all => all.map(a => a.href)"))) == 40


def test_a_new_record_comes_in_on_top(open_risk):
    risk = open_risk().open()
    expect(risk.page.locator("#decisions > li")).to_have_count(20)
    newest = risk.api.decisions
    risk.api.decisions = lambda cursor, limit: newest(cursor + 1, limit)
    risk.api.event("placed")
    expect(risk.page.locator("#decisions > li").first).to_contain_text("#41")
    expect(risk.page.locator("#decisions > li")).to_have_count(21)


def test_the_log_can_be_exported(open_risk):
    risk = open_risk().open()
    link = risk.page.get_by_role("link", name="Export")
    assert "/api/v1/decisions/export?account=" in link.get_attribute("href")


def test_a_record_shows_its_verdicts_its_chain_and_its_replay(open_risk):
    risk = open_risk().open("/risk/decisions/x/", live=False)
    expect(risk.page.get_by_role("heading", level=1)).to_have_text("BTCUSDT long refused")
    expect(risk.page.locator("#verdicts .verdict-refused")).to_have_count(2)
    expect(risk.page.locator("#chain")).to_contain_text("Untouched")
    expect(risk.page.locator("#replay")).to_contain_text("Same verdict today")
    expect(risk.page.locator("#plan-facts")).to_contain_text("63,580.5")
    risk.page.locator(".record summary").click()
    expect(risk.page.locator("#payload")).to_contain_text('"planned_risk": "99.91"')


def test_a_broken_chain_and_another_verdict_are_said_plainly(open_risk):
    risk = open_risk()
    differences = ["Rules version 1 said reward_to_risk passes; version 2 refuses."]
    changes = {"intact": False, "replay": {"same": False, "differences": differences}}
    risk.api.decision = decision_in_full([], **changes)
    risk.open("/risk/decisions/x/", live=False)
    expect(risk.page.locator("#chain")).to_contain_text("does not follow")
    expect(risk.page.locator("#replay")).to_contain_text("version 2 refuses")
    expect(risk.page.locator("#verdicts-empty")).to_be_visible()
