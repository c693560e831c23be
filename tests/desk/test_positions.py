"""Open trades: live, numbered, and honest about protection."""

from playwright.sync_api import expect

from tests.desk.risk_wire import exchange_down
from tests.desk.wire import closed_trade, trade


def with_trade(open_desk, **changes):
    desk = open_desk()
    desk.exchange.open = [trade(**changes)]
    return desk.open()


def test_profit_and_r_follow_the_bid_exactly(open_desk):
    desk = with_trade(open_desk)
    desk.exchange.price("64002.11")  # bid 64,002.10: 100 above the entry
    row = desk.page.locator(".position")
    expect(row.locator(".cell-profit .cell-value")).to_have_text("▲ +22.29 USDT")
    expect(row.locator(".cell-r .cell-value")).to_have_text("+0.22 R")
    expect(row.locator(".cell-room .cell-value")).to_have_text("0.66 %")


def test_a_loss_is_told_by_sign_and_arrow_not_by_colour_alone(open_desk):
    desk = with_trade(open_desk)
    desk.exchange.price("63802.11")
    expect(desk.page.locator(".cell-profit .cell-value")).to_have_text("▼ −22.29 USDT")


def test_the_time_until_the_stop_stood_is_shown(open_desk):
    desk = with_trade(open_desk)
    expect(desk.page.locator(".cell-guard")).to_contain_text("Protected in 93 ms")


def test_an_unprotected_position_alarms(open_desk):
    desk = with_trade(open_desk, protected=False, protected_ms=None)
    expect(desk.page.locator(".cell-guard")).to_contain_text("UNPROTECTED")
    expect(desk.page.locator("#unprotected")).to_contain_text("without a stop on the exchange")


def test_closing_says_its_consequence_before_it_is_done(open_desk):
    desk = with_trade(open_desk)
    desk.page.get_by_role("button", name="Close", exact=True).click()
    said = desk.page.locator(".consequence")
    expect(said).to_contain_text("sells 0.2229 BTC at the market now")
    expect(said).to_contain_text("removes its stop and target")
    assert not any(line.endswith("/close") for line in desk.exchange.asked)
    desk.page.get_by_role("button", name="Close at market").click()
    expect(said).to_be_hidden()
    assert [line for line in desk.exchange.asked if line.endswith("/close")] == [
        f"POST trades/{trade()['id']}/close"
    ]


def test_an_event_moves_the_trade_on_without_a_reload(open_desk):
    desk = with_trade(open_desk, state="entering", state_text="Entering", held_quantity="0")
    expect(desk.page.locator(".position")).to_contain_text("Entering")
    desk.exchange.event("Filled at 63,902.10", trade(version=4))
    expect(desk.page.locator(".position")).to_contain_text("Open")
    ended = closed_trade(1, "2.81", "target") | {"id": trade()["id"], "version": 5}
    desk.exchange.event("Target hit", ended)
    expect(desk.page.locator("#open-empty")).to_be_visible()
    desk.page.get_by_role("tab", name="Closed").click()
    expect(desk.page.locator(".closed")).to_contain_text("▲ +2.81 R")


def test_an_older_version_of_a_trade_never_replaces_a_newer_one(open_desk):
    desk = with_trade(open_desk)
    desk.exchange.event("late", trade(version=2, state="entering", state_text="Entering"))
    desk.exchange.event("Stop stands")
    desk.page.get_by_role("tab", name="Events").click()
    expect(desk.page.locator("#log")).to_contain_text("Stop stands")
    desk.page.get_by_role("tab", name="Open").click()
    expect(desk.page.locator(".position")).to_contain_text("Open, since")


def test_a_gap_in_the_numbers_makes_the_page_read_everything_again(open_desk):
    desk = with_trade(open_desk)
    expect(desk.page.locator(".position")).to_be_visible()
    reads = desk.exchange.asked.count("GET trades")
    desk.exchange.event("one lost before this", skip=3)
    desk.page.wait_for_timeout(400)
    assert desk.exchange.asked.count("GET trades") == reads + 2  # open and closed


