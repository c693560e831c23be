"""What holds for all code: lint, format, types, the directions between rooms, migrations, locks."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.apps import apps

from tests.stack.served import ROOT

STRICT = ["-p", "risk", "-p", "testudo.events", "-m", "testudo.clock",
          "-p", "trading.exchange.paper", "-m", "trading.exchange.port"]  # fmt: skip

# Every app of ours with migrations; the linter passes over a name it does not know.
OUR_APPS = sorted(
    app.label
    for app in apps.get_app_configs()
    if Path(app.path).is_relative_to(ROOT)
    and (Path(app.path) / "migrations").is_dir()
    and ".venv" not in Path(app.path).parts
)


def passes(*command: str, **variables: str) -> None:
    done = subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=os.environ | variables, capture_output=True,
        text=True, timeout=170, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_linter_finds_nothing():
    passes("-m", "ruff", "check", ".")


def test_everything_is_formatted():
    passes("-m", "ruff", "format", "--check", ".")


def test_the_types_hold_where_they_are_strict():
    passes("-m", "mypy", *STRICT)


def test_no_room_imports_what_it_must_not_know():
    passes("-c", "from importlinter.cli import lint_imports_command as run; run()")


def test_the_models_have_their_migrations():
    passes("manage.py", "makemigrations", "--check", "--dry-run")


def test_no_migration_breaks_the_release_before_it():
    assert {"accounts", "events", "journal", "risk", "trading", "web"} <= set(OUR_APPS)
    passes("manage.py", "lintmigrations", "--sql-analyser", "postgresql", "--warnings-as-errors",
           "--no-cache", "--include-apps", *OUR_APPS)  # fmt: skip


def test_the_system_checks_find_nothing():
    passes("manage.py", "check", "--fail-level", "WARNING")


def pins(lock: str) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9._-]+)==(\S+)", (ROOT / lock).read_text(), re.M))


def test_the_test_packages_hold_every_package_of_the_product_at_the_same_version():
    product, tests = pins("requirements.txt"), pins("requirements-dev.txt")
    assert len(product) > 50
    assert {name: tests.get(name) for name in product} == product


@pytest.mark.parametrize("lock", sorted(path.name for path in ROOT.glob("requirements*.txt")))
def test_every_locked_package_has_its_hashes_and_no_address(lock):
    text = (ROOT / lock).read_text()
    assert text.count("--hash=sha256:") >= len(pins(lock)) > 0
    assert "://" not in text


def test_the_npm_lock_names_exact_versions_by_hash_and_no_address():
    text = (ROOT / "package-lock.json").read_text()
    assert "://" not in text
    locked = {k: v for k, v in json.loads(text)["packages"].items() if k}
    assert all(package["integrity"].startswith("sha512-") for package in locked.values())
    wanted = json.loads((ROOT / "package.json").read_text())["dependencies"]
    assert {f"node_modules/{name}": version for name, version in wanted.items()}.items() <= {
        name: package["version"] for name, package in locked.items()
    }.items()


@pytest.mark.parametrize("script", ["bin/run", "bin/test", "bin/find-python", ".ci/run"])
def test_the_scripts_stop_at_their_first_error(script):
    path = ROOT / script
    assert os.access(path, os.X_OK)
    assert "set -euo pipefail" in path.read_text()
    assert path.read_text().startswith("#!/usr/bin/env bash\n")


def test_no_secret_and_no_state_is_in_the_tree():
    ignored = Path(ROOT / ".gitignore").read_text().split()
    assert {".venv", "var/", "node_modules/", "static_built/", "static_vendor/", ".env"} <= {
        *ignored
    }
