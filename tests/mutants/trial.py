"""One trial: the tests run in a child process, with one fault planted in one module of `risk`.

The child is forked from a parent that has imported pytest and Hypothesis but nothing of `risk`, so
that a trial costs its own tests and little more.
"""

import ast
import importlib.abc
import importlib.util
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import CodeType, FrameType, ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
OPTIONS = [
    "-q", "-x", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", str(ROOT), "--confcutdir",
    str(ROOT / "tests" / "risk"), "-W", "ignore",
]  # fmt: skip
SECONDS = 30  # of processor time, whatever else the machine does: beyond it, an endless loop


class Planted(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives one module with a fault in it to whoever imports it."""

    def __init__(self, name: str, code: CodeType) -> None:
        self.name, self.code = name, code

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> ModuleSpec | None:
        if fullname != self.name:
            return None
        return importlib.util.spec_from_loader(fullname, self)

    def exec_module(self, module: ModuleType) -> None:
        exec(self.code, module.__dict__)  # noqa: S102 - our own source, with one node changed


class Watch:
    """A pytest plugin: which lines of `risk` each test ran, and how long it took."""

    def __init__(self) -> None:
        self.lines: dict[str, set[tuple[str, int]]] = {}
        self.seconds: dict[str, float] = {}
        self._now: set[tuple[str, int]] = set()  # by file: its name is cut once, after the test
        self._folder = str(ROOT / "risk") + os.sep

    def _call(self, frame: FrameType, event: str, argument: object) -> Any:
        if not frame.f_code.co_filename.startswith(self._folder):
            return None
        return self._line(frame, event, argument)

    def _line(self, frame: FrameType, event: str, argument: object) -> Any:
        self._now.add((frame.f_code.co_filename, frame.f_lineno))
        return self._line

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Any:
        self._now = set()
        sys.settrace(self._call)
        try:
            return (yield)
        finally:
            sys.settrace(None)
            self.lines[item.nodeid] = {(Path(file).stem, line) for file, line in self._now}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call":
            self.seconds[report.nodeid] = report.duration


class FirstFailure:
    """A pytest plugin: which test noticed."""

    test = ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and not self.test:
            self.test = report.nodeid


def run(tests: Sequence[str], *, plugins: Sequence[Any] = ()) -> int:
    """Run tests in this process, quietly. Returns pytest's exit code."""
    from hypothesis import HealthCheck, settings

    settings.register_profile(
        "mutants", max_examples=30, deadline=None, database=None, derandomize=True,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    settings.load_profile("mutants")
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # no Django, and a quicker start
    return int(pytest.main([*OPTIONS, *tests], plugins=list(plugins)))


def try_fault(
    planted: Mapping[str, ast.Module],
    stages: Sequence[Sequence[str]],
    *,
    seconds: int = SECONDS,
) -> tuple[bool, str]:
    """Plant these modules in a child, run one batch of tests after the other until one fails.

    Returns: whether every test passed, and which did not, where a test did (a fault may also end
    the import, or never end).
    """
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(reading)
        signal.signal(signal.SIGPROF, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_PROF, seconds)
        os._exit(_in_child(planted, stages, writing))
    os.close(writing)
    with os.fdopen(reading) as said:
        test = said.read()
    _, status = os.waitpid(pid, 0)
    return status == 0, test


def _in_child(
    planted: Mapping[str, ast.Module], stages: Sequence[Sequence[str]], writing: int
) -> int:
    try:
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        os.chdir(ROOT)
        for module, tree in planted.items():
            code = compile(tree, str(ROOT / "risk" / f"{module}.py"), "exec")
            sys.meta_path.insert(0, Planted(f"risk.{module}", code))
        for tests in stages:
            first = FirstFailure()
            if tests and (status := run(tests, plugins=[first])):
                os.write(writing, first.test.encode())
                return status
    except BaseException:
        return 3
    return 0
