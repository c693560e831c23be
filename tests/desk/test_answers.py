"""The server's answers on the ticket: never a late one, never one that hides a refusal."""

import json

from playwright.sync_api import Route, expect

from tests.desk.exchange import reply
from tests.desk.wire import preview, refusal


def test_the_ticket_shows_the_size_and_the_worst_loss_of_the_budget(desk):
    desk.exchange.answer = lambda d: (
        200,
        preview(d) | {"quantity": "0.13", "planned_risk": "99.9142", "reward_to_risk": "2.981"},
    )
    desk.page.locator("#in-stop").fill("63500.00")
    expect(desk.page.locator("#size")).to_have_text("0.13")
    expect(desk.page.locator("#loss")).to_have_text("99.91 of 100.00 USDT")
    expect(desk.page.locator("#reward")).to_have_text("2.98")
    expect(desk.page.locator("#kind-badge")).to_have_text("Buy now")


def test_a_size_held_down_by_cash_says_so(desk):
    desk.exchange.answer = lambda d: (200, preview(d) | {"bound": "cash", "planned_risk": "70.43"})
    desk.page.locator("#in-stop").fill("63500.00")
    expect(desk.page.locator("#loss")).to_have_text("70.43 of 100.00 USDT")
    expect(desk.page.locator("#bound")).to_contain_text("cash allows no larger size")


def test_a_late_answer_is_dropped(desk):
    desk.settled()
    held: list[tuple[Route, dict]] = []

    def hold(route: Route, drawing: dict) -> bool:
        late = drawing["stop"] == "63111.00"
        if late:
            held.append((route, drawing))
        return late

    desk.exchange.hold = hold
    desk.page.locator("#in-stop").fill("63111.00")
    expect(desk.page.locator("#answer")).to_have_attribute("aria-busy", "true")
    desk.page.wait_for_timeout(150)
    desk.page.locator("#in-stop").fill("63500.00")
    desk.settled()
    shown = desk.text("#size")
    assert len(held) == 1, "the first question was asked"
    route, drawing = held[0]
    with desk.page.expect_response("**/plans/preview"):
        reply(route, 200, preview(drawing) | {"quantity": "9.99"})
    desk.page.wait_for_timeout(100)
    assert desk.text("#size") == shown


def test_an_old_answer_is_dimmed_and_cannot_be_placed_while_a_new_one_is_awaited(desk):
    desk.settled()
    held: list[tuple[Route, dict]] = []
    desk.exchange.hold = lambda route, drawing: not held.append((route, drawing))
    desk.page.locator("#in-stop").fill("63500.00")
    expect(desk.page.locator("#answer")).to_have_class("answer is-waiting")
    desk.page.locator("#go").click()
    desk.page.wait_for_timeout(120)
    expect(desk.page.locator("#review")).to_be_hidden()
    reply(held[-1][0], 200, preview(held[-1][1]) | {"stop": "63500.00"})
    expect(desk.page.locator("#review")).to_contain_text("63,500.00")  # what was asked, answered


def test_an_answer_that_took_its_time_is_plain_as_soon_as_it_is_here(desk):
    desk.settled()
    held: list[tuple[Route, dict]] = []
    desk.exchange.hold = lambda route, drawing: not held.append((route, drawing))
    desk.page.locator("#in-stop").fill("63500.00")
    expect(desk.page.locator("#answer .size:has(#size)")).to_have_css("opacity", "0.45")
    desk.page.evaluate(
        """() => {
            const size = document.querySelector("#answer .size:has(#size)")
            const frame = () => new Promise(requestAnimationFrame)
            window.shown = new Promise((tell) => new MutationObserver(async () => {
                await frame(), await frame()
                tell(getComputedStyle(size).opacity)
            }).observe(document.querySelector("#answer"), {attributeFilter: ["aria-busy"]}))
        }"""
    )
    reply(held[-1][0], 200, preview(held[-1][1]))
    assert desk.page.evaluate("window.shown") == "1"


