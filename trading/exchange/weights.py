"""What a request weighs (Binance, rest-api.md), of those we make."""

from collections.abc import Mapping

READS = {
    "account": 20, "account/commission": 20, "allOrders": 20, "exchangeInfo": 20, "myFilters": 40,
    "order": 4, "orderList": 4, "openOrderList": 6, "ping": 1, "time": 1,
    "executionRules": 40, "ticker/price": 4, "ticker/bookTicker": 4,  # of several symbols
}  # fmt: skip
OTHER = 2
WEIGHT_OF_ORDER = 10  # with the looks at the clock before it


def weight_of(method: str, path: str, fields: Mapping[str, object]) -> int:
    """The weight of a REST call. `path` is what follows `/api/v3/` or `/sapi/v1/`.

    An order or a cancel weighs 1; a successful one costs nothing, which the exchange's own count
    then says.
    """
    if method.upper() != "GET":
        return 1
    if path == "openOrders":
        return 6 if "symbol" in fields else 80
    if path == "myTrades":
        return 5 if "orderId" in fields else 20
    return READS.get(path, OTHER)
