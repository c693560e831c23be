"""Named places where a test may let a process die. Nothing at all unless the environment asks.

`TESTUDO_FAILPOINTS="after_claim_before_send=kill"` kills the process with SIGKILL on reaching that
place, which is how a power cut looks. Production sets nothing and pays one falsy check.
"""

import os
import signal

_armed = dict(
    entry.split("=", 1) for entry in os.environ.get("TESTUDO_FAILPOINTS", "").split(",") if entry
)


def reach(name: str) -> None:
    """Die here if the environment armed this place."""
    if _armed and _armed.get(name) == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
