"""Changing an open order: cancel-replace, amend keeping its priority, its amendments.

Source: rest-api.md "Cancel an Existing Order and Send a New Order", "Order Amend Keep Priority",
faqs/order_amend_keep_priority.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trading.exchange.paper import errors, order_errors, order_rest, parsing, reports
from trading.exchange.paper import orders as o
from trading.exchange.paper.errors import BinanceError
from trading.exchange.paper.filters import NewOrder
from trading.exchange.paper.parsing import Fields
from trading.exchange.paper.routes import Call, method, route

if TYPE_CHECKING:
    from trading.exchange.paper.exchange import PaperExchange

REPLACING = parsing.names(
    "",
    also=(
        "quoteOrderQty",
        "cancelReplaceMode",
        "cancelNewClientOrderId",
        "cancelOrigClientOrderId",
        "cancelOrderId",
        "cancelRestrictions",
        "orderRateLimitExceededMode",
    ),
)
MODES = ("STOP_ON_FAILURE", "ALLOW_FAILURE")
EXCEEDED_MODES = ("DO_NOTHING", "CANCEL_ONLY")
SUCCESS, FAILURE, NOT_ATTEMPTED = "SUCCESS", "FAILURE", "NOT_ATTEMPTED"


@method("order.cancelReplace", security="TRADE", counted=1, accepts=REPLACING)
@route("POST", "/api/v3/order/cancelReplace", security="TRADE", counted=1, accepts=REPLACING)
def cancel_replace(exchange: PaperExchange, call: Call) -> dict[str, Any]:
    """Filters and the order count come first; then the cancel; then the new order.

    Raises: BinanceError -2022 (400) where neither worked, -2021 (409) where one did.
    """
    fields = Fields(call.params)
    symbol = fields.symbol(exchange.symbols)
    rules = exchange.symbols[symbol]
    mode = fields.choice("cancelReplaceMode", MODES)
    exceeded = fields.choice("orderRateLimitExceededMode", EXCEEDED_MODES, "DO_NOTHING")
    cancelling = _cancel_params(call)
    if "orderId" not in cancelling and "origClientOrderId" not in cancelling:
        raise errors.missing_either("cancelOrigClientOrderId", "cancelOrderId")
    new = exchange.read_order(fields, symbol)
    response = fields.response_type("FULL" if new.type in (o.LIMIT, o.MARKET) else "ACK")
    if not rules.cancel_replace:
        raise order_errors.rejected("Order cancel-replace is not supported for this symbol.")
    exchange.engine.check_filters(call.owner.id, [new], exchange.reference(symbol))
    too_many = None
    try:
        exchange.limits.count_orders(call.owner.id, 1, call.now_ms)
    except BinanceError as error:
        if exceeded == "DO_NOTHING":
            raise
        too_many = error
    data: dict[str, Any] = {}
    try:
        data["cancelResult"] = SUCCESS
        canceled = order_rest.cancel(
            exchange, Call(cancelling, call.now_ms, call.account, call.key)
        )
        data["newOrderResult"], data["cancelResponse"] = NOT_ATTEMPTED, canceled
    except BinanceError as error:
        data |= {"cancelResult": FAILURE, "newOrderResult": NOT_ATTEMPTED}
        data["cancelResponse"] = error.body()
        data["newOrderResponse"] = None
        if mode == "STOP_ON_FAILURE":
            status = 429 if too_many else 400
            raise order_errors.cancel_replace_failed(data, status) from None
    return _place(exchange, call, new, response, data, too_many, mode)


def _place(
    exchange: PaperExchange,
    call: Call,
    new: NewOrder,
    response: str,
    data: dict[str, Any],
    too_many: BinanceError | None,
    mode: str,
) -> dict[str, Any]:
    """The second half. Raises: BinanceError, where either half failed."""
    try:
        if too_many is not None:
            raise too_many
        exchange.engine.check_names(call.owner.id, [new])
        order, fills = exchange.engine.put(call.owner.id, new)
    except BinanceError as error:
        data |= {"newOrderResult": FAILURE, "newOrderResponse": error.body()}
        if data["cancelResult"] == FAILURE:
            raise order_errors.cancel_replace_failed(data) from None
        over = too_many is not None and mode == "STOP_ON_FAILURE"
        raise order_errors.cancel_replace_partial(data, 429 if over else 409) from None
    prevented = exchange.prevented_of(order)
    data["newOrderResult"] = SUCCESS
    data["newOrderResponse"] = reports.placed(order, call.now_ms, response, fills, prevented)
    if data["cancelResult"] == FAILURE:
        raise order_errors.cancel_replace_partial(data)
    return data


def _cancel_params(call: Call) -> dict[str, str]:
    """The cancelling half of the parameters, as DELETE /order names them."""
    names = {
        "symbol": "symbol",
        "cancelOrderId": "orderId",
        "cancelOrigClientOrderId": "origClientOrderId",
        "cancelNewClientOrderId": "newClientOrderId",
        "cancelRestrictions": "cancelRestrictions",
    }
    return {to: call.params[name] for name, to in names.items() if name in call.params}


AMENDING = ("symbol", "orderId", "origClientOrderId", "newClientOrderId", "newQty")


@method("order.amend.keepPriority", weight=4, security="TRADE", accepts=AMENDING)
@route("PUT", "/api/v3/order/amend/keepPriority", weight=4, security="TRADE", accepts=AMENDING)
def amend(exchange: PaperExchange, call: Call) -> dict[str, Any]:
    """Reduce the quantity of an open order where it stands in the queue.

    Raises: BinanceError -2038 where the engine refuses, -2039 where the two ids disagree.
    """
    fields = Fields(call.params)
    symbol = fields.symbol(exchange.symbols)
    order_id, name = fields.number("orderId"), fields.client_id("origClientOrderId")
    if order_id is None and name is None:
        raise errors.missing_either("origClientOrderId", "orderId")
    quantity = fields.positive("newQty", "quantity")
    client_id = fields.client_id("newClientOrderId") or exchange.auto_id("amend")
    order = exchange.find_order(call.owner.id, symbol, order_id, None if order_id else name)
    if order is None or not order.is_open:
        raise order_errors.amend_rejected(order_errors.UNKNOWN_ORDER)
    if name is not None and order.client_id != name:
        raise order_errors.wrong_client_id()
    change = exchange.engine.amend(order, quantity, client_id, exchange.reference(symbol))
    listed = exchange.engine.lists.get(order.list_id)
    return reports.amended(order, change, listed, call.now_ms)


AMENDMENTS = ("symbol", "orderId", "fromExecutionId", "limit")


@method("order.amendments", weight=4, security="USER_DATA", accepts=AMENDMENTS)
@route("GET", "/api/v3/order/amendments", weight=4, security="USER_DATA", accepts=AMENDMENTS)
def amendments(exchange: PaperExchange, call: Call) -> list[dict[str, Any]]:
    """Every amendment of one order, oldest first."""
    fields = Fields(call.params)
    symbol = fields.symbol(exchange.symbols)
    fields.required("orderId")
    found = exchange.store.amendments(
        call.owner.id,
        symbol,
        fields.number("orderId") or 0,
        from_id=fields.number("fromExecutionId"),
        limit=fields.limit(),
    )
    return [reports.amendment(change) for change in found]


PREVENTED = ("symbol", "preventedMatchId", "orderId", "fromPreventedMatchId", "limit")


def _prevented_weight(params: Any) -> int:
    return 2 if "preventedMatchId" in params else 20


@method("myPreventedMatches", weight=_prevented_weight, security="USER_DATA", accepts=PREVENTED)
@route(
    "GET",
    "/api/v3/myPreventedMatches",
    weight=_prevented_weight,
    security="USER_DATA",
    accepts=PREVENTED,
)
def prevented_matches(exchange: PaperExchange, call: Call) -> list[dict[str, Any]]:
    """By number, or by order. Raises: BinanceError -1128 for anything else."""
    fields = Fields(call.params)
    symbol = fields.symbol(exchange.symbols)
    match_id, order_id = fields.number("preventedMatchId"), fields.number("orderId")
    from_id = fields.number("fromPreventedMatchId")
    by_number = match_id is not None and order_id is None and from_id is None
    if not by_number and (order_id is None or match_id is not None):
        raise errors.bad_combination()
    found = exchange.store.prevented(
        call.owner.id,
        symbol,
        match_id=match_id,
        order_id=order_id,
        from_id=from_id,
        limit=fields.limit(),
    )
    return [reports.prevented_match(match) for match in found]
