"""The shapes on the wire: order answers, list answers, trades, user events.

Sources: binance-spot-api-docs, rest-api.md, web-socket-api.md, user-data-stream.md. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trading.exchange.paper.orders import Order, OrderList, Trade
from trading.exchange.paper.values import from_e8

Json = dict[str, Any]

DISCOUNT: Json = {  # paying fees in BNB: not offered here yet
    "enabledForAccount": False,
    "enabledForSymbol": False,
    "discountAsset": "BNB",
    "discount": "0.75000000",
}


def placed(order: Order, now_ms: int, response: str, fills: Sequence[Trade]) -> Json:
    """The answer to a new order: ACK, RESULT or FULL."""
    answer: Json = {
        "symbol": order.symbol,
        "orderId": order.id,
        "orderListId": order.list_id,
        "clientOrderId": order.client_id,
        "transactTime": now_ms,
    }
    if response == "ACK":
        return answer
    answer |= _result(order)
    answer["workingTime"] = order.working_ms
    if response == "FULL":
        answer["fills"] = [
            {
                "price": from_e8(fill.price),
                "qty": from_e8(fill.quantity),
                "commission": from_e8(fill.commission),
                "commissionAsset": fill.commission_asset,
                "tradeId": fill.id,
            }
            for fill in fills
        ]
    answer["selfTradePreventionMode"] = order.stp_mode
    return answer


def canceled(order: Order, now_ms: int, cancel_id: str) -> Json:
    """The answer to a cancel. `clientOrderId` is the id of the cancel itself."""
    answer: Json = {
        "symbol": order.symbol,
        "origClientOrderId": order.client_id,
        "orderId": order.id,
        "orderListId": order.list_id,
        "clientOrderId": cancel_id,
        "transactTime": now_ms,
    }
    return answer | _result(order) | {"selfTradePreventionMode": order.stp_mode}


def status(order: Order) -> Json:
    """The answer to a query. `stopPrice` and `icebergQty` are always there."""
    answer: Json = {
        "symbol": order.symbol,
        "orderId": order.id,
        "orderListId": order.list_id,
        "clientOrderId": order.client_id,
        "price": from_e8(order.price),
        "origQty": from_e8(order.quantity),
        "executedQty": from_e8(order.filled),
        "cummulativeQuoteQty": from_e8(order.quote_filled),
        "status": order.status,
        "timeInForce": order.time_in_force,
        "type": order.type,
        "side": order.side,
        "stopPrice": from_e8(order.stop_price),
        "icebergQty": from_e8(0),
        "time": order.created_ms,
        "updateTime": order.updated_ms,
        "isWorking": order.working_ms >= 0,
        "workingTime": order.working_ms,
        "origQuoteOrderQty": from_e8(order.quote_quantity),
        "selfTradePreventionMode": order.stp_mode,
    }
    return answer | _conditional(order)


def _result(order: Order) -> Json:
    result: Json = {"price": from_e8(order.price)}
    if order.quantity:  # an OPO leg does not know its quantity before the entry is filled
        result["origQty"] = from_e8(order.quantity)
    result |= {
        "executedQty": from_e8(order.filled),
        "origQuoteOrderQty": from_e8(order.quote_quantity),
        "cummulativeQuoteQty": from_e8(order.quote_filled),
        "status": order.status,
        "timeInForce": order.time_in_force,
        "type": order.type,
        "side": order.side,
    }
    if order.stop_price:
        result["stopPrice"] = from_e8(order.stop_price)
    return result | _conditional(order)


def _conditional(order: Order) -> Json:
    extra: Json = {}
    if order.strategy_id is not None:
        extra["strategyId"] = order.strategy_id
    if order.strategy_type is not None:
        extra["strategyType"] = order.strategy_type
    if order.expiry_reason is not None:
        extra["expiryReason"] = order.expiry_reason
    return extra


def list_status(listed: OrderList) -> Json:
    """The answer to a list query, and the head of the answers to placing and cancelling one."""
    return {
        "orderListId": listed.id,
        "contingencyType": listed.contingency,
        "listStatusType": listed.status_type,
        "listOrderStatus": listed.order_status,
        "listClientOrderId": listed.client_id,
        "transactionTime": listed.updated_ms,
        "symbol": listed.symbol,
        "orders": [
            {"symbol": listed.symbol, "orderId": number, "clientOrderId": client_id}
            for number, client_id in listed.members
        ],
    }


def trade(fill: Trade) -> Json:
    """One element of myTrades."""
    return {
        "symbol": fill.symbol,
        "id": fill.id,
        "orderId": fill.order_id,
        "orderListId": fill.list_id,
        "price": from_e8(fill.price),
        "qty": from_e8(fill.quantity),
        "quoteQty": from_e8(fill.quote),
        "commission": from_e8(fill.commission),
        "commissionAsset": fill.commission_asset,
        "time": fill.at_ms,
        "isBuyer": bool(fill.is_buyer),
        "isMaker": bool(fill.is_maker),
        "isBestMatch": True,
    }


def execution_report(
    order: Order,
    execution: str,
    *,
    execution_id: int,
    at_ms: int,
    now_ms: int,
    fill: Trade | None = None,
    cancel_id: str = "",
) -> Json:
    """The executionReport event: what happened to an order (`x`) and where it stands now (`X`)."""
    event: Json = {
        "e": "executionReport",
        "E": now_ms,
        "s": order.symbol,
        "c": cancel_id or order.client_id,
        "S": order.side,
        "o": order.type,
        "f": order.time_in_force,
        "q": from_e8(order.quantity),
        "p": from_e8(order.price),
        "P": from_e8(order.stop_price),
        "F": from_e8(0),
        "g": order.list_id,
        "C": order.client_id if cancel_id else "",
        "x": execution,
        "X": order.status,
        "r": "NONE",
        "i": order.id,
        "l": from_e8(fill.quantity if fill else 0),
        "z": from_e8(order.filled),
        "L": from_e8(fill.price if fill else 0),
        "n": from_e8(fill.commission) if fill else "0",
        "N": fill.commission_asset if fill else None,
        "T": at_ms,
        "t": fill.id if fill else -1,
        "I": execution_id,
        "w": order.is_on_book,
        "m": bool(fill.is_maker) if fill else False,
        "M": False,
        "O": order.created_ms,
        "Z": from_e8(order.quote_filled),
        "Y": from_e8(fill.quote if fill else 0),
        "Q": from_e8(order.quote_quantity),
        "V": order.stp_mode,
    }
    if order.working_ms >= 0:
        event["W"] = order.working_ms
    if order.strategy_id is not None:
        event["j"] = order.strategy_id
    if order.strategy_type is not None:
        event["J"] = order.strategy_type
    if order.expiry_reason is not None:
        event["eR"] = order.expiry_reason
    return event


def list_event(listed: OrderList, *, at_ms: int, now_ms: int) -> Json:
    """The listStatus event."""
    return {
        "e": "listStatus",
        "E": now_ms,
        "s": listed.symbol,
        "g": listed.id,
        "c": listed.contingency,
        "l": listed.status_type,
        "L": listed.order_status,
        "r": "NONE",
        "C": listed.client_id,
        "T": at_ms,
        "O": [{"s": listed.symbol, "i": number, "c": name} for number, name in listed.members],
    }


def position_event(balances: Sequence[tuple[str, int, int]], *, at_ms: int, now_ms: int) -> Json:
    """The outboundAccountPosition event: (asset, free, locked) of what may have changed."""
    return {
        "e": "outboundAccountPosition",
        "E": now_ms,
        "u": at_ms,
        "B": [
            {"a": asset, "f": from_e8(free), "l": from_e8(locked)}
            for asset, free, locked in balances
        ],
    }


def balance_event(asset: str, delta: int, *, at_ms: int, now_ms: int) -> Json:
    """The balanceUpdate event: money from outside, or to outside."""
    return {"e": "balanceUpdate", "E": now_ms, "a": asset, "d": from_e8(delta), "T": at_ms}
