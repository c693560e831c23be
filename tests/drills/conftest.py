"""The order path on virtual time, for tests of what the drills check with."""

from tests.trading.conftest import _master_key, account, alice, draw, floor

__all__ = ["_master_key", "account", "alice", "draw", "floor"]
