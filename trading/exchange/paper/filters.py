"""The filters of exchangeInfo, as checks that raise Binance's refusal. Pure.

Source: binance-spot-api-docs, filters.md. Prices and quantities in e8.
"""

from __future__ import annotations

from dataclasses import dataclass

from trading.exchange.paper import order_errors
from trading.exchange.paper import orders as o
from trading.exchange.paper.symbols import Symbol
from trading.exchange.paper.values import E8


@dataclass(frozen=True, slots=True)
class NewOrder:
    """An order as asked for, before it has an id. 0 where a field does not apply."""

    symbol: str
    side: str
    type: str
    client_id: str
    time_in_force: str = o.GTC
    quantity: int = 0
    price: int = 0
    stop_price: int = 0
    quote_quantity: int = 0
    role: str = o.ALONE
    iceberg: int = 0
    trailing_delta: int = 0  # basis points
    stp_mode: str = "NONE"
    strategy_id: int | None = None
    strategy_type: int | None = None


@dataclass(frozen=True, slots=True)
class Reference:
    """Prices the filters compare with: the reference price (an average), and the last trade."""

    average: int
    last: int


def check_prices(symbol: Symbol, new: NewOrder, reference: Reference) -> None:
    """PRICE_FILTER on price and stop price, PERCENT_PRICE_BY_SIDE on the price.

    Raises: BinanceError -1013.
    """
    for price in (new.price, new.stop_price):
        if price and (not symbol.min_price <= price <= symbol.max_price or price % symbol.tick):
            raise order_errors.filter_failure("PRICE_FILTER")
    if not new.price:
        return
    up, down = (
        (symbol.bid_multiplier_up, symbol.bid_multiplier_down)
        if new.side == o.BUY
        else (symbol.ask_multiplier_up, symbol.ask_multiplier_down)
    )
    if not reference.average * down <= new.price * E8 <= reference.average * up:
        raise order_errors.filter_failure("PERCENT_PRICE_BY_SIDE")
    up, down = symbol.percent_up, symbol.percent_down
    if up and not reference.average * down <= new.price * E8 <= reference.average * up:
        raise order_errors.filter_failure("PERCENT_PRICE")


