"""The desk against the running platform: from a drag in Chromium to a result in the journal."""

import time
from decimal import Decimal

import pytest
from playwright.sync_api import expect

from tests.flows.trader import PASSWORD, Trader


@pytest.fixture
def page(browser, stack):
    """A page of a trader with a fresh practice account, signed in; silent until the end."""
    trader = Trader(stack)
    context = browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    page = context.new_page()
    heard: list[str] = []
    page.on("console", lambda m: heard.append(m.text) if m.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.goto(f"{stack.url}/sign-in/")
    page.get_by_label("User name or e-mail").fill(trader.name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.locator("#chart-state").wait_for(state="hidden")
    yield page
    context.close()
    # A server that is down is noted by the browser itself; everything else is the page's own doing.
    own = [
        text
        for text in heard
        if "ERR_CONNECTION" not in text and not text.startswith("WebSocket connection")
    ]
    assert not own, f"The page complained: {own}"


def drag(page, line: str, *, up: float) -> None:
    box = page.locator(f".tag-{line}").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y - up, steps=10)
    page.mouse.up()


def until_written(page, journal, *, seconds=15):
    """Ask until the journal has an entry: it hears of a trade's end a moment after the desk."""
    deadline = time.monotonic() + seconds
    while "trade-r" not in page.request.get(journal).text():
        assert time.monotonic() < deadline, "the journal did not write itself"


def test_a_dragged_plan_is_placed_protected_paid_at_its_target_and_journaled(page, stack):
    expect(page.locator("#go")).to_be_enabled(timeout=20_000)
    before = page.locator("#in-stop").input_value()
    drag(page, "stop", up=-30)
    stop = page.locator("#in-stop").input_value()
    assert Decimal(stop) < Decimal(before)
    page.get_by_role("button", name="4R").click()
    expect(page.locator("#go")).to_be_enabled()
    budget = page.locator("#loss").inner_text()
    loss, most = (Decimal(word) for word in budget.removesuffix(" USDT").split(" of "))
    assert 0 < loss <= most

    page.get_by_role("button", name="Review").click()
    page.get_by_role("button", name="Confirm buy").click()
    guarded = page.locator(".cell-guard")
    expect(guarded).to_contain_text("Protected in", timeout=20_000)
    shown_stop = page.locator(".cell-stop .cell-value").inner_text().replace(",", "")
    assert shown_stop == stop

    target = page.locator(".cell-target .cell-value").inner_text().replace(",", "")
    stack.paper.move("BTCUSDT", f"{Decimal(target) * Decimal('1.0004'):.2f}", over_ms=6000)
    expect(page.locator("#open-empty")).to_be_visible(timeout=30_000)
    page.get_by_role("tab", name="Closed").click()
    expect(page.locator(".closed").first).to_contain_text("R")

    result = page.locator("#entries .trade-r").first
    until_written(page, f"{stack.url}/journal/")
    page.goto(f"{stack.url}/journal/")
    expect(result).to_contain_text("▲ +")
    in_r = Decimal(result.inner_text().split()[1].lstrip("+"))
    assert Decimal("3.5") < in_r < Decimal("4.5")  # the plan asked for 4 R; entry and exit slip


def test_stale_prices_are_marked_within_five_seconds_and_come_back(page, stack):
    expect(page.locator("#go")).to_be_enabled(timeout=20_000)
    stack.stop("stream_market")
    try:
        expect(page.locator(".desk")).to_have_attribute("data-feed", "stale", timeout=8_000)
        expect(page.locator("#go")).to_be_disabled()
        expect(page.locator("#blocked")).to_contain_text("Placing waits")
    finally:
        stack.start("stream_market")
    expect(page.locator("#go")).to_be_enabled(timeout=20_000)
    expect(page.locator(".desk")).to_have_attribute("data-feed", "live")


def test_the_desk_recovers_by_itself_when_the_web_process_restarts(page, stack):
    expect(page.locator("#go")).to_be_enabled(timeout=20_000)
    stack.kill("web")
    expect(page.locator("#notices")).to_contain_text("Events of your account")
    stack.start("web")
    expect(page.locator("#notices")).not_to_contain_text("Events", timeout=30_000)
    expect(page.locator("#go")).to_be_enabled(timeout=20_000)
