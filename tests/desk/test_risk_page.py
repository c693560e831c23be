"""The risk page: limits with their room, the state with its way back, never silently old."""

import re

from playwright.sync_api import expect

from tests.desk.risk_api import RiskApi
from tests.desk.risk_wire import (
    ahead,
    breakers,
    gauge,
    gauges,
    halted,
    reducing,
    risk_facts,
    streak_open,
)


def test_every_limit_shows_its_room_its_share_and_its_sentence(open_risk):
    risk = open_risk().open()
    expect(risk.page.locator(".limit[data-code]")).to_have_count(len(gauges()))
    heat = risk.gauge("portfolio_heat")
    expect(heat.locator(".limit-room")).to_have_text("200.15 USDT left")
    expect(heat.locator(".limit-text")).to_contain_text("99.85 of 300.00 USDT")
    expect(heat.locator(".limit-share")).to_have_text("33 %")
    expect(heat.get_by_role("meter")).to_have_attribute("aria-valuenow", "33")
    expect(heat.get_by_role("meter")).to_have_accessible_name("Portfolio heat")
    expect(risk.gauge("open_positions").locator(".limit-room")).to_have_text("4 left")
    expect(risk.gauge("drawdown").locator(".limit-room")).to_have_text("7.93 % left")


def test_a_limit_over_eighty_percent_warns_in_words(open_risk):
    risk = open_risk().open()
    expect(risk.gauge("weekly_loss").locator(".badge")).to_have_text("Over 80 %")
    expect(risk.gauge("daily_loss").locator(".badge")).to_be_hidden()
    expect(risk.page.locator("#notices")).to_contain_text("Week's loss is at 84 %")


def test_a_broken_limit_has_no_room_and_says_so(open_risk):
    risk = open_risk()
    risk.api.risk = risk_facts(gauges=[gauge("daily_loss", "Day's loss", "312.50", "301.24")])
    risk.open()
    broken = risk.gauge("daily_loss")
    expect(broken.locator(".limit-room")).to_have_text("No room")
    expect(broken.locator(".badge")).to_have_text("Limit reached")
    assert broken.locator(".bar-had").get_attribute("width") == "100%"


def test_figures_move_with_the_stream_and_nothing_else_does(open_risk):
    risk = open_risk().open()
    heat = risk.gauge("portfolio_heat")
    before = heat.bounding_box()
    moved = {"code": "portfolio_heat", "share": "0.8512", "used": "255.36", "room": "44.64",
             "text": "255.36 of 300.00 USDT."}  # fmt: skip
    risk.api.live(equity="10012.05", heat="255.36", drawdown="0.0235", state="active",
                  gauges=[moved | {"warn": True, "broken": False}])  # fmt: skip
    expect(heat.locator(".limit-room")).to_have_text("44.64 USDT left")
    expect(heat.locator(".limit-text")).to_contain_text("255.36 of 300.00 USDT.")
    expect(heat.locator(".badge")).to_have_text("Over 80 %")
    expect(risk.page.locator("#fig-equity")).to_have_text("10,012.05")
    expect(risk.page.locator("#fig-drawdown")).to_have_text("2.35 %")
    assert heat.bounding_box() == before
    expect(risk.page.locator("#fig-available")).to_have_text("3,021.77")  # not in the frame


def test_an_older_frame_never_replaces_a_newer_figure(open_risk):
    risk = open_risk().open()
    risk.api.live(equity="10012.05", drawdown="0.0235", gauges=[])
    expect(risk.page.locator("#fig-equity")).to_have_text("10,012.05")
    risk.api.live(at=ahead(hours=-1), equity="2.00", drawdown="0.5", gauges=[])
    with risk.page.expect_response("**/risk"):  # an answer older than the frame
        risk.api.event("anything")
    risk.api.event("a last word", name="trading.risk_warning")
    expect(risk.page.locator("#notices")).to_contain_text("a last word")
    expect(risk.page.locator("#fig-equity")).to_have_text("10,012.05")
    expect(risk.page.locator("#fig-drawdown")).to_have_text("2.35 %")


def test_a_state_that_changes_brings_its_reason_and_the_way_back(open_risk):
    risk = open_risk().open()
    expect(risk.page.locator("#state-name")).to_have_text("Active")
    risk.api.risk = reducing()
    risk.api.live(state="reducing", gauges=[])
    expect(risk.page.locator("#state-name")).to_have_text("Reducing")
    expect(risk.page.locator("#state-text")).to_contain_text("Exits go on")
    row = risk.page.locator(".breaker[data-cause=losing_streak]")
    expect(row).to_contain_text("3 losses in a row")
    expect(row).to_contain_text("Open for 24 h, then half size")
    expect(row.locator(".breaker-left")).to_have_text(re.compile(r"^2[12] h \d\d min$"))


