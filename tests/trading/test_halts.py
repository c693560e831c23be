"""Kill switches stop new risk and nothing else, and go back only by whoever may put them back."""

import json
import threading
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from risk.breaker import Cause
from testudo import clock
from testudo.events.models import OutboxEvent
from trading import breakers, global_halt, halts, orders, submission
from trading.actors import Actor
from trading.models import AccountRisk, Decision, GlobalHalt, Order, Trade, Venue
from trading.order_states import State, TradeState

OPERATOR = Actor("operator")


@pytest.fixture
def alice_acts(account):
    return Actor("trader", account.user_id)


@pytest.fixture
def boss(django_user_model):
    return django_user_model.objects.create_superuser("boss", "b@example.com", "a long password")


@pytest.fixture
def chief(django_user_model):
    return django_user_model.objects.create_superuser("chief", "c@example.com", "a long password")


def state(account):
    return AccountRisk.objects.get(account=account).state


def resume(account, floor, by, reason="rested"):
    return halts.resume(account, reason=reason, by=by, quote_of=floor.quote_of)


def broken_rules(error):
    return {verdict.code for verdict in error.value.verdicts if not verdict.ok}


def test_a_halted_account_takes_no_new_risk_and_says_why(account, floor, draw, alice_acts):
    halts.halt(account, reason="stepping away", by=alice_acts)
    with pytest.raises(orders.PlanRefused, match="stepping away") as refused:
        orders.place_trade(account, draw(), quote_of=floor.quote_of)
    assert "trading_state" in broken_rules(refused)
    assert state(account) == "halted"


def test_an_entry_that_was_placed_and_not_sent_is_never_sent_after_a_halt(
    account, floor, draw, alice_acts
):
    trade = orders.place_trade(account, draw(), quote_of=floor.quote_of)
    halts.halt(account, reason="stop", by=alice_acts)
    assert submission.claim([each.pk for each in trade.orders.all()]) == []
    floor.turn(account)
    trade.refresh_from_db()
    assert trade.state == TradeState.EXPIRED
    assert floor.paper.store.count("orders") == 0


def test_halting_withdraws_entries_when_asked_to(account, floor, draw, alice_acts):
    trade = orders.place_trade(account, draw(), quote_of=floor.quote_of)
    done = halts.halt(account, reason="stop", by=alice_acts, cancel_entries=True)
    assert (done.withdrawn, done.closing) == (1, 0)
    floor.turn(account)
    trade.refresh_from_db()
    assert trade.state == TradeState.CANCELED


def test_a_halt_leaves_the_stop_in_place_and_flatten_sells_all(account, floor, draw, alice_acts):
    trade = orders.place_trade(account, draw(), quote_of=floor.quote_of)
    floor.turn(account)
    halts.halt(account, reason="stop", by=alice_acts)
    floor.turn(account)
    assert trade.orders.get(leg="stop").state == State.OPEN
    done = halts.halt(account, reason="stop", by=alice_acts, flatten=True)
    assert done.closing == 1
    trade.refresh_from_db()
    floor.follow(trade, step=timedelta(seconds=1), at_most=timedelta(minutes=1))
    assert trade.state == TradeState.CLOSED
    assert trade.exit_reason == "closed"


def test_halting_twice_is_one_halt(account, alice_acts):
    for _ in range(2):
        halts.halt(account, reason="stop", by=alice_acts)
    assert [each.kind for each in Decision.objects.all()] == ["halted"]
    assert OutboxEvent.objects.filter(name="trading.trading_halted").count() == 1


def test_the_trader_resumes_their_own_halt(account, floor, draw, alice_acts):
    halts.halt(account, reason="stop", by=alice_acts)
    assert resume(account, floor, alice_acts).released == (Cause.OPERATOR,)
    assert state(account) == "active"
    record = json.loads(Decision.objects.get(kind="resumed").payload)
    assert (record["by"], record["by_user"]) == ("trader", str(account.user_id))
    orders.place_trade(account, draw(), quote_of=floor.quote_of)


def test_staffs_halt_is_not_the_traders_to_lift_nor_the_reverse(account, floor, alice_acts):
    halts.halt(account, reason="investigation", by=OPERATOR)
    halts.halt(account, reason="mine on top", by=alice_acts)
    assert "Staff halted" in resume(account, floor, alice_acts).waits[0]
    assert state(account) == "halted"
    assert resume(account, floor, OPERATOR).released
    halts.halt(account, reason="mine", by=alice_acts)
    assert "only they resume" in resume(account, floor, OPERATOR).waits[0]
    assert state(account) == "halted"