def check_quantity(
    symbol: Symbol, new: NewOrder, reference: Reference, *, market_lot_on_triggers: bool
) -> None:
    """LOT_SIZE, ICEBERG_PARTS, MARKET_LOT_SIZE, NOTIONAL, MIN_NOTIONAL.

    Raises: BinanceError -1013, or -2010 for an iceberg larger than its order.
    """
    for quantity in (new.quantity, new.iceberg):
        if quantity and (
            not symbol.min_quantity <= quantity <= symbol.max_quantity or quantity % symbol.step
        ):
            raise order_errors.filter_failure("LOT_SIZE")
    if new.iceberg and new.quantity:
        if new.iceberg >= new.quantity:
            raise order_errors.rejected(order_errors.ICEBERG_TOO_LARGE)
        if -(-new.quantity // new.iceberg) > symbol.max_iceberg_parts:
            raise order_errors.filter_failure("ICEBERG_PARTS")
    as_market = new.type == o.MARKET or (market_lot_on_triggers and new.type in o.MARKET_LIKE)
    if as_market and new.quantity:
        least, step = symbol.min_market_quantity, symbol.market_step
        if not least <= new.quantity <= symbol.max_market_quantity or (
            step and new.quantity % step
        ):
            raise order_errors.filter_failure("MARKET_LOT_SIZE")
    if new.quote_quantity:
        notional = new.quote_quantity
    else:
        notional = (new.price or new.stop_price or reference.average) * new.quantity // E8
    above = notional > symbol.max_notional and new.type != o.MARKET  # applyMaxToMarket is false
    if notional < symbol.min_notional or above:
        raise order_errors.filter_failure("NOTIONAL")
    if notional < symbol.old_min_notional:
        raise order_errors.filter_failure("MIN_NOTIONAL")


def check_allowed(symbol: Symbol, new: NewOrder) -> None:
    """What the symbol offers. Raises: BinanceError -2010, -1013."""
    if new.type not in symbol.order_types:
        name = new.type.replace("_", " ").capitalize()
        raise order_errors.rejected(f"{name} orders are not supported for this symbol.")
    if new.iceberg and not (symbol.iceberg and symbol.max_iceberg_parts):
        raise order_errors.rejected("Iceberg orders are not supported for this symbol.")
    if new.trailing_delta:
        if not symbol.trailing:
            raise order_errors.rejected("Trailing stop orders are not supported for this symbol.")
        if not symbol.min_trailing <= new.trailing_delta <= symbol.max_trailing:
            raise order_errors.filter_failure("TRAILING_DELTA")
    if new.quote_quantity and not symbol.by_quote:
        raise order_errors.rejected(
            "Quote order qty market orders are not support for this symbol."
        )
    if new.stp_mode not in symbol.stp_modes:
        raise order_errors.stp_mode_not_allowed()


def check_list(symbol: Symbol, kind: str) -> None:
    """Whether the symbol offers such a list. Raises: BinanceError -2010.

    errors.md has the sentences for OCO and OPO; the one for OTO follows their pattern.
    """
    for offered, needed, name in (
        (symbol.oco, (o.OCO, o.OTOCO, o.OPOCO), "OCO orders are not supported for this symbol"),
        (
            symbol.oto,
            (o.OTO, o.OTOCO, *o.PAYS_OTHER),
            "OTO orders are not supported for this symbol.",
        ),
        (symbol.opo, o.PAYS_OTHER, "OPO orders are not supported for this symbol."),
    ):
        if not offered and kind in needed:
            raise order_errors.rejected(name)


def check_trigger(new: NewOrder, last: int) -> None:
    """A stop or target must not be reached already. Raises: BinanceError -2010."""
    if new.type not in o.TRIGGERED_TYPES or not new.stop_price:
        return
    waits_for_rise = (new.type in o.STOPS) == (new.side == o.BUY)
    if (new.stop_price <= last) if waits_for_rise else (new.stop_price >= last):
        raise order_errors.would_trigger()


def pair_price(new: NewOrder) -> int:
    """The price of an OCO leg that its relation to the last trade is judged by.

    A LIMIT_MAKER by its price; stops and targets by their stop price.
    """
    return new.price if new.type == o.LIMIT_MAKER else new.stop_price


def check_pair(above: NewOrder, below: NewOrder, last: int | None) -> None:
    """The two legs of an OCO: types by side, then prices around the last trade (if given).

    Raises: BinanceError -1158, -1165, -1166, -1168, -1196…-1199, or -2010 for the prices.
    """
    limits = {o.LIMIT_MAKER} | o.TARGETS
    for leg in (above, below):
        if leg.type not in limits | o.STOPS:
            raise order_errors.leg_unsupported()
    sell = above.side == o.SELL
    if above.type == o.LIMIT_MAKER and below.type == o.LIMIT_MAKER:
        raise order_errors.both_limit()
    if sell and below.type == o.LIMIT_MAKER:
        raise order_errors.sell_limit_must_be_above()
    if not sell and above.type == o.LIMIT_MAKER:
        raise order_errors.buy_limit_must_be_below()
    if sell and above.type in o.STOPS:
        raise order_errors.sell_stop_must_be_below()
    if not sell and below.type in o.STOPS:
        raise order_errors.buy_stop_must_be_above()
    if sell and below.type in o.TARGETS:
        raise order_errors.sell_target_must_be_above()
    if not sell and above.type in o.TARGETS:
        raise order_errors.buy_target_must_be_below()
    high, low = pair_price(above), pair_price(below)
    if not high or not low:  # a leg that trails from now on has no price yet: the other one counts
        wrong = last is not None and ((high and high <= last) or (low and low >= last))
        if wrong:
            raise order_errors.wrong_price_relation()
        return
    if high <= low or (last is not None and not high > last > low):
        raise order_errors.wrong_price_relation()


def floor_step(symbol: Symbol, quantity: int) -> int:
    """The largest whole number of steps within `quantity`."""
    return quantity // symbol.step * symbol.step
