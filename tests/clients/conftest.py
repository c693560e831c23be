"""A paper exchange as a real process, and accounts on it, for clients that nobody here wrote."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from tests.paper.process import PaperProcess

BTC = "BTCUSDT"


@dataclass(frozen=True, slots=True)
class Keys:
    """One account's key, and the market it meets."""

    server: PaperProcess
    key: str
    secret: str

    @property
    def last(self) -> float:
        """The last price of BTCUSDT."""
        return float(self.server.admin("state")["symbols"][BTC])

    def at(self, factor: float) -> str:
        """A price that many times the last one, on the tick."""
        return f"{self.last * factor:.2f}"


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PaperProcess]:
    process = PaperProcess(tmp_path_factory.mktemp("clients") / "state.sqlite3")
    yield process
    process.close()


@pytest.fixture
def open_account(server: PaperProcess) -> Callable[..., Keys]:
    def made(**balances: str) -> Keys:
        account = server.admin("accounts", balances=balances or {"USDT": "10000", "BTC": "0.5"})
        return Keys(server, account["key"], account["secret"])

    return made


@pytest.fixture
def keys(open_account: Callable[..., Keys]) -> Keys:
    """An account of 10,000 USDT and half a bitcoin."""
    return open_account()
