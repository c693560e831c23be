"""An exchange on a scripted market, for every test of the paper exchange."""

import pytest

from tests.paper.scripted import Bench, Trader


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
def trader(bench: Bench) -> Trader:
    """An account of 10,000 USDT, BTC at 60,000."""
    return bench.trader()
