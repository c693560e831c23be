"""Loaded before settings: every test worker gets a Redis database of its own."""

import os
from urllib.parse import urlsplit

worker = os.environ.get("PYTEST_XDIST_WORKER")
if worker and "REDIS_URL" in os.environ:
    number = 1 + int(worker.removeprefix("gw"))
    os.environ["REDIS_URL"] = urlsplit(os.environ["REDIS_URL"])._replace(path=f"/{number}").geturl()
