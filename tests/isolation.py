"""Loaded before settings: every test worker has a Redis server of its own.

Databases of one server would not do: what is published reaches all of them, and some tests cut
every connection of the server.
"""

import os

worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
servers = os.environ.get("TEST_REDIS_URLS", "").split()
if servers:
    os.environ["REDIS_URL"] = servers[int(worker.removeprefix("gw")) % len(servers)]
