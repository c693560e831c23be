"""One trade's page: its steps in milliseconds, its incidents, the raw answers; live."""

import json

import pytest
from playwright.sync_api import expect

from tests.desk import stories
from tests.desk.wire import trade


@pytest.fixture
def shows(open_desk):
    """Opens a trade's page; `desk.now("naked")` is what the server then has of it."""

    def opened(name, **look):
        desk = open_desk(**look)

        def now(other):
            body = desk.page.request.get(f"{desk.address}/journal/{other}/?part=story").text()
            desk.page.unroute("**/journal/*/?part=story")
            desk.page.route("**/journal/*/?part=story", lambda route: route.fulfill(body=body))

        desk.now = now
        desk.open(f"/journal/{name}/", live=False)
        return desk

    return opened


def happens(desk, text="Something", **changes):
    desk.exchange.event(text, trade(**changes))


def test_the_steps_stand_in_order_with_the_time_since_the_one_before(shows):
    desk = shows("x")
    titles = desk.page.locator(".step-title").all_inner_texts()
    assert titles == [title for _, title, *_ in stories.STEPS]
    spans = [" ".join(each.split()) for each in desk.page.locator(".step-ms").all_inner_texts()]
    assert spans[:3] == ["start", "after 6 ms", "after 15 ms"]
    assert spans[-1] == "after 1 h 29 min"
    assert "5399000 ms" in desk.page.locator(".step-ms").last.get_attribute("title")
    expect(desk.page.locator("[data-step=filled] .step-when")).to_contain_text("09:12:03.184")
    expect(desk.page.locator("[data-step=filled] .step-when")).to_contain_text("exchange: 20 Nov")


def test_an_open_trade_shows_what_it_has_not_come_to(shows):
    desk = shows("open")
    assert desk.page.locator(".step.is-ahead .step-title").all_inner_texts() == ["Closed"]
    expect(desk.page.locator(".trade-standing")).to_contain_text("Protected")
    expect(desk.page.locator(".steps-naked")).to_contain_text("2 ms")
    desk.open("/journal/placed/", live=False)
    expect(desk.page.locator("#story-events")).to_contain_text("Nothing has filled yet")
    expect(desk.page.locator("[data-step=sent]")).to_contain_text("Not yet")


def test_every_incident_is_a_sentence_with_what_was_done(shows):
    desk = shows("x")
    first, second = desk.page.locator(".trouble").all()
    expect(first).to_contain_text("canceled by hand at the exchange")
    expect(first).to_contain_text("What was done A new stop at 63692.28 was placed and rests.")
    expect(first).to_contain_text("over after 640 ms")
    expect(second).to_contain_text("for everyone on this exchange")
    desk.open("/journal/open/", live=False)
    expect(desk.page.locator("#story-troubles")).to_contain_text("Nothing has gone wrong")


def test_the_raw_answers_lie_behind_a_fold_to_the_last_character(shows):
    desk = shows("x")
    answer = desk.page.locator(".answer pre").first
    expect(answer).to_be_hidden()
    desk.page.get_by_text("What the exchange answered").click()
    desk.page.locator(".answer summary").first.click()
    expect(answer).to_be_visible()
    assert json.loads(answer.inner_text()) == stories.PLACED
    refused = desk.page.locator(".answer").nth(2)
    expect(refused.locator("summary")).to_contain_text("400")


def test_the_fold_opens_by_keyboard(shows):
    desk = shows("x")
    desk.page.locator(".fold > summary").focus()
    desk.page.keyboard.press("Enter")
    desk.page.keyboard.press("Tab")
    desk.page.keyboard.press("Enter")
    expect(desk.page.locator(".answer pre").first).to_be_visible()


def test_the_page_alarms_the_moment_the_stop_is_gone_and_rests_when_one_stands(shows):
    desk = shows("open")
    alarm = desk.page.get_by_role("alert").filter(has_text="UNPROTECTED")
    expect(desk.page.locator(".crumbs")).to_be_visible()
    expect(alarm).to_have_count(0)
    desk.now("naked")
    happens(desk, "The stop was canceled.", protected=False)
    expect(alarm).to_contain_text("BTCUSDT: 0.2229 BTC held without a stop on the exchange")
    expect(desk.page.locator(".trade-standing")).to_contain_text("UNPROTECTED")
    expect(desk.page.locator(".trouble")).to_contain_text("Nothing yet; it is being worked on.")
    desk.now("open")
    happens(desk, "The stop rests again.", version=4)
    expect(alarm).to_have_count(0)
    expect(desk.page.locator(".trade-standing")).to_contain_text("Protected")


