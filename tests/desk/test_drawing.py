"""Drawing a plan: by mouse, touch, keyboard and typing, the server is asked the same question."""

from decimal import Decimal

from playwright.sync_api import expect

from tests.desk.wire import preview

TICK = Decimal("0.01")


def on_tick(price: str) -> bool:
    return Decimal(price) % TICK == 0


def test_a_fresh_plan_starts_at_the_ask_with_its_stop_half_a_percent_below(desk):
    asked = desk.asked()
    assert asked["side"] == "long"
    assert asked["entry"] == "64000.00"
    assert asked["stop"] == "63680.00"
    assert Decimal(asked["target"]) > Decimal(asked["entry"])


def test_the_fresh_plan_pays_about_three_r_after_fees(desk):
    reward = Decimal(preview(desk.asked())["reward_to_risk"])
    assert Decimal("2.9") <= reward <= Decimal("3.1")


def test_prices_go_to_the_server_as_strings(desk):
    drawing = desk.asked()
    assert all(isinstance(drawing[line], str) for line in ("entry", "stop", "target"))


def test_dragging_the_stop_asks_about_the_new_stop_on_the_tick(desk):
    before = desk.asked()
    desk.drag(".tag-stop", up=-25)
    after = desk.asked()
    assert Decimal(after["stop"]) < Decimal(before["stop"])
    assert on_tick(after["stop"])
    assert after["entry"] == before["entry"]
    assert after["target"] == before["target"]
    assert desk.field("stop") == after["stop"]


def test_the_line_itself_can_be_held_anywhere_not_only_its_tag(desk):
    before = desk.asked()
    _, y = desk.middle(".tag-target")
    box = desk.page.locator("#chart").bounding_box()
    x = box["x"] + 200
    desk.page.mouse.move(x, y)
    desk.page.mouse.down()
    desk.page.mouse.move(x, y + 40, steps=8)
    desk.page.mouse.up()
    after = desk.asked()
    assert Decimal(after["target"]) < Decimal(before["target"])


def test_dragging_a_line_does_not_pan_the_chart(desk):
    _, still = desk.middle(".tag-entry")
    desk.drag(".tag-stop", up=-20)
    desk.settled()
    x, y = desk.middle(".tag-stop")
    desk.page.mouse.move(x, y)
    desk.page.mouse.down()
    desk.page.mouse.move(x - 160, y, steps=6)
    _, during = desk.middle(".tag-entry")
    desk.page.mouse.up()
    _, after = desk.middle(".tag-entry")
    assert abs(during - after) < 3
    assert abs(still - after) < 60  # the scale may make room for the lower stop, nothing else


def test_escape_during_a_drag_puts_the_line_back(desk):
    before = desk.asked()
    x, y = desk.middle(".tag-stop")
    desk.page.mouse.move(x, y)
    desk.page.mouse.down()
    desk.page.mouse.move(x, y + 30, steps=5)
    assert desk.field("stop") != before["stop"]
    desk.page.keyboard.press("Escape")
    desk.page.mouse.up()
    assert desk.field("stop") == before["stop"]


def test_all_three_lines_stay_in_view_after_a_drag(desk):
    desk.drag(".tag-target", up=120)
    desk.settled()
    box = desk.page.locator("#chart").bounding_box()
    for line in ("entry", "stop", "target"):
        _, y = desk.middle(f".tag-{line}")
        assert box["y"] < y < box["y"] + box["height"]


def test_arrow_keys_move_a_line_by_one_tick_and_with_shift_by_ten(desk):
    before = Decimal(desk.asked()["stop"])
    desk.page.locator(".tag-stop").focus()
    desk.page.keyboard.press("ArrowUp")
    assert Decimal(desk.asked()["stop"]) == before + TICK
    desk.page.keyboard.press("Shift+ArrowDown")
    assert Decimal(desk.asked()["stop"]) == before - 9 * TICK


def test_page_keys_move_a_line_by_a_tenth_of_r(desk):
    asked = desk.asked()
    tenth = (Decimal(asked["entry"]) - Decimal(asked["stop"])) / 10
    desk.page.locator(".tag-target").focus()
    desk.page.keyboard.press("PageUp")
    assert Decimal(desk.asked()["target"]) == Decimal(asked["target"]) + tenth


def test_letters_take_the_keyboard_to_a_line(desk):
    desk.page.locator("body").click(position={"x": 5, "y": 300})
    for letter, line in (("e", "entry"), ("s", "stop"), ("t", "target")):
        desk.page.evaluate("document.activeElement.blur()")
        desk.page.keyboard.press(letter)
        expect(desk.page.locator(f".tag-{line}")).to_be_focused()