def test_a_drawdown_opens_for_24_hours_and_its_release_rebases_the_peak(account, floor, alice_acts):
    AccountRisk.objects.filter(account=account).update(units=100, nav=90, peak_nav=120)
    breakers.open_breaker(account.pk, Cause.DRAWDOWN, reason="16.7 % below the peak.")
    assert "with your password and a reason" in resume(account, floor, alice_acts).waits[0]
    assert state(account) == "halted"
    floor.moment.advance(timedelta(hours=24))
    assert "only the trader" in resume(account, floor, OPERATOR).waits[0].lower()
    assert resume(account, floor, alice_acts).released == (Cause.DRAWDOWN,)
    risk = AccountRisk.objects.get(account=account)
    assert risk.state == "active"
    assert risk.peak_nav == risk.nav == 100


def test_what_a_rule_ends_no_person_ends(account, floor, alice_acts):
    breakers.open_breaker(account.pk, Cause.DAY_LOSS, reason="3 % lost today.")
    done = resume(account, floor, alice_acts)
    assert done.released == ()
    assert "reset" in done.waits[0]
    assert state(account) == "reducing"


def test_the_global_switch_stops_every_account_and_is_in_every_log(account, floor, draw):
    assert global_halt.halt_all(reason="exchange trouble", by=OPERATOR) is True
    assert global_halt.halt_all(reason="again", by=OPERATOR) is False
    with pytest.raises(orders.PlanRefused, match="exchange trouble"):
        orders.place_trade(account, draw(), quote_of=floor.quote_of)
    record = json.loads(Decision.objects.get(kind="halted").payload)
    assert (record["scope"], record["by"]) == ("global", "operator")
    assert AccountRisk.objects.get(account=account).state == "active", "the switch is one row"


def test_under_the_global_switch_entries_are_not_claimed_and_exits_are(account, floor, draw):
    trade = orders.place_trade(account, draw(), quote_of=floor.quote_of)
    ids = [each.pk for each in trade.orders.all()]
    global_halt.halt_all(reason="exchange trouble", by=OPERATOR)
    assert submission.claim(ids) == []
    GlobalHalt.objects.update(halted=False, reason="")
    floor.turn(account)
    GlobalHalt.objects.update(halted=True, reason="exchange trouble")
    orders.request_close(trade.pk)
    trade.refresh_from_db()
    floor.follow(trade, step=timedelta(seconds=1), at_most=timedelta(minutes=1))
    assert trade.state == TradeState.CLOSED


def test_two_admins_put_the_global_switch_back(db, boss, chief):
    global_halt.halt_all(reason="trouble", by=OPERATOR)
    with pytest.raises(global_halt.NotForYou):
        global_halt.resume_all(reason="over", by=OPERATOR)
    first = Actor("admin", boss.pk)
    assert global_halt.resume_all(reason="over", by=first) == (
        False, "A second admin must agree: let them do the same.",
    )  # fmt: skip
    assert global_halt.resume_all(reason="over", by=first)[0] is False
    assert global_halt.resume_all(reason="over", by=Actor("admin", chief.pk))[0] is True
    assert global_halt.read().halted is False


def test_one_admin_alone_waits_ten_minutes(floor, boss):
    global_halt.halt_all(reason="trouble", by=OPERATOR)
    by = Actor("admin", boss.pk)
    assert "only admin" in global_halt.resume_all(reason="over", by=by)[1]
    floor.moment.advance(timedelta(minutes=9, seconds=59))
    assert global_halt.resume_all(reason="over", by=by)[0] is False
    floor.moment.advance(timedelta(seconds=1))
    assert global_halt.resume_all(reason="over", by=by)[0] is True


def test_a_new_halt_ends_a_way_back_under_way(floor, boss, chief):
    global_halt.halt_all(reason="trouble", by=OPERATOR)
    global_halt.resume_all(reason="over", by=Actor("admin", boss.pk))
    global_halt.halt_all(reason="worse", by=OPERATOR)
    assert global_halt.resume_all(reason="over", by=Actor("admin", chief.pk))[0] is False


def test_an_agreement_older_than_a_day_or_of_a_former_admin_counts_no_more(floor, boss, chief):
    global_halt.halt_all(reason="trouble", by=OPERATOR)
    global_halt.resume_all(reason="over", by=Actor("admin", boss.pk))
    floor.moment.advance(timedelta(hours=24, seconds=1))
    assert global_halt.resume_all(reason="over", by=Actor("admin", chief.pk))[0] is False
    assert global_halt.resume_all(reason="over", by=Actor("admin", boss.pk))[0] is True


@pytest.mark.django_db(transaction=True)
def test_a_halt_waits_for_a_claim_under_way_and_no_later_claim_follows_it(db):
    """R19: after the halt has committed, whoever reads the switch sees it."""
    GlobalHalt.objects.get_or_create(pk=1)
    halted = threading.Event()

    def pull():
        try:
            global_halt.halt_all(reason="trouble", by=OPERATOR)
            halted.set()
        finally:
            connection.close()

    with transaction.atomic():
        assert global_halt.share().halted is False
        other = threading.Thread(target=pull)
        other.start()
        assert not halted.wait(0.3), "the halt committed beside a claim that had read the switch"
    other.join(10)
    assert halted.is_set()
    with transaction.atomic():
        assert global_halt.share().halted is True


