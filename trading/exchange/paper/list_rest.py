"""Order lists: OCO, OTO, OTOCO, OPO, OPOCO, their queries and cancels.

Source: rest-api.md "Order lists".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trading.exchange.paper import errors, filters, order_errors, parsing, reports
from trading.exchange.paper import orders as o
from trading.exchange.paper.contingency import NewList
from trading.exchange.paper.order_rest import cancel_list
from trading.exchange.paper.parsing import Fields
from trading.exchange.paper.routes import Call, method, route

if TYPE_CHECKING:
    from trading.exchange.paper.exchange import PaperExchange

LIST = ("listClientOrderId",)
OCO_NAMES = parsing.names("above", "below", also=(*LIST, "side", "quantity"))
OTO_NAMES = parsing.names("working", "pending", also=LIST)
OTOCO_NAMES = parsing.names(
    "working",
    "pendingAbove",
    "pendingBelow",
    also=(*LIST, "pendingSide", "pendingQuantity"),
)
OPO_NAMES = OTO_NAMES - {"pendingQuantity"}
OPOCO_NAMES = OTOCO_NAMES - {"pendingQuantity"}


@method("orderList.place.oco", security="TRADE", orders=2, accepts=OCO_NAMES)
@route("POST", "/api/v3/orderList/oco", security="TRADE", orders=2, accepts=OCO_NAMES)
def oco(exchange: PaperExchange, call: Call) -> dict[str, Any]:
    return _place(exchange, call, o.OCO)


OLD_OCO = frozenset(
    {"symbol", "side", "quantity", "price", "stopPrice", "stopLimitPrice", "trailingDelta"}
    | {"listClientOrderId", "limitClientOrderId", "stopClientOrderId", "stopLimitTimeInForce"}
    | {"limitStrategyId", "limitStrategyType", "limitIcebergQty", "stopIcebergQty"}
    | {"stopStrategyId", "stopStrategyType", "newOrderRespType", "selfTradePreventionMode"}
)


@method("orderList.place", security="TRADE", orders=2, accepts=OLD_OCO)
@route("POST", "/api/v3/order/oco", security="TRADE", orders=2, accepts=OLD_OCO)
def old_oco(exchange: PaperExchange, call: Call) -> dict[str, Any]:
    """The deprecated OCO: a LIMIT_MAKER and a STOP_LOSS(_LIMIT), above and below by side."""
    fields, sent = Fields(call.params), call.params
    fields.symbol(exchange.symbols)
    fields.required("price")
    limit, stop = ("above", "below") if fields.side() == o.SELL else ("below", "above")
    has_limit = "stopLimitPrice" in sent
    if has_limit:
        fields.required("stopLimitTimeInForce")
    else:
        fields.refuse("stopLimitTimeInForce", "stopIcebergQty")
    names = {
        "price": f"{limit}Price",
        "limitClientOrderId": f"{limit}ClientOrderId",
        "limitStrategyId": f"{limit}StrategyId",
        "limitStrategyType": f"{limit}StrategyType",
        "limitIcebergQty": f"{limit}IcebergQty",
        "stopPrice": f"{stop}StopPrice",
        "trailingDelta": f"{stop}TrailingDelta",
        "stopLimitPrice": f"{stop}Price",
        "stopLimitTimeInForce": f"{stop}TimeInForce",
        "stopClientOrderId": f"{stop}ClientOrderId",
        "stopStrategyId": f"{stop}StrategyId",
        "stopStrategyType": f"{stop}StrategyType",
        "stopIcebergQty": f"{stop}IcebergQty",
    }
    params = {names.get(name, name): value for name, value in sent.items()}
    params[f"{limit}Type"] = o.LIMIT_MAKER
    params[f"{stop}Type"] = o.STOP_LOSS_LIMIT if has_limit else o.STOP_LOSS
    return _place(exchange, Call(params, call.now_ms, call.account, call.key), o.OCO)


@method("orderList.place.oto", security="TRADE", orders=2, accepts=OTO_NAMES)
@route("POST", "/api/v3/orderList/oto", security="TRADE", orders=2, accepts=OTO_NAMES)
def oto(exchange: PaperExchange, call: Call) -> dict[str, Any]:
    return _place(exchange, call, o.OTO)


@method("orderList.place.otoco", security="TRADE", orders=3, accepts=OTOCO_NAMES)
@route("POST", "/api/v3/orderList/otoco", security="TRADE", orders=3, accepts=OTOCO_NAMES)
def otoco(exchange: PaperExchange, call: Call) -> dict[str, Any]:
    return _place(exchange, call, o.OTOCO)


@method("orderList.place.opo", security="TRADE", orders=2, accepts=OPO_NAMES)
@route("POST", "/api/v3/orderList/opo", security="TRADE", orders=2, accepts=OPO_NAMES)
def opo(exchange: PaperExchange, call: Call) -> dict[str, Any]:
    return _place(exchange, call, o.OPO)


@method("orderList.place.opoco", security="TRADE", orders=3, accepts=OPOCO_NAMES)
@route("POST", "/api/v3/orderList/opoco", security="TRADE", orders=3, accepts=OPOCO_NAMES)
def opoco(exchange: PaperExchange, call: Call) -> dict[str, Any]:
    return _place(exchange, call, o.OPOCO)


def _place(exchange: PaperExchange, call: Call, kind: str) -> dict[str, Any]:
    fields = Fields(call.params)
    symbol = fields.symbol(exchange.symbols)
    filters.check_list(exchange.symbols[symbol], kind)
    new = _read(exchange, fields, symbol, kind)
    response = fields.response_type("RESULT")
    placed = exchange.lists.place(call.owner.id, new, exchange.reference(symbol))
    answer = reports.list_status(placed.listed)
    answer["orderReports"] = []
    for order in placed.orders:
        fills = [trade for trade in placed.fills if trade.order_id == order.id]
        answer["orderReports"].append(reports.placed(order, call.now_ms, response, fills))
    return answer


def _read(exchange: PaperExchange, fields: Fields, symbol: str, kind: str) -> NewList:
    """The list a request asks for. Raises: BinanceError."""
    client_id = fields.client_id("listClientOrderId") or exchange.auto_id("list")
    if kind == o.OCO:
        shared = {"side": fields.side(), "quantity": fields.positive("quantity", "quantity")}
        legs = tuple(
            parsing.read_order(
                fields,
                symbol,
                client_id=exchange.auto_id(offset=offset),
                prefix=prefix,
                role=role,
                stp_default=exchange.symbols[symbol].stp_default,
                **shared,  # type: ignore[arg-type]
            )
            for offset, prefix, role in ((1, "above", o.ABOVE), (2, "below", o.BELOW))
        )
        return NewList(kind, client_id, None, legs)
    if fields.required("workingType") not in (o.LIMIT, o.LIMIT_MAKER):
        raise order_errors.unsupported_combination()
    stp_default = exchange.symbols[symbol].stp_default
    working = parsing.read_order(
        fields,
        symbol,
        client_id=exchange.auto_id(),
        prefix="working",
        role=o.WORKING,
        stp_default=stp_default,
    )
    side = fields.side("pendingSide")
    pays_other = kind in o.PAYS_OTHER
    if pays_other and working.side != o.BUY:
        raise order_errors.opo_must_buy()
    if pays_other and side != o.SELL:
        raise order_errors.opo_must_then_sell()
    quantity = 0 if pays_other else fields.positive("pendingQuantity", "quantity")
    pair = (("pendingAbove", o.ABOVE), ("pendingBelow", o.BELOW))
    if kind in (o.OTO, o.OPO):
        pair = (("pending", o.PENDING),)  # type: ignore[assignment]
    legs = tuple(
        parsing.read_order(
            fields,
            symbol,
            client_id=exchange.auto_id(offset=offset),
            prefix=prefix,
            role=role,
            side=side,
            quantity=quantity,
            stp_default=stp_default,
        )
        for offset, (prefix, role) in enumerate(pair, start=2)
    )
    return NewList(kind, client_id, working, legs)


CANCELLING = ("symbol", "orderListId", "listClientOrderId", "newClientOrderId")


@method("orderList.cancel", security="TRADE", cancels=True, accepts=CANCELLING)
@route("DELETE", "/api/v3/orderList", security="TRADE", cancels=True, accepts=CANCELLING)
def cancel(exchange: PaperExchange, call: Call) -> dict[str, Any]:
    fields = Fields(call.params)
    symbol = fields.symbol(exchange.symbols)
    number, name = fields.number("orderListId"), fields.client_id("listClientOrderId")
    if number is None and name is None:
        raise errors.missing_either("listClientOrderId", "orderListId")
    cancel_id = fields.client_id("newClientOrderId") or exchange.auto_id("cancel")
    for listed in exchange.engine.lists.values():
        named = number in (None, listed.id) and name in (None, listed.client_id)
        if named and listed.account == call.owner.id and listed.symbol == symbol:
            return cancel_list(exchange, listed, cancel_id)
    raise order_errors.unknown_order_list()


FINDING = ("orderListId", "origClientOrderId")


@method("orderList.status", weight=4, security="USER_DATA", accepts=FINDING)
@route("GET", "/api/v3/orderList", weight=4, security="USER_DATA", accepts=FINDING)
def query(exchange: PaperExchange, call: Call) -> dict[str, Any]:
    fields = Fields(call.params)
    number, name = fields.number("orderListId"), fields.client_id("origClientOrderId")
    if number is None and name is None:
        raise errors.missing_either("origClientOrderId", "orderListId")
    listed = exchange.store.order_list(call.owner.id, number, name)
    if listed is None:
        raise order_errors.no_such_list()
    return reports.list_status(listed)


@method("openOrderLists.status", weight=6, security="USER_DATA", accepts=())
@route("GET", "/api/v3/openOrderList", weight=6, security="USER_DATA", accepts=())
def open_lists(exchange: PaperExchange, call: Call) -> list[dict[str, Any]]:
    mine = (one for one in exchange.engine.lists.values() if one.account == call.owner.id)
    return [reports.list_status(listed) for listed in sorted(mine, key=lambda one: one.id)]


HISTORY = ("fromId", "startTime", "endTime", "limit")


@method("allOrderLists", weight=20, security="USER_DATA", accepts=HISTORY)
@route("GET", "/api/v3/allOrderList", weight=20, security="USER_DATA", accepts=HISTORY)
def all_lists(exchange: PaperExchange, call: Call) -> list[dict[str, Any]]:
    """Lists by id or by time. Raises: BinanceError -1128 for both at once."""
    fields = Fields(call.params)
    start, end = fields.window()
    from_id = fields.number("fromId")
    if from_id is not None and (start is not None or end is not None):
        raise errors.bad_combination()
    found = exchange.store.order_lists(
        call.owner.id,
        from_id=from_id,
        start_ms=start,
        end_ms=end,
        limit=fields.limit(),
    )
    return [reports.list_status(listed) for listed in found]
