"""One tap from a refusal to a plan that passes: the drawing changes, the server judges it anew."""

import re

from playwright.sync_api import expect

from tests.desk.risk_wire import FIXES
from tests.desk.wire import preview, refusal, trade

WIDE = "63999.00"  # a stop the test types; the server, played here, refuses it


def refuse_the_typed_stop(desk) -> None:
    """Refuses while the stop is the one typed, with every kind of way out; passes anything else."""

    def answer(drawing):
        shrunk = drawing.get("risk_fraction") == "0.0087"
        if drawing["stop"] != WIDE or drawing["target"] == "65288.00" or shrunk:
            return 200, preview(drawing)
        return 200, preview(drawing) | {"ok": False, "verdicts": refusal(), "fixes": FIXES}

    desk.exchange.answer = answer
    desk.page.locator("#follow").click()
    desk.page.locator("#in-stop").fill(WIDE)
    expect(desk.page.locator("#fixes .fix")).to_have_count(5)


def test_a_smaller_size_is_one_tap_away(desk):
    refuse_the_typed_stop(desk)
    desk.page.get_by_role("button", name="Risk 0.87 %").click()
    expect(desk.page.locator("#go")).to_be_enabled()
    assert desk.asked()["risk_fraction"] == "0.0087"
    expect(desk.page.locator("#fixes .fix")).to_have_count(0)


def test_the_stop_that_passes_moves_the_line_and_is_asked_about(desk):
    refuse_the_typed_stop(desk)
    desk.page.get_by_role("button", name="Stop at 63,712.00").click()
    expect(desk.page.locator("#go")).to_be_enabled()
    assert desk.asked()["stop"] == "63712.00"
    assert desk.field("stop") == "63712.00"
    spoken = re.compile(r"^Stop 63,712\.00, 0\.45 % below entry")
    expect(desk.page.locator(".tag-stop")).to_have_attribute("aria-valuetext", spoken)


def test_the_target_that_passes_leaves_stop_and_entry_where_they_are(desk):
    refuse_the_typed_stop(desk)
    entry = desk.field("entry")
    desk.page.get_by_role("button", name="Target at 65,288.00").click()
    expect(desk.page.locator("#go")).to_be_enabled()
    asked = desk.asked()
    assert (asked["target"], asked["stop"], asked["entry"]) == ("65288.00", WIDE, entry)


def test_waiting_is_told_not_pressed(desk):
    refuse_the_typed_stop(desk)
    told = desk.page.locator(".fix[data-lever=wait]")
    expect(told).to_contain_text("Wait until the reset")
    assert told.evaluate("fix => fix.tagName") == "DIV"


def test_closing_another_trade_leads_to_it_and_closes_nothing(open_desk):
    desk = open_desk()
    desk.exchange.open = [trade()]
    desk.open()
    refuse_the_typed_stop(desk)
    desk.page.get_by_role("tab", name="Closed").click()
    desk.page.get_by_role("button", name="Close ETHUSDT").click()
    expect(desk.page.locator(".position")).to_be_visible()
    assert desk.page.evaluate("document.activeElement.closest('.position') !== null")
    assert not any(line.endswith("/close") for line in desk.exchange.asked)


def test_a_refused_order_offers_the_same_ways_out(desk):
    desk.page.locator("#follow").click()
    problem = {"code": "plan_refused", "verdicts": refusal(), "fixes": FIXES}
    desk.exchange.place = lambda body: (409, problem)
    desk.page.get_by_role("button", name="Review").click()
    desk.page.get_by_role("button", name="Confirm buy").click()
    offered = desk.page.locator("#review .fix")
    expect(offered).to_have_count(5)
    desk.page.locator("#review").get_by_role("button", name="Stop at 63,712.00").click()
    expect(desk.page.locator("#review")).to_be_hidden()
    assert desk.asked()["stop"] == "63712.00"


def test_the_same_offers_stay_under_the_finger_while_prices_move(desk):
    refuse_the_typed_stop(desk)
    button = desk.page.get_by_role("button", name="Risk 0.87 %")
    button.evaluate("button => { button.dataset.seen = 'yes' }")
    asked = len(desk.exchange.previews)
    with desk.page.expect_response("**/plans/preview", timeout=8000):
        desk.exchange.price()
    assert len(desk.exchange.previews) > asked
    desk.page.evaluate("new Promise(done => setTimeout(done, 100))")  # the answer is drawn
    expect(button).to_have_attribute("data-seen", "yes")


def test_the_ways_out_are_one_press_away_where_the_ticket_scrolls(open_desk):
    desk = open_desk(height=700).open()
    refuse_the_typed_stop(desk)
    desk.page.locator("#to-fixes").click()
    first = desk.page.locator("#fixes button").first
    expect(first).to_be_focused()
    expect(first).to_be_in_viewport()
