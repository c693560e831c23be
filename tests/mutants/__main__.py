"""`python -m tests.mutants [MODULE …]`: would the tests notice a small fault in `risk`?

Plants every fault of `operators.py`, one at a time, in the pure modules of `risk`, and runs the
tests that pass through its line until one fails: those that noticed its neighbours, then the
quickest. Prints what survived, with the reason `survivors.txt` gives; the last line is JSON. Exit
code 1 where fewer than 90 % of all faults are noticed, fewer than that of those in a module that
change anything, or where one survives without a reason.
"""

import argparse
import ast
import itertools
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

# Imported before the forks, so that no trial pays for it.
import hypothesis.internal.conjecture.engine
import hypothesis.strategies  # noqa: F401

from tests.mutants import trial
from tests.mutants.operators import Fault, faults

LEAST = 0.90
CONTROL_SECONDS = 600
NEIGHBOURS = 8  # tests that noticed the latest faults of a module are asked first
TRIAL_SECONDS = 8  # of tests, as they took under the watch, which slows them down several times
NOT_PURE = {"__init__", "models", "admin", "apps"}
NEEDS_DJANGO = ("django", "from trading", "risk.models", "call_command")
REASONS = Path(__file__).parent / "survivors.txt"


@dataclass(frozen=True, slots=True)
class Trial:
    module: str
    number: int  # of the fault in its module
    fault: Fault
    name: str  # how `survivors.txt` calls it: without its line, which every edit moves
    tests: tuple[str, ...]


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants")
    parser.add_argument("modules", nargs="*", help="of risk, for example sizing; all of them")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--every", type=int, default=1, help="only each n-th fault: a sample")
    parser.add_argument("--without", action="append", default=[], help="a test file to leave out")
    options = parser.parse_args(arguments)
    started = time.monotonic()
    print("Learning which test runs which line …", flush=True)
    watch = _watched(_test_files(options.without))
    trials = list(_trials(options.modules or _pure_modules(), watch))[:: options.every]
    print(f"{len(trials)} faults, {len(watch.lines)} tests.", flush=True)
    _refuse_a_failing_control(trials)
    survived = _survivors(trials, options.workers)
    return _report(trials, survived, time.monotonic() - started)


def _pure_modules() -> list[str]:
    names = sorted(path.stem for path in (trial.ROOT / "risk").glob("*.py"))
    return [name for name in names if name not in NOT_PURE]


def _test_files(left_out: list[str]) -> list[str]:
    files = sorted((trial.ROOT / "tests" / "risk").glob("test_*.py"))
    return [
        str(path.relative_to(trial.ROOT))
        for path in files
        if path.name not in left_out
        and not any(word in path.read_text(encoding="utf-8") for word in NEEDS_DJANGO)
    ]


def _watched(files: list[str]) -> trial.Watch:
    """Run all tests without a fault, in a child, and learn which lines each of them runs."""
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(reading)
        os.chdir(trial.ROOT)
        watch = trial.Watch()
        status = trial.run(files, plugins=[watch])
        with os.fdopen(writing, "w") as out:
            lines = {test: sorted(ran) for test, ran in watch.lines.items()}
            json.dump({"lines": lines, "seconds": watch.seconds}, out)
        os._exit(status)
    os.close(writing)
    with os.fdopen(reading) as said:
        text = said.read()
    _, status = os.waitpid(pid, 0)
    if status:
        raise SystemExit("The tests fail without any fault planted: mend them first.")
    told = json.loads(text)
    watch = trial.Watch()
    watch.lines = {test: {(m, n) for m, n in ran} for test, ran in told["lines"].items()}
    watch.seconds = told["seconds"]
    return watch


def _trials(modules: list[str], watch: trial.Watch) -> Iterator[Trial]:
    for module in modules:
        source = _source(module)
        met = Counter[str]()
        for number, fault in enumerate(faults(source)):
            name = f"{module}.{fault.owner or 'module'}: {fault.what}"
            met[name] += 1
            if met[name] > 1:  # the same change again, elsewhere in the same function
                name = f"{name} ({met[name]})"
            tests = [test for test, ran in watch.lines.items() if (module, fault.line) in ran]
            if not tests:  # it runs at import only, a default or a constant: anyone may read it
                tests = list(watch.lines)
            yield Trial(module, number, fault, name, tuple(_quickest(tests, watch)))