def test_pressing_review_too_early_does_not_pass_a_refusal(desk):
    desk.settled()
    held: list[tuple[Route, dict]] = []
    desk.exchange.hold = lambda route, drawing: not held.append((route, drawing))
    desk.page.locator("#in-stop").fill("63500.00")
    desk.page.locator("#go").click()
    desk.page.wait_for_timeout(120)
    refused = preview(held[-1][1]) | {"ok": False, "verdicts": refusal()}
    reply(held[-1][0], 200, refused)
    expect(desk.page.locator("#go")).to_be_disabled()
    expect(desk.page.locator("#review")).to_be_hidden()


def test_the_rules_are_asked_again_while_the_plan_stands_still(desk):
    desk.settled()
    desk.page.locator("#follow").click()
    desk.exchange.answer = lambda d: (200, preview(d) | {"ok": False, "verdicts": refusal()})
    for _ in range(5):
        desk.exchange.price()
        desk.page.wait_for_timeout(1000)
    expect(desk.page.locator("#go")).to_be_disabled()
    expect(desk.page.locator("#blocked")).to_contain_text("Portfolio heat")


def test_a_fast_drag_asks_at_most_once_in_eighty_milliseconds(desk):
    desk.settled()
    before = len(desk.exchange.previews)
    started = desk.page.evaluate("performance.now()")
    desk.drag(".tag-stop", up=-60, steps=60)
    desk.settled()
    took = desk.page.evaluate("performance.now()") - started
    asked = len(desk.exchange.previews) - before
    assert 1 <= asked <= took / 80 + 2


def test_every_rule_that_refuses_is_shown_with_its_way_out(desk):
    desk.exchange.answer = lambda d: (200, preview(d) | {"ok": False, "verdicts": refusal()})
    desk.page.locator("#in-stop").fill("63500.00")
    expect(desk.page.locator("#protocol-text")).to_have_text("2 rules of 13 refuse this plan")
    rows = desk.page.locator("#verdicts .verdict-refused")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("Lower the risk by 12.40 USDT")
    expect(rows.first.locator(".visually-hidden")).to_have_text("Refused: ")
    expect(desk.page.locator("#go")).to_be_disabled()
    expect(desk.page.locator("#blocked")).to_contain_text("Portfolio heat: Lower the risk")


def test_an_impossible_plan_is_said_at_the_field_it_concerns(desk):
    message = "Put the stop below 64,000.00 for a long."
    problem = {"code": "plan_impossible", "errors": [{"field": "stop", "message": message}]}
    desk.exchange.answer = lambda d: (400, problem)
    desk.page.locator("#in-stop").fill("63999.00")
    expect(desk.page.locator("#err-stop")).to_have_text(message)
    expect(desk.page.locator("#size")).to_have_text("–")
    expect(desk.page.locator("#go")).to_be_disabled()


def test_no_answer_is_said_and_asked_for_again(desk):
    desk.settled()
    desk.exchange.hold = lambda route, drawing: not route.abort()
    desk.page.locator("#in-stop").fill("63500.00")
    expect(desk.page.locator("#blocked")).to_contain_text("cannot be reached")
    desk.exchange.hold = lambda route, drawing: False
    expect(desk.page.locator("#go")).to_be_enabled()


def test_an_ended_session_says_to_sign_in_again(desk):
    desk.exchange.answer = lambda d: (403, {"title": "Forbidden", "status": 403})
    desk.page.locator("#in-stop").fill("63500.00")
    expect(desk.page.locator("#blocked")).to_contain_text("sign in again")


def test_money_keeps_every_digit_the_server_sent(desk):
    big = "123456789012345.67"
    desk.exchange.answer = lambda d: (200, json.loads(json.dumps(preview(d) | {"notional": big})))
    desk.page.locator("#in-stop").fill("63500.00")
    expect(desk.page.locator("#notional")).to_have_text("123,456,789,012,345.67 USDT")
