"""One trade's page against the running platform: a stop taken down by hand, and put back."""

import hashlib
import hmac
import time
from urllib.parse import urlencode

import pytest
import requests
from playwright.sync_api import expect

from tests.flows.trader import PASSWORD, Trader, until


@pytest.fixture
def brought(stack):
    """A practice account whose keys the trader has, as at a real exchange."""
    return stack.paper.open_account(USDT="10000")


@pytest.fixture
def trader(stack, brought):
    trader = Trader(stack)
    keys = {name: brought[name] for name in ("key", "secret")}
    body = {"venue": "paper", "name": "By hand too", **keys}
    trader.account = trader.post("/api/v1/exchange-accounts", body, status=201)["id"]
    until("the account to be in step", lambda: trader.risk()["reconciled"])
    return trader


@pytest.fixture
def page(browser, stack, trader):
    """A page of that trader, signed in; silent until the end."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    page = context.new_page()
    heard: list[str] = []
    page.on("console", lambda m: heard.append(m.text) if m.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.goto(f"{stack.url}/sign-in/")
    page.get_by_label("User name or e-mail").fill(trader.name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.locator(".strip").wait_for()
    yield page
    context.close()
    assert not heard, f"The page complained: {heard}"


def cancel_by_hand(rest: str, keys: dict[str, str], symbol: str) -> None:
    """Take every order of a symbol down, as the trader would on the exchange's own site."""
    query = urlencode({"symbol": symbol, "timestamp": int(time.time() * 1000)})
    signature = hmac.new(keys["secret"].encode(), query.encode(), hashlib.sha256).hexdigest()
    answer = requests.delete(
        f"{rest}/api/v3/openOrders?{query}&signature={signature}",
        headers={"X-MBX-APIKEY": keys["key"]}, timeout=10,
    )  # fmt: skip
    assert answer.ok, answer.text


def test_a_stop_taken_down_by_hand_is_told_whole_and_without_a_secret(page, stack, trader, brought):
    trade = trader.protected(trader.place()["id"])
    page.goto(f"{stack.url}/journal/{trade['id']}/")
    expect(page.locator("#link-state")).to_have_attribute("data-state", "live", timeout=20_000)
    expect(page.locator(".trade-standing")).to_contain_text("Protected")
    for step in ("planned", "approved", "sent", "acknowledged", "filled", "protected"):
        expect(page.locator(f"[data-step={step}] time").first).to_be_visible()

    cancel_by_hand(
        stack.run["addresses"]["paper_admin"].removesuffix("/paper-admin"), brought, trade["symbol"]
    )
    story = page.locator("#story-events")
    expect(story).to_contain_text("It is being restored.", timeout=30_000)
    until("the stop to rest again", lambda: trader.trade(trade["id"])["naked_ms"] > 0)
    expect(page.locator("#unprotected")).to_be_empty(timeout=20_000)
    expect(page.locator(".trade-standing")).to_contain_text("Protected")
    expect(page.locator(".steps-naked")).not_to_contain_text("since", timeout=20_000)

    page.get_by_text("What the exchange answered").click()
    answers = page.locator(".answer")
    expect(answers.filter(has_text="/api/v3/orderList/opoco").first).to_be_visible()
    expect(answers.filter(has_text="/api/v3/time")).to_have_count(0)
    expect(answers.filter(has_text="/api/v3/orderList/oco").first).to_be_visible()
    shown = page.content()
    for secret in (brought["key"], brought["secret"], "signature="):
        assert secret not in shown

    trader.post(f"/api/v1/trades/{trade['id']}/close", {}, status=202)
    expect(page.locator("[data-step=closed]")).to_contain_text("Sold at the market", timeout=30_000)
    expect(page.locator(".trade-result")).to_contain_text("R", timeout=30_000)
    risk = trader.risk()
    assert risk["naked"]["trades"] == 1
    assert risk["naked"]["p99_ms"] == trader.trade(trade["id"])["naked_ms"] > 0
