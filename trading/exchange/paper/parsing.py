"""From a request's text to values, with Binance's refusals for what is not one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import unquote_plus

from trading.exchange.paper import errors, order_errors
from trading.exchange.paper import orders as o
from trading.exchange.paper.filters import NewOrder
from trading.exchange.paper.values import to_e8

DECIMAL = r"^([0-9]{1,20})(\.[0-9]{1,20})?$"
INTEGER = r"^[0-9]{1,20}$"
CLIENT_ID = r"^[a-zA-Z0-9-_]{1,36}$"
SYMBOL = r"^[A-Z0-9-_.]{1,20}$"
SIDES = frozenset({o.BUY, o.SELL})
TYPES = frozenset({o.LIMIT, o.MARKET, o.LIMIT_MAKER}) | o.TRIGGERED_TYPES
IN_FORCE = frozenset({o.GTC, o.IOC, o.FOK})
DAY_MS = 86_400_000
LARGEST = 2**63 - 1
EARLIEST_US = 10**14  # a point in time this large counts microseconds

TIMED = frozenset({o.LIMIT, o.STOP_LOSS_LIMIT, o.TAKE_PROFIT_LIMIT})  # need a timeInForce
ORDER_PARTS = ("Type", "Side", "Quantity", "Price", "StopPrice", "TimeInForce", "ClientOrderId")
MORE_PARTS = ("StrategyId", "StrategyType", "TrailingDelta", "IcebergQty")
PEG_PARTS = ("PegPriceType", "PegOffsetType", "PegOffsetValue")
MOST_PEG_LEVELS = 100
SIGNING = ("timestamp", "recvWindow", "signature", "apiKey")


def read_pairs(text: str) -> dict[str, str]:
    """Parameters of a query string or a form body. Raises: BinanceError -1101, -1105."""
    found: dict[str, str] = {}
    for part in text.split("&"):
        if not part:
            continue
        name, _, value = part.partition("=")
        name = unquote_plus(name)
        if name in found:
            raise errors.duplicate_values(name)
        found[name] = unquote_plus(value)
        if not found[name]:
            raise errors.empty(name)
    return found


class Fields:
    """Typed reading of a call's parameters."""

    def __init__(self, params: Mapping[str, str]) -> None:
        self.params = params

    def text(self, name: str) -> str | None:
        return self.params.get(name)

    def required(self, name: str) -> str:
        """Raises: BinanceError -1102."""
        value = self.params.get(name)
        if value is None:
            raise errors.missing(name)
        return value

    def refuse(self, *names: str) -> None:
        """These do not go with the rest. Raises: BinanceError -1106."""
        for name in names:
            if name in self.params:
                raise errors.not_required(name)

    def symbol(self, known: Mapping[str, object]) -> str:
        """A tradable symbol. Raises: BinanceError -1102, -1100, -1121."""
        name = self.required("symbol")
        if not re.fullmatch(SYMBOL[1:-1], name):
            raise errors.illegal_characters("symbol", SYMBOL)
        if name not in known:
            raise errors.bad_symbol()
        return name

    def amount(self, name: str) -> int | None:
        """A decimal in plain notation, as e8. Raises: BinanceError -1100, -1111."""
        value = self.params.get(name)
        if value is None:
            return None
        if not re.fullmatch(DECIMAL[1:-1], value, re.ASCII):
            raise errors.illegal_characters(name, DECIMAL)
        try:
            units = to_e8(value)
        except ValueError:
            raise errors.too_precise(name) from None
        if units > LARGEST:
            raise errors.overflowed(name)
        return units

    def positive(self, name: str, word: str) -> int:
        """A required amount above zero. Raises: BinanceError -1102, -1100, -1111, -1013."""
        self.required(name)
        units = self.amount(name)
        if not units:
            raise errors.bad_message(f"Invalid {word}.")
        return units

    def number(self, name: str) -> int | None:
        """A whole number. Raises: BinanceError -1100, -1108."""
        value = self.params.get(name)
        if value is None:
            return None
        if not re.fullmatch(INTEGER[1:-1], value, re.ASCII):
            raise errors.illegal_characters(name, INTEGER)
        if int(value) > LARGEST:
            raise errors.overflowed(name)
        return int(value)

    def limit(self, most: int = 1000, default: int = 500) -> int:
        """How many rows; more than the most is cut. Raises: BinanceError -1100, -1130."""
        number = self.number("limit")
        if number is None:
            return default
        if number == 0:
            raise errors.bad_parameter("limit")
        return min(number, most)

    def moment(self, name: str) -> int | None:
        """A point in time, in ms. It may be sent in microseconds. Raises: BinanceError -1100."""
        sent = self.number(name)
        return sent // 1000 if sent is not None and sent >= EARLIEST_US else sent

    def window(self) -> tuple[int | None, int | None]:
        """(startTime, endTime) in ms, 24 hours apart at most. Raises: BinanceError -1127."""
        start, end = self.moment("startTime"), self.moment("endTime")
        if start is not None and end is not None:
            if end < start:
                raise errors.bad_message("Start time is greater than end time.")
            if end - start > DAY_MS:
                raise errors.interval_too_long()
        return start, end

    def flag(self, name: str) -> bool:
        value = self.params.get(name, "false").lower()
        if value not in ("true", "false"):
            raise errors.bad_parameter(name)
        return value == "true"

    def client_id(self, name: str) -> str | None:
        """Raises: BinanceError -1100."""
        value = self.params.get(name)
        if value is not None and not re.fullmatch(CLIENT_ID[1:-1], value, re.ASCII):
            raise errors.illegal_characters(name, CLIENT_ID)
        return value

    def side(self, name: str = "side") -> str:
        value = self.required(name)
        if value not in SIDES:
            raise errors.bad_side()
        return value

    def order_type(self, name: str = "type") -> str:
        value = self.required(name)
        if value not in TYPES:
            raise errors.bad_order_type()
        return value

    def choice(self, name: str, among: tuple[str, ...], default: str | None = None) -> str:
        """One of a few words. Raises: BinanceError -1102, -1130."""
        value = self.required(name) if default is None else self.params.get(name, default)
        if value not in among:
            raise errors.bad_parameter(name)
        return value

    def response_type(self, default: str) -> str:
        value = self.params.get("newOrderRespType", default)
        if value not in ("ACK", "RESULT", "FULL"):
            raise errors.bad_response_type()
        return value