def _quickest(tests: list[str], watch: trial.Watch) -> Iterator[str]:
    """As many as fit into a trial, quickest first; twenty at least."""
    spent = 0.0
    ordered = sorted(tests, key=lambda test: watch.seconds.get(test, 0))
    for place, test in enumerate(ordered):
        spent += watch.seconds.get(test, 0)
        if place >= 20 and spent > TRIAL_SECONDS:
            return
        yield test


def _source(module: str) -> str:
    return (trial.ROOT / "risk" / f"{module}.py").read_text(encoding="utf-8")


def _refuse_a_failing_control(trials: list[Trial]) -> None:
    """A trial that fails without a fault would count every fault as noticed."""
    sound = {module: ast.parse(_source(module)) for module in {each.module for each in trials}}
    tests = {test for each in trials for test in each.tests}
    passed, test = trial.try_fault(sound, [sorted(tests)], seconds=CONTROL_SECONDS)
    if not passed:
        raise SystemExit(f"{test or 'The tests'} fail in a trial without any fault planted.")


def _survivors(trials: list[Trial], workers: int) -> list[Trial]:
    started, survived, done = time.monotonic(), [], 0
    waiting, running = iter(trials), dict[Future[tuple[bool, str]], Trial]()
    noticed: dict[str, list[str]] = {}  # by module, the latest first
    with ProcessPoolExecutor(workers) as pool:
        while True:
            for each in itertools.islice(waiting, workers + 1 - len(running)):
                stages = _stages(each, noticed.get(each.module, []))
                running[pool.submit(_try, each.module, each.number, stages)] = each
            if not running:
                break
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                each, (lives, test) = running.pop(future), future.result()
                done += 1
                if lives:
                    survived.append(each)
                    print(f"  survived: {each.module}.py:{each.fault.line}  {each.name}")
                elif test:
                    rest = [known for known in noticed.get(each.module, []) if known != test]
                    noticed[each.module] = [test, *rest][:NEIGHBOURS]
                if done % 50 == 0:
                    left = (time.monotonic() - started) / done * (len(trials) - done) / 60
                    print(
                        f"  {done} of {len(trials)}, {len(survived)} survived; {left:.0f} min left"
                    )
                sys.stdout.flush()
    return survived


def _stages(each: Trial, noticed: list[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """All its tests, in two batches: the first needs few files."""
    first = tuple(test for test in noticed if test in each.tests)
    return first, tuple(test for test in each.tests if test not in first)


def _try(module: str, number: int, stages: tuple[tuple[str, ...], ...]) -> tuple[bool, str]:
    source = _source(module)
    return trial.try_fault({module: faults(source)[number].planted(ast.parse(source))}, stages)


def _reasons() -> dict[str, str]:
    """`name — reason`, a line each."""
    known = {}
    for line in REASONS.read_text(encoding="utf-8").splitlines():
        name, dash, reason = line.partition(" — ")
        if dash and not line.startswith("#"):
            known[name.strip()] = reason.strip()
    return known


def _report(trials: list[Trial], survived: list[Trial], seconds: float) -> int:
    reasons = _reasons()
    alive = {each.name for each in survived}
    for each in survived:
        reason = reasons.get(each.name, "no reason is known: write a test that notices it")
        print(f"{each.module}.py:{each.fault.line}  {each.name} — {reason}")
    for each in trials:
        if each.name in reasons and each.name not in alive:
            print(f"{each.name} — is noticed: drop it from {REASONS.name}")
    # Of what a test can notice: a fault that changes nothing is nobody's lack.
    modules, unnoticed = {}, {each.name for each in survived if each.name not in reasons}
    for name in sorted({each.module for each in trials}):
        of_module = [each.name in unnoticed for each in trials if each.module == name]
        modules[name] = round(1 - sum(of_module) / len(of_module), 4)
    score = 1 - len(survived) / max(len(trials), 1)
    without_reason = sum(each.name not in reasons for each in survived)
    ok = score >= LEAST and min(modules.values(), default=1) >= LEAST and not without_reason
    report = {
        "name": "mutants",
        "ok": ok,
        "score": round(score, 4),
        "faults": len(trials),
        "survived": len(survived),
        "without_reason": without_reason,
        "seconds": round(seconds),
        "modules": modules,
    }
    print(json.dumps(report))
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
