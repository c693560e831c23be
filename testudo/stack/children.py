"""One child process of the supervisor: started, its output carried, its end noticed.

A child is either a program (PostgreSQL, Valkey) or a fork of the supervisor that runs a Python
function. Both get a process group of their own, so that Ctrl-C reaches only the supervisor, and
ask the kernel for a signal when the supervisor dies, so that its SIGKILL leaves nothing behind.
"""

import ctypes
import os
import signal
import subprocess
import sys
import traceback
from collections import deque
from collections.abc import Callable, Container, Iterable
from pathlib import Path
from typing import Any

LOG_LIMIT = 20_000_000  # bytes; then the log starts afresh and the old one is kept beside it
PR_SET_PDEATHSIG, PR_SET_NAME, PR_SET_CHILD_SUBREAPER = 1, 15, 36

_libc = ctypes.CDLL(None)
_prctl = getattr(_libc, "prctl", None)  # Linux only


def adopt_orphans() -> None:
    """Become the parent of what our descendants leave behind, so that `orphans` finds it."""
    if _prctl:
        _prctl(PR_SET_CHILD_SUBREAPER, 1)


def orphans(*, known: Container[int]) -> list[int]:
    """Processes whose parent we are, by descent or adoption, except those in `known`."""
    found = []
    for entry in Path("/proc").glob("[0-9]*") if _prctl else ():
        try:
            parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
        except OSError:  # it ended meanwhile
            continue
        if parent == os.getpid() and int(entry.name) not in known:
            found.append(int(entry.name))
    return found


class Child:
    """A running child. `output` is the reading end of its standard output and error."""

    def __init__(self, name: str, pid: int, output: int, log: Path) -> None:
        self.name, self.pid, self.output = name, pid, output
        self.returncode: int | None = None
        self.is_ready = False
        self.tail: deque[str] = deque(maxlen=20)
        self._log_path = log
        self._log = self._open_log()
        self._partial = b""
        os.set_blocking(output, False)

    def read(self) -> list[str]:
        """Whole lines that came since the last call, also written to the log."""
        chunks = []
        while True:
            try:
                chunk = os.read(self.output, 65536)
            except BlockingIOError:
                break
            if not chunk:
                break
            chunks.append(chunk)
        *lines, self._partial = (self._partial + b"".join(chunks)).split(b"\n")
        if self._partial and self.returncode is not None:
            lines, self._partial = [*lines, self._partial], b""
        texts = [line.decode(errors="replace").rstrip() for line in lines]
        if texts:
            self.tail.extend(texts)
            self._log.writelines(f"{text}\n" for text in texts)
            self._log.flush()
            if self._log.tell() > LOG_LIMIT:
                self._log.close()
                self._log = self._open_log()
        return texts

    def poll(self) -> int | None:
        """Its exit code once it has ended (negative: the signal), else None."""
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def send(self, number: int) -> None:
        """Signal the child's whole group, if it still runs."""
        if self.returncode is None:
            try:
                os.killpg(self.pid, number)
            except ProcessLookupError:
                os.kill(self.pid, number)  # its group does not exist yet: it was forked just now

    def close(self) -> None:
        self.read()
        os.close(self.output)
        self._log.close()

    def _open_log(self) -> Any:
        if self._log_path.exists() and self._log_path.stat().st_size > LOG_LIMIT / 2:
            os.replace(self._log_path, self._log_path.with_suffix(".old.log"))
        return open(self._log_path, "a")


def run_program(
    name: str, command: list[str], *, log: Path, death_signal: int, **popen: Any
) -> Child:
    """Start a program; `death_signal` is what it gets when we die. `popen` may name a user."""
    reading, writing = os.pipe()
    parent = os.getpid()

    def before_exec() -> None:  # after the change of user, which would clear the wish
        if _prctl:
            _prctl(PR_SET_PDEATHSIG, death_signal)
        if os.getppid() != parent:
            os._exit(1)

    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=writing, stderr=writing, process_group=0,
        preexec_fn=before_exec, **popen,
    )  # fmt: skip
    os.close(writing)
    process.returncode = 0  # `Child` reaps it; Popen shall not wait or warn
    return Child(name, process.pid, reading, log)


def run_function(
    name: str, function: Callable[[], object], *, log: Path, close: Iterable[int]
) -> Child:
    """Fork and run `function` in the child; `close` are descriptors that are ours alone."""
    reading, writing = os.pipe()
    parent = os.getpid()
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        os.close(writing)
        return Child(name, pid, reading, log)
    code = 1
    try:
        _become_child(name, parent, writing, [reading, *close])
        result = function()
        code = result if isinstance(result, int) else 0
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else int(left.code is not None)
        if isinstance(left.code, str):
            print(left.code, file=sys.stderr)
    except KeyboardInterrupt:
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _become_child(name: str, parent: int, writing: int, close: Iterable[int]) -> None:
    os.setpgid(0, 0)
    if _prctl:
        _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        _prctl(PR_SET_NAME, f"testudo:{name}"[:15].encode())
    if os.getppid() != parent:  # it died before we asked to be told
        os._exit(1)
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for descriptor in close:
        os.close(descriptor)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(writing, 1)
    os.dup2(writing, 2)
    os.close(nothing)
    os.close(writing)
    # Line by line, so that a crash loses nothing and lines of two writers do not mix.
    sys.stdout = open(1, "w", buffering=1, closefd=False, errors="replace")  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, closefd=False, errors="replace")  # noqa: SIM115
