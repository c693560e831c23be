"""Generated bad input does not break the paper exchange."""

from pathlib import Path

import pytest

from tests.paper_fuzz.generator import Generator
from tests.paper_fuzz.run import run


@pytest.mark.parametrize(
    ("n", "seed"),
    [(2_000, 7), pytest.param(50_000, 1, marks=[pytest.mark.slow, pytest.mark.timeout(1200)])],
)
def test_no_request_breaks_it_and_the_books_balance(tmp_path: Path, n: int, seed: int) -> None:
    report = run(tmp_path / "state.sqlite3", n, seed)
    assert report["wrong"] == []
    assert report["requests"] == n
    answers = report["answers"]
    assert answers["REST 200"] > n // 50  # it is not only garbage that is thrown
    assert answers["REST 400"] > n // 50
    assert answers["/ws-api/v3 200"] > 0
    assert report["orders"] > n // 1000


def test_the_same_seed_deals_the_same_requests() -> None:
    def dealt(seed: int) -> list[object]:
        dealer = Generator(
            seed, [("k", "s")], lambda: 1_795_000_000_000, {"BTCUSDT": 60_000.0, "ETHUSDT": 3_000.0}
        )
        return [(dealer.rest(), dealer.frame(), dealer.subscription()) for _ in range(200)]

    assert dealt(3) == dealt(3)
    assert dealt(3) != dealt(4)