def part(prefix: str, name: str) -> str:
    """The parameter that holds a part of an order: `price`, or `pendingAbovePrice` in a list."""
    if prefix:
        return prefix + name
    return "newClientOrderId" if name == "ClientOrderId" else name[0].lower() + name[1:]


def read_order(
    fields: Fields,
    symbol: str,
    *,
    client_id: str,
    prefix: str = "",
    role: str = o.ALONE,
    side: str | None = None,
    quantity: int | None = None,
    stp_default: str = o.NONE,
) -> NewOrder:
    """One order of a request, alone or in a list (`prefix`). Side and quantity may be shared.

    `quantity=0` is an OPO leg's: not known yet. Raises: BinanceError for what lacks or is too much.
    """

    def of(name: str) -> str:
        return part(prefix, name)

    kind = fields.order_type(of("Type"))
    refuse_peg(fields, prefix)
    side = fields.side(of("Side")) if side is None else side
    in_force, price, stop_price, quote, trailing = o.GTC, 0, 0, 0, 0
    if kind in TIMED:
        in_force = fields.required(of("TimeInForce"))
        if in_force not in IN_FORCE:
            raise errors.bad_time_in_force()
    else:
        fields.refuse(of("TimeInForce"))
    if quantity is None:
        if kind == o.MARKET and not prefix and "quantity" not in fields.params:
            if "quoteOrderQty" not in fields.params:
                raise errors.missing_either("quantity", "quoteOrderQty")
            quantity, quote = 0, fields.positive("quoteOrderQty", "quote order qty")
        else:
            quantity = fields.positive(of("Quantity"), "quantity")
            fields.refuse(*(() if prefix else ("quoteOrderQty",)))
    if kind in o.PRICED:
        price = fields.positive(of("Price"), "price")
    else:
        fields.refuse(of("Price"))
    if kind in o.TRIGGERED_TYPES:
        trailing = fields.number(of("TrailingDelta")) or 0
        if of("StopPrice") in fields.params:
            stop_price = fields.positive(of("StopPrice"), "stop price")
        elif not trailing:
            raise errors.missing_either(of("StopPrice"), of("TrailingDelta"))
    else:
        fields.refuse(of("StopPrice"), of("TrailingDelta"))
    iceberg = _read_iceberg(fields, prefix, kind, in_force)
    strategy_type = fields.number(of("StrategyType"))
    if strategy_type is not None and strategy_type < 1_000_000:
        raise order_errors.bad_strategy_type()
    stp_mode = fields.text("selfTradePreventionMode") or stp_default
    if stp_mode not in o.STP_MODES:
        raise errors.bad_parameter("selfTradePreventionMode")
    return NewOrder(
        symbol=symbol,
        side=side,
        type=kind,
        client_id=fields.client_id(of("ClientOrderId")) or client_id,
        time_in_force=in_force,
        quantity=quantity,
        price=price,
        stop_price=stop_price,
        quote_quantity=quote,
        role=role,
        iceberg=iceberg,
        trailing_delta=trailing,
        stp_mode=stp_mode,
        strategy_id=fields.number(of("StrategyId")),
        strategy_type=strategy_type,
    )


def refuse_peg(fields: Fields, prefix: str) -> None:
    """Pegged orders are not offered (`pegInstructionsAllowed` is false on every symbol).

    Raises: BinanceError -2010, or what is wrong with the instruction itself: -1130, -1100, -1128.
    """
    price, kind, offset = (part(prefix, name) for name in PEG_PARTS)
    if not {price, kind, offset} & fields.params.keys():
        return
    if (kind in fields.params) != (offset in fields.params) or price not in fields.params:
        raise errors.bad_combination()
    fields.choice(price, ("PRIMARY_PEG", "MARKET_PEG"))
    if kind in fields.params:
        fields.choice(kind, ("PRICE_LEVEL",))
        if not 1 <= (fields.number(offset) or 0) <= MOST_PEG_LEVELS:
            raise errors.bad_parameter(offset)
    raise order_errors.rejected(order_errors.NO_PEGS)


def _read_iceberg(fields: Fields, prefix: str, kind: str, in_force: str) -> int:
    """The icebergQty of an order that can have one. Raises: BinanceError -1106, -1014, -1160."""
    name = part(prefix, "IcebergQty")
    if name not in fields.params:
        return 0
    if kind not in o.PRICED:
        raise errors.not_required(name)
    if in_force != o.GTC:
        if prefix:
            raise order_errors.iceberg_needs_gtc(name, part(prefix, "TimeInForce"))
        raise order_errors.unsupported_combination()
    return fields.amount(name) or 0


def names(*prefixes: str, also: tuple[str, ...] = ()) -> frozenset[str]:
    """The parameters a call that places orders accepts."""
    parts = (*ORDER_PARTS, *MORE_PARTS, *PEG_PARTS)
    orders = {part(prefix, name) for prefix in prefixes for name in parts}
    return frozenset(orders | {"symbol", "newOrderRespType", "selfTradePreventionMode", *also})
