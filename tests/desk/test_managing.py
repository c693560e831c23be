"""The ticket's fields for the time after the entry: what they ask for, and how they refuse."""

import pytest
from playwright.sync_api import expect

from tests.desk.test_accessibility import OPTIONS, axe, everywhere, shown, violations
from tests.desk.wire import preview, trade


def managing(desk):
    desk.page.locator("#manage summary").click()
    return desk.page.locator("#manage")


def fill(desk, **fields):
    for name, value in fields.items():
        desk.page.locator(f"#in-{name.replace('_', '-')}").fill(value)
    desk.settled()


def test_nothing_is_asked_for_until_the_trader_asks(desk):
    assert {"management", "targets", "expires_at"}.isdisjoint(desk.exchange.previews[-1])
    expect(desk.page.locator("#manage-summary")).to_have_text("stop and target stay where they are")
    expect(desk.page.locator("#manage-said")).to_be_hidden()


def test_every_wish_is_in_the_preview_and_in_the_order(desk):
    box = managing(desk)
    fill(desk, part_1_share="50", part_1_price="64700")
    box.get_by_label("Stop to break-even").check()
    fill(desk, even_r="1.5", trail="2", time="4")
    box.get_by_label("Distance counted in").select_option("%")
    desk.settled()
    asked = desk.exchange.previews[-1]
    assert asked["targets"] == [{"price": "64700.00", "share": "0.50"}]
    assert asked["management"] == {
        "break_even": True, "break_even_r": "1.5", "trail_percent": "2",
        "close_after_minutes": "240",
    }  # fmt: skip
    expect(desk.page.locator("#manage-summary")).to_have_text(
        "2 targets, break-even, trailing, time stop"
    )
    said = desk.page.locator("#manage-said")
    for words in ("50.00 % is sold at 64,700.00", "The rest is sold at", "At 1.5 R of profit",
                  "follows 2 % behind the price", "at the market 4 hours after"):  # fmt: skip
        expect(said).to_contain_text(words)
    desk.page.get_by_role("button", name="Review").click()
    expect(desk.page.locator("#review .manage-said")).to_contain_text("follows 2 % behind")
    desk.page.get_by_role("button", name="Confirm buy").click()
    expect(desk.page.locator("#review")).to_contain_text("Placed")
    [(_, body)] = desk.exchange.placed
    assert {name: body[name] for name in asked} == asked


def test_an_entry_waits_until_the_traders_own_moment(open_desk):
    desk = open_desk().open()
    managing(desk)
    fill(desk, expires="2026-12-24T18:30")
    shifted = desk.page.evaluate("new Date('2026-12-24T18:30').toISOString()")
    assert desk.exchange.previews[-1]["expires_at"] == shifted
    fill(desk, expires="")
    assert "expires_at" not in desk.exchange.previews[-1]


@pytest.mark.parametrize(
    ("field", "value", "group", "says"),
    [
        ("trail", "1,5", "trail", "Write the decimals with a dot: 1.5."),
        ("trail", "far", "trail", "Give a distance, for example 1.5."),
        ("time", "1.5", "time", "Give a whole number, for example 4."),
        ("part-1-share", "50", "parts", "Give the price of this part too."),
        ("part-2-price", "64700", "parts", "Give the share of this part too, in percent."),
    ],
)
def test_what_cannot_be_is_said_beside_its_field_and_asks_nothing(desk, field, value, group, says):
    managing(desk)
    asked = len(desk.exchange.previews)
    desk.page.locator(f"#in-{field}").fill(value)
    expect(desk.page.locator(f"#err-{group}")).to_have_text(says)
    expect(desk.page.locator(f"#in-{field}")).to_have_attribute("aria-invalid", "true")
    expect(desk.page.get_by_role("button", name="Review")).to_be_disabled()
    assert len(desk.exchange.previews) == asked
    desk.page.locator(f"#in-{field}").fill("")
    expect(desk.page.locator(f"#err-{group}")).to_be_hidden()
    expect(desk.page.get_by_role("button", name="Review")).to_be_enabled()


@pytest.mark.parametrize(
    ("field", "group"),
    [("targets", "parts"), ("targets.0.share", "parts"), ("management.trail_r", "trail"),
     ("management", "manage"), ("expires_at", "expires"),
     ("management.close_after_minutes", "time"), ("management.break_even_r", "even")],
)  # fmt: skip
def test_the_servers_refusal_stands_beside_the_field_it_is_about(desk, field, group):
    managing(desk)
    wrong = {"field": field, "value": None, "message": "That cannot be. Choose another."}
    problem = {"code": "invalid", "detail": "That cannot be.", "errors": [wrong]}
    desk.exchange.answer = lambda d: (400, problem)
    fill(desk, trail="1")
    expect(desk.page.locator(f"#err-{group}")).to_have_text("That cannot be. Choose another.")
    expect(desk.page.get_by_role("button", name="Review")).to_be_disabled()
    desk.exchange.answer = lambda d: (200, preview(d))
    fill(desk, trail="2")
    expect(desk.page.locator(f"#err-{group}")).to_be_hidden()


def test_an_open_position_shows_its_nearer_targets_until_they_sell(open_desk):
    """And its profit and R are those of the whole trade, the sold part in."""
    desk = open_desk()
    near = {"price": "64700", "share": "0.5", "sold": False}
    last = {"price": "65369.7", "share": "0.5", "sold": False}
    desk.exchange.open = [trade(targets=[near, last])]
    desk.open()
    cell = desk.page.locator(".cell-target .cell-value")
    expect(cell).to_have_text("64,700.00 · 65,369.70")
    sold = trade(
        version=5, targets=[near | {"sold": True}, last], held_quantity="0.1", entry_price="63900",
        sold_quantity="0.1", exit_price="64700", initial_risk="100",
    )  # fmt: skip
    desk.exchange.event("Target: 0.1 BTC at 64700.", sold)
    expect(cell).to_have_text("65,369.70")
    desk.exchange.price("64000.01")  # the bid is 64000.00: 10 open and 80 taken
    expect(desk.page.locator(".cell-profit .cell-value")).to_contain_text("+90.00 USDT")
    expect(desk.page.locator(".cell-r .cell-value")).to_contain_text("+0.90 R")


@everywhere
def test_the_fields_shut_nobody_out(open_desk, width, theme):
    desk = shown(open_desk, width, theme).open()
    box = managing(desk)
    fill(desk, part_1_share="50", part_1_price="64700", trail="1.5")
    assert violations(desk.page) == []
    fill(desk, trail="1,5")
    expect(box.locator("#err-trail")).to_be_visible()
    found = axe.run(desk.page, context="#manage", options=OPTIONS).response
    assert found["violations"] == []
    wide = desk.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert wide, "nothing sticks out of the page"