def test_a_dropped_account_socket_comes_back_and_resumes_where_it_was(open_desk):
    desk = with_trade(open_desk)
    desk.exchange.event("first")
    expect(desk.page.locator("#log")).to_contain_text("first")
    seen = desk.exchange.account_seq
    desk.exchange.account_seq += 2  # two events pass while the line is down
    desk.exchange.account.close()
    expect(desk.page.locator("#notices")).to_contain_text("Events of your account")
    desk.page.wait_for_timeout(1200)
    expect(desk.page.locator("#notices")).not_to_contain_text("Events of your account")
    assert desk.exchange.account_heard == [{"op": "resume", "last_seq": seen}]


def test_a_dropped_market_socket_comes_back_and_subscribes_again(desk):
    desk.exchange.market.close()
    desk.page.wait_for_timeout(1200)
    subscriptions = [frame for frame in desk.exchange.heard if frame["op"] == "subscribe"]
    assert subscriptions == [{"op": "subscribe", "symbols": ["BTCUSDT"]}] * 2


def test_what_was_drawn_is_acknowledged(desk):
    desk.exchange.price("64001.00")
    expect(desk.page.locator("#price")).to_have_text("64,001.00")
    desk.page.wait_for_timeout(100)
    acks = [frame["seq"] for frame in desk.exchange.heard if frame["op"] == "ack"]
    assert acks[-1] == desk.exchange.seq


def test_an_ended_session_is_said_and_not_hammered(open_desk):
    desk = with_trade(open_desk)
    desk.exchange.account.close(code=4401)
    expect(desk.page.locator("#notices")).to_contain_text("sign in again")


def test_candles_that_cannot_be_loaded_are_said_and_can_be_asked_for_again(open_desk):
    desk = open_desk()
    desk.exchange.candle_status = 503
    desk.open(live=False)
    expect(desk.page.locator("#chart-state")).to_contain_text("The store is restarting")
    desk.exchange.candle_status = 200
    desk.page.get_by_role("button", name="Try again").click()
    expect(desk.page.locator("#chart-state")).to_be_hidden()


def waiting(open_desk, **changes):
    facts = {
        "state": "entering", "held_quantity": "0", "entered_quantity": "0", "protected": False,
        "protected_ms": None, "entry_price": None, "expires_at": "2026-11-25T00:00:00Z",
    }  # fmt: skip
    return with_trade(open_desk, **(facts | changes))


def test_an_entry_that_rests_is_listed_with_its_kind_and_expiry_and_can_be_withdrawn(open_desk):
    desk = waiting(open_desk, kind="pullback", waits="exchange", state_text="Waits at 63900")
    row = desk.page.locator(".position")
    expect(row).to_contain_text("Waits at 63900")
    expect(row.locator(".position-waits")).to_contain_text("Pullback, until")
    expect(row.locator(".cell-guard")).to_contain_text("Nothing held")
    row.get_by_role("button", name="Withdraw").click()
    expect(desk.page.locator(".consequence")).to_contain_text("a fill that comes first wins")
    desk.page.get_by_role("button", name="Withdraw the entry").click()
    expect(desk.page.locator(".consequence")).to_be_hidden()
    assert f"POST trades/{trade()['id']}/cancel" in desk.exchange.asked


def test_an_armed_breakout_says_that_it_waits_here(open_desk):
    armed = {"kind": "breakout", "waits": "line", "state": "approved"}
    desk = waiting(open_desk, state_text="Armed: sent at 63900", **armed)
    row = desk.page.locator(".position")
    expect(row.locator(".position-waits")).to_contain_text("Breakout, until")
    row.get_by_role("button", name="Withdraw").click()
    expect(desk.page.locator(".consequence")).to_contain_text("before it is sent")


