"""The export proves itself with nothing but Python; a mailed head, that nothing was redone."""

import hashlib
import io
import json
import subprocess
import sys
import zipfile
from datetime import timedelta
from decimal import Decimal

import pytest
from django.core import mail
from django.db import connection
from rest_framework.test import APIClient

from testudo import clock
from trading import chain_watch, decision_export, decisions, limits, tasks
from trading.actors import Actor
from trading.models import Decision, DecisionHead

ALICE = Actor("trader")
D = Decimal


@pytest.fixture
def log(account):
    for value in ("0.009", "0.008", "0.007", "0.006"):
        limits.ask(account, {"max_risk": D(value)}, by=ALICE)


@pytest.fixture
def unpacked(account, log, tmp_path):
    with zipfile.ZipFile(decision_export.export(account.pk)) as archive:
        archive.extractall(tmp_path)
    return tmp_path


def verify(folder, *arguments):
    """Run the exported script as a stranger would: a bare Python, no packages, no project."""
    return subprocess.run(
        [sys.executable, "-I", "-S", str(folder / "verify.py"), *arguments],
        cwd="/", env={"LANG": "C"}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def lines_of(folder):
    return [json.loads(each) for each in (folder / "records.jsonl").read_text().splitlines()]


def write(folder, records):
    text = "".join(json.dumps(each) + "\n" for each in records)
    (folder / "records.jsonl").write_text(text)


def relink(records):
    before = ""
    for each in records:
        each["digest"] = before = hashlib.sha256(f"{before}|{each['payload']}".encode()).hexdigest()
    return before


def test_an_export_verifies_with_a_bare_python(unpacked, account):
    done = verify(unpacked)
    assert (done.returncode, done.stderr) == (0, "")
    assert "4 records, every link holds" in done.stdout
    assert decisions.head(account.pk)[1] in done.stdout


def test_an_empty_log_verifies_too(account, tmp_path):
    with zipfile.ZipFile(decision_export.export(account.pk)) as archive:
        archive.extractall(tmp_path)
    assert verify(tmp_path).returncode == 0


def changed(records):
    records[1]["payload"] = records[1]["payload"].replace("0.008", "0.0085")


def dropped(records):
    del records[1]


def cut_off(records):
    del records[-1]


def swapped(records):
    records[1], records[2] = records[2], records[1]


def added(records):
    records.append({**records[-1], "number": 5})


def renamed(records):
    records[2]["kind"] = "placed"


@pytest.mark.parametrize("tamper", [changed, dropped, cut_off, swapped, added, renamed])
def test_a_tampered_export_does_not_verify(unpacked, tamper):
    records = lines_of(unpacked)
    tamper(records)
    write(unpacked, records)
    done = verify(unpacked)
    assert done.returncode == 1
    assert "ecord" in done.stdout


def test_a_log_bound_anew_is_caught_by_a_head_that_was_kept(unpacked, account):
    kept = decisions.head(account.pk)[1]
    assert verify(unpacked, "--head", kept).returncode == 0
    records = lines_of(unpacked)
    changed(records)
    head = relink(records)
    write(unpacked, records)
    (unpacked / "head.txt").write_text(f"4 {head}\n")
    assert verify(unpacked).returncode == 0, "the plain chain alone cannot see this"
    done = verify(unpacked, "--head", kept)
    assert done.returncode == 1
    assert "it was rewritten" in done.stdout


def test_an_export_that_cannot_be_read_ends_with_two(unpacked):
    (unpacked / "records.jsonl").write_text("not json\n")
    done = verify(unpacked)
    assert done.returncode == 2
    assert "cannot be read" in done.stderr


def test_the_trader_downloads_the_export_and_nobody_else(account, log, alice, django_user_model):
    backend = "accounts.sign_in.PasswordBackend"
    http = APIClient()
    http.force_login(alice, backend)
    answer = http.get("/api/v1/decisions/export", {"account": str(account.pk)})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/zip"
    names = zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content))).namelist()
    assert sorted(names) == ["README.txt", "head.txt", "records.jsonl", "verify.py"]
    mallory = django_user_model.objects.create_user("mallory", "m@example.com", "a long password")
    http.force_login(mallory, backend)
    answer = http.get("/api/v1/decisions/export", {"account": str(account.pk)})
    assert answer.status_code == 404


def next_day(floor):
    floor.moment.advance(timedelta(days=1))
    return clock.now()


def take_heads(now) -> int:
    """What the task of each account that is due does, here and now."""
    return sum(chain_watch.take_head(each, now) for each in chain_watch.accounts_without_head(now))


