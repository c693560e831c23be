"""The decision log: append-only, chained twice, and proving itself to whoever holds an export."""

import base64
import hashlib
import json
import re
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction

from risk.breaker import Cause
from testudo import clock
from trading import decisions, halts, limits, orders
from trading.actors import Actor
from trading.decision_readings import read
from trading.decision_replay import replay
from trading.models import AccountBreaker, AccountRisk, Decision, DecisionHead

D = Decimal
ALICE = Actor("trader")
KEY_1 = "1:" + base64.b64encode(b"1" * 32).decode()
KEY_2 = "2:" + base64.b64encode(b"2" * 32).decode()


@pytest.fixture(autouse=True)
def _keys(settings):
    settings.DECISION_KEYS = KEY_1


@pytest.fixture
def log(account, floor, draw):
    """A placed plan, a refused one and a limit change."""
    trade = orders.place_trade(account, draw(), quote_of=floor.quote_of)
    with pytest.raises(orders.PlanRefused):
        orders.place_trade(account, draw("ETHUSDT", target="0.011"), quote_of=floor.quote_of)
    limits.ask(account, {"max_risk": D("0.005")}, by=ALICE)
    return trade


def texts(account):
    return [each.text for each in decisions.breaks(account.pk)]


def change_behind_our_back(sql, *values):
    """As someone with the database's own rights would."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # else the table may not be altered
        cursor.execute("ALTER TABLE trading_decision DISABLE TRIGGER decision_append_only")
        cursor.execute(sql, values)
        cursor.execute("ALTER TABLE trading_decision ENABLE TRIGGER decision_append_only")


def refuses(sql):
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            cursor.execute(sql)


def test_a_whole_chain_has_no_breaks(account, log):
    assert Decision.objects.filter(account=account).count() == 3
    assert texts(account) == []
    assert all(decisions.intact(each) for each in Decision.objects.all())


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE trading_decision SET kind = 'placed'",
        "DELETE FROM trading_decision",
        "TRUNCATE trading_decision CASCADE",
        "TRUNCATE trading_decisionhead",
    ],
)
def test_the_database_itself_keeps_every_record(account, log, sql):
    refuses(sql)


def test_a_mailed_head_can_be_marked_sent_and_not_changed(account, log):
    number, digest = decisions.head(account.pk)
    DecisionHead.objects.create(
        account=account, day=clock.now().date(), number=number, digest=digest
    )
    DecisionHead.objects.update(sent_at=clock.now())
    refuses("UPDATE trading_decisionhead SET digest = 'x'")
    refuses("DELETE FROM trading_decisionhead")


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("UPDATE trading_decision SET payload = replace(payload, 'max_risk', 'max_heat') "
         "WHERE number = 3", "Record 3 was changed"),
        ("UPDATE trading_decision SET kind = 'placed' WHERE number = 2", "beside its payload"),
        ("UPDATE trading_decision SET created_at = now() WHERE number = 2", "beside its payload"),
        ("UPDATE trading_decision SET hash = repeat('0', 64) WHERE number = 2",
         "not written by this server"),
        ("UPDATE trading_decision SET digest = repeat('0', 64) WHERE number = 2", "was changed"),
        ("DELETE FROM trading_decision WHERE number = 2", "Records 2 to 2 are missing"),
        ("UPDATE trading_decision SET number = 7 WHERE number = 3", "Records 3 to 6 are missing"),
        ("UPDATE trading_decision SET key_id = '9' WHERE number = 3", "not in DECISION_KEYS"),
    ],
)  # fmt: skip
def test_each_kind_of_tampering_is_found(account, log, sql, says):
    change_behind_our_back(sql)
    assert any(says in each for each in texts(account)), texts(account)


def test_rewriting_the_plain_chain_does_not_help_without_the_key(account, log):
    last = Decision.objects.get(account=account, number=3)
    before = Decision.objects.get(account=account, number=2)
    forged = last.payload.replace('"max_risk"', '"max_heat"')
    digest = decisions.plain_link(before.digest, forged)
    change_behind_our_back(
        "UPDATE trading_decision SET payload = %s, digest = %s WHERE number = 3", forged, digest
    )
    assert texts(account) == ["Record 3 was not written by this server."]


def test_cutting_the_end_off_is_found_by_the_head_that_was_mailed(account, log):
    number, digest = decisions.head(account.pk)
    DecisionHead.objects.create(
        account=account, day=clock.now().date(), number=number, digest=digest
    )
    change_behind_our_back("DELETE FROM trading_decision WHERE number = 3")
    assert texts(account) == ["Record 3, whose head was mailed, is missing."]


def test_keys_can_be_changed_and_old_records_still_verify(account, log, settings):
    settings.DECISION_KEYS = f"{KEY_1},{KEY_2}"
    limits.ask(account, {"max_heat": D("0.02")}, by=ALICE)
    signed_with = Decision.objects.order_by("number").values_list("key_id", flat=True)
    assert list(signed_with) == ["1", "1", "1", "2"]
    assert texts(account) == []
    settings.DECISION_KEYS = KEY_2
    assert len(texts(account)) == 3
    assert all("signed with the key 1" in each for each in texts(account))


def test_without_a_key_of_its_own_the_log_says_which_secret_signed_it(account, settings):
    settings.DECISION_KEYS = ""
    limits.ask(account, {"max_heat": D("0.02")}, by=ALICE)
    assert texts(account) == []
    assert Decision.objects.get().key_id.startswith("secret-")
    settings.SECRET_KEY = "another secret, of fifty characters or more, for tests"
    assert "not in DECISION_KEYS" in texts(account)[0]


def test_a_record_from_before_keys_had_ids_still_verifies(account, settings):
    payload = decisions.canonical({"account": str(account.pk), "number": 1, "kind": "refused"})
    key = hashlib.sha256(b"decision-chain|" + settings.SECRET_KEY.encode()).digest()
    Decision.objects.create(
        account=account, number=1, kind="refused", payload=payload,
        digest=decisions.plain_link("", payload), hash=decisions.keyed_link(key, "", "", payload),
    )  # fmt: skip
    assert texts(account) == []
    limits.ask(account, {"max_heat": D("0.02")}, by=ALICE)
    assert texts(account) == []


PERSONAL = re.compile(r"alice|example\.com|tired|revenge|Practice", re.I)


def test_a_record_holds_ids_and_figures_only(account, floor, draw):
    """No name, no mail, no note of a trader: only that there was one, and its hash."""
    drawing = draw(reason="revenge for alice", setup="tired")
    orders.place_trade(account, drawing, quote_of=floor.quote_of)
    halts.halt(account, reason="tired, call alice@example.com", by=Actor("trader", account.user_id))
    halts.halt(account, reason="tired", by=ALICE)
    payloads = list(Decision.objects.values_list("payload", flat=True))
    assert len(payloads) == 2
    assert not [each for each in payloads if PERSONAL.search(each)]
    assert '"sha256"' in payloads[1]


def test_a_record_is_the_text_any_json_library_writes_with_names_in_order(account, log):
    for record in Decision.objects.filter(account=account):
        again = json.dumps(json.loads(record.payload), sort_keys=True, separators=(",", ":"))
        assert record.payload == again
        assert record.payload.isascii()


@pytest.mark.parametrize(
    "facts", [{"x": 1.5}, {"x": object()}, {"x": D("NaN")}, {"a name": 1}, {"number": 7}]
)
def test_what_is_neither_id_nor_figure_is_refused(account, facts):
    with pytest.raises((TypeError, ValueError)):
        decisions.record(account.pk, "breaker", facts)
    with pytest.raises(ValueError, match="no kind"):
        decisions.record(account.pk, "gossip", {})


def test_every_record_of_a_plan_is_judged_the_same_today(account, log):
    for record in Decision.objects.filter(kind__in=["placed", "refused"]):
        again = replay(record.payload)
        assert again.differences == ()
        assert again.same is True
        assert len(again.recorded) == len(json.loads(record.payload)["verdicts"])


def test_a_replay_names_the_rule_and_the_version_that_changed(account, log):
    facts = json.loads(Decision.objects.get(number=1).payload)
    facts["rules_version"] = "1"
    for each in facts["verdicts"]:
        if each["code"] == "portfolio_heat":
            each["limit"] = "600"
    facts["verdicts"].append(
        {"code": "moon_phase", "ok": True, "effect": "block", "measured": "0", "limit": "1"}
    )
    again = replay(facts)
    assert again.same is False
    assert "rules version 1" in again.differences[0]
    assert any(each.startswith("portfolio_heat: measured") for each in again.differences)
    assert "moon_phase: this rule is no more." in again.differences


def test_a_replay_of_broken_inputs_says_so_and_does_not_raise(account, log):
    facts = json.loads(Decision.objects.get(number=1).payload)
    facts["book"]["equity"] = "NaN"
    assert "cannot be read" in replay(facts).differences[-1]
    del facts["plan"]
    assert replay(facts).same is False


def test_a_record_of_a_halt_has_nothing_to_replay(account):
    halts.halt(account, reason="enough", by=ALICE)
    assert replay(Decision.objects.get().payload).same is None


def test_each_record_reads_as_plain_language(account, log, floor):
    limits.ask(account, {"max_positions": 8}, by=ALICE)
    halts.halt(account, reason="enough", by=ALICE)
    halts.resume(account, reason="slept well", by=ALICE, quote_of=floor.quote_of)
    placed, refused, tightened, asked, halted, resumed = (
        read(each) for each in Decision.objects.order_by("number")
    )
    assert placed.title == "Long BTCUSDT approved"
    assert "loses at most" in placed.text
    assert "USDT at the stop" in placed.text
    assert refused.title == "Long ETHUSDT refused"
    assert "reward_to_risk" in refused.codes
    assert "reward to risk (measured" in refused.text
    assert "Nothing was sent." in refused.text
    assert tightened.text == (
        "You made limits stricter, at once: Risk per trade from 1 % of equity to 0.5 % of equity."
    )
    assert "Not before" in asked.text
    assert "You halted this account" in halted.text
    assert "exits go on" in halted.text
    assert resumed.title == "Trading resumed"


def run(*arguments):
    said = StringIO()
    call_command("verify_chain", *arguments, stdout=said, stderr=said)
    return said.getvalue()


def test_verify_chain_reports_every_account_and_its_head(account, log):
    said = json.loads(run("--json"))
    number, digest = decisions.head(account.pk)
    assert said["ok"] is True
    assert said["accounts"][str(account.pk)] == {"records": number, "head": digest, "breaks": []}
    assert "3 records, holds" in run(f"--account={account.pk}")


def test_a_break_ends_verify_chain_with_one_and_halts_the_account(account, log):
    change_behind_our_back("UPDATE trading_decision SET kind = 'placed' WHERE number = 2")
    with pytest.raises(CommandError, match="1 of 1 chains") as ended:
        run("--dry-run")
    assert ended.value.returncode == 1
    assert AccountRisk.objects.get(account=account).state == "active"
    with pytest.raises(CommandError):
        run()
    risk = AccountRisk.objects.get(account=account)
    assert risk.state == "halted"
    assert "does not hold" in risk.reason
    assert AccountBreaker.objects.get(cause=Cause.CHAIN).phase == "open"


def test_an_operator_who_looked_into_a_break_resumes_and_it_halts_no_more(account, log, floor):
    change_behind_our_back("UPDATE trading_decision SET kind = 'placed' WHERE number = 2")
    with pytest.raises(CommandError):
        run()
    mine = halts.resume(account, reason="please", by=ALICE, quote_of=floor.quote_of)
    assert "operator" in mine.waits[0]
    halts.resume(account, reason="disk error", by=Actor("operator"), quote_of=floor.quote_of)
    with pytest.raises(CommandError):
        run()
    assert AccountRisk.objects.get(account=account).state == "active"
    change_behind_our_back("UPDATE trading_decision SET kind = 'placed' WHERE number = 3")
    with pytest.raises(CommandError):
        run()
    assert AccountRisk.objects.get(account=account).state == "halted"


def test_verify_chain_of_an_unknown_account_ends_with_two(db):
    with pytest.raises(CommandError, match="no account") as ended:
        run("--account=00000000-0000-0000-0000-000000000000")
    assert ended.value.returncode == 2
