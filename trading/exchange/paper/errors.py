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


# -- the request itself ---------------------------------------------------------------------------


def unknown_fault() -> BinanceError:
    """-1000: something broke on our side; the outcome is not known."""
    return BinanceError(
        -1000, "An unknown error occurred while processing the request.", status=500
    )


def unauthorized() -> BinanceError:
    return BinanceError(-1002, "You are not authorized to execute this request.", status=401)


def too_many_requests(retry_after: int) -> BinanceError:
    """-1003 with `Retry-After` in seconds."""
    return BinanceError(
        -1003,
        "Too much request weight used; current limit is 6000 request weight per 1 MINUTE. "
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


def cancel_replace_failed(data: dict[str, Any], status: int = 400) -> BinanceError:
    """-2022: neither half of a cancel-replace worked."""
    error = BinanceError(-2022, "Order cancel-replace failed.", status=status)
    error.data = data
    return error


def cancel_replace_partial(data: dict[str, Any], status: int = 409) -> BinanceError:
    """-2021: one half of a cancel-replace worked."""
    error = BinanceError(-2021, "Order cancel-replace partially failed.", status=status)
    error.data = data
    return error


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


def too_many_parameters(expected: int, received: int) -> BinanceError:
    return BinanceError(
        -1101,
        f"Too many parameters; expected '{expected}' and received '{received}'.",
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


def bad_strategy_type() -> BinanceError:
    return BinanceError(-1134, "`strategyType` was less than 1000000.")


def window_too_long() -> BinanceError:
    return BinanceError(-1131, "recvWindow must be less than 60000")


def bad_json() -> BinanceError:
    return BinanceError(-1135, "Invalid JSON Request")


def bad_response_type() -> BinanceError:
    return BinanceError(-1136, "Invalid newOrderRespType")


def bad_cancel_restrictions() -> BinanceError:
    return BinanceError(-1145, "Invalid cancelRestrictions")


def leg_unsupported() -> BinanceError:
    return BinanceError(-1158, "Order type not supported in OCO.")


def working_type_unsupported() -> BinanceError:
    return unsupported_combination()


def buy_limit_must_be_below() -> BinanceError:
    return BinanceError(-1165, "A limit order in a buy OCO must be below.")


def sell_limit_must_be_above() -> BinanceError:
    return BinanceError(-1166, "A limit order in a sell OCO must be above.")


def both_limit() -> BinanceError:
    return BinanceError(-1168, "At least one OCO order must be contingent.")


def buy_stop_must_be_above() -> BinanceError:
    return BinanceError(-1196, "A stop loss order in a buy OCO must be above.")


def sell_stop_must_be_below() -> BinanceError:
    return BinanceError(-1197, "A stop loss order in a sell OCO must be below.")


def buy_target_must_be_below() -> BinanceError:
    return BinanceError(-1198, "A take profit order in a buy OCO must be below.")


def sell_target_must_be_above() -> BinanceError:
    return BinanceError(-1199, "A take profit order in a sell OCO must be above.")


def opo_must_buy() -> BinanceError:
    return BinanceError(-1222, "Working order in an OPO list must be a bid.")


def opo_must_then_sell() -> BinanceError:
    return BinanceError(-1223, "Pending orders in an OPO list must be asks.")


def unsupported_combination() -> BinanceError:
    return BinanceError(-1014, "Unsupported order combination.")


def iceberg_needs_gtc(parameter: str, in_force: str) -> BinanceError:
    return BinanceError(
        -1160, f"Parameter '{parameter}' is not supported if `{in_force}` is not GTC."
    )


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


def stp_mode_not_allowed() -> BinanceError:
    return BinanceError(
        -1013, "This symbol does not allow the specified self-trade prevention mode."
    )


# -- orders ---------------------------------------------------------------------------------------


def filter_failure(name: str) -> BinanceError:
    """-1013, naming the filter of exchangeInfo that the order breaks."""
    return BinanceError(-1013, f"Filter failure: {name}")


def bad_message(text: str) -> BinanceError:
    return BinanceError(-1013, text)


def rejected(reason: str) -> BinanceError:
    """-2010: the engine refused the order."""
    return BinanceError(-2010, reason)


INSUFFICIENT_BALANCE = "Account has insufficient balance for requested action."
DUPLICATE_ORDER = "Duplicate order sent."
WOULD_TRIGGER = "Order would trigger immediately."
WOULD_TAKE = "Order would immediately match and take."
PRICE_RELATION = "The relationship of the prices for the orders is not correct."
MARKET_CLOSED = "Market is closed."
UNKNOWN_ORDER = "Unknown order sent."
ICEBERG_TOO_LARGE = "IcebergQty exceeds QTY."
MAY_NOT_TRADE = "This account may not place or cancel orders."
NO_STATE_CHANGE = "The requested action would change no state; rejecting"


def insufficient_balance() -> BinanceError:
    return rejected(INSUFFICIENT_BALANCE)


def duplicate_order() -> BinanceError:
    return rejected(DUPLICATE_ORDER)


def would_trigger() -> BinanceError:
    return rejected(WOULD_TRIGGER)


def would_take() -> BinanceError:
    return rejected(WOULD_TAKE)


def wrong_price_relation() -> BinanceError:
    return rejected(PRICE_RELATION)


def unknown_order() -> BinanceError:
    """-2011: the order to cancel is not open (never was, filled, or already cancelled)."""
    return BinanceError(-2011, UNKNOWN_ORDER)


def unknown_order_list() -> BinanceError:
    return BinanceError(-2011, "Unknown order list sent.")


def restricted_cancel() -> BinanceError:
    return BinanceError(-2011, "Order was not canceled due to cancel restrictions.")


def no_such_order() -> BinanceError:
    return BinanceError(-2013, "Order does not exist.")


def no_such_list() -> BinanceError:
    return BinanceError(-2018, "Order list does not exist.")


def bad_key_format() -> BinanceError:
    return BinanceError(-2014, "API-key format invalid.", status=401)


def rejected_key(status: int = 401) -> BinanceError:
    return BinanceError(-2015, "Invalid API-key, IP, or permissions for action.", status=status)


def amend_rejected(reason: str) -> BinanceError:
    """-2038: the engine refused to amend the order; it stays as it is."""
    return BinanceError(-2038, reason)


def wrong_client_id() -> BinanceError:
    return BinanceError(-2039, "Client order ID is not correct for this order ID.")


def already_subscribed() -> BinanceError:
    return BinanceError(-2035, "User Data Stream subscription already active.")


def too_many_subscriptions() -> BinanceError:
    return BinanceError(-2042, "Maximum subscription ID reached for this connection.")


def not_subscribed() -> BinanceError:
    return BinanceError(-2036, "User Data Stream subscription not active.")
