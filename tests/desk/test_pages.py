"""Every page: whole at any width, in both themes, without a word from the console or the CSP."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.desk.risk_wire import reducing

ROOT = Path(__file__).resolve().parents[2]
PAGES = (
    "/landing/", "/sign-in/", "/no-account/", "/journal/", "/journal/empty/", "/journal/x/",
    "/journal/open/", "/journal/naked/", "/journal/silent/", "/journal/placed/",
    "/400/", "/403/", "/404/", "/500/",
)  # fmt: skip

# Each width and each theme; all of their pairs in the whole run only.
everywhere = pytest.mark.parametrize(
    ("width", "theme"),
    [
        (360, "light"),
        (768, "dark"),
        (1440, "light"),
        *(
            pytest.param(width, theme, marks=pytest.mark.slow)
            for width, theme in ((360, "dark"), (768, "light"), (1440, "dark"))
        ),
    ],
)


@everywhere
def test_no_page_overflows_or_complains(open_desk, width, theme):
    desk = open_desk(width=width, theme=theme, touch=width < 700)
    for path in PAGES:
        desk.open(path, live=False)
        assert desk.page.evaluate("document.documentElement.scrollWidth") <= width, path
        assert not desk.exchange.problems, path
    desk.open("/")
    assert desk.page.evaluate("document.documentElement.scrollWidth") <= width, "the desk"


RISK_PAGES = {
    "/risk/": "#limits .limit[data-code]", "/risk/none/": "#open-paper",
    "/risk/decisions/x/": "#decision-body", "/settings/risk/": "#limits-form",
    "/settings/risk/none/": "#open-paper",
}  # fmt: skip


@everywhere
def test_no_risk_page_overflows_or_complains(open_risk, width, theme):
    risk = open_risk(width=width, theme=theme, touch=width < 700)
    risk.api.risk = reducing()  # the fullest: an open breaker, warnings, holdings
    for path, sign in RISK_PAGES.items():
        risk.open(path, live=False)
        risk.page.locator(sign).first.wait_for()
        assert risk.page.evaluate("document.documentElement.scrollWidth") <= width, path
        assert not risk.api.problems, path


def test_on_the_risk_pages_too_what_a_finger_must_hit_is_large_enough(open_risk):
    risk = open_risk(width=390, height=844, touch=True)
    for path, sign in RISK_PAGES.items():
        risk.open(path, live=False)
        risk.page.locator(sign).first.wait_for()
        for control in risk.page.locator("main button:visible, main a.button:visible").all():
            least = 40 if control.get_attribute("role") == "radio" else 44
            assert control.bounding_box()["height"] >= least, control.inner_text()


def test_what_a_finger_must_hit_is_large_enough(open_desk):
    desk = open_desk(width=390, height=844, touch=True).open()
    small = desk.page.locator("main button:visible, main input:visible, main select:visible")
    for control in small.all():
        box = control.bounding_box()
        least = 40 if control.get_attribute("role") == "radio" else 44
        name = control.get_attribute("id") or control.inner_text()
        assert box["height"] >= least, name


def test_the_import_map_names_every_module_of_ours():
    mapped = set(
        re.findall(r'"testudo/([^"]+)"', (ROOT / "templates/partials/import_map.html").read_text())
    )
    files = {
        str(path.relative_to(ROOT / "static/js")) for path in (ROOT / "static/js").rglob("*.js")
    }
    assert mapped == files - {"theme_early.js"}


def test_modules_are_imported_by_their_mapped_name_only():
    for path in (ROOT / "static/js").rglob("*.js"):
        for name in re.findall(r'from "([^"]+)"', path.read_text()):
            assert name.startswith("testudo/") or name == "lightweight-charts", f"{path}: {name}"


def test_no_template_holds_what_the_csp_forbids():
    for path in (ROOT / "templates").rglob("*.html"):
        text = path.read_text()
        assert " style=" not in text, path
        assert not re.search(r"\son[a-z]+=", text), path
        assert "<style" not in text, path


def test_the_chosen_theme_holds_on_the_next_page_from_its_first_paint(open_desk):
    desk = open_desk(theme="dark").open("/journal/", live=False)
    button = desk.page.locator("#theme")
    button.click()
    expect(button).to_have_attribute("aria-label", "Theme: light. Switch to dark.")
    desk.open("/landing/", live=False)
    assert desk.page.evaluate("document.documentElement.dataset.theme") == "light"
    colour = desk.page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert colour == "rgb(243, 237, 225)"


def test_the_skip_link_is_the_first_stop_and_leads_to_the_content(open_desk):
    desk = open_desk().open("/journal/", live=False)
    desk.page.keyboard.press("Tab")
    expect(desk.page.get_by_text("Skip to the content")).to_be_focused()
    desk.page.keyboard.press("Enter")
    assert desk.page.evaluate("document.activeElement.id") == "main"


def test_signing_out_is_a_post(open_desk):
    desk = open_desk().open("/journal/", live=False)
    form = desk.page.locator("form[action='/sign-out/']")
    assert form.get_attribute("method") == "post"
    assert form.locator("input[name=csrfmiddlewaretoken]").count() == 1


def test_a_result_in_the_journal_has_a_sign_an_arrow_and_a_bar(open_desk):
    desk = open_desk().open("/journal/", live=False)
    loss = desk.page.locator(".trade-r.loss").first
    expect(loss).to_have_text("▼ −1.00 R")
    assert desk.page.locator("#entries .r-bar").count() == 10
