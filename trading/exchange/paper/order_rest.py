"""Single orders: place, test, query, cancel (rest-api.md "Trading endpoints")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trading.exchange.paper import errors, filters, order_errors, parsing, reports
from trading.exchange.paper import orders as o
from trading.exchange.paper.orders import Order, OrderList
from trading.exchange.paper.parsing import Fields
from trading.exchange.paper.routes import Call, method, route

if TYPE_CHECKING:
    from trading.exchange.paper.exchange import PaperExchange

PLACING = parsing.names("", also=("quoteOrderQty",))
FINDING = ("symbol", "orderId", "origClientOrderId")
CANCELLING = (*FINDING, "newClientOrderId", "cancelRestrictions")


@method("order.place", security="TRADE", orders=1, accepts=PLACING)
@route("POST", "/api/v3/order", security="TRADE", orders=1, accepts=PLACING)
def place(exchange: PaperExchange, call: Call) -> dict[str, Any]:
    fields = Fields(call.params)
    symbol = fields.symbol(exchange.symbols)
    new = exchange.read_order(fields, symbol)
    default = "FULL" if new.type in (o.LIMIT, o.MARKET) else "ACK"
    response = fields.response_type(default)
    order, fills = exchange.engine.place(call.owner.id, new, exchange.reference(symbol))
    prevented = exchange.prevented_of(order)
    return reports.placed(order, call.now_ms, response, fills, prevented)


@method("order.test", security="TRADE", accepts=PLACING | {"computeCommissionRates"})
@route(
    "POST",
    "/api/v3/order/test",
    weight=lambda params: 20 if params.get("computeCommissionRates") == "true" else 1,
    security="TRADE",
    accepts=PLACING | {"computeCommissionRates"},
)
def test(exchange: PaperExchange, call: Call) -> dict[str, Any]:
    """Everything `place` checks before the engine; nothing is placed."""
    fields = Fields(call.params)
    symbol = fields.symbol(exchange.symbols)
    new = exchange.read_order(fields, symbol)
    fields.response_type("ACK")
    reference = exchange.reference(symbol)
    exchange.engine.check(call.owner.id, [new], reference)
    filters.check_trigger(new, exchange.engine.last[symbol])
    if not fields.flag("computeCommissionRates"):
        return {}
    rates = exchange.engine.commissions(call.owner.id, exchange.symbols[symbol])
    return {
        "standardCommissionForOrder": rates.standard.for_order(new.side),
        "specialCommissionForOrder": rates.special.for_order(new.side),
        "taxCommissionForOrder": rates.tax.for_order(new.side),
        "discount": exchange.discount(call.owner.id),
    }


@method("order.status", weight=4, security="USER_DATA", accepts=FINDING)
@route("GET", "/api/v3/order", weight=4, security="USER_DATA", accepts=FINDING)
def query(exchange: PaperExchange, call: Call) -> dict[str, Any]:
    order = _find(exchange, call)
    if order is None:
        raise order_errors.no_such_order()
    return reports.status(order)


@method("order.cancel", security="TRADE", cancels=True, accepts=CANCELLING)
@route("DELETE", "/api/v3/order", security="TRADE", cancels=True, accepts=CANCELLING)
def cancel(exchange: PaperExchange, call: Call) -> dict[str, Any]:
    """Cancel an order; of a list, the whole list."""
    fields = Fields(call.params)
    restriction = fields.text("cancelRestrictions")
    if restriction not in (None, "ONLY_NEW", "ONLY_PARTIALLY_FILLED"):
        raise order_errors.bad_cancel_restrictions()
    cancel_id = fields.client_id("newClientOrderId") or exchange.auto_id("cancel")
    order = _find(exchange, call)
    if order is None or not order.is_open:
        raise order_errors.unknown_order()
    if restriction and order.status != restriction.removeprefix("ONLY_"):
        raise order_errors.restricted_cancel()
    listed = exchange.engine.lists.get(order.list_id)
    if listed is not None:
        return cancel_list(exchange, listed, cancel_id)
    exchange.engine.end(order, o.CANCELED, cancel_id=cancel_id)
    return reports.canceled(order, call.now_ms, cancel_id)


def cancel_list(exchange: PaperExchange, listed: OrderList, cancel_id: str) -> dict[str, Any]:
    """Cancel what is open of a list, and say so for the list and each order."""
    ended = exchange.lists.cancel(listed, cancel_id)
    answer = reports.list_status(listed)
    answer["orderReports"] = [
        reports.canceled(order, exchange.now_ms, cancel_id) for order in ended
    ]
    return answer


@method(
    "openOrders.status",
    weight=lambda params: 6 if "symbol" in params else 80,
    security="USER_DATA",
    accepts=("symbol",),
)
@route(
    "GET",
    "/api/v3/openOrders",
    weight=lambda params: 6 if "symbol" in params else 80,
    security="USER_DATA",
    accepts=("symbol",),
)
def open_orders(exchange: PaperExchange, call: Call) -> list[dict[str, Any]]:
    symbol = Fields(call.params).symbol(exchange.symbols) if "symbol" in call.params else None
    return [reports.status(order) for order in _open(exchange, call, symbol)]


@method("openOrders.cancelAll", security="TRADE", cancels=True, accepts=("symbol",))
@route("DELETE", "/api/v3/openOrders", security="TRADE", cancels=True, accepts=("symbol",))
def cancel_open_orders(exchange: PaperExchange, call: Call) -> list[dict[str, Any]]:
    """Cancel all on a symbol, lists included. Raises: BinanceError -2011 where nothing is open."""
    symbol = Fields(call.params).symbol(exchange.symbols)
    orders = _open(exchange, call, symbol)
    if not orders:
        raise order_errors.unknown_order()
    answers = []
    for order in orders:
        if not order.is_open:
            continue  # ended with its list
        listed = exchange.engine.lists.get(order.list_id)
        cancel_id = exchange.auto_id("cancel")
        if listed is not None:
            answers.append(cancel_list(exchange, listed, cancel_id))
        else:
            exchange.engine.end(order, o.CANCELED, cancel_id=cancel_id)
            answers.append(reports.canceled(order, call.now_ms, cancel_id))
    return answers


HISTORY = ("symbol", "orderId", "startTime", "endTime", "limit")


@method("allOrders", weight=20, security="USER_DATA", accepts=HISTORY)
@route("GET", "/api/v3/allOrders", weight=20, security="USER_DATA", accepts=HISTORY)
def all_orders(exchange: PaperExchange, call: Call) -> list[dict[str, Any]]:
    fields = Fields(call.params)
    symbol = fields.symbol(exchange.symbols)
    start, end = fields.window()
    found = exchange.store.orders(
        call.owner.id,
        symbol,
        from_id=fields.number("orderId"),
        start_ms=start,
        end_ms=end,
        limit=fields.limit(),
    )
    return [reports.status(order) for order in found]


def _open(exchange: PaperExchange, call: Call, symbol: str | None) -> list[Order]:
    mine = exchange.engine.by_account.get(call.owner.id, {})
    found = [order for order in mine.values() if symbol in (None, order.symbol)]
    return sorted(found, key=lambda order: order.id)


def _find(exchange: PaperExchange, call: Call) -> Order | None:
    fields = Fields(call.params)
    symbol = fields.symbol(exchange.symbols)
    order_id, client_id = fields.number("orderId"), fields.client_id("origClientOrderId")
    if order_id is None and client_id is None:
        raise errors.missing_either("origClientOrderId", "orderId")
    return exchange.find_order(call.owner.id, symbol, order_id, client_id)
