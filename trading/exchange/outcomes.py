"""Which answers to an order mean it certainly did not reach the book (R3). All others: look it up.

Source: Binance's errors.md; RELIABILITY R3. A code that is not listed here is Unknown, because an
order wrongly taken for refused may be bought a second time, and a needless look-up costs a query.
"""

from trading.exchange.port import Refused, Unknown

# Refused before the matching engine. -2010 is refused by the engine itself: it does not rest.
DEFINITE_NO = frozenset(
    {
        -1002,  # unauthorised
        -1003,  # too many requests (429, 418): not taken in
        -1013,  # a filter
        -1014,  # unknown order composition
        -1015,  # too many new orders
        -1020,  # unsupported operation
        -1021,  # timestamp outside recvWindow: the fence of R5 at work
        -1022,  # signature
        -1034,  # too many new connections
        -1108,
        *range(-1199, -1099),  # -11xx: malformed parameters
        -1220, -1221, -1222, -1223, -1224, -1225,  # order list rules
        -2010,  # new order rejected, "Duplicate order sent." apart
        -2014,  # key format
        -2015,  # key, IP or rights
        -2016,  # no trading window
    }
)  # fmt: skip
DUPLICATE = "Duplicate order sent."


def refusal(*, status: int, code: int | None, message: str) -> Refused | Unknown:
    """Class a non-2xx answer to an order."""
    if status >= 500 or status == 403 or code is None:
        return Unknown(f"HTTP {status}, code {code}: {message}")
    if code == -2010 and DUPLICATE in message:
        return Unknown("The exchange already holds an order of ours by this id.")
    if status in (418, 429) or code in DEFINITE_NO:
        return Refused(code, message)
    return Unknown(f"HTTP {status}, code {code}: {message}")