def run(name, *arguments):
    said = StringIO()
    try:
        call_command(name, *arguments, stdout=said, stderr=said)
    except CommandError as error:
        return error.returncode, said.getvalue(), str(error)
    return 0, said.getvalue(), ""


def test_halt_and_resume_of_one_account_at_the_terminal(account):
    code, said, _ = run("halt", f"--account={account.pk}", "--reason=look into it", "--json")
    assert (code, json.loads(said)["halted"]) == (0, str(account.pk))
    assert state(account) == "halted"
    code, said, _ = run("resume", f"--account={account.pk}", "--reason=done", "--json")
    assert (code, json.loads(said)["state"]) == (0, "active")


def test_resume_at_the_terminal_ends_with_one_while_something_is_waited_for(account, alice_acts):
    halts.halt(account, reason="mine", by=alice_acts)
    code, said, _ = run("resume", f"--account={account.pk}", "--reason=done")
    assert code == 1
    assert "only they resume it" in said


@pytest.fixture
def typed(monkeypatch):
    """What is typed at the terminal when it asks for a password."""
    answers = {"secret": "a long password", "asked": []}

    def ask(prompt):
        answers["asked"].append(prompt)
        return answers["secret"]

    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("trading.management.reporting.getpass.getpass", ask)
    return answers


def test_nobody_agrees_in_another_admins_name_at_the_terminal(account, boss, chief, typed):
    run("halt", "--reason=trouble")
    run("resume", "--reason=over", "--by=boss")
    typed["secret"] = "the password of boss"
    code, _, why = run("resume", "--reason=over", "--by=chief")
    assert (code, why) == (2, "This is not the password of chief.")
    assert global_halt.read().halted


def test_wrong_passwords_at_the_terminal_lock_as_in_the_browser(account, boss, typed):
    run("halt", "--reason=trouble")
    typed["secret"] = "wrong"
    for _ in range(5):
        run("resume", "--reason=over", "--by=boss")
    typed["secret"] = "a long password"
    code, _, why = run("resume", "--reason=over", "--by=boss")
    assert code == 2
    assert "Wait 15 minutes" in why


def test_without_a_terminal_a_named_admin_is_refused_and_told_what_to_do(
    account, boss, monkeypatch
):
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    run("halt", "--reason=trouble")
    code, _, why = run("resume", "--reason=over", "--by=boss")
    assert code == 2
    assert "Run this at a terminal, or use the switch in the admin site" in why


def test_all_trading_is_halted_and_resumed_by_two_at_the_terminal(account, boss, chief, typed):
    assert run("halt", "--reason=trouble")[0] == 0
    assert global_halt.read().halted
    assert run("resume", "--reason=over")[0] == 2
    assert run("resume", "--reason=over", "--by=boss")[0] == 1
    assert run("resume", "--reason=over", "--by=chief")[0] == 0
    assert not global_halt.read().halted


def test_dry_runs_change_nothing(account):
    assert run("halt", "--reason=trouble", "--dry-run")[0] == 0
    assert run("halt", f"--account={account.pk}", "--reason=trouble", "--dry-run")[0] == 0
    assert not global_halt.read().halted
    assert state(account) == "active"
    halts.halt(account, reason="stop", by=OPERATOR)
    code, said, _ = run("resume", f"--account={account.pk}", "--reason=x", "--dry-run", "--json")
    assert (code, json.loads(said)["open"]) == (0, ["operator"])
    assert state(account) == "halted"


@pytest.mark.parametrize(
    "arguments",
    [
        ("--account=00000000-0000-0000-0000-000000000000", "--reason=x"),
        ("--reason=x", "--by=nobody"),
    ],
)
def test_wrong_use_ends_with_two(db, arguments):
    assert run("halt", *arguments)[0] == 2
    assert run("resume", *arguments)[0] == 2


@pytest.mark.parametrize("reason", ["", "  ", "x" * 201, "two\nlines"])
def test_a_switch_takes_a_reason_of_one_line(db, reason):
    with pytest.raises(CommandError, match="reason"):
        call_command("halt", f"--reason={reason}")
    assert not global_halt.read().halted


def test_flattening_a_live_account_takes_yes_live(account):
    type(account).objects.filter(pk=account.pk).update(venue=Venue.BINANCE)
    arguments = (f"--account={account.pk}", "--reason=x", "--flatten")
    assert run("halt", *arguments)[0] == 2
    assert state(account) == "active"
    assert run("halt", *arguments, "--yes-live")[0] == 0
    assert not Order.objects.exists()
    assert not Trade.objects.exists()
    assert clock.is_virtual()
