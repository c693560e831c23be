"""`python -m testudo.stack run [--check]`, what `bin/run` calls; `serve` is for the tests.

`serve` takes orders on standard input, one a line: `stop NAME [SIGNAL]`,
`start NAME [KEY=VALUE …]`, `exec "PYTHON"` (a JSON string); it answers each with one JSON line on
standard output, and the end of its input stops it.
"""

import argparse
import json
import os
import signal
import sys
from collections import deque

from testudo.stack.home import AlreadyRunning, CannotStart, Home
from testudo.stack.platform import Platform, Wishes, read_environment
from testudo.stack.supervise import ChildDied, Stopped, Supervisor


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m testudo.stack", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    run = verbs.add_parser("run", help="the whole platform, until stopped")
    run.add_argument("--check", action="store_true", help="do the main job once, then stop")
    serve = verbs.add_parser("serve", help="the platform under the control of a test")
    serve.add_argument("--servers-only", action="store_true", help="PostgreSQL and Valkey alone")
    serve.add_argument("--no-seed", action="store_true", help="no demo accounts")
    options = parser.parse_args()
    home = Home(read_environment())
    try:
        lock = home.lock()
    except AlreadyRunning:
        where = home.read("run.json")
        address, pid = where.get("web", home.path), where.get("pids", {}).get("supervisor", "?")
        print(
            f"The platform of this checkout already runs: {address} (process {pid}).",
            file=sys.stderr,
        )
        return 1
    serving = options.verb == "serve"
    checking = not serving and options.check
    supervisor = Supervisor(home.logs, echo=not serving and not checking, stop_on_death=not serving)
    supervisor.private.append(lock)
    wishes = Wishes(
        seed=not serving or not options.no_seed,
        processes=not serving or not options.servers_only,
    )
    try:
        platform = Platform(home, supervisor, wishes)
        if serving:
            orders = Orders(platform)
        platform.start()
        if checking:
            return check(platform)
        if serving:
            orders.carry_out()
        announce(platform)
        while True:
            supervisor.pump(60)
    except Stopped:
        return 0
    except ChildDied as death:
        tail = "\n".join(f"  {line}" for line in death.child.tail)
        print(f"{death}. Its last lines:\n{tail}\nEverything stops.", file=sys.stderr)
        return 1
    except CannotStart as reason:
        print(f"Cannot start: {reason}", file=sys.stderr)
        return 1
    finally:
        supervisor.stop()
        home.remove("run.json")


def announce(platform: Platform) -> None:
    """Where it is and how to get in."""
    from django.conf import settings

    lines = ["", f"  Testudo is ready: {platform.web_url}"]
    if not settings.LIVE and platform.home.read("seeded.json"):
        lines.append(f"  sign in as demo with the password {platform.secrets['demo_password']}")
        lines.append(f"  or as admin with {platform.secrets['admin_password']}")
    lines += [f"  logs: {platform.home.logs}", "  Ctrl-C stops everything.", ""]
    print("\n".join(lines), flush=True)


def check(platform: Platform) -> int:
    """Do the main job in a fork and print its one JSON line."""
    from testudo.stack import check as job

    platform.say("doing the main job: sign in, plan, place, fill, protect, target, journal")
    platform.home.remove("check.json")
    home, url, secrets = platform.home, platform.web_url, platform.secrets

    def run() -> None:
        home.write("check.json", job.main_job(url, password=secrets["demo_password"]))

    child = platform.supervisor.fork("check", lambda tell: run())
    platform.supervisor.wait(lambda: child.poll() is not None, for_what="the check to finish",
                             seconds=120, may_end=child)  # fmt: skip
    platform.supervisor.forget(child)
    result = home.read("check.json") or {"ok": False, "error": "\n".join(child.tail)}
    print(json.dumps(result), flush=True)
    return 0 if result["ok"] is True else 1


class Orders:
    """What a test wants of the running platform, line by line from standard input."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.waiting: deque[str] = deque()
        platform.supervisor.on_input = self.waiting.append
        # Python has no `stdin` at all where it was started with a closed one.
        platform.supervisor.watch_input(sys.stdin.fileno() if sys.stdin else -1)

    def carry_out(self) -> None:
        """Serve until stopped. Raises: Stopped."""
        self._answer({"ready": True})
        while True:
            self.platform.supervisor.pump(60)
            while self.waiting:
                line = self.waiting.popleft()
                verb, _, rest = line.partition(" ")
                if verb == "exec":
                    self._execute(json.loads(rest))
                else:
                    self._obey(line.split())

    def _obey(self, words: list[str]) -> None:
        supervisor = self.platform.supervisor
        match words:
            case ["stop", name, *rest]:
                number = signal.Signals[rest[0]] if rest else signal.SIGTERM
                supervisor.stop_one(name, number)
            case ["start", name, *settings] if name not in supervisor.children:
                before = dict(os.environ)
                os.environ.update(pair.split("=", 1) for pair in settings)
                self.platform.start_one(name)
                os.environ.clear()
                os.environ.update(before)
                supervisor.wait(
                    lambda: self.platform.is_ready(name) or name not in supervisor.children,
                    for_what=name, seconds=60,
                )  # fmt: skip
            case _:
                self._answer({"error": f"cannot: {' '.join(words)}"})
                return
        self.platform.write_run("ready")
        child = supervisor.children.get(words[1])
        self._answer({"did": " ".join(words), "pid": child.pid if child else None})

    def _execute(self, code: str) -> None:
        """Run a test's Python in a fork, which has everything loaded."""
        supervisor = self.platform.supervisor
        log = self.platform.home.logs / "exec.log"
        log.unlink(missing_ok=True)
        child = supervisor.fork("exec", lambda tell: exec(code, {}))  # noqa: S102  a test's own
        supervisor.wait(lambda: child.poll() is not None, for_what="exec", seconds=60,
                        may_end=child)  # fmt: skip
        supervisor.forget(child)
        output = log.read_text().splitlines()
        self._answer({"ok": child.returncode == 0, "output": output})

    def _answer(self, content: dict[str, object]) -> None:
        print(json.dumps(content), flush=True)


if __name__ == "__main__":
    sys.exit(main())