def test_closed_breakers_are_one_quiet_line(open_risk):
    risk = open_risk().open()
    expect(risk.page.locator(".breaker")).to_have_count(0)
    expect(risk.page.locator("#armed")).to_contain_text("Losing streak · Stop-outs · Drawdown")


def test_a_half_open_breaker_says_half_size(open_risk):
    risk = open_risk()
    half = streak_open() | {"phase": "half_open", "until": None}
    risk.api.risk = risk_facts(breakers=breakers(losing_streak=half))
    risk.open()
    expect(risk.page.locator(".breaker")).to_contain_text("half size")
    expect(risk.page.locator("#state-name")).to_have_text("Active")


def test_halting_asks_for_a_reason_and_shows_what_the_server_made_of_it(open_risk):
    risk = open_risk().open()
    risk.page.get_by_role("button", name="Halt trading").click()
    dialog = risk.page.get_by_role("dialog")
    expect(dialog).to_contain_text("Stops and targets stay on the exchange")
    dialog.get_by_role("button", name="Halt trading").click()
    expect(dialog.locator(".field-error").first).to_contain_text("Say it in a few words")
    assert risk.api.sent == []
    dialog.get_by_label("Reason").fill("News at two")
    dialog.get_by_label("Cancel entries that wait.").check()
    dialog.get_by_role("button", name="Halt trading").click()
    expect(dialog).to_be_hidden()
    asked = {"reason": "News at two", "cancel_entries": True, "flatten": False}
    assert risk.api.sent == [("POST", "halt", asked)]
    expect(risk.page.locator("#state-name")).to_have_text("Halted")
    expect(risk.page.get_by_role("button", name="Resume trading")).to_be_visible()


def test_everything_can_be_closed_also_once_trading_is_halted(open_risk):
    risk = open_risk()
    risk.api.risk = halted()
    risk.open()
    risk.page.get_by_role("button", name="Close everything").click()
    dialog = risk.page.get_by_role("dialog")
    expect(dialog).to_contain_text("sold at the market")
    dialog.get_by_label("Reason").fill("Out of here")
    dialog.get_by_role("button", name="Close everything").click()
    expect(dialog).to_be_hidden()
    assert risk.api.sent == [("POST", "flatten", {"reason": "Out of here"})]
    expect(risk.page.locator("#state-name")).to_have_text("Halted")


def test_leaving_the_dialog_sends_nothing_and_gives_the_focus_back(open_risk):
    risk = open_risk().open()
    risk.page.get_by_role("button", name="Halt trading").click()
    risk.page.keyboard.press("Escape")
    expect(risk.page.get_by_role("dialog")).to_have_count(0)
    expect(risk.page.get_by_role("button", name="Halt trading")).to_be_focused()
    assert risk.api.sent == []


def test_resuming_asks_for_the_password_once_more_and_says_when_it_is_wrong(open_risk):
    risk = open_risk()
    risk.api.risk, risk.api.password = halted(), "right"
    risk.open()
    risk.page.get_by_role("button", name="Resume trading").click()
    dialog = risk.page.get_by_role("dialog")
    dialog.get_by_label("What has changed?").fill("Rested")
    expect(dialog.get_by_label("Your password")).to_be_hidden()
    dialog.get_by_role("button", name="Resume trading").click()
    password = dialog.get_by_label("Your password, once more")
    expect(password).to_be_focused()
    password.fill("wrong")
    password.press("Enter")
    expect(dialog).to_contain_text("This is not your password")
    password.fill("right")
    password.press("Enter")
    expect(risk.page.locator("#state-name")).to_have_text("Active")
    names = [name for _, name, _ in risk.api.sent]
    assert names == ["resume", "step-up", "step-up", "resume"]
    assert all("password" not in body for _, name, body in risk.api.sent if name == "resume")


def test_what_resuming_still_waits_for_stays_in_the_dialog(open_risk):
    risk = open_risk()
    risk.api.risk = halted()
    waits = "The drawdown was halted 3 h ago; resuming waits 21 h more."
    risk.api.status["resume"] = (409, {"code": "still_waits", "status": 409, "detail": waits})
    risk.open()
    risk.page.get_by_role("button", name="Resume trading").click()
    dialog = risk.page.get_by_role("dialog")
    dialog.get_by_label("What has changed?").fill("Rested")
    dialog.get_by_role("button", name="Resume trading").click()
    expect(dialog.locator(".ask-trouble")).to_have_text(waits)
    expect(risk.page.locator("#state-name")).to_have_text("Halted")


