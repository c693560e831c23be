"""Where the embedded servers of a home are, as the environment variables settings read.

Only the standard library: `testudo.settings` asks this before anything else is imported, so that
`manage.py` in a second terminal finds the stack that `bin/run` started.
"""

import json
from collections.abc import MutableMapping
from pathlib import Path

SECRETS = "secrets.json"  # mode 0600; see `home.Home`
PORTS = "ports.json"


def fill(environ: MutableMapping[str, str], home: Path) -> None:
    """Set what `environ` leaves open from the stack kept in `home`; nothing if there is none."""
    try:
        secrets = json.loads((home / SECRETS).read_text())
        ports = json.loads((home / PORTS).read_text())
    except FileNotFoundError:
        return
    for name, value in environment(secrets, ports).items():
        environ.setdefault(name, value)


def environment(secrets: dict[str, str], ports: dict[str, int]) -> dict[str, str]:
    """The variables that point at the embedded servers. Holds secrets: never print it."""
    found = {
        "SECRET_KEY": secrets["secret_key"],
        "MASTER_KEYS": secrets["master_keys"],
        "PAPER_ADMIN_TOKEN": secrets["paper_admin_token"],
    }
    if "decision_keys" in secrets:  # a home of an older version has none until it starts again
        found["DECISION_KEYS"] = secrets["decision_keys"]
    if "postgres" in ports:
        user = f"testudo:{secrets['database_password']}"
        found["DATABASE_URL"] = f"postgres://{user}@127.0.0.1:{ports['postgres']}/testudo"
    if "valkey" in ports:
        found["REDIS_URL"] = f"redis://:{secrets['redis_password']}@127.0.0.1:{ports['valkey']}/0"
    if "paper" in ports:
        paper = f"127.0.0.1:{ports['paper']}"
        found["PAPER_REST_URL"] = f"http://{paper}"
        found["PAPER_WS_API_URL"] = f"ws://{paper}/ws-api/v3"
        found["PAPER_STREAM_URL"] = f"ws://{paper}"
        found["PAPER_ADMIN_URL"] = f"http://{paper}/paper-admin"
    return found
