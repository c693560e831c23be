"""What every test may ask for: the real platform, a browser, quick settings."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from _pytest.nodeid import NodeId
from django.conf import settings as django_settings
from django.db.backends.postgresql.operations import DatabaseOperations
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from tests.running import RunningStack, fresh_database
from testudo.stack import chromium

ROOT = Path(__file__).resolve().parent.parent

QUIET = [  # a headless browser that talks to nobody but us
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync",
    "--disable-component-update", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage",
]  # fmt: skip


def let_tests_empty_tables() -> None:
    """The database refuses to truncate the decision log; a test's clean-up is allowed to."""
    flush = DatabaseOperations.sql_flush

    def sql_flush(self, style, tables, **options):
        guarded = [each for each in ("trading_decision", "trading_decisionhead") if each in tables]
        return [
            *(f"ALTER TABLE {each} DISABLE TRIGGER USER" for each in guarded),
            *flush(self, style, tables, **options),
            *(f"ALTER TABLE {each} ENABLE TRIGGER USER" for each in guarded),
        ]

    DatabaseOperations.sql_flush = sql_flush


# How many examples a promise is tried on: bin/test --full asks for `full`. No deadline for one of
# them: a busy machine is no broken promise.
hypothesis_settings.register_profile("quick", max_examples=100, deadline=None)
hypothesis_settings.register_profile(
    "full", max_examples=10_000, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))
FULL_SECONDS = 3600  # for one promise under `full`, on a busy machine


def pytest_configure(config: pytest.Config) -> None:
    let_tests_empty_tables()
    django_settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    # Unhashed names in this process: they need no collecting, and the live server finds them. The
    # running stack serves hashed ones, as in production.
    django_settings.STORAGES = {
        **django_settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Everything that needs the running platform goes to one worker: one platform for two cores."""
    for item in items:
        wants = getattr(item, "fixturenames", ())
        if "stack" in wants:
            item.add_marker(pytest.mark.stack)
            item.add_marker(pytest.mark.xdist_group("stack"))
        if "browser" in wants:
            item.add_marker(pytest.mark.browser)
        if os.environ.get("HYPOTHESIS_PROFILE") == "full" and _is_promise(item):
            item.add_marker(pytest.mark.timeout(FULL_SECONDS))
        group = item.get_closest_marker("xdist_group")
        if group and config.getoption("loadgroup", False):
            # xdist 3.8 writes the group where pytest 9.2 no longer reads it. Its scheduler groups
            # by what follows the @.
            item._id = NodeId.parse(f"{item.nodeid}@{group.args[0]}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo):
    """A test of the running platform that fails shows what the processes said meanwhile."""
    report = yield
    running = getattr(item, "funcargs", {}).get("stack")
    if running is not None and report.when == "setup":
        running.mark_logs()
    if running is not None and report.failed:
        report.sections.append(("The platform's logs", running.warnings()))
    return report


def _is_promise(item: pytest.Item) -> bool:
    """Whether Hypothesis runs this test: a function it was given, or a state machine."""
    tested = getattr(item, "obj", None)
    return getattr(tested, "is_hypothesis_test", False)


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """The platform as it runs in production, on a database of its own; started on first use."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    database = {"DATABASE_URL": fresh_database(f"stack_{worker}")}
    running = RunningStack(tmp_path_factory.mktemp("stack"), database)
    yield running
    running.close()


@pytest.fixture
def paper(stack: RunningStack):
    """The running paper exchange's own door."""
    return stack.paper


@pytest.fixture
def browser():
    """A Chromium. Not kept between tests: its event loop would disturb asynchronous ones."""
    path = os.environ.get("CHROMIUM") or chromium.find(ROOT / "var" / "chromium")
    if path is None:
        pytest.skip("there is no Chromium on this machine")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, headless=True, args=QUIET)
        yield running
        running.close()