def test_a_halt_without_an_answer_says_it_may_have_been_taken(open_risk):
    risk = open_risk()
    risk.api.status["halt"] = (0, None)
    risk.open()
    risk.page.get_by_role("button", name="Halt trading").click()
    dialog = risk.page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("News")
    dialog.get_by_role("button", name="Halt trading").click()
    expect(dialog.locator(".ask-trouble")).to_contain_text("may or may not have been taken")


def test_a_loosening_shows_its_countdown_and_can_be_withdrawn(open_risk):
    risk = open_risk().open()
    row = risk.page.locator(".pending-row")
    expect(row).to_contain_text("Portfolio heat 3 % → 5 %")
    expect(row).to_contain_text("the next reset and no open position")
    expect(row.locator(".pending-left")).to_have_text(re.compile(r"^1[78] h \d\d min$"))
    row.get_by_role("button").click()
    risk.page.get_by_role("dialog").get_by_role("button", name="Withdraw").click()
    expect(risk.page.locator(".pending-row")).to_have_count(0)
    expect(risk.page.locator("#pending-empty")).to_contain_text("None.")
    assert [method for method, _, _ in risk.api.sent] == ["DELETE"]


def test_heat_by_symbol_periods_and_holdings_stand_apart(open_risk):
    risk = open_risk().open()
    symbols = risk.page.locator("#symbols tbody tr")
    expect(symbols.first).to_contain_text("BTCUSDT long")
    expect(symbols.first).to_contain_text("128.44")
    expect(risk.page.locator("#apart > li").last).to_contain_text("No price")
    expect(risk.page.locator("#period-week")).to_contain_text("≈ 10,447.67")
    expect(risk.page.locator("#periods-late")).to_contain_text("was taken late")


def test_an_account_at_rest_says_that_nothing_is_at_risk(open_risk):
    risk = open_risk()
    risk.api.risk = risk_facts(by_symbol=[], holdings=[], warnings=[])
    risk.api.managed = []
    risk.api.history = lambda hours: {"points": []}
    risk.api.decisions = lambda cursor, limit: {"results": [], "next": None}
    risk.open()
    expect(risk.page.locator("#symbols-empty")).to_contain_text("Nothing is at risk")
    expect(risk.page.locator("#managed-empty")).to_contain_text("None.")
    expect(risk.page.locator("#apart-empty")).to_contain_text("None.")
    expect(risk.page.locator("#history-state")).to_contain_text("Nothing is recorded")
    expect(risk.page.locator("#decisions-state")).to_contain_text("No record yet")


def test_a_page_that_cannot_be_read_says_so_and_recovers(open_risk):
    risk = open_risk()
    risk.api.status["risk"] = (503, {"detail": "The store is restarting."})
    risk.open(live=False)
    expect(risk.page.locator("#notices")).to_contain_text("cannot be read just now")
    expect(risk.page.locator("#notices")).to_contain_text("Stops rest on the exchange")
    del risk.api.status["risk"]
    risk.api.event("anything")
    expect(risk.gauge("portfolio_heat").locator(".limit-room")).to_have_text("200.15 USDT left")
    expect(risk.page.locator("#notices")).not_to_contain_text("cannot be read")


def test_a_failed_read_marks_the_figures_as_old_until_the_next_good_one(open_risk):
    risk = open_risk().open()
    risk.api.status["risk"] = (0, None)
    risk.api.event("anything")
    expect(risk.page.locator("#main")).to_have_attribute("data-source", "stale")
    expect(risk.page.locator("#notices")).to_contain_text("These figures are old")
    expect(risk.page.locator("#link-state")).to_have_attribute("data-state", "stale")
    del risk.api.status["risk"]
    risk.api.event("anything")
    expect(risk.page.locator("#main")).to_have_attribute("data-source", "live")
    expect(risk.page.locator("#notices")).not_to_contain_text("old")


def test_a_device_without_network_says_it_is_offline(open_risk):
    risk = open_risk().open()
    risk.page.context.set_offline(True)
    expect(risk.page.locator("#notices")).to_contain_text("You are offline")
    expect(risk.page.locator("#link-state")).to_have_attribute("data-state", "offline")
    risk.page.context.set_offline(False)
    expect(risk.page.locator("#notices")).not_to_contain_text("offline")


def test_an_alert_is_said_at_once(open_risk):
    risk = open_risk().open()
    api: RiskApi = risk.api
    api.event("Portfolio heat is at 85 % of its limit.", name="trading.risk_warning")
    expect(risk.page.locator("#notices")).to_contain_text("Portfolio heat is at 85 %")


def test_without_an_account_the_page_offers_to_open_one(open_risk):
    risk = open_risk().open("/risk/none/", live=False)
    expect(risk.page.get_by_role("button", name="Open a practice account")).to_be_visible()
