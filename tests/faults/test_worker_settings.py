"""R24: Celery is a wake-up that may be lost, come twice or come late; its settings say so."""

from datetime import timedelta

import pytest

from testudo.celery import app
from testudo.events.wake import EXPIRES
from trading import wake

LONGEST = 30  # seconds a task may run, or wait at a worker


@pytest.fixture(scope="module")
def tasks():
    app.loader.import_default_modules()
    ours = ("testudo.", "accounts.", "trading.", "journal.", "billing.")
    found = {name: task for name, task in app.tasks.items() if name.startswith(ours)}
    assert "trading.tasks.run_turn" in found
    return found


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("task_acks_late", True),
        ("task_reject_on_worker_lost", True),
        ("task_acks_on_failure_or_timeout", True),
        ("worker_prefetch_multiplier", 1),
        ("worker_cancel_long_running_tasks_on_connection_loss", True),
        ("worker_soft_shutdown_timeout", 10),
        ("worker_enable_soft_shutdown_on_idle", True),
        ("task_ignore_result", True),
        ("task_serializer", "json"),
        ("result_serializer", "json"),
        ("accept_content", ["json"]),
        ("broker_connection_max_retries", None),
        ("task_time_limit", LONGEST),
    ],
)
def test_the_worker_runs_with_what_r24_asks_for(setting, value):
    assert getattr(app.conf, setting) == value


def test_a_lost_message_comes_again_after_a_minute_in_all_three_places_celery_reads():
    assert app.conf.broker_transport_options["visibility_timeout"] == 60
    assert app.conf.result_backend_transport_options["visibility_timeout"] == 60
    assert app.conf.visibility_timeout == 60


def test_every_task_ends_before_its_message_would_come_again(tasks):
    for name, task in tasks.items():
        limit = task.time_limit or app.conf.task_time_limit
        assert limit <= LONGEST < app.conf.visibility_timeout, name
        assert (task.soft_time_limit or app.conf.task_soft_time_limit) < limit, name


def test_every_task_may_run_again_and_none_retries_by_itself(tasks):
    """No automatic retry around an exchange call (R6): what is unknown is looked up."""
    for name, task in tasks.items():
        assert task.acks_late, name
        assert task.reject_on_worker_lost is not False, name
        assert task.ignore_result, name
        assert not getattr(task, "autoretry_for", ()), name


def test_no_task_waits_at_a_worker_longer_than_it_may_be_invisible():
    """A countdown beyond the visibility timeout would run many times over."""
    longest = max(each._countdown for each in (*wake._wakers.values(), wake._after_a_part))
    assert 0 < longest <= LONGEST
    assert EXPIRES + longest < app.conf.visibility_timeout


def test_what_beat_sends_is_housekeeping_that_a_worker_knows(tasks):
    for name, entry in app.conf.beat_schedule.items():
        assert entry["task"] in tasks, name
        assert entry["schedule"] >= timedelta(minutes=1), name


def test_protective_work_orders_and_the_rest_have_queues_of_their_own():
    assert {wake.ORDERS, wake.PROTECTIVE, app.conf.task_default_queue} == {
        "orders", "protective", "bulk",
    }  # fmt: skip
    routed = {queue: waker._queue for queue, waker in wake._wakers.items()}
    assert routed == {"orders": "orders", "protective": "protective"}
