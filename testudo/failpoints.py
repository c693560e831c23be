"""Named places where a test may let a process die. Nothing at all unless the environment asks.

`TESTUDO_FAILPOINTS="after_claim_before_send=kill"` kills the process with SIGKILL on reaching that
place, which is how a power cut looks. Production sets nothing and pays one look into a cache.
"""

import os
import signal
from functools import lru_cache


def reach(name: str) -> None:
    """Die here if the environment armed this place."""
    if name in _armed():
        os.kill(os.getpid(), signal.SIGKILL)


@lru_cache(maxsize=1)
def _armed() -> frozenset[str]:
    """The places to die at, read on first use: a forked process gets its environment late."""
    entries = os.environ.get("TESTUDO_FAILPOINTS", "").split(",")
    return frozenset(entry.removesuffix("=kill") for entry in entries if entry.endswith("=kill"))
