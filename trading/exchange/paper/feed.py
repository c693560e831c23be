"""Open a market feed by its specification, as `paper_exchange --feed` names it."""

from __future__ import annotations

from collections.abc import Sequence

from trading.exchange.paper.synthetic import SyntheticFeed
from trading.exchange.paper.synthetic_markets import MARKETS
from trading.exchange.paper.values import Feed


def open_feed(spec: str, *, symbols: Sequence[str] = (), seed: int = 1, now_ms: int) -> Feed:
    """The feed that `spec` names, standing at `now_ms`.

    `synthetic` is the only kind so far. Raises: ValueError, for another one or a symbol that the
    feed does not have.
    """
    kind = spec.partition(":")[0]
    if kind != "synthetic":
        raise ValueError(f"There is no feed {spec!r}. Use --feed synthetic.")
    return SyntheticFeed(tuple(symbols) or ("BTCUSDT", "ETHUSDT"), seed=seed, now_ms=now_ms)


def known_symbols() -> tuple[str, ...]:
    """Every symbol the synthetic market can show."""
    return tuple(MARKETS)
