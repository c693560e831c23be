"""Public market data by REST: what `stream_market` reads beside its stream. Reads only, no keys.

It comes from the address that orders come from, and counts in its budget and its bans (R21).
"""

from typing import Any

import orjson
import requests

from risk.listing import CALCULATION, EXECUTION_RULES
from testudo import clock
from trading.exchange.port import Budget, RequestsHeld
from trading.exchange.venues import VenueUrls
from trading.exchange.weights import weight_of
from trading.market.candles import Minute

TIMEOUT = (3, 10)  # seconds to connect, to read
PAGE = 1000  # the most candles of one answer
MINUTE_MS = 60_000
NOT_FOUND = 404
NO_REFERENCE_PRICE = -2043  # "This symbol doesn't have a reference price."


class MarketUnavailable(Exception):
    """A question went unanswered, or the answer made no sense. Ask again after `wait` seconds."""

    def __init__(self, message: str, *, wait: float = 0, status: int = 0, code: int = 0) -> None:
        super().__init__(message)
        self.wait = wait
        self.status = status  # HTTP's; 0 where no answer came
        self.code = code  # Binance's own; 0 where there is none


class VenueRest:
    """One venue's public REST. Blocking: call it in a thread."""

    def __init__(self, urls: VenueUrls, *, budget: Budget) -> None:
        self._root = urls.rest
        self._budget = budget
        self._session = requests.Session()
        # The paper exchange stands on this machine: a proxy for the outside must not be asked.
        self._session.trust_env = urls.name != "paper"

    def now_ms(self) -> int:
        """The venue's own time: what has closed is told by its clock. Raises: MarketUnavailable."""
        said = self._get("time")
        try:
            return int(said["serverTime"])
        except (TypeError, ValueError, KeyError) as error:
            raise MarketUnavailable(f"time makes no sense: {error!r}") from error

    def minutes(self, symbol: str, start_ms: int, *, now_ms: int) -> tuple[list[Minute], int]:
        """A page of minutes from `start_ms` closed by `now_ms`, and where the next page begins.

        Raises: MarketUnavailable.
        """
        rows = self._get(
            "klines", symbol=symbol, interval="1m", startTime=str(start_ms), limit=str(PAGE)
        )
        try:
            closed = [Minute(int(row[0]), *row[1:6]) for row in rows if row[6] < now_ms]
            following = int(rows[-1][0]) + MINUTE_MS if len(rows) == PAGE else now_ms
        except (TypeError, ValueError, IndexError) as error:
            raise MarketUnavailable(f"klines of {symbol} make no sense: {error!r}") from error
        return closed, following

    def quotes(self, symbols: list[str]) -> dict[str, tuple[str, str, str]]:
        """The last price, best bid and best ask of each symbol. Raises: MarketUnavailable."""
        names = orjson.dumps(symbols).decode()
        last = self._get("ticker/price", symbols=names)
        touch = self._get("ticker/bookTicker", symbols=names)
        try:
            prices = {row["symbol"]: row["price"] for row in last}
            return {
                row["symbol"]: (prices[row["symbol"]], row["bidPrice"], row["askPrice"])
                for row in touch
            }
        except (TypeError, KeyError) as error:
            raise MarketUnavailable(f"tickers make no sense: {error!r}") from error

    def exchange_info(self, symbols: list[str]) -> dict[str, Any]:
        """The rules of these symbols. Raises: MarketUnavailable."""
        info = self._get("exchangeInfo", symbols=orjson.dumps(symbols).decode())
        if not isinstance(info, dict) or not isinstance(info.get("symbols"), list):
            raise MarketUnavailable("exchangeInfo came without symbols")
        return info

    def execution_rules(self, symbols: list[str]) -> dict[str, dict[str, Any]]:
        """Of each symbol its execution rules and how the price they measure by is calculated, as
        `risk.listing` reads them. Empty where the venue has no such rules.

        Weight: 2 a symbol (40 at most), and 2 for each that has a rule. Raises: MarketUnavailable.
        """
        try:
            said = self._get("executionRules", symbols=orjson.dumps(symbols).decode())
        except MarketUnavailable as error:
            if error.status == NOT_FOUND:
                return {}
            raise
        try:
            rules = {each["symbol"]: each["rules"] for each in said["symbolRules"]}
        except (TypeError, KeyError) as error:
            raise MarketUnavailable(f"executionRules make no sense: {error!r}") from error
        return {
            symbol: {
                EXECUTION_RULES: own,
                CALCULATION: self._calculation(symbol) if own else None,
            }
            for symbol, own in rules.items()
        }

    def _calculation(self, symbol: str) -> Any:
        """How a symbol's reference price comes about; None where it has none."""
        try:
            return self._get("referencePrice/calculation", symbol=symbol)
        except MarketUnavailable as error:
            if error.code == NO_REFERENCE_PRICE:
                return None
            raise

    def _get(self, path: str, **params: str) -> Any:
        url = f"{self._root}/api/v3/{path}"
        try:
            self._budget.take(weight_of("GET", path, params))
        except RequestsHeld as held:
            wait = (held.until - clock.now()).total_seconds()
            raise MarketUnavailable(f"{path} was not asked: {held}", wait=max(wait, 0)) from held
        try:
            reply = self._session.get(url, params=params, timeout=TIMEOUT)
            self._budget.heard(
                status=reply.status_code,
                headers=reply.headers,
                code=None if reply.ok else _code_of(reply.content) or None,
            )
            if not reply.ok:
                wait = reply.headers.get("Retry-After", "")
                raise MarketUnavailable(
                    f"{path}: HTTP {reply.status_code}: {reply.text[:200]}",
                    wait=float(wait) if wait.isdigit() else 0,
                    status=reply.status_code,
                    code=_code_of(reply.content),
                )
            return orjson.loads(reply.content)
        except (requests.RequestException, orjson.JSONDecodeError) as error:
            raise MarketUnavailable(f"{path}: {error}") from error


def _code_of(body: bytes) -> int:
    """The code in Binance's refusal; 0 where the body is none (an HTML page of a proxy, say)."""
    try:
        code = orjson.loads(body)["code"]
    except (orjson.JSONDecodeError, TypeError, KeyError):
        return 0
    return code if isinstance(code, int) else 0
