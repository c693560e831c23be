"""The trader's own limits: tighter at once, laxer after a wait, never sent without a review."""

import re

from playwright.sync_api import expect

from tests.desk.conftest import RiskPage
from tests.desk.risk_api import STEP_UP
from tests.desk.risk_wire import change


def settings(open_risk, **size) -> RiskPage:
    risk = open_risk(**size).open("/settings/risk/", live=False)
    expect(risk.page.locator("#limits-form")).to_be_visible()
    return risk


def row(risk: RiskPage, name: str):
    return risk.page.locator(f".limit-row[data-name={name}]")


def put(risk: RiskPage) -> dict:
    return next(body for method, _, body in risk.api.sent if method == "PUT")


def test_every_limit_has_its_words_its_cap_and_its_standard(open_risk):
    risk = settings(open_risk)
    heat = row(risk, "max_heat")
    expect(heat.get_by_label("Portfolio heat")).to_have_value("3")
    expect(heat).to_contain_text("% of equity")
    expect(heat).to_contain_text("at most 10 % · standard 3 %")
    expect(row(risk, "min_reward_to_risk")).to_contain_text("at least 1 · standard 2")
    expect(risk.page.locator(".limit-row")).to_have_count(17)  # sixteen limits and the zone


def test_a_stricter_value_acts_at_once_and_a_laxer_one_waits(open_risk):
    risk = settings(open_risk)
    row(risk, "max_risk").locator("input").fill("0.5")
    row(risk, "max_positions").locator("input").fill("7")
    row(risk, "symbol_cooldown_minutes").locator("input").fill("60")
    expect(row(risk, "max_risk").locator(".badge")).to_have_text("Acts at once")
    expect(row(risk, "max_positions").locator(".badge")).to_have_text("Waits")
    expect(row(risk, "symbol_cooldown_minutes").locator(".badge")).to_have_text("Acts at once")
    expect(risk.page.locator("#summary")).to_have_text("3 changes: 2 act at once, 1 waits.")


def test_a_change_is_reviewed_before_it_is_sent_exactly(open_risk):
    risk = settings(open_risk)
    row(risk, "max_risk").locator("input").fill("0.75")
    row(risk, "max_heat").locator("input").fill("4")
    row(risk, "lock_losing_symbols").get_by_role("switch").check()
    risk.page.get_by_role("button", name="Review the change").click()
    dialog = risk.page.get_by_role("dialog")
    expect(dialog.locator("[data-part=now]")).to_contain_text("Risk per trade")
    expect(dialog.locator("[data-part=later]")).to_contain_text("24 hours and the next reset")
    expect(dialog.locator("[data-part=later]")).to_contain_text("Portfolio heat")
    assert risk.api.sent == []
    dialog.get_by_role("button", name="Change the limits").click()
    expect(dialog).to_have_count(0)
    wanted = {"max_risk": "0.0075", "max_heat": "0.04", "lock_losing_symbols": True}
    assert put(risk)["limits"] == wanted
    assert "reset_zone" not in put(risk)
    expect(risk.page.locator("#notices")).to_contain_text("2 limits are stricter from now on")
    expect(risk.page.locator("#summary")).to_have_text("Nothing changed.")


def test_loosening_asks_for_the_password_once_more(open_risk):
    risk = settings(open_risk)
    risk.api.status["risk-profile"] = (403, STEP_UP)
    risk.api.password = "right"
    row(risk, "max_heat").locator("input").fill("4")
    risk.page.get_by_role("button", name="Review the change").click()
    dialog = risk.page.get_by_role("dialog")
    dialog.get_by_role("button", name="Change the limits").click()
    password = dialog.get_by_label("Your password, once more")
    expect(password).to_be_focused()
    del risk.api.status["risk-profile"]
    password.fill("right")
    password.press("Enter")
    expect(dialog).to_have_count(0)
    assert [name for _, name, _ in risk.api.sent] == ["step-up", "risk-profile"]


def test_a_value_beyond_the_cap_is_refused_at_its_field_and_cannot_be_sent(open_risk):
    risk = settings(open_risk)
    heat = row(risk, "max_heat")
    heat.locator("input").fill("12")
    expect(heat.locator(".field-error")).to_have_text("The Protocol allows 0.01 % to 10 %.")
    expect(heat.locator("input")).to_have_attribute("aria-invalid", "true")
    expect(risk.page.get_by_role("button", name="Review the change")).to_be_disabled()
    heat.locator("input").fill("3,5")
    expect(heat.locator(".field-error")).to_contain_text("Write the decimal point as a dot: 3.5")
    heat.locator("input").fill("NaN")
    expect(heat.locator(".field-error")).to_contain_text("plain number")
    row(risk, "max_positions").locator("input").fill("2.5")
    expect(row(risk, "max_positions").locator(".field-error")).to_contain_text("whole number")


