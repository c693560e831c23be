"""Moving the stop and target of an open position: by fields, by keyboard, by dragging."""

from decimal import Decimal

from playwright.sync_api import expect

from tests.desk.wire import trade

PROMISE = "A stop only moves towards the price: it is at 63580.5."


def with_trade(open_desk, **changes):
    desk = open_desk()
    desk.exchange.open = [trade(**changes)]
    return desk.open()


def open_form(desk):
    desk.page.get_by_role("button", name="Move", exact=True).first.click()
    return desk.page.locator(".move-form")


def test_a_move_says_what_it_means_before_it_is_sent(open_desk):
    desk = with_trade(open_desk)
    form = open_form(desk)
    form.get_by_label("Stop").fill("63700")
    expect(form.locator(".move-said")).to_contain_text("Stop 63,580.50 → 63,700.00.")
    expect(form.locator(".move-said")).to_contain_text("−45.05 USDT (−0.45 R)")
    expect(form.locator(".move-said")).to_contain_text("45.05 USDT stays at risk")
    assert desk.exchange.moves == []


def test_the_confirmed_move_is_sent_once_with_its_key_and_version(open_desk):
    desk = with_trade(open_desk)
    desk.exchange.move = lambda body: (
        202,
        trade(version=4, move={**body, "target": "65369.7", "why": "trader", "state": "wished"}),
    )
    form = open_form(desk)
    form.get_by_label("Stop").fill("63700")
    form.get_by_role("button", name="Move").click()
    expect(form).to_be_hidden()
    ((headers, body),) = desk.exchange.moves
    assert body == {"stop": "63700.00"}
    assert (len(headers["idempotency-key"]), headers["if-match"]) == (36, '"3"')
    expect(desk.page.locator(".cell-stop .cell-value")).to_have_text("63,580.50 → 63,700.00")
    desk.exchange.event("Moved", trade(version=5, stop="63700", move=None))
    expect(desk.page.locator(".cell-stop .cell-value")).to_have_text("63,700.00")


def test_a_refused_move_snaps_back_and_says_why(open_desk):
    desk = with_trade(open_desk)
    desk.exchange.move = lambda body: (
        409, {"code": "stop_only_tightens", "detail": PROMISE, "errors": []},
    )  # fmt: skip
    form = open_form(desk)
    form.get_by_label("Stop").fill("63500")
    form.get_by_role("button", name="Move").click()
    expect(form.locator(".field-error")).to_have_text(PROMISE)
    expect(form.get_by_label("Stop")).to_have_value("63580.50")


def test_the_keyboard_moves_a_line_by_ticks_and_escape_keeps_it(open_desk):
    desk = with_trade(open_desk)
    form = open_form(desk)
    field = form.get_by_label("Stop")
    expect(field).to_be_focused()
    field.press("ArrowUp")
    field.press("Shift+ArrowUp")
    expect(field).to_have_value("63580.61")
    field.press("Escape")
    expect(form).to_be_hidden()
    assert desk.exchange.moves == []


def test_a_price_off_the_tick_is_said_and_cannot_be_sent(open_desk):
    desk = with_trade(open_desk)
    form = open_form(desk)
    form.get_by_label("Stop").fill("63700.123")
    expect(form.locator(".move-said")).to_contain_text("Use 63700.12 or 63700.13")
    expect(form.get_by_role("button", name="Move")).to_be_disabled()


def test_a_stale_trade_is_read_again_and_asked_about_anew(open_desk):
    desk = with_trade(open_desk)
    desk.exchange.move = lambda body: (412, {"code": "stale_trade", "detail": "It has changed."})
    form = open_form(desk)
    form.get_by_label("Target").fill("65400")
    reads = desk.exchange.asked.count("GET trades")
    form.get_by_role("button", name="Move").click()
    expect(form.locator(".field-error")).to_contain_text("Look at it again")
    desk.page.wait_for_function("() => true")
    assert desk.exchange.asked.count("GET trades") >= reads
    expect(form.get_by_label("Target")).to_have_value("65400")


# Until the tag has stood at one height for ten frames.
STILL = """() => new Promise((done) => {
  let last, same = 0
  const look = () => {
    const y = document.querySelector(".tag-target").getBoundingClientRect().top
    same = y === last ? same + 1 : 0
    last = y
    same < 10 ? requestAnimationFrame(look) : done()
  }
  look()
})"""


def height_of(desk, price: str) -> float:
    """Where a price stands on the page: the scale is linear, the plan's tags give two points."""
    if desk.page.locator(".tag-target").is_hidden():
        desk.page.keyboard.press("h")  # beside an open position the plan is not drawn
    expect(desk.page.locator(".tag-target")).to_be_visible()
    desk.page.evaluate(STILL)  # the scale makes room
    (_, top), (_, bottom) = desk.middle(".tag-target"), desk.middle(".tag-entry")
    high, low = Decimal(desk.field("target")), Decimal(desk.field("entry"))
    share = (high - Decimal(price)) / (high - low)
    return top + float(share) * (bottom - top)


def drag_line(desk, price: str, *, by: int, drop=True) -> None:
    x = desk.page.locator("#chart").bounding_box()["x"] + 200
    y = height_of(desk, price)
    desk.page.mouse.move(x, y)
    desk.page.mouse.down()
    desk.page.mouse.move(x, y + by, steps=6)
    if drop:
        desk.page.mouse.up()


def test_dragging_the_stop_line_of_a_position_asks_before_it_moves(open_desk):
    desk = with_trade(open_desk, stop="63400", target="65900")
    desk.exchange.price("64000.00")
    desk.settled()
    drag_line(desk, "63400", by=-12)
    form = desk.page.locator(".move-form")
    expect(form).to_be_visible()
    assert Decimal(form.get_by_label("Stop").input_value()) > Decimal("63400")
    assert desk.exchange.moves == []
    desk.exchange.move = lambda body: (409, {"code": "would_trigger", "detail": PROMISE})
    form.get_by_role("button", name="Move").click()
    expect(form.locator(".field-error")).to_have_text(PROMISE)
    expect(form.get_by_label("Stop")).to_have_value("63400.00")


def test_escape_while_dragging_a_positions_line_puts_it_back(open_desk):
    desk = with_trade(open_desk, stop="63400", target="65900")
    desk.exchange.price("64000.00")
    desk.settled()
    drag_line(desk, "63400", by=-12, drop=False)
    desk.page.keyboard.press("Escape")
    desk.page.mouse.up()
    expect(desk.page.locator(".move-form")).to_be_hidden()
    drag_line(desk, "63400", by=-12)  # it is where it was, and can be held again
    expect(desk.page.locator(".move-form")).to_be_visible()