def test_it_alarms_from_its_first_paint_in_words_and_with_a_sign(shows):
    desk = shows("naked")
    line = desk.page.locator("#unprotected[role=alert] .unprotected-line")
    expect(line).to_contain_text("UNPROTECTED")
    expect(line).to_contain_text("A stop is being placed")
    assert line.locator("svg").count() == 1
    expect(line).to_have_css("background-color", "rgb(163, 38, 44)")


def test_what_the_server_painted_is_not_said_again_by_the_script(shows):
    desk = shows("naked")
    line = desk.page.locator("#unprotected .unprotected-line")
    desk.now("naked")
    with desk.page.expect_response("**/?part=story"):
        happens(desk, "A look.", id="01939a5e-0000-7000-8000-0000000000aa", protected=False,
                held_quantity="0.21352")  # fmt: skip
    expect(desk.page.locator("#story")).to_have_attribute("aria-busy", "false")
    # The script's own words name the hour alone; the server's say that it is UTC.
    expect(line).to_contain_text("UTC")


def test_another_trades_event_does_not_alarm_here(shows):
    desk = shows("open")
    other = "01939a5e-0000-7000-8000-0000000000bb"
    asked = []
    desk.page.on("request", lambda request: asked.append(request.url))
    happens(desk, id=other, symbol="ETHUSDT", protected=False)
    happens(desk, "Ours, after it", version=4)
    with desk.page.expect_response("**/?part=story"):
        pass
    expect(desk.page.locator("#unprotected")).to_be_empty()


def test_a_fold_that_was_opened_stays_open_and_the_focus_stays_in_it(shows):
    desk = shows("open")
    desk.page.locator(".fold > summary").click()
    desk.page.locator(".answer > summary").nth(1).click()
    desk.now("x")  # the trade has ended: nearly everything is new
    happens(desk, "Closed.", state="closed", held_quantity="0", version=5)
    expect(desk.page.locator(".step[data-step=closed]")).to_contain_text("Sold at the target")
    expect(desk.page.locator(".answer pre").nth(1)).to_be_visible()
    expect(desk.page.locator(".answer > summary").nth(1)).to_be_focused()


def test_a_silent_exchange_is_said_with_what_still_protects_and_works(shows):
    desk = shows("open")
    banner = desk.page.locator("#story-exchange[role=alert]")
    expect(banner).to_be_empty()
    desk.now("silent")
    happens(desk, "The exchange does not answer.")
    expect(banner).to_contain_text("The paper exchange is down")
    for said in ("Still protects you", "Still works", "Waits"):
        expect(banner).to_contain_text(said)
    desk.now("open")
    happens(desk, "It answers again.", version=4)
    expect(banner).to_be_empty()


def test_a_server_that_cannot_be_reached_is_said_and_the_rest_stays(shows):
    desk = shows("open")
    desk.page.route("**/journal/*/?part=story", lambda route: route.abort())
    happens(desk)
    expect(desk.page.locator("#notices")).to_contain_text("the server cannot be reached")
    expect(desk.page.locator("#notices")).to_contain_text("stops rest on the exchange")
    expect(desk.page.locator("#story-steps")).to_be_visible()
    desk.now("open")
    happens(desk, version=4)
    expect(desk.page.locator("#notices")).to_be_empty()


def test_offline_the_page_says_that_it_is_old(shows):
    desk = shows("open")
    expect(desk.page.locator("#link-state")).to_have_attribute("data-state", "live")
    desk.page.context.set_offline(True)
    expect(desk.page.locator("#notices")).to_contain_text("You are offline")
    expect(desk.page.locator("#link-state")).to_have_attribute("data-state", "offline")
    desk.page.context.set_offline(False)
    expect(desk.page.locator("#notices")).not_to_contain_text("You are offline")


def test_a_finished_trade_listens_to_nothing(shows):
    desk = shows("x")
    expect(desk.page.locator(".trade-result")).to_contain_text("R")
    assert desk.exchange.account is None
