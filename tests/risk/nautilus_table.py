"""Record NautilusTrader's own sizes: `python -m tests.risk.nautilus_table`.

It writes data/nautilus.csv, where nautilus_trader 1.221 is importable. The table keeps the
comparison running everywhere else; nothing in it is ours.
"""

import csv
import random
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

TABLE = Path(__file__).parent / "data" / "nautilus.csv"
ROWS = 400
SEED = 20261123
COLUMNS = ("direction", "entry", "stop", "equity", "risk", "quantity", "rounded")
STEP = Decimal("0.000001")  # of nautilus's own BTCUSDT on Binance
FINE = Decimal("1E-12")  # batches finer than the step: what is left is rounded to the step
MOST = Decimal(9000)


def cases(count: int, seed: int) -> list[dict[str, str]]:
    """Plans on the tick of 0.01, of either direction."""
    chance = random.Random(seed)
    found = []
    for number in range(count):
        entry = Decimal(chance.randint(100_00, 120_000_00)) / 100
        share = Decimal(chance.randint(10, 1500)) / 10_000  # stops 0.1 % to 15 % away
        distance = max((entry * share).quantize(Decimal("0.01")), Decimal("0.01"))
        long = number % 2 == 0
        found.append(
            {
                "direction": "long" if long else "short",
                "entry": str(entry),
                "stop": str(entry - distance if long else entry + distance),
                "equity": str(Decimal(chance.randint(10_000, 10_000_000)) / 100),
                "risk": str(Decimal(chance.randint(10, 600)) / 10_000),  # 0.1 % to 6 %
            }
        )
    return found


class Peer:
    """NautilusTrader's FixedRiskSizer on its BTCUSDT. Raises: ImportError, where it is missing."""

    def __init__(self) -> None:
        from nautilus_trader.model.currencies import USDT
        from nautilus_trader.model.objects import Money, Price
        from nautilus_trader.risk.sizing import FixedRiskSizer
        from nautilus_trader.test_kit.providers import TestInstrumentProvider

        instrument = TestInstrumentProvider.btcusdt_binance()
        if instrument.size_increment.as_decimal() != STEP:
            raise ImportError("this nautilus_trader has another BTCUSDT than 1.221")
        self.sizer = FixedRiskSizer(instrument)
        self._money, self._price, self._currency = Money, Price, USDT

    def arguments(self, case: dict[str, str]) -> tuple[Any, ...]:
        """Objects ready, as `calculate` takes them."""
        return (
            self._price(float(case["entry"]), 2),
            self._price(float(case["stop"]), 2),
            self._money(float(case["equity"]), self._currency),
            Decimal(case["risk"]),
        )

    def quantity(self, case: dict[str, str], batch: Decimal = STEP) -> str:
        """In whole batches; with batches as `FINE` its own rounding to the step shows."""
        sized = self.sizer.calculate(*self.arguments(case), Decimal(0), Decimal(1), None, batch, 1)
        return str(sized.as_decimal())


def main() -> None:
    peer = Peer()
    with TABLE.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        for case in cases(ROWS, SEED):
            sizes = {"quantity": peer.quantity(case), "rounded": peer.quantity(case, FINE)}
            writer.writerow({**case, **sizes})


if __name__ == "__main__":
    sys.exit(main())
