"""What must not be missed on the risk page: a position without a stop, an exchange in silence."""

from playwright.sync_api import expect

from tests.desk.risk_wire import exchange_down, risk_facts, unprotected
from tests.desk.wire import trade


def test_a_position_without_a_stop_alarms_over_the_figures_and_in_its_row(open_risk):
    risk = open_risk().open()
    alarm = risk.page.locator("#unprotected[role=alert]")
    row = risk.page.locator("#symbols tr[data-symbol=BTCUSDT]")
    expect(row).not_to_contain_text("UNPROTECTED")
    expect(alarm).to_be_empty()
    risk.api.risk = risk_facts(unprotected=[unprotected()])
    risk.api.event("The stop was canceled.", trade(protected=False))
    expect(alarm).to_contain_text("UNPROTECTED")
    expect(alarm.get_by_role("link")).to_have_attribute("href", f"/journal/{trade()['id']}/")
    expect(row).to_contain_text("UNPROTECTED")
    risk.api.risk = risk_facts()
    risk.api.event("The stop rests.", trade(version=4))
    expect(alarm).to_be_empty()
    expect(row).not_to_contain_text("UNPROTECTED")


def test_the_alarm_waits_for_no_answer_of_the_api(open_risk):
    risk = open_risk().open()
    risk.api.status["risk"] = (503, {"detail": "The database is away."})
    risk.api.event("The stop was canceled.", trade(protected=False))
    expect(risk.page.locator("#unprotected")).to_contain_text("UNPROTECTED")
    risk.api.event("The stop rests.", trade(version=4))
    expect(risk.page.locator("#unprotected")).to_be_empty()


def test_the_percentiles_without_a_stop_are_published(open_risk):
    risk = open_risk().open()
    expect(risk.page.locator("#naked-p50")).to_have_text("0 ms")
    expect(risk.page.locator("#naked-p99")).to_have_text("1,840 ms")
    expect(risk.page.locator("#naked-over")).to_contain_text("Over 212 trades of the last 30 days")
    empty = {"days": 30, "trades": 0, "p50_ms": 0, "p99_ms": 0, "longest_ms": 0}
    risk.api.risk = risk_facts(naked=empty)
    risk.api.event("A day passes.")
    expect(risk.page.locator("#naked-p99")).to_have_text("–")
    expect(risk.page.locator("#naked-over")).to_contain_text("bought anything yet")


def test_a_silent_exchange_says_what_still_protects(open_risk):
    risk = open_risk().open()
    banner = risk.page.locator("#exchange-trouble[role=alert]")
    expect(banner).to_be_empty()
    risk.api.risk = risk_facts(exchange=exchange_down())
    risk.api.event("The exchange does not answer.")
    expect(banner).to_contain_text("Binance is down")
    state = risk.page.locator("#state-text")
    expect(state).to_contain_text("they wait until the exchange answers")
    expect(banner.locator("dt")).to_have_text(["Still protects you", "Still works", "Waits"])
    risk.api.risk = risk_facts()
    risk.api.event("It answers.")
    expect(banner).to_be_empty()
    expect(state).to_contain_text("New trades are taken")
