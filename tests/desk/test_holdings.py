"""Holdings on the risk page: what counts and what does not, declaring one managed, ending it."""

import pytest
from playwright.sync_api import expect

from tests.desk.risk_wire import managed, risk_facts


def conflict(field: str, message: str):
    errors = [{"field": field, "value": "2", "message": message}]
    return 409, {"code": "holding_refused", "detail": message, "errors": errors}


@pytest.fixture
def risk(open_risk):
    """A page with 0.4 ETH managed, BNB and SOL apart."""
    opened = open_risk().open()
    expect(opened.page.locator("#managed > li")).to_have_count(1)
    return opened


@pytest.fixture
def declare(risk):
    """The dialog that declares the BNB."""
    risk.page.get_by_role("button", name="Declare BNB managed").click()
    return risk.page.get_by_role("dialog", name="Declare BNB managed")


def test_what_counts_and_what_does_not_are_two_lists(risk):
    counted = risk.page.get_by_role("list", name="Managed: counts in equity and heat")
    expect(counted.get_by_role("listitem")).to_contain_text(
        ["0.4 ETHBought at 3,010, stop at 2,900.51,211.07 USDT in equity, 44.96 USDT in heat"]
    )
    apart = risk.page.get_by_role("list", name="Apart: counts nowhere")
    expect(apart.get_by_role("listitem")).to_contain_text(
        ["1.5 BNBWorth 934.50 USDT", "12 SOLNo price just now"]
    )


def test_one_without_a_stop_says_that_all_of_it_is_heat(open_risk):
    risk = open_risk()
    risk.api.managed = [managed(stop=None, heat="1211.07")]
    risk.open()
    expect(risk.page.locator("#managed .badge")).to_have_text("No stop: all of it is heat")
    expect(risk.page.locator("#managed")).not_to_contain_text("stop at")


def test_declaring_says_what_it_does_and_then_what_counts(risk, declare):
    expect(declare).to_contain_text("heat, which has room for 200.15 USDT")
    expect(declare).to_contain_text(
        "Nothing is bought, sold or placed, and a flatten does not sell it"
    )
    expect(declare.get_by_label("Quantity, BNB")).to_have_value("1.5")
    declare.get_by_label("Entry price, USDT").fill("598.20")
    declare.get_by_label("Your stop, USDT (optional)").fill(" 577.4 ")
    declare.get_by_role("button", name="Declare it managed").click()
    expect(declare).to_have_count(0)
    asked = {"symbol": "BNBUSDT", "quantity": "1.5", "entry": "598.20", "stop": "577.4"}
    assert risk.api.sent == [("POST", "holdings", asked)]
    expect(risk.page.locator("#notices")).to_contain_text(
        "1.5 BNB counts now: 934.50 USDT in equity, 31.20 USDT in heat."
    )
    expect(risk.page.locator("#managed > li")).to_have_count(2)
    expect(risk.page.locator("#apart")).not_to_contain_text("BNB")
    expect(risk.page.locator("#holdings-title")).to_be_focused()


def test_no_stop_is_no_stop_not_an_empty_one(risk, declare):
    declare.get_by_label("Entry price, USDT").fill("598.20")
    declare.get_by_label("Entry price, USDT").press("Enter")
    expect(declare).to_have_count(0)
    ((_, _, asked),) = risk.api.sent
    assert asked == {"symbol": "BNBUSDT", "quantity": "1.5", "entry": "598.20"}


def test_a_refusal_stands_at_its_field_and_loses_nothing(risk, declare):
    says = "The exchange holds 1.5 BNB beyond what is managed. Declare at most that."
    risk.api.refuse_holding = conflict("quantity", says)
    declare.get_by_label("Quantity, BNB").fill("2")
    declare.get_by_label("Entry price, USDT").fill("598.2")
    declare.get_by_label("Your stop, USDT (optional)").fill("577.4")
    declare.get_by_role("button", name="Declare it managed").click()
    quantity = declare.get_by_label("Quantity, BNB")
    expect(quantity).to_be_focused()
    expect(quantity).to_have_attribute("aria-invalid", "true")
    expect(declare.locator("[data-field=quantity] .field-error")).to_have_text(says)
    expect(quantity).to_have_accessible_description(f"1.5 BNB are apart now. {says}")
    expect(declare.get_by_label("Entry price, USDT")).to_have_value("598.2")
    expect(declare.get_by_label("Your stop, USDT (optional)")).to_have_value("577.4")
    risk.api.refuse_holding = None
    quantity.fill("1.5")
    quantity.press("Enter")
    expect(declare).to_have_count(0)
    assert len(risk.api.sent) == 2


def test_what_is_about_no_field_of_the_form_is_said_all_the_same(risk, declare):
    says = "BNBUSDT is declared already. End that holding, then declare the whole anew."
    risk.api.refuse_holding = conflict("symbol", says)
    declare.get_by_label("Entry price, USDT").fill("598.2")
    declare.get_by_role("button", name="Declare it managed").click()
    expect(declare.locator(".ask-trouble")).to_contain_text(says)


def test_an_answer_that_never_came_leaves_the_form_as_it_was(risk, declare):
    risk.api.status["holdings"] = (0, None)
    declare.get_by_label("Entry price, USDT").fill("598.2")
    declare.get_by_role("button", name="Declare it managed").click()
    expect(declare.locator(".ask-trouble")).to_contain_text("It may or may not have been taken")
    expect(declare.get_by_label("Entry price, USDT")).to_have_value("598.2")


