"""What clients ask beside spot trading: the wallet's `/sapi` paths, and honest answers to others.

Margin, sub-accounts, smart order routing and allocations are not offered: lists are empty, and what
would trade there answers -1020. Source: developers.binance.com, Wallet and Spot documentation.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from trading.exchange.paper import errors
from trading.exchange.paper.parsing import Fields
from trading.exchange.paper.routes import Call, method, route
from trading.exchange.paper.values import from_e8

if TYPE_CHECKING:
    from trading.exchange.paper.exchange import PaperExchange

COMPLETED = 1  # of a deposit; 6 of a withdrawal
WITHDRAWN = 6
NINETY_DAYS_MS = 90 * 86_400_000


@route("GET", "/sapi/v1/system/status", accepts=())
def system_status(exchange: PaperExchange, call: Call) -> dict[str, Any]:
    return {"status": 0, "msg": "normal"}


@route("GET", "/sapi/v1/margin/allPairs", security="MARKET_DATA", accepts=("symbol",))
@route(
    "GET", "/sapi/v1/margin/isolated/allPairs", weight=10, security="MARKET_DATA",
    accepts=("symbol",),
)  # fmt: skip
def no_margin_pairs(exchange: PaperExchange, call: Call) -> list[Any]:
    """No margin here, so no pairs of it."""
    return []


@route("GET", "/sapi/v1/asset/tradeFee", security="USER_DATA", accepts=("symbol",))
def trade_fee(exchange: PaperExchange, call: Call) -> list[dict[str, Any]]:
    """Commission by symbol: one, or all."""
    owner = call.owner.id
    one = Fields(call.params).symbol(exchange.symbols) if "symbol" in call.params else None
    return [
        {
            "symbol": name,
            "makerCommission": _short(exchange.engine.commissions(owner, symbol).standard.maker),
            "takerCommission": _short(exchange.engine.commissions(owner, symbol).standard.taker),
        }
        for name, symbol in exchange.symbols.items()
        if one in (None, name)
    ]


@route("GET", "/sapi/v1/capital/config/getall", weight=10, security="USER_DATA", accepts=())
def coins(exchange: PaperExchange, call: Call) -> list[dict[str, Any]]:
    """Every asset, what the account holds of it, and that no network takes it in or out."""
    held = dict(exchange.engine.ledger.assets(call.owner.id))
    answer = []
    for asset in sorted(exchange.assets() | held.keys()):
        mine = held.get(asset)
        answer.append(
            {
                "coin": asset,
                "depositAllEnable": False,
                "free": from_e8(mine.free if mine else 0),
                "freeze": "0",
                "ipoable": "0",
                "ipoing": "0",
                "isLegalMoney": False,
                "locked": from_e8(mine.locked if mine else 0),
                "name": asset,
                "networkList": [],
                "storage": "0",
                "trading": True,
                "withdrawAllEnable": False,
                "withdrawing": "0",
            }
        )
    return answer


DEPOSITS = (
    "includeSource",
    "coin",
    "status",
    "startTime",
    "endTime",
    "offset",
    "limit",
    "txId",
)


@route("GET", "/sapi/v1/capital/deposit/hisrec", security="USER_DATA", accepts=DEPOSITS)
def deposits(exchange: PaperExchange, call: Call) -> list[dict[str, Any]]:
    """What came in from outside by command, newest first."""
    told = [
        {
            "id": str(one.id),
            "amount": from_e8(one.amount),
            "coin": one.asset,
            "network": "PAPER",
            "status": COMPLETED,
            "address": "",
            "addressTag": "",
            "txId": f"paper-{one.id}",
            "insertTime": one.at_ms,
            "completeTime": one.at_ms,
            "transferType": 0,
            "confirmTimes": "1/1",
            "unlockConfirm": 0,
            "walletType": 0,
        }
        for one in _transfers(exchange, call)
        if one.amount > 0
    ]
    return _page(call, told, {"status": "status", "txId": "txId"})


WITHDRAWALS = (
    "coin",
    "withdrawOrderId",
    "status",
    "offset",
    "limit",
    "idList",
    "startTime",
    "endTime",
)


@route(
    "GET", "/sapi/v1/capital/withdraw/history", weight=18_000, by_account=True,
    security="USER_DATA", accepts=WITHDRAWALS,
)  # fmt: skip
def withdrawals(exchange: PaperExchange, call: Call) -> list[dict[str, Any]]:
    """What went out by command, newest first."""
    named = set((call.params.get("idList") or "").split(",")) - {""}
    told = [
        {
            "id": str(one.id),
            "amount": from_e8(-one.amount),
            "transactionFee": "0",
            "coin": one.asset,
            "status": WITHDRAWN,
            "address": "",
            "txId": f"paper-{one.id}",
            "applyTime": _utc(one.at_ms),
            "network": "PAPER",
            "transferType": 0,
            "withdrawOrderId": "",
            "info": "",
            "confirmNo": 1,
            "walletType": 0,
            "txKey": "",
            "completeTime": _utc(one.at_ms),
        }
        for one in _transfers(exchange, call)
        if one.amount < 0 and (not named or str(one.id) in named)
    ]
    return _page(call, told, {"status": "status", "withdrawOrderId": "withdrawOrderId"})


def _transfers(exchange: PaperExchange, call: Call) -> list[Any]:
    """Of one coin or all, of a window of 90 days at most. Raises: BinanceError -4047."""
    fields = Fields(call.params)
    start, end = fields.moment("startTime"), fields.moment("endTime")
    if end is not None and start is None:
        start = end - NINETY_DAYS_MS
    last = call.now_ms if end is None else end
    if start is not None and not 0 <= last - start <= NINETY_DAYS_MS:
        raise errors.not_within_90_days()
    return exchange.store.transfers(call.owner.id, fields.text("coin"), start, end)


def _page(call: Call, told: list[dict[str, Any]], sifted: dict[str, str]) -> list[dict[str, Any]]:
    """The part asked for of those whose fields are as asked for."""
    fields = Fields(call.params)
    for parameter, name in sifted.items():
        wanted = fields.text(parameter)
        if wanted is not None:
            told = [one for one in told if str(one[name]) == wanted]
    first = fields.number("offset") or 0
    return told[first : first + fields.limit(1000, 1000)]


def _utc(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _short(units: int) -> str:
    return from_e8(units).rstrip("0").rstrip(".") or "0"


ALLOCATIONS = ("symbol", "startTime", "endTime", "fromAllocationId", "limit", "orderId")


@method("myAllocations", weight=20, security="USER_DATA", accepts=ALLOCATIONS)
@route("GET", "/api/v3/myAllocations", weight=20, security="USER_DATA", accepts=ALLOCATIONS)
def allocations(exchange: PaperExchange, call: Call) -> list[Any]:
    """Allocations come of smart order routing, which is not offered: there never are any."""
    fields = Fields(call.params)
    fields.symbol(exchange.symbols)
    timed = any(time is not None for time in fields.window())
    named = [fields.number(name) for name in ("orderId", "fromAllocationId")]
    if timed and any(number is not None for number in named):
        raise errors.bad_combination()
    fields.limit()
    return []


@method("sor.order.place", security="TRADE")
@method("sor.order.test", security="TRADE")
@route("POST", "/api/v3/sor/order", security="TRADE")
@route("POST", "/api/v3/sor/order/test", security="TRADE")
@method("blockTrades.historical", weight=25)
@route("GET", "/api/v3/historicalBlockTrades", weight=25)
@route("POST", "/sapi/v1/userListenToken", by_account=True, security="USER_STREAM")
@route("POST", "/sapi/v1/margin/order", weight=6, by_account=True, security="TRADE")
@route("POST", "/sapi/v1/capital/withdraw/apply", weight=600, by_account=True, security="TRADE")
def not_offered(exchange: PaperExchange, call: Call) -> dict[str, Any]:
    """Smart order routing, block trades, margin, withdrawals by key. Raises: BinanceError -1020."""
    raise errors.unsupported()
