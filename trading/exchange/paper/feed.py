"""Open a market feed by its specification, as `paper_exchange --feed` names it."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

from trading.exchange.paper.live import LiveFeed, LiveVenue
from trading.exchange.paper.replay import ReplayFeed
from trading.exchange.paper.script import ScriptFeed
from trading.exchange.paper.synthetic import SyntheticFeed
from trading.exchange.paper.synthetic_markets import MARKETS
from trading.exchange.paper.values import Feed

DEFAULT_SYMBOLS = ("BTCUSDT", "ETHUSDT")


def open_feed(
    spec: str,
    *,
    symbols: Sequence[str] = (),
    seed: int = 1,
    speed: str = "1",
    venue: LiveVenue | None = None,
    now_ms: int,
) -> Feed:
    """The feed that `spec` names, standing at `now_ms`: `synthetic`, `replay:FILES`,
    `script:FILE` or `binance`. Without `symbols`: all of the files', else DEFAULT_SYMBOLS.

    Raises: ValueError (of which BadTape), in one sentence, for what cannot be.
    """
    kind, _, files = spec.partition(":")
    try:
        rate = Fraction(speed)
    except (ValueError, ZeroDivisionError):
        raise ValueError(f"--speed is a number such as 60 or 0.5, not {speed}.") from None
    if rate != 1 and kind != "replay":
        raise ValueError(f"--speed is for replayed tapes; the {kind} market keeps time.")
    if kind == "replay" and files:
        return ReplayFeed(files, now_ms=now_ms, speed=rate, symbols=symbols)
    if kind == "script" and files:
        return ScriptFeed(Path(files), now_ms=now_ms, symbols=symbols)
    if spec == "binance":
        return LiveFeed(symbols or DEFAULT_SYMBOLS, venue=venue or LiveVenue(), now_ms=now_ms)
    if spec == "synthetic":
        return SyntheticFeed(tuple(symbols) or DEFAULT_SYMBOLS, seed=seed, now_ms=now_ms)
    raise ValueError(
        f"There is no feed {spec!r}. Use --feed synthetic, replay:FILE, script:FILE or binance."
    )


def known_symbols() -> tuple[str, ...]:
    """Every symbol the synthetic market can show."""
    return tuple(MARKETS)
