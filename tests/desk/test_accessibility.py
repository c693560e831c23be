"""The pages by axe-core: WCAG 2.2 at A and AA, and its best practices, in both themes and at both
widths, in the states a trader meets.

What a machine can judge, that is: order of reading, names that make sense and the keyboard's ways
are in the tests beside this one.
"""

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.desk.conftest import Desk, RiskPage
from tests.desk.risk_wire import (
    FIXES,
    exchange_down,
    managed,
    reducing,
    risk_facts,
    unprotected,
)
from tests.desk.test_pages import PAGES
from tests.desk.wire import preview, refusal, trade

LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice"]
OPTIONS = {"runOnly": LEVELS, "resultTypes": ["violations"]}
axe = Axe()


def violations(page: Page) -> list[str]:
    """A line for each: the rule, where, and what axe says of it."""
    found = axe.run(page, options=OPTIONS).response
    # An axe that looked at nothing would find nothing.
    assert len(found["passes"]) > 10
    return [
        f"{rule['id']} at {' '.join(map(str, node['target']))}: {node['failureSummary']}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


def everywhere(test: Callable) -> Callable:
    """At a desk and on a phone, by day and by night; day on the one and night on the other, but
    for the whole run: widths differ in layout, themes in contrast, and neither in the other."""
    looks = [
        (1440, "light"),
        (390, "dark"),
        pytest.param(390, "light", marks=pytest.mark.slow),
        pytest.param(1440, "dark", marks=pytest.mark.slow),
    ]
    return pytest.mark.parametrize(("width", "theme"), looks)(test)


def shown(opener: Callable[..., Desk], width: int, theme: str) -> Desk:
    return opener(width=width, height=844 if width < 700 else 900, theme=theme, touch=width < 700)


@everywhere
def test_the_risk_page_and_its_dialogs_shut_nobody_out(open_risk, width, theme):
    risk: RiskPage = shown(open_risk, width, theme)
    risk.api.risk = reducing()  # the fullest: an open breaker, warnings, holdings
    risk.open()
    risk.page.locator("#decisions a").first.wait_for()
    expect(risk.page.locator("#history-state")).to_be_hidden()
    assert violations(risk.page) == []
    risk.page.get_by_role("radio", name="Table").click()
    risk.page.locator("#history-table").wait_for()
    assert violations(risk.page) == []
    risk.page.get_by_role("button", name="Halt trading").click()
    dialog = risk.page.get_by_role("dialog")
    dialog.get_by_role("button", name="Halt trading").click()  # without a reason: refused
    dialog.locator(".field-error:visible").first.wait_for()
    assert violations(risk.page) == []


@everywhere
def test_holdings_and_their_dialogs_shut_nobody_out(open_risk, width, theme):
    risk: RiskPage = shown(open_risk, width, theme)
    bare = managed("held-sol", asset="SOL", symbol="SOLUSDT", stop=None)
    risk.api.managed = [managed(), bare]
    risk.api.password = "correct"
    risk.open()
    risk.page.locator("#managed .badge:visible").wait_for()
    risk.page.get_by_role("button", name="Declare BNB managed").click()
    dialog = risk.page.get_by_role("dialog")
    dialog.get_by_role("button", name="Declare it managed").click()  # without a price: refused
    dialog.locator(".field-error:visible").first.wait_for()
    assert violations(risk.page) == []
    risk.page.keyboard.press("Escape")
    risk.page.get_by_role("button", name="Stop counting ETH").click()
    dialog.get_by_role("button", name="Stop counting it").click()
    dialog.get_by_label("Your password, once more").wait_for()
    assert violations(risk.page) == []


@everywhere
def test_the_limits_shut_nobody_out(open_risk, width, theme):
    risk: RiskPage = shown(open_risk, width, theme)
    risk.open("/settings/risk/", live=False)
    risk.page.locator("#limits-form").wait_for()
    risk.page.locator("#limit-max_risk").fill("0.5")
    risk.page.locator("#limit-max_positions").fill("6")
    # Whole: wherever the page is scrolled to, its foot lies over some field.
    whole = risk.page.evaluate("document.documentElement.scrollHeight")
    risk.page.set_viewport_size({"width": width, "height": whole})
    assert violations(risk.page) == []
    risk.page.locator("#review").click()
    risk.page.get_by_role("dialog").wait_for()
    assert violations(risk.page) == []
    risk.page.keyboard.press("Escape")
    risk.page.locator("#limit-max_risk").fill("50")  # past the cap: refused at the field
    risk.page.locator(".field-error:visible").first.wait_for()
    assert violations(risk.page) == []


@everywhere
def test_a_decision_shuts_nobody_out(open_risk, width, theme):
    risk: RiskPage = shown(open_risk, width, theme)
    risk.open("/risk/decisions/x/", live=False)
    risk.page.locator("#decision-body").wait_for()
    risk.page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert violations(risk.page) == []


@everywhere
def test_a_refused_plan_and_its_ways_out_shut_nobody_out(open_desk, width, theme):
    desk = shown(open_desk, width, theme).open()
    assert violations(desk.page) == []
    desk.exchange.answer = lambda drawing: (
        200, preview(drawing) | {"ok": False, "verdicts": refusal(), "fixes": FIXES},
    )  # fmt: skip
    desk.page.locator("#in-stop").fill("63500.00")
    expect(desk.page.locator("#fixes .fix")).to_have_count(len(FIXES))
    desk.settled()
    assert violations(desk.page) == []


@everywhere
def test_the_alarms_of_the_desk_shut_nobody_out(open_desk, width, theme):
    desk = shown(open_desk, width, theme)
    desk.exchange.open = [trade(protected=False)]
    desk.exchange.trouble = exchange_down()
    desk.open()
    desk.page.locator("#unprotected p").wait_for()
    desk.page.locator("#exchange-trouble dl").wait_for()
    assert violations(desk.page) == []


@everywhere
def test_the_alarms_of_the_risk_page_shut_nobody_out(open_risk, width, theme):
    risk: RiskPage = shown(open_risk, width, theme)
    risk.api.risk = risk_facts(unprotected=[unprotected()], exchange=exchange_down())
    risk.open()
    risk.page.locator("#symbols .badge-alarm").wait_for()
    expect(risk.page.locator("#history-state")).to_be_hidden()
    assert violations(risk.page) == []


@everywhere
@pytest.mark.parametrize("name", ["x", "open", "naked", "silent", "placed"])
def test_a_trades_page_shuts_nobody_out(open_desk, width, theme, name):
    desk = shown(open_desk, width, theme).open(f"/journal/{name}/", live=False)
    desk.page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert violations(desk.page) == []


@everywhere
def test_every_other_page_shuts_nobody_out(open_desk, width, theme):
    desk = shown(open_desk, width, theme)
    for path in (*PAGES, "/risk/none/", "/settings/risk/none/"):
        desk.open(path, live=False)
        assert violations(desk.page) == [], path


@everywhere
def test_what_stays_in_view_never_lies_over_what_has_the_focus(open_risk, width, theme):
    """WCAG 2.4.11: the head and the foot of the limits stay, and the page scrolls under them."""
    risk: RiskPage = shown(open_risk, width, theme)
    risk.open("/settings/risk/", live=False)
    risk.page.locator("#limits-form").wait_for()
    risk.page.locator("#limit-max_risk").fill("0.5")
    fields = risk.page.locator("#limits-form :is(input, select)").count()
    for key, start in [("Tab", 0), ("Shift+Tab", fields - 1)]:
        risk.page.locator("#limits-form :is(input, select)").nth(start).focus()
        for _ in range(fields - 1):
            assert risk.page.evaluate(FOCUS_IS_SEEN), risk.page.evaluate(
                "document.activeElement.id"
            )
            risk.page.keyboard.press(key)


# The four corners, a little inside, and the middle belong to the element or to its own parts.
FOCUS_IS_SEEN = """() => {
  const [own, { left, right, top, bottom }] =
    [document.activeElement, document.activeElement.getBoundingClientRect()]
  return [[left, top], [right, top], [left, bottom], [right, bottom]].every(([x, y]) =>
    own.contains(document.elementFromPoint(
      x + Math.sign((left + right) / 2 - x) * 4, y + Math.sign((top + bottom) / 2 - y) * 4)))
}"""