def test_what_the_server_refuses_is_said_at_its_field(open_risk):
    risk = settings(open_risk)
    row(risk, "max_heat").locator("input").fill("2")
    message = "max_heat is 0.02: open trades hold more already. Close one first."
    problem = {
        "code": "limit_refused",
        "errors": [{"field": "limits.max_heat", "message": message}],
    }
    risk.api.status["risk-profile"] = (400, problem)
    risk.page.get_by_role("button", name="Review the change").click()
    dialog = risk.page.get_by_role("dialog")
    dialog.get_by_role("button", name="Change the limits").click()
    expect(dialog.locator(".ask-trouble")).to_have_text(message)
    dialog.get_by_role("button", name="Cancel").click()
    expect(row(risk, "max_heat").locator(".field-error")).to_have_text(message)


def test_a_preset_fills_the_fields_and_sends_nothing(open_risk):
    risk = settings(open_risk)
    expect(risk.page.get_by_role("radio", name="Standard")).to_have_attribute(
        "aria-checked", "true"
    )
    risk.page.get_by_role("radio", name="Conservative").click()
    expect(row(risk, "max_risk").locator("input")).to_have_value("0.5")
    expect(risk.page.locator("#summary")).to_contain_text("act at once.")
    assert risk.api.sent == []
    row(risk, "max_risk").locator("input").fill("0.6")
    expect(risk.page.get_by_role("radio", name="Your own")).to_have_attribute(
        "aria-checked", "true"
    )
    risk.page.get_by_role("button", name="Undo").click()
    expect(row(risk, "max_risk").locator("input")).to_have_value("1")


def test_another_reset_zone_waits_like_any_loosening(open_risk):
    risk = settings(open_risk)
    risk.page.get_by_label("Reset zone").select_option("Europe/Vienna")
    expect(row(risk, "reset_zone").locator(".badge")).to_have_text("Waits")
    risk.page.get_by_role("button", name="Review the change").click()
    dialog = risk.page.get_by_role("dialog")
    expect(dialog.locator("[data-part=later]")).to_contain_text("Europe/Vienna")
    dialog.get_by_role("button", name="Change the limits").click()
    expect(dialog).to_have_count(0)
    assert put(risk)["reset_zone"] == "Europe/Vienna"
    assert put(risk)["limits"] == {}


def test_what_waits_is_shown_with_its_countdown_and_can_be_withdrawn(open_risk):
    risk = settings(open_risk)
    waiting = risk.page.locator("#pending .pending-row")
    expect(waiting).to_contain_text("Portfolio heat 3 % → 5 %")
    expect(waiting.locator(".pending-left")).to_have_text(re.compile(r"^1[78] h \d\d min$"))
    expect(row(risk, "max_heat").locator(".row-wait")).to_contain_text("Waits to become 5 %")
    waiting.get_by_role("button", name="Withdraw").click()
    risk.page.get_by_role("dialog").get_by_role("button", name="Withdraw").click()
    expect(risk.page.locator("#pending-panel")).to_be_hidden()
    expect(row(risk, "max_heat").locator(".row-wait")).to_be_hidden()
    assert [name for _, name, _ in risk.api.sent] == [f"risk-profile/changes/{change()['id']}"]


def test_limits_that_cannot_be_read_can_be_asked_for_again(open_risk):
    risk = open_risk()
    risk.api.status["risk-profile"] = (503, {"detail": "The store is restarting."})
    risk.open("/settings/risk/", live=False)
    expect(risk.page.locator("#settings-state")).to_contain_text("The store is restarting")
    del risk.api.status["risk-profile"]
    risk.page.get_by_role("button", name="Try again").click()
    expect(risk.page.locator("#limits-form")).to_be_visible()


def test_a_review_without_an_answer_keeps_the_change_on_the_page(open_risk):
    risk = settings(open_risk)
    row(risk, "max_risk").locator("input").fill("0.5")
    risk.api.status["risk-profile"] = (0, None)
    risk.page.get_by_role("button", name="Review the change").click()
    dialog = risk.page.get_by_role("dialog")
    dialog.get_by_role("button", name="Change the limits").click()
    expect(dialog.locator(".ask-trouble")).to_contain_text("may or may not have been taken")
    dialog.get_by_role("button", name="Cancel").click()
    expect(row(risk, "max_risk").locator("input")).to_have_value("0.5")
