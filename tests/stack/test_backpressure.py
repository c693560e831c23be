"""R22: the page on queues says what the code does: every bound it names is there, and is that."""

import asyncio
import importlib
import re
from datetime import timedelta
from decimal import Decimal

import pytest

from tests.stack.served import ROOT
from testudo.redis_clients import MOST_WAITING, NewestOnly

PAGE = ROOT / "docs" / "backpressure.md"
NAMED = re.compile(r"`([a-z_.]+):([A-Z_]+)`(?: = ([\d.]+))?")


def bounds() -> list[tuple[str, str, str]]:
    return sorted(set(NAMED.findall(PAGE.read_text())))


def test_the_page_names_bounds():
    assert len(bounds()) >= 25


@pytest.mark.parametrize(("module", "name", "value"), bounds(), ids=lambda each: each)
def test_every_bound_the_page_names_is_in_the_code_with_that_value(module, name, value):
    found = getattr(importlib.import_module(module), name)
    if not value:
        return
    if isinstance(found, timedelta):
        found = found.total_seconds()
    assert Decimal(str(found)) == Decimal(value), f"docs/backpressure.md: {module}:{name}"


def test_every_row_of_the_page_says_what_happens_when_it_is_full():
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    rows = [line for line in rows if not line.startswith("| queue")]
    assert rows
    for row in rows:
        queue, bound, full = (cell.strip() for cell in row.strip("|").split(" | "))
        assert queue, row
        assert bound, row
        assert full, row


def test_a_page_that_takes_nothing_keeps_the_newest_and_loses_the_oldest():
    async def fill() -> list[int]:
        waiting = NewestOnly()
        for number in range(MOST_WAITING + 50):
            waiting.put_nowait(str(number).encode())
        return [int(waiting.get_nowait()) for _ in range(waiting.qsize())]

    kept = asyncio.run(fill())
    assert kept == list(range(50, MOST_WAITING + 50))


def test_no_queue_of_ours_is_made_without_a_bound():
    """`asyncio.Queue()` grows without end; the one that does is watched by its reader."""
    allowed = {"trading/exchange/user_stream.py"}  # let go at four fifths of MOST_BUFFERED
    found = {
        str(path.relative_to(ROOT))
        for app in ("testudo", "trading", "accounts", "journal", "billing")
        for path in (ROOT / app).rglob("*.py")
        if "exchange/paper" not in str(path)
        and "testudo/stack" not in str(path)
        and re.search(r"(?<![A-Za-z])(Queue(\[[^(]*\])?\(\)|deque\(\))", path.read_text())
    }
    assert found - {"trading/market/hub.py"} == allowed  # the hub counts characters itself
