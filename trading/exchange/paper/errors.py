"""What the exchange refuses, in Binance's own numbers and words.

Source: binance-spot-api-docs, `errors.md`. The `code` and `message` go on the wire as
`{"code": …, "msg": …}`; `status` is the HTTP status of a REST answer, or a WS API one's `status`.
"""

from __future__ import annotations

from typing import Any


class BinanceError(Exception):
    """A refusal as Binance words it. `headers` are added to the REST answer (Retry-After)."""

    def __init__(
        self, code: int, message: str, status: int = 400, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(f"{code} {message}")
        self.code = code
        self.message = message
        self.status = status
        self.headers = headers or {}
        self.data: dict[str, Any] | None = None  # what did happen, where that is part of it

    def body(self) -> dict[str, Any]:
        """The JSON body of the refusal."""
        body: dict[str, Any] = {"code": self.code, "msg": self.message}
        return body if self.data is None else body | {"data": self.data}


def unknown_fault() -> BinanceError:
    """-1000: something broke on our side; the outcome is not known."""
    return BinanceError(
        -1000, "An unknown error occurred while processing the request.", status=500
    )


def unauthorized() -> BinanceError:
    return BinanceError(-1002, "You are not authorized to execute this request.", status=401)


def too_many_requests(retry_after: int, limit: int = 6000) -> BinanceError:
    """-1003 with `Retry-After` in seconds."""
    return BinanceError(
        -1003,
        f"Too much request weight used; current limit is {limit} request weight per 1 MINUTE. "
        "Please use WebSocket Streams for live updates to avoid polling the API.",
        status=429,
        headers={"Retry-After": str(retry_after)},
    )


def too_many_orders(limit: int, interval: str, retry_after: int) -> BinanceError:
    return BinanceError(
        -1015,
        f"Too many new orders; current limit is {limit} orders per {interval}.",
        status=429,
        headers={"Retry-After": str(retry_after)},
    )


def banned(until_ms: int, retry_after: int) -> BinanceError:
    """418 -1003: 429 was ignored."""
    return BinanceError(
        -1003,
        f"Way too much request weight used; IP banned until {until_ms}. "
        "Please use WebSocket Streams for live updates to avoid bans.",
        status=418,
        headers={"Retry-After": str(retry_after)},
    )


def too_many_raw_requests(limit: int, retry_after: int) -> BinanceError:
    return BinanceError(
        -1003,
        f"Too many requests; current limit is {limit} requests per 5 MINUTE.",
        status=429,
        headers={"Retry-After": str(retry_after)},
    )


def unsupported(what: str = "This operation is not supported.") -> BinanceError:
    return BinanceError(-1020, what)


def outside_recv_window() -> BinanceError:
    return BinanceError(-1021, "Timestamp for this request is outside of the recvWindow.")


def ahead_of_server() -> BinanceError:
    return BinanceError(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")


def bad_signature() -> BinanceError:
    return BinanceError(-1022, "Signature for this request is not valid.")


def illegal_characters(parameter: str, legal: str) -> BinanceError:
    return BinanceError(
        -1100, f"Illegal characters found in parameter '{parameter}'; legal range is '{legal}'."
    )


def duplicate_values(parameter: str) -> BinanceError:
    return BinanceError(-1101, f"Duplicate values for parameter '{parameter}'.")


def missing(parameter: str) -> BinanceError:
    return BinanceError(
        -1102, f"Mandatory parameter '{parameter}' was not sent, was empty/null, or malformed."
    )


def missing_either(first: str, second: str) -> BinanceError:
    return BinanceError(
        -1102,
        f"Param '{first}' or '{second}' must be sent, but both were empty/null!",
    )


def unread_parameters(read: int, sent: int) -> BinanceError:
    return BinanceError(
        -1104,
        f"Not all sent parameters were read; read '{read}' parameter(s) but was sent '{sent}'.",
    )


def empty(parameter: str) -> BinanceError:
    return BinanceError(-1105, f"Parameter '{parameter}' was empty.")


def not_required(parameter: str) -> BinanceError:
    return BinanceError(-1106, f"Parameter '{parameter}' sent when not required.")


def overflowed(parameter: str) -> BinanceError:
    return BinanceError(-1108, f"Parameter '{parameter}' overflowed.")


def too_precise(parameter: str) -> BinanceError:
    return BinanceError(-1111, f"Parameter '{parameter}' has too much precision.")


def bad_time_in_force() -> BinanceError:
    return BinanceError(-1115, "Invalid timeInForce.")


def bad_order_type() -> BinanceError:
    return BinanceError(-1116, "Invalid orderType.")


def bad_side() -> BinanceError:
    return BinanceError(-1117, "Invalid side.")


def bad_interval() -> BinanceError:
    return BinanceError(-1120, "Invalid interval.")


def bad_symbol() -> BinanceError:
    return BinanceError(-1121, "Invalid symbol.")


def bad_symbol_status() -> BinanceError:
    return BinanceError(-1122, "Invalid symbolStatus.")


def symbol_not_in_status() -> BinanceError:
    return BinanceError(-1220, "The symbol's status does not match the requested symbolStatus.")


def no_such_listen_key() -> BinanceError:
    return BinanceError(-1125, "This listenKey does not exist.")


def interval_too_long(hours: int = 24) -> BinanceError:
    return BinanceError(-1127, f"More than {hours} hours between startTime and endTime.")


def bad_combination() -> BinanceError:
    return BinanceError(-1128, "Combination of optional parameters invalid.")


def bad_parameter(parameter: str) -> BinanceError:
    return BinanceError(-1130, f"Data sent for parameter '{parameter}' is not valid.")


def window_too_long() -> BinanceError:
    return BinanceError(-1131, "recvWindow must be less than 60000")


def bad_json() -> BinanceError:
    return BinanceError(-1135, "Invalid JSON Request")


def bad_response_type() -> BinanceError:
    return BinanceError(-1136, "Invalid newOrderRespType")


def duplicate_symbols() -> BinanceError:
    return BinanceError(-1151, "Symbol is present multiple times in the list.")


def bad_time_unit() -> BinanceError:
    return BinanceError(
        -1194, "Invalid value for time unit; expected either MICROSECOND or MILLISECOND."
    )


def too_many_connections(limit: int, interval: str) -> BinanceError:
    return BinanceError(
        -1034,
        f"Too many connection attempts from IP; current limit is {limit} per '{interval}'.",
        status=429,
    )


def bad_message(text: str) -> BinanceError:
    return BinanceError(-1013, text)


KEY_CODES = (-2014, -2015)


def bad_key_format() -> BinanceError:
    return BinanceError(-2014, "API-key format invalid.", status=401)


def rejected_key() -> BinanceError:
    return BinanceError(-2015, "Invalid API-key, IP, or permissions for action.", status=401)


def already_subscribed() -> BinanceError:
    return BinanceError(-2035, "User Data Stream subscription already active.")


def too_many_subscriptions() -> BinanceError:
    return BinanceError(-2042, "Maximum subscription ID reached for this connection.")


def too_many_streams(limit: int) -> BinanceError:
    return BinanceError(
        -1191,
        f"Too many subscriptions. Connection may create up to '{limit}' subscriptions at a time.",
    )


def hmac_unsupported() -> BinanceError:
    """-4056: errors.md does not have it; Binance answers it to `session.logon` all the same."""
    return BinanceError(-4056, "HMAC_SHA256 API key is not supported.")


def not_subscribed() -> BinanceError:
    return BinanceError(-2036, "User Data Stream subscription not active.")


def not_within_90_days() -> BinanceError:
    """-4047: the wallet's histories of deposits and withdrawals look back so far at once."""
    return BinanceError(-4047, "Time interval must be within 0-90 days")
