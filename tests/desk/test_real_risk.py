"""The risk pages against the running platform: the real figures, switches, limits and records."""

import pytest
from playwright.sync_api import expect

from tests.flows.trader import PASSWORD, Trader


@pytest.fixture
def trader(stack):
    return Trader(stack)


@pytest.fixture
def page(browser, stack, trader):
    """A page of a trader with a fresh practice account, signed in; silent until the end."""
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
    page.get_by_role("link", name="Risk", exact=True).click()
    expect(page.locator(".limit[data-code=portfolio_heat]")).to_be_visible(timeout=20_000)
    yield page
    context.close()
    # A refusal is noted by the browser itself; everything else is the page's own doing.
    own = [text for text in heard if "Failed to load resource" not in text]
    assert not own, f"The page complained: {own}"


def test_an_account_is_halted_and_resumed_and_the_log_tells_both(page):
    expect(page.locator("#state-name")).to_have_text("Active")
    expect(page.locator("#fig-equity")).to_have_text("10,000.00")
    page.get_by_role("button", name="Halt trading").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("News at two")
    dialog.get_by_role("button", name="Halt trading").click()
    expect(page.locator("#state-name")).to_have_text("Halted", timeout=10_000)
    expect(page.locator("#breakers")).to_contain_text("News at two")
    expect(page.locator("#decisions")).to_contain_text("halted", ignore_case=True)

    page.get_by_role("button", name="Resume trading").click()
    dialog.get_by_label("What has changed?").fill("It is over")
    dialog.get_by_role("button", name="Resume trading").click()
    password = dialog.get_by_label("Your password, once more")
    password.fill(PASSWORD + "x")
    password.press("Enter")
    expect(dialog).to_contain_text("not your password")
    password.fill(PASSWORD)
    password.press("Enter")
    expect(page.locator("#state-name")).to_have_text("Active", timeout=10_000)

    page.locator("#decisions a").first.click()
    expect(page.locator("#chain")).to_contain_text("Untouched")


def test_a_tighter_limit_acts_at_once_and_a_laxer_one_can_be_withdrawn(page):
    page.get_by_role("link", name="Change limits").click()
    page.get_by_label("Portfolio heat", exact=True).fill("2")
    page.get_by_label("Open positions", exact=True).fill("6")
    page.get_by_role("button", name="Review the change").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Change the limits").click()
    password = dialog.get_by_label("Your password, once more")
    password.fill(PASSWORD)
    password.press("Enter")
    expect(dialog).to_have_count(0)
    expect(page.get_by_label("Portfolio heat", exact=True)).to_have_value("2")
    expect(page.get_by_label("Open positions", exact=True)).to_have_value("5")
    expect(page.locator("#pending")).to_contain_text("5 positions → 6 positions")

    page.get_by_role("link", name="Risk", exact=True).click()
    heat = page.locator(".limit[data-code=portfolio_heat] .limit-room")
    expect(heat).to_have_text("200.00 USDT left", timeout=20_000)
    page.locator(".pending-row").get_by_role("button").click()
    dialog.get_by_role("button", name="Withdraw").click()
    expect(page.locator("#pending-empty")).to_contain_text("None.")


def test_coins_brought_along_are_declared_managed_and_ended(page, stack, trader):
    brought = stack.paper.open_account(USDT="10000", BTC="0.01")
    named = {"venue": "paper", "name": "Brought along"}
    keys = {name: brought[name] for name in ("key", "secret")}
    account = trader.post("/api/v1/exchange-accounts", named | keys, status=201)["id"]
    page.goto(f"{stack.url}/risk/?account={account}")
    apart, managed = page.locator("#apart > li"), page.locator("#managed > li")
    expect(apart).to_contain_text("0.01 BTC", timeout=20_000)
    expect(apart).to_contain_text("Worth", timeout=20_000)
    expect(page.locator("#fig-equity")).to_have_text("10,000.00")

    page.get_by_role("button", name="Declare BTC managed").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Quantity, BTC").fill("0.02")
    dialog.get_by_label("Entry price, USDT").fill("60000")
    dialog.get_by_label("Your stop, USDT (optional)").fill("30000")
    dialog.get_by_role("button", name="Declare it managed").click()
    refused = dialog.locator("[data-field=quantity] .field-error")
    expect(refused).to_contain_text("The exchange holds 0.01 BTC beyond what is managed.")
    dialog.get_by_label("Quantity, BTC").fill("0.01")
    dialog.get_by_role("button", name="Declare it managed").click()
    expect(dialog).to_have_count(0)
    expect(managed).to_contain_text("300.30 USDT in heat")  # and the fee of selling at the stop
    expect(apart).to_have_count(0)
    expect(page.locator("#fig-equity")).not_to_have_text("10,000.00")
    expect(page.locator("#decisions")).to_contain_text("BTC declared managed")

    page.get_by_role("button", name="Stop counting BTC").click()
    dialog.get_by_role("button", name="Stop counting it").click()
    password = dialog.get_by_label("Your password, once more")
    password.fill(PASSWORD)
    password.press("Enter")
    expect(dialog).to_have_count(0)
    expect(managed).to_have_count(0)
    expect(apart).to_contain_text("0.01 BTC")
    expect(page.locator("#fig-equity")).to_have_text("10,000.00")
    expect(page.locator("#decisions")).to_contain_text("BTC no longer managed")