def test_each_line_speaks_its_price_distance_risk_and_verdict(desk):
    desk.settled()
    spoken = desk.page.get_by_role("slider", name="Stop price").get_attribute("aria-valuetext")
    assert "63,680.00" in spoken
    assert "0.50 % below entry" in spoken
    assert "USDT" in spoken
    assert "all rules pass" in spoken


def test_typing_a_price_asks_about_exactly_that_price(desk):
    desk.page.locator("#in-stop").fill("63500.5")
    assert desk.asked()["stop"] == "63500.50"


def test_a_price_off_the_tick_is_said_with_its_neighbours_and_asks_nothing(desk):
    desk.settled()
    count = len(desk.exchange.previews)
    desk.page.locator("#in-stop").fill("63500.505")
    error = desk.page.locator("#err-stop")
    expect(error).to_contain_text("63500.50 or 63500.51")
    expect(desk.page.locator("#go")).to_be_disabled()
    assert len(desk.exchange.previews) == count


def test_a_decimal_comma_is_refused_naming_the_dot_form(desk):
    desk.page.locator("#in-stop").fill("63500,5")
    expect(desk.page.locator("#err-stop")).to_contain_text("63500.5")


def test_the_page_says_what_it_cannot_read(desk):
    for typed in ("1e5", "-3", "abc", "٣٤", "0", ""):
        desk.page.locator("#in-target").fill(typed)
        expect(desk.page.locator("#err-target")).to_be_visible()
        expect(desk.page.locator("#in-target")).to_have_attribute("aria-invalid", "true")


def test_a_mended_price_brings_the_answer_back(desk):
    good = desk.field("stop")
    desk.page.locator("#in-stop").fill("63500,5")
    desk.page.locator("#in-stop").fill(good)
    expect(desk.page.locator("#go")).to_be_enabled()
    expect(desk.page.locator("#err-stop")).to_be_hidden()


def test_choosing_a_line_and_tapping_the_chart_places_it_without_dragging(desk):
    before = desk.asked()
    desk.page.get_by_role("button", name="Stop", exact=True).click()
    box = desk.page.locator("#chart").bounding_box()
    _, stop_y = desk.middle(".tag-stop")
    desk.page.mouse.click(box["x"] + 150, stop_y + 30)
    after = desk.asked()
    assert Decimal(after["stop"]) < Decimal(before["stop"])
    expect(desk.page.get_by_role("button", name="Stop", exact=True)).to_have_attribute(
        "aria-pressed", "false"
    )


def test_a_finger_drags_a_line_on_a_phone(open_desk):
    desk = open_desk(width=390, height=844, touch=True).open()
    before = desk.asked()
    x, y = desk.middle(".tag-stop")
    session = desk.page.context.new_cdp_session(desk.page)

    def touch(kind: str, *points: dict[str, float]) -> None:
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": list(points)})

    touch("touchStart", {"x": x, "y": y})
    for step in range(1, 9):
        touch("touchMove", {"x": x, "y": y + 3 * step})
    touch("touchEnd")
    after = desk.asked()
    assert Decimal(after["stop"]) < Decimal(before["stop"])
    assert desk.page.evaluate("scrollY") == 0


def test_the_stop_above_the_entry_makes_the_plan_a_short(desk):
    entry = Decimal(desk.asked()["entry"])
    desk.page.locator("#in-stop").fill(str(entry + 300))
    assert desk.asked()["side"] == "short"
    expect(desk.page.get_by_role("radio", name="Short")).to_have_attribute("aria-checked", "true")


def test_the_entry_follows_the_ask_until_the_trader_moves_it(desk):
    assert desk.asked()["entry"] == "64000.00"
    desk.page.wait_for_timeout(1100)  # it follows once a second
    desk.exchange.price("64010.00")
    expect(desk.page.locator("#in-entry")).to_have_value("64010.01")
    desk.page.locator(".tag-entry").focus()
    desk.page.keyboard.press("ArrowDown")
    expect(desk.page.locator("#follow")).to_have_attribute("aria-pressed", "false")
    desk.page.wait_for_timeout(1100)
    desk.exchange.price("64020.00")
    expect(desk.page.locator("#price")).to_have_text("64,020.00")
    assert desk.field("entry") == "64010.00"


def test_a_reward_chip_proposes_the_target_that_pays_it_after_fees(desk):
    desk.settled()
    desk.page.get_by_role("button", name="4R").click()
    reward = Decimal(preview(desk.asked())["reward_to_risk"])
    assert Decimal("3.98") <= reward <= Decimal("4.05")


def test_the_risk_chips_send_the_fraction_of_equity(desk):
    desk.page.get_by_role("button", name="½ %").click()
    assert desk.asked()["risk_fraction"] == "0.005"
