"""Binance's REST shapes, read into the port's values and written from them."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from risk.costs import discounted
from testudo import clock
from trading.exchange.port import (
    Commission,
    LegInstruction,
    ListReport,
    OrderReport,
    TradeReport,
)

COMMISSIONS = ("standardCommission", "specialCommission", "taxCommission")


def plain(value: Decimal | None) -> str | None:
    """Plain notation without exponent or needless zeros: 1E-5 would be refused with -1100."""
    if value is None:
        return None
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def leg_fields(
    prefix: str, leg: LegInstruction, *, with_side: bool = False, with_quantity: bool = False
) -> dict[str, str | None]:
    return {
        f"{prefix}Type": leg.type,
        f"{prefix}ClientOrderId": leg.client_order_id,
        f"{prefix}Price": plain(leg.price),
        f"{prefix}StopPrice": plain(leg.stop_price),
        f"{prefix}TimeInForce": leg.time_in_force or None,
        f"{prefix}Side": leg.side if with_side else None,
        f"{prefix}Quantity": plain(leg.quantity) if with_quantity else None,
    }


def read_answer(answer: Mapping[str, Any]) -> list[OrderReport]:
    """The order reports of an answer to one order or to a list."""
    if "orderReports" in answer:
        list_id = answer["listClientOrderId"]
        return [read_order(raw, list_client_order_id=list_id) for raw in answer["orderReports"]]
    return [read_order(answer)]


def read_order(raw: Mapping[str, Any], *, list_client_order_id: str = "") -> OrderReport:
    """An order of a REST answer. `origQty` is absent on an OPO leg that waits for its size."""
    at = raw.get("updateTime") or raw.get("transactTime") or raw.get("time")
    working = raw.get("workingTime", -1)
    canceled_as = raw.get("origClientOrderId")  # in an answer to a cancel, the order's own id
    return OrderReport(
        symbol=raw["symbol"],
        client_order_id=canceled_as or raw["clientOrderId"],
        exchange_order_id=int(raw["orderId"]),
        list_client_order_id=list_client_order_id,
        side=raw["side"],
        type=raw["type"],
        status=raw["status"],
        price=amount(raw.get("price")),
        stop_price=amount(raw.get("stopPrice")),
        quantity=amount(raw.get("origQty")),
        executed=Decimal(raw.get("executedQty", "0")),
        at=clock.from_ms(int(at)) if at else clock.now(),
        working_at=clock.from_ms(int(working)) if working and int(working) > 0 else None,
        reason=str(raw.get("expiryReason", "")),
    )


def read_list(raw: Mapping[str, Any]) -> ListReport:
    """The answer to a question for an order list; it names its orders, not their states."""
    return ListReport(
        symbol=raw["symbol"],
        list_client_order_id=raw["listClientOrderId"],
        orders=tuple((int(each["orderId"]), each["clientOrderId"]) for each in raw["orders"]),
    )


def read_trade(raw: Mapping[str, Any]) -> TradeReport:
    return TradeReport(
        symbol=raw["symbol"],
        exchange_order_id=int(raw["orderId"]),
        trade_id=int(raw["id"]),
        price=Decimal(raw["price"]),
        quantity=Decimal(raw["qty"]),
        quote_quantity=Decimal(raw["quoteQty"]),
        commission=Decimal(raw["commission"]),
        commission_asset=raw["commissionAsset"],
        at=clock.from_ms(int(raw["time"])),
    )


def read_commission(symbol: str, raw: Mapping[str, Any]) -> Commission:
    """Standard, special and tax commission of role and side, summed (BINANCE section 3)."""

    def charged(role: str, kinds: Sequence[str] = COMMISSIONS) -> Decimal:
        parts = [raw[kind] for kind in kinds if kind in raw]
        worst_side = max(
            sum(Decimal(part.get(side, "0")) for part in parts) for side in ("buyer", "seller")
        )
        return sum((Decimal(part[role]) for part in parts), Decimal(0)) + worst_side

    def in_bnb(role: str) -> Decimal | None:
        said = raw.get("discount") or {}
        if not (said.get("enabledForAccount") and said.get("enabledForSymbol")):
            return None
        if said.get("discountAsset") != "BNB":
            return None
        # Only the standard part is discounted: special and tax commission never are.
        standard = min(charged(role, COMMISSIONS[:1]), charged(role))
        return discounted(charged(role), standard, Decimal(said["discount"]))

    return Commission(
        symbol=symbol,
        maker=charged("maker"),
        taker=charged("taker"),
        bnb_maker=in_bnb("maker"),
        bnb_taker=in_bnb("taker"),
    )


def amount(text: str | None) -> Decimal | None:
    """A price or quantity; Binance writes "0.00000000" for none."""
    value = Decimal(text) if text is not None else Decimal(0)
    return value if value else None
