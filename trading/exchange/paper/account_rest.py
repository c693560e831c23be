"""The account: balances, commission, trades, order counts, key rights.

Source: rest-api.md "Account endpoints".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trading.exchange.paper import errors, reports
from trading.exchange.paper.parsing import Fields
from trading.exchange.paper.routes import Call, method, route
from trading.exchange.paper.values import E8, from_e8

if TYPE_CHECKING:
    from trading.exchange.paper.exchange import PaperExchange

BASIS_POINTS = 10_000  # commissions of `account` are counted in these


@method("account.status", weight=20, security="USER_DATA", accepts=("omitZeroBalances",))
@route("GET", "/api/v3/account", weight=20, security="USER_DATA", accepts=("omitZeroBalances",))
def account(exchange: PaperExchange, call: Call) -> dict[str, Any]:
    omit = Fields(call.params).flag("omitZeroBalances")
    rules = next(iter(exchange.symbols.values()))
    rates = exchange.engine.commissions(call.owner.id, rules).standard
    known = {name for one in exchange.symbols.values() for name in (one.base, one.quote)}
    held = dict(exchange.engine.ledger.assets(call.owner.id))
    balances = []
    for asset in sorted(known | held.keys()):
        free = held[asset].free if asset in held else 0
        locked = held[asset].locked if asset in held else 0
        if free or locked or not omit:
            balances.append({"asset": asset, "free": from_e8(free), "locked": from_e8(locked)})
    return {
        "makerCommission": rates.maker * BASIS_POINTS // E8,
        "takerCommission": rates.taker * BASIS_POINTS // E8,
        "buyerCommission": rates.buyer * BASIS_POINTS // E8,
        "sellerCommission": rates.seller * BASIS_POINTS // E8,
        "commissionRates": rates.shown(),
        "canTrade": not call.owner.frozen,
        "canWithdraw": False,
        "canDeposit": True,
        "brokered": False,
        "requireSelfTradePrevention": False,
        "preventSor": False,
        "updateTime": call.owner.updated_ms,
        "accountType": "SPOT",
        "balances": balances,
        "permissions": ["SPOT"],
        "uid": call.owner.id,
    }


@method("account.commission", weight=20, security="USER_DATA", accepts=("symbol",))
@route("GET", "/api/v3/account/commission", weight=20, security="USER_DATA", accepts=("symbol",))
def commission(exchange: PaperExchange, call: Call) -> dict[str, Any]:
    symbol = exchange.symbols[Fields(call.params).symbol(exchange.symbols)]
    rates = exchange.engine.commissions(call.owner.id, symbol)
    return {
        "symbol": symbol.name,
        "standardCommission": rates.standard.shown(),
        "specialCommission": rates.special.shown(),
        "taxCommission": rates.tax.shown(),
        "discount": exchange.discount(call.owner.id),
    }


TRADES = ("symbol", "orderId", "startTime", "endTime", "fromId", "limit")


@method(
    "myTrades",
    weight=lambda params: 5 if "orderId" in params else 20,
    security="USER_DATA",
    accepts=TRADES,
)
@route(
    "GET",
    "/api/v3/myTrades",
    weight=lambda params: 5 if "orderId" in params else 20,
    security="USER_DATA",
    accepts=TRADES,
)
def my_trades(exchange: PaperExchange, call: Call) -> list[dict[str, Any]]:
    """Trades by order, by id or by time. Raises: BinanceError -1128 for other combinations."""
    fields = Fields(call.params)
    symbol = fields.symbol(exchange.symbols)
    start, end = fields.window()
    order_id, from_id = fields.number("orderId"), fields.number("fromId")
    if (order_id is not None or from_id is not None) and (start is not None or end is not None):
        raise errors.bad_combination()
    found = exchange.store.trades(
        call.owner.id,
        symbol,
        order_id=order_id,
        from_id=from_id,
        start_ms=start,
        end_ms=end,
        limit=fields.limit(),
    )
    return [reports.trade(trade) for trade in found]


@method("account.rateLimits.orders", weight=40, security="USER_DATA", accepts=())
@route("GET", "/api/v3/rateLimit/order", weight=40, security="USER_DATA", accepts=())
def order_counts(exchange: PaperExchange, call: Call) -> list[dict[str, Any]]:
    return exchange.limits.order_counts(call.owner.id, call.now_ms)


@route("GET", "/sapi/v1/account/apiRestrictions", security="USER_DATA", accepts=())
def key_rights(exchange: PaperExchange, call: Call) -> dict[str, Any]:
    """What the key may do. Keys of the paper exchange never withdraw."""
    if call.key is None:
        raise errors.unauthorized()
    return {
        "ipRestrict": bool(call.key.addresses),
        "createTime": call.key.created_ms,
        "enableReading": True,
        "enableSpotAndMarginTrading": bool(call.key.may_trade),
        "enableWithdrawals": False,
        "enableInternalTransfer": False,
        "enableMargin": False,
        "enableFutures": False,
        "permitsUniversalTransfer": False,
        "enableVanillaOptions": False,
        "enableFixApiTrade": False,
        "enableFixReadOnly": False,
        "enablePortfolioMarginTrading": False,
    }