def change(sql, *values):
    """As someone with the database's own rights would."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE trading_decision DISABLE TRIGGER decision_append_only")
        cursor.execute(sql, values)
        cursor.execute("ALTER TABLE trading_decision ENABLE TRIGGER decision_append_only")


def test_at_the_reset_the_head_is_mailed_once(account, log, floor, alice):
    head = decisions.head(account.pk)
    now = next_day(floor)
    limits.ask(account, {"max_risk": D("0.005")}, by=ALICE)  # of the new day: not in its head
    for _ in range(3):
        take_heads(now)
        chain_watch.mail_heads(now)
    (sent,) = mail.outbox
    assert sent.to == [alice.email]
    assert f"{head[0]} {head[1]}" in sent.body
    assert DecisionHead.objects.get().sent_at is not None


def test_a_day_without_anything_new_mails_nothing(account, log, floor):
    for _ in range(3):
        now = next_day(floor)
        take_heads(now)
        chain_watch.mail_heads(now)
    assert len(mail.outbox) == 1


def test_before_the_first_reset_there_is_no_head(account, log, floor):
    assert take_heads(clock.now()) == 0


def test_a_mail_server_that_fails_is_tried_again(account, log, floor, monkeypatch):
    now = next_day(floor)
    take_heads(now)

    def refuse(head):
        raise ConnectionRefusedError("no mail server")

    with monkeypatch.context() as broken:
        broken.setattr(chain_watch, "_mail", refuse)
        assert chain_watch.mail_heads(now) == 0
    assert chain_watch.mail_heads(now) == 0, "another may be sending it just now"
    later = floor.moment.advance(chain_watch.CLAIM_LASTS + timedelta(seconds=1))
    assert chain_watch.mail_heads(later) == 1
    assert len(mail.outbox) == 1


def test_a_log_that_does_not_hold_gives_no_head_and_halts(account, log, floor):
    forged = Decision.objects.get(number=2).payload.replace("0.008", "0.08")
    change("UPDATE trading_decision SET payload = %s WHERE number = 2", forged)
    assert take_heads(next_day(floor)) == 0
    account.accountrisk.refresh_from_db()
    assert account.accountrisk.state == "halted"


def test_each_account_that_is_due_gets_a_task_of_its_own(account, log, floor, alice, monkeypatch):
    idle = floor.open_account(alice, name="Idle", balances={"USDT": "10"})
    asked = []
    monkeypatch.setattr(tasks.take_head, "delay", asked.append)
    tasks.mail_heads()
    assert asked == [], "before the first reset there is no head"
    next_day(floor)
    tasks.mail_heads()
    assert asked == [str(account.pk)]
    assert str(idle.pk) not in asked, "nothing was decided there"
    tasks.take_head(str(account.pk))
    assert len(mail.outbox) == 1
    tasks.mail_heads()
    assert asked == [str(account.pk)], "its head is taken"


def test_f44_two_beats_that_send_everything_twice_have_one_effect(account, log, floor, monkeypatch):
    asked: list[str] = []
    monkeypatch.setattr(tasks.take_head, "delay", asked.append)
    next_day(floor)
    for _ in range(2):
        tasks.mail_heads()
        tasks.thin_points()
    assert asked == 2 * [str(account.pk)], "both were told before either was done"
    for each in asked:
        tasks.take_head(each)
    tasks.mail_heads()
    assert len(mail.outbox) == 1
    assert DecisionHead.objects.count() == 1


@pytest.mark.parametrize("number", [4, 5])
def test_the_next_day_the_log_is_walked_from_the_last_head_on(account, log, floor, number):
    take_heads(next_day(floor))
    assert DecisionHead.objects.get().number == 4
    limits.ask(account, {"max_risk": D("0.004")}, by=ALICE)
    change("UPDATE trading_decision SET hash = repeat('0', 64) WHERE number = %s", number)
    assert take_heads(next_day(floor)) == 0
    assert account.chain_breaks.filter(number=number).exists()


def test_what_lies_before_the_last_head_is_walked_on_mondays_and_by_verify_chain(
    account, log, floor
):
    take_heads(next_day(floor))  # Tuesday
    change("UPDATE trading_decision SET hash = repeat('0', 64) WHERE number = 1")
    limits.ask(account, {"max_risk": D("0.004")}, by=ALICE)
    assert take_heads(next_day(floor)) == 1
    assert [each.number for each in decisions.breaks(account.pk)] == [1, 2]
    limits.ask(account, {"max_risk": D("0.003")}, by=ALICE)
    while next_day(floor).weekday() != chain_watch.MONDAY:
        pass
    assert take_heads(clock.now()) == 0
    assert account.chain_breaks.filter(number=1).exists()
