"""Whose work we use is named, with the versions the lock files hold."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
NOTICES = (ROOT / "THIRD-PARTY-NOTICES").read_text("utf-8")


def plain(name):
    return re.sub(r"[-_.]+", "-", name).lower()


NAMED = {
    (plain(found[1]), found[2]) for found in re.finditer(r"^(\S+) (\d\S*)  +\S", NOTICES, re.M)
}


def locked():
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    for line in lines:
        if found := re.match(r"([A-Za-z0-9._-]+)==([^\s;\\]+)", line):
            yield plain(found[1]), found[2]
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    for path, entry in packages.items():
        if path:
            yield plain(path.rpartition("node_modules/")[2]), entry["version"]


def test_every_locked_package_is_named_with_its_version_and_no_other_is():
    assert set(locked()) == NAMED, "Run .venv/bin/python bin/notices.py"


@pytest.mark.parametrize(
    "text", ["TradingView Lightweight Charts™", "https://www.tradingview.com/"]
)
def test_the_charts_makers_notice_is_there(text):
    assert text in NOTICES


def test_testudo_itself_is_under_the_mit_licence():
    assert (ROOT / "LICENSE").read_text().startswith("MIT License")
