"""What is refused of orders and order lists, in Binance's own numbers and words.

Source: binance-spot-api-docs, `errors.md`. Everything else that is refused is in `errors.py`.
"""

from __future__ import annotations

from typing import Any

from trading.exchange.paper.errors import BinanceError

INSUFFICIENT_BALANCE = "Account has insufficient balance for requested action."
DUPLICATE_ORDER = "Duplicate order sent."
WOULD_TRIGGER = "Order would trigger immediately."
WOULD_TAKE = "Order would immediately match and take."
PRICE_RELATION = "The relationship of the prices for the orders is not correct."
MARKET_CLOSED = "Market is closed."
UNKNOWN_ORDER = "Unknown order sent."
ICEBERG_TOO_LARGE = "IcebergQty exceeds QTY."
MAY_NOT_TRADE = "This account may not place or cancel orders."
NO_PEGS = "Pegged orders are not supported for this symbol."
NO_STATE_CHANGE = "The requested action would change no state; rejecting"


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


def bad_strategy_type() -> BinanceError:
    return BinanceError(-1134, "`strategyType` was less than 1000000.")


def bad_cancel_restrictions() -> BinanceError:
    return BinanceError(-1145, "Invalid cancelRestrictions")


def leg_unsupported() -> BinanceError:
    return BinanceError(-1158, "Order type not supported in OCO.")


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


def stp_mode_not_allowed() -> BinanceError:
    return BinanceError(
        -1013, "This symbol does not allow the specified self-trade prevention mode."
    )


def filter_failure(name: str) -> BinanceError:
    """-1013, naming the filter of exchangeInfo that the order breaks."""
    return BinanceError(-1013, f"Filter failure: {name}")


def rejected(reason: str) -> BinanceError:
    """-2010: the engine refused the order."""
    return BinanceError(-2010, reason)


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


def may_not_trade(*, cancels: bool) -> BinanceError:
    """-2010, or -2011 where it wanted to cancel: the account has trading disabled."""
    return BinanceError(-2011 if cancels else -2010, MAY_NOT_TRADE)


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


def amend_rejected(reason: str) -> BinanceError:
    """-2038: the engine refused to amend the order; it stays as it is."""
    return BinanceError(-2038, reason)


def wrong_client_id() -> BinanceError:
    return BinanceError(-2039, "Client order ID is not correct for this order ID.")


def too_little_liquidity(whose: str) -> BinanceError:
    """-2010: a market order by quoteOrderQty finds less on the book than the least quantity."""
    return rejected(f"Order book liquidity is less than {whose} minimum quantity.")
