"""The shapes on the wire: order answers, list answers, trades, user events.

Sources: binance-spot-api-docs, rest-api.md, web-socket-api.md, user-data-stream.md. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trading.exchange.paper.commissions import DISCOUNT
from trading.exchange.paper.orders import (
    TRIGGERED_TYPES,
    Amendment,
    Order,
    OrderList,
    PreventedMatch,
    Trade,
)
from trading.exchange.paper.values import from_e8

Json = dict[str, Any]
NO_TRADE_GROUP = -1


def discount(*, account: bool, symbol: bool) -> Json:
    """Paying commissions in BNB: three quarters of the rate, where both allow it."""
    return {
        "enabledForAccount": account,
        "enabledForSymbol": symbol,
        "discountAsset": "BNB",
        "discount": from_e8(DISCOUNT),
    }


def placed(
    order: Order,
    now_ms: int,
    response: str,
    fills: Sequence[Trade],
    prevented: Sequence[PreventedMatch] = (),
) -> Json:
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
        if prevented:
            answer["preventedMatches"] = [_prevented(match) for match in prevented]
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
        "icebergQty": from_e8(order.iceberg),
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
    if order.type in TRIGGERED_TYPES:
        result["stopPrice"] = from_e8(order.stop_price)
    if order.iceberg:
        result["icebergQty"] = from_e8(order.iceberg)
    return result | _conditional(order)


def _conditional(order: Order) -> Json:
    extra: Json = {}
    if order.trailing_delta:
        extra["trailingDelta"] = order.trailing_delta
        extra["trailingTime"] = order.trailing_ms
    if order.prevented_match_id is not None:
        extra["preventedMatchId"] = order.prevented_match_id
        extra["preventedQuantity"] = from_e8(order.prevented)
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


def prevented_match(match: PreventedMatch) -> Json:
    """One element of myPreventedMatches. A side that lost nothing is left out."""
    answer: Json = {
        "symbol": match.symbol,
        "preventedMatchId": match.id,
        "takerOrderId": match.taker_order_id,
        "makerSymbol": match.symbol,
        "makerOrderId": match.maker_order_id,
        "tradeGroupId": NO_TRADE_GROUP,
        "selfTradePreventionMode": match.mode,
        "price": from_e8(match.price),
    }
    return answer | _lost(match) | {"transactTime": match.at_ms}


def _prevented(match: PreventedMatch) -> Json:
    """One element of an order answer's `preventedMatches`."""
    answer: Json = {
        "preventedMatchId": match.id,
        "makerOrderId": match.maker_order_id,
        "price": from_e8(match.price),
    }
    return answer | _lost(match)


def _lost(match: PreventedMatch) -> Json:
    lost: Json = {}
    if match.taker_quantity:
        lost["takerPreventedQuantity"] = from_e8(match.taker_quantity)
    if match.maker_quantity:
        lost["makerPreventedQuantity"] = from_e8(match.maker_quantity)
    return lost


def amendment(change: Amendment) -> Json:
    """One element of order/amendments."""
    return {
        "symbol": change.symbol,
        "orderId": change.order_id,
        "executionId": change.execution_id,
        "origClientOrderId": change.client_id,
        "newClientOrderId": change.new_client_id,
        "origQty": from_e8(change.quantity),
        "newQty": from_e8(change.new_quantity),
        "time": change.at_ms,
    }


def amended(order: Order, change: Amendment, listed: OrderList | None, now_ms: int) -> Json:
    """The answer to order/amend/keepPriority. It spells some fields as no other answer does."""
    shown: Json = {
        "symbol": order.symbol,
        "orderId": order.id,
        "orderListId": order.list_id,
        "origClientOrderId": change.client_id,
        "clientOrderId": order.client_id,
        "price": from_e8(order.price),
        "qty": from_e8(order.quantity),
        "executedQty": from_e8(order.filled),
        "preventedQty": from_e8(order.prevented),
        "quoteOrderQty": from_e8(order.quote_quantity),
        "cumulativeQuoteQty": from_e8(order.quote_filled),
        "status": order.status,
        "timeInForce": order.time_in_force,
        "type": order.type,
        "side": order.side,
    }
    if order.type in TRIGGERED_TYPES:
        shown["stopPrice"] = from_e8(order.stop_price)
    if order.iceberg:
        shown["icebergQty"] = from_e8(order.iceberg)
    if order.working_ms >= 0:
        shown["workingTime"] = order.working_ms
    shown |= _conditional(order) | {"selfTradePreventionMode": order.stp_mode}
    answer: Json = {"transactTime": now_ms, "executionId": change.execution_id}
    answer["amendedOrder"] = shown
    if listed is not None:
        status = list_status(listed)
        del status["listStatusType"], status["transactionTime"]
        answer["listStatus"] = status
    return answer