def test_an_entry_filled_in_part_without_its_stop_alarms(open_desk):
    desk = waiting(
        open_desk, kind="pullback", waits="exchange", state_text="Filling at 63900",
        held_quantity="0.1", entered_quantity="0.1", entry_price="63900",
    )  # fmt: skip
    expect(desk.page.locator(".cell-guard")).to_contain_text("UNPROTECTED")


def test_the_alarm_comes_with_the_event_and_goes_when_a_stop_stands(open_desk):
    desk = with_trade(open_desk)
    alarm = desk.page.locator("#unprotected[role=alert]")
    expect(desk.page.locator(".cell-guard")).to_contain_text("Protected")
    expect(alarm).to_be_empty()
    desk.exchange.event("The stop was canceled.", trade(version=4, protected=False))
    expect(alarm).to_contain_text("UNPROTECTED")
    expect(alarm).to_contain_text("BTCUSDT: 0.2229 BTC held without a stop on the exchange")
    assert alarm.locator("svg.icon").count() == 1, "never by colour alone"
    expect(alarm.locator("p")).to_have_css("background-color", "rgb(163, 38, 44)")
    desk.exchange.event("The stop rests.", trade(version=5))
    expect(alarm).to_be_empty()
    expect(desk.page.locator(".cell-guard")).to_contain_text("Protected")


def test_one_that_is_being_sold_says_so(open_desk):
    desk = with_trade(open_desk, state="closing", state_text="Closing", protected=False)
    expect(desk.page.locator("#unprotected")).to_contain_text("It is being sold at the market now.")


def test_an_event_that_changes_nothing_does_not_make_the_alarm_speak_again(open_desk):
    desk = with_trade(open_desk, protected=False)
    line = desk.page.locator("#unprotected p")
    line.evaluate("box => { box.dataset.same = 'yes' }")
    desk.exchange.event("A tick of the trail.", trade(version=4, protected=False))
    desk.page.get_by_role("tab", name="Events").click()
    expect(desk.page.locator("#log")).to_contain_text("A tick of the trail.")
    expect(line).to_have_attribute("data-same", "yes")


def test_what_is_not_settled_yet_is_no_alarm(open_desk):
    desk = with_trade(open_desk, protected=False, unprotected=False)
    expect(desk.page.locator(".cell-guard")).to_contain_text("Being settled")
    expect(desk.page.locator("#unprotected")).to_be_empty()


def test_a_silent_exchange_is_said_with_what_protects_and_what_works(open_desk):
    desk = with_trade(open_desk)
    banner = desk.page.locator("#exchange-trouble[role=alert]")
    expect(banner).to_be_empty()
    desk.exchange.trouble = exchange_down()
    desk.exchange.event("The exchange does not answer.")  # the strip is read again
    expect(banner).to_contain_text("Binance is down")
    expect(banner).to_contain_text("Stops and targets that were placed rest at Binance itself")
    expect(banner).to_contain_text("To leave at once, use Binance's own site")
    expect(banner).to_contain_text("New trades wait")
    desk.exchange.trouble = exchange_down(phase="half_open", title="Binance is being tried again")
    desk.exchange.event("A probe is under way.")
    expect(banner).to_contain_text("Binance is being tried again")
    desk.exchange.trouble = None
    desk.exchange.event("Binance answers again.")
    expect(banner).to_be_empty()


def test_an_open_trade_leads_to_its_own_page(open_desk):
    desk = with_trade(open_desk)
    link = desk.page.locator(".position").get_by_role("link", name="BTCUSDT")
    expect(link).to_have_attribute("href", f"/journal/{trade()['id']}/")
    link.focus()
    desk.exchange.event("It is closing.", trade(version=4, state_text="Being closed"))
    expect(desk.page.locator(".position-state")).to_contain_text("Being closed")
    expect(link).to_be_focused()
