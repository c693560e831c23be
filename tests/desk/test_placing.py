"""Placing: reviewed first, sent once, and every refusal shown."""

from playwright.sync_api import expect

from tests.desk.wire import preview, refusal, trade, verdicts


def review(desk) -> None:
    desk.page.get_by_role("button", name="Review").click()
    desk.page.get_by_role("button", name="Confirm buy").wait_for()


def test_the_review_says_in_words_what_will_happen(desk):
    review(desk)
    said = desk.text("#review")
    assert "Buy 0.22337 BTC now" in said
    assert "or better, all at once or not at all" in said
    assert "rests on the exchange" in said
    assert "You lose at most" in said


def test_a_confirmed_plan_is_sent_as_it_was_reviewed(desk):
    review(desk)
    asked = desk.exchange.previews[-1]
    desk.page.get_by_role("button", name="Confirm buy").click()
    expect(desk.page.locator("#review")).to_contain_text("Placed")
    [(key, body)] = desk.exchange.placed
    assert len(key) >= 32
    assert {name: body[name] for name in asked} == asked
    assert body["quoted_price"] == "64000.00"
    assert body["quoted_at"] == "2026-11-23T04:00:00Z"


def test_a_moving_market_does_not_change_the_plan_under_review(desk):
    review(desk)
    desk.page.wait_for_timeout(1100)
    desk.exchange.price("64100.00")
    expect(desk.page.locator("#price")).to_have_text("64,100.00")
    assert desk.field("entry") == "64000.00"
    expect(desk.page.get_by_role("button", name="Confirm buy")).to_be_enabled()


def test_a_lost_answer_is_asked_for_again_under_the_same_key(desk):
    answers = iter([(0, None), (201, trade(state="entering"))])
    desk.exchange.place = lambda body: next(answers)
    review(desk)
    desk.page.get_by_role("button", name="Confirm buy").click()
    expect(desk.page.locator("#review")).to_contain_text("may or may not have been taken")
    desk.page.get_by_role("button", name="Ask again").click()
    expect(desk.page.locator("#review")).to_contain_text("Placed")
    first, second = desk.exchange.placed
    assert first == second


def test_the_next_trade_has_a_key_of_its_own(desk):
    for _ in range(2):
        review(desk)
        desk.page.get_by_role("button", name="Confirm buy").click()
        desk.page.get_by_role("button", name="Plan another").click()
        desk.exchange.price()
        expect(desk.page.get_by_role("button", name="Review")).to_be_enabled()
    keys = [key for key, _ in desk.exchange.placed]
    assert len(set(keys)) == 2


def test_a_refusal_shows_every_verdict_and_that_nothing_was_sent(desk):
    problem = {"code": "plan_refused", "title": "The plan is refused", "verdicts": refusal()}
    desk.exchange.place = lambda body: (409, problem)
    review(desk)
    desk.page.get_by_role("button", name="Confirm buy").click()
    box = desk.page.locator("#review")
    expect(box).to_contain_text("Nothing was sent to the exchange")
    expect(box.locator(".verdict")).to_have_count(13)
    expect(box.locator(".verdict-refused")).to_have_count(2)
    desk.page.get_by_role("button", name="Change the plan").click()
    expect(desk.page.get_by_role("button", name="Review")).to_be_enabled()


def test_advice_that_needs_it_must_be_acknowledged_before_confirming(desk):
    advice = [*verdicts()[:3], {
        "code": "large_risk", "title": "Large risk", "measured": "350", "limit": "300",
        "unit": "USDT", "ok": False, "effect": "advise", "needs_acknowledgement": True,
        "message": "3.5 % of equity on one trade is above 3 %.",
    }]  # fmt: skip
    desk.exchange.answer = lambda d: (200, preview(d) | {"ok": False, "verdicts": advice})
    desk.page.locator("#in-stop").fill("63500.00")
    desk.settled()
    review(desk)
    confirm = desk.page.get_by_role("button", name="Confirm buy")
    expect(confirm).to_be_disabled()
    desk.page.get_by_role("checkbox").check()
    confirm.click()
    expect(desk.page.locator("#review")).to_contain_text("Placed")
    assert desk.exchange.placed[0][1]["acknowledged"] == ["large_risk"]


def test_stale_prices_block_placing_within_five_seconds_and_say_why(desk):
    review(desk)
    desk.page.wait_for_timeout(4300)
    expect(desk.page.locator("#blocked")).to_contain_text("Placing waits", timeout=1800)
    expect(desk.page.get_by_role("button", name="Confirm buy")).to_be_disabled()
    expect(desk.page.locator("#notices")).to_contain_text("market feed is silent")
    expect(desk.page.locator("#link-state")).to_have_attribute("data-state", "stale")
    desk.exchange.price()
    expect(desk.page.get_by_role("button", name="Confirm buy")).to_be_enabled()
    expect(desk.page.locator("#notices")).not_to_contain_text("market feed")


def test_a_frame_about_an_old_market_does_not_make_it_live(desk):
    desk.exchange.price(age_ms=9000)
    expect(desk.page.locator("#link-state")).to_have_attribute("data-state", "stale")
    expect(desk.page.locator("#go")).to_be_disabled()


def test_without_a_network_the_desk_says_offline_and_places_nothing(desk):
    desk.page.context.set_offline(True)
    expect(desk.page.locator("#notices")).to_contain_text("You are offline")
    expect(desk.page.locator("#go")).to_be_disabled()


def test_a_trade_is_placed_by_keyboard_alone(desk):
    desk.page.locator(".tag-stop").focus()
    desk.page.keyboard.press("ArrowDown")
    desk.settled()
    expect(desk.page.locator("#go")).to_be_enabled()
    desk.page.keyboard.press("Enter")
    confirm = desk.page.get_by_role("button", name="Confirm buy")
    confirm.wait_for()
    for _ in range(12):
        desk.page.keyboard.press("Tab")
        if confirm.evaluate("button => button === document.activeElement"):
            break
    desk.page.keyboard.press("Enter")
    expect(desk.page.locator("#review")).to_contain_text("Placed")


def of_kind(open_desk, kind: str):
    """The server finds the line to mean this kind of entry."""
    found = {"kind": kind, "expires_at": "2026-11-25T00:00:00Z"}
    desk = open_desk()
    desk.exchange.answer = lambda drawing: (200, preview(drawing) | found)
    return desk.open()


def test_the_review_of_a_pullback_says_where_it_rests_and_that_a_part_is_bare_for_a_moment(
    open_desk,
):
    desk = of_kind(open_desk, "pullback")
    expect(desk.page.locator("#kind-badge")).to_have_text("Buy pullback")
    review(desk)
    said = desk.text("#review")
    assert "on a pullback" in said
    assert "rests on the exchange until the market comes to it" in said
    assert "it has no stop for two seconds" in said


def test_the_review_of_a_breakout_says_that_it_waits_here_and_names_its_worst_price(open_desk):
    desk = of_kind(open_desk, "breakout")
    review(desk)
    said = desk.text("#review")
    assert "on a breakout" in said
    assert "waits here, not on the exchange" in said
    assert "If Testudo is down, nothing is bought" in said


def test_the_kind_the_trader_saw_is_sent_with_the_plan(desk):
    review(desk)
    desk.page.get_by_role("button", name="Confirm buy").click()
    expect(desk.page.locator("#review")).to_contain_text("Placed")
    [(_, body)] = desk.exchange.placed
    assert body["kind"] == "now"