def test_an_empty_field_is_asked_for_in_its_own_words(risk, declare):
    declare.get_by_label("Quantity, BNB").fill("")
    declare.get_by_role("button", name="Declare it managed").click()
    expect(declare.locator(".field-error:visible")).to_have_text(
        ["Say how much BNB is to count.", "Say what one BNB cost."]
    )
    expect(declare.get_by_label("Quantity, BNB")).to_be_focused()
    assert risk.api.sent == []


def test_a_comma_is_never_guessed_at(risk, declare):
    declare.get_by_label("Quantity, BNB").fill("1,500.5")
    declare.get_by_label("Entry price, USDT").fill("60,000")
    declare.get_by_role("button", name="Declare it managed").click()
    expect(declare.locator(".field-error:visible")).to_have_text(
        ["Write 1500.5, without the commas.", "Write 60000, without the commas."]
    )
    assert risk.api.sent == []


def test_ending_says_what_leaves_and_asks_for_the_password(risk):
    risk.api.password = "correct"
    risk.page.get_by_role("button", name="Stop counting ETH").click()
    dialog = risk.page.get_by_role("dialog", name="Stop counting ETH")
    expect(dialog).to_contain_text("about 1,211.07 USDT leave equity, and 44.96 USDT leave heat")
    expect(dialog).to_contain_text("Nothing is sold or cancelled")
    dialog.get_by_role("button", name="Stop counting it").click()
    password = dialog.get_by_label("Your password, once more")
    expect(password).to_be_focused()
    password.fill("wrong")
    password.press("Enter")
    expect(dialog).to_contain_text("This is not your password.")
    expect(risk.page.locator("#managed > li")).to_have_count(1)
    password.fill("correct")
    password.press("Enter")
    expect(dialog).to_have_count(0)
    expect(risk.page.locator("#managed-empty")).to_contain_text("None.")
    expect(risk.page.locator("#notices")).to_contain_text("0.4 ETH counts nowhere now.")


def test_moving_the_stop_says_what_it_means_and_then_what_counts(risk):
    risk.page.get_by_role("button", name="Move the stop of ETH").click()
    dialog = risk.page.get_by_role("dialog", name="Move the stop of ETH")
    expect(dialog).to_contain_text("move your own on the exchange as well")
    expect(dialog).to_contain_text("Now at 2,900.5; it moves only towards the price.")
    dialog.get_by_label("Your stop, USDT").fill("2,950")
    dialog.get_by_role("button", name="Move the stop").click()
    expect(dialog.locator(".field-error").first).to_have_text("Write 2950, without the commas.")
    assert risk.api.sent == []
    dialog.get_by_label("Your stop, USDT").fill("2950")
    dialog.get_by_role("button", name="Move the stop").click()
    expect(dialog).to_have_count(0)
    assert [(how, body) for how, _, body in risk.api.sent] == [("PATCH", {"stop": "2950"})]
    expect(risk.page.locator("#notices")).to_contain_text(
        "ETH counts by its stop at 2,950: 12.50 USDT in heat."
    )


def test_the_keyboard_opens_leaves_and_comes_back_to_the_same_button(risk):
    button = risk.page.get_by_role("button", name="Declare BNB managed")
    risk.page.get_by_role("button", name="Stop counting ETH").focus()
    risk.page.keyboard.press("Tab")
    expect(button).to_be_focused()
    risk.page.keyboard.press("Enter")
    expect(risk.page.get_by_label("Quantity, BNB")).to_be_focused()
    risk.page.keyboard.press("Escape")
    expect(risk.page.get_by_role("dialog")).to_have_count(0)
    expect(button).to_be_focused()
    assert risk.api.sent == []


def test_a_button_keeps_the_focus_while_its_figures_move(risk):
    button = risk.page.get_by_role("button", name="Declare BNB managed")
    end = risk.page.get_by_role("button", name="Stop counting ETH")
    button.focus()
    bnb = {"asset": "BNB", "quantity": "1.5", "value": "951.30"}
    risk.api.risk = risk_facts(holdings=[{"asset": "AAVE", "quantity": "1", "value": "9"}, bnb])
    risk.api.managed = [managed(worth="1300", heat="0")]
    end.evaluate("button => { button.dataset.seen = 'yes' }")
    risk.api.event("anything")
    expect(risk.page.locator("#apart > li").last).to_contain_text("Worth 951.30 USDT")
    expect(risk.page.locator("#apart > li").first).to_contain_text("1 AAVE")
    expect(risk.page.locator("#managed")).to_contain_text("1,300.00 USDT in equity, 0.00 USDT in")
    expect(button).to_be_focused()
    expect(end).to_have_attribute("data-seen", "yes")


def test_the_rest_of_a_coin_that_is_managed_says_how_to_add_it(open_risk):
    risk = open_risk()
    rest = {"asset": "ETH", "quantity": "2", "value": "6055.35"}
    risk.api.risk = risk_facts(holdings=[rest])
    risk.open()
    expect(risk.page.locator("#apart")).to_contain_text("Part of your ETH is managed.")
    expect(risk.page.locator("#apart").get_by_role("button")).to_have_count(0)


def test_holdings_that_cannot_be_read_say_so_and_come_back(open_risk):
    risk = open_risk()
    risk.api.status["holdings"] = (503, {"detail": "The store is restarting."})
    risk.open()
    expect(risk.page.locator("#managed-empty")).to_contain_text("The store is restarting.")
    del risk.api.status["holdings"]
    risk.api.event("anything")
    expect(risk.page.locator("#managed > li")).to_have_count(1)
    expect(risk.page.locator("#managed-empty")).to_be_hidden()
