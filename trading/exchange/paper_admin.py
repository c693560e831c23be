"""The paper exchange's loopback door: opens practice accounts, deposits, moves its market.

Binance has no such thing; nothing on an order's path uses it.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import requests
from django.conf import settings

from trading.credentials import ApiKeys
from trading.exchange.port import ExchangeUnavailable

TIMEOUT = (3, 10)  # seconds: connect, read


def open_paper_account(balances: Mapping[str, Decimal]) -> ApiKeys:
    """A fresh account with these balances. Raises: ExchangeUnavailable."""
    answer = _post("accounts", {"balances": {asset: f"{b:f}" for asset, b in balances.items()}})
    return ApiKeys(answer["key"], answer["secret"])


def move_market(symbol: str, price: Decimal, *, over_ms: int = 1000) -> None:
    """Walk the market of one symbol to a price. Raises: ExchangeUnavailable."""
    _post("move", {"symbol": symbol, "price": f"{price:f}", "over_ms": over_ms})


def _post(path: str, body: Mapping[str, Any]) -> dict[str, Any]:
    headers = {"X-Paper-Admin-Token": settings.PAPER_ADMIN_TOKEN}
    url = f"{settings.PAPER_ADMIN_URL}/{path}"
    try:
        answer = requests.post(url, json=body, headers=headers, timeout=TIMEOUT)
        answer.raise_for_status()
        return dict(answer.json())
    except (requests.RequestException, ValueError) as error:
        raise ExchangeUnavailable(
            f"The paper exchange did not answer ({type(error).__name__}). Try again in a moment."
        ) from error
