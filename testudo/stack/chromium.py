"""A Chromium for the browser tests: the machine's, or the distribution's package.

As an ordinary user the package and the libraries it lacks are unpacked into a cache below `var/`;
nothing is installed and no root is needed.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

WRAPPER = """#!/bin/sh
# Runs the unpacked Chromium with the libraries unpacked beside it.
here="{here}"
export LD_LIBRARY_PATH="{libraries}"
[ -e /etc/fonts/fonts.conf ] || export FONTCONFIG_PATH="$here/etc/fonts"
exec "$here/usr/lib/chromium/chromium" "$@"
"""


def find(cache: Path) -> str | None:
    """The path of a Chromium that runs; None, with one line saying why, where there is none."""
    named = os.environ.get("CHROMIUM")
    for candidate in [named] if named else [*map(shutil.which, NAMES), str(cache / "chromium.sh")]:
        if candidate and _runs(candidate):
            return candidate
    if named:
        return _none(f"CHROMIUM is {named}, which does not run")
    if not shutil.which("apt-get"):
        return _none("there is no Chromium on this machine and no apt-get to fetch one")
    print("fetching Chromium (once) ...", file=sys.stderr, flush=True)
    try:
        found = _install() if os.geteuid() == 0 else _unpack(cache)
    except subprocess.CalledProcessError as failed:
        lines = (failed.stderr or "").strip().splitlines()
        return _none(f"fetching Chromium failed: {lines[-1] if lines else failed}")
    return found if _runs(found) else _none(f"the fetched Chromium {found} does not run")


def _install() -> str:
    _call(["apt-get", "update", "-qq"])
    _call(["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"])
    return "/usr/bin/chromium"


def _unpack(cache: Path) -> str:
    shutil.rmtree(cache, ignore_errors=True)
    for folder in ("lists/partial", "cache/archives/partial", "root"):
        (cache / folder).mkdir(parents=True)
    private = [
        "-o", f"Dir::State::Lists={cache / 'lists'}", "-o", f"Dir::Cache={cache / 'cache'}",
        "-o", "Debug::NoLocking=1",
    ]  # fmt: skip
    _call(["apt-get", *private, "update", "-qq"])
    # The system's package status is kept, so exactly what this machine lacks is fetched.
    _call(["apt-get", *private, "install", "--download-only", "-y", "-qq",
           "--no-install-recommends", "chromium"])  # fmt: skip
    root = cache / "root"
    for package in sorted((cache / "cache" / "archives").glob("*.deb")):
        _call(["dpkg", "-x", str(package), str(root)])
    shutil.rmtree(cache / "cache")
    shutil.rmtree(cache / "lists")
    folders = [folder for folder in (root / "usr" / "lib", root / "lib") if folder.is_dir()]
    libraries = {path.parent for folder in folders for path in folder.rglob("lib*.so.*")}
    wrapper = cache / "chromium.sh"
    joined = ":".join(str(path) for path in sorted(libraries))
    wrapper.write_text(WRAPPER.format(here=root, libraries=joined))
    wrapper.chmod(0o755)
    return str(wrapper)


def _runs(path: str) -> bool:
    try:
        done = subprocess.run([path, "--version"], capture_output=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _call(command: list[str]) -> None:
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"}
    subprocess.run(command, check=True, capture_output=True, text=True, env=quiet)


def _none(reason: str) -> None:
    print(f"Browser tests are skipped: {reason}.", file=sys.stderr, flush=True)
