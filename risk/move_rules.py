"""May a stop or target be moved there? The Ulysses promise and the exchange's filters. Pure.

A stop only moves towards the price: the loss that was accepted with a clear head can shrink, never
grow. A target may move either way, but stays beyond the stop and the market. Prices are in the
quote asset, quantities in the base asset.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from risk.costs import Direction
from risk.symbols import Symbol, is_on_tick, nearest_ticks
from risk.wording import plain


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """An open position with the stop and target it has now, and the market around it.

    `low` and `high` bound the average price that PERCENT_PRICE compares with.
    """

    symbol: Symbol
    direction: Direction
    quantity: Decimal  # what the legs would sell
    stop: Decimal
    target: Decimal
    bid: Decimal
    ask: Decimal
    price: Decimal  # of the last trade: what triggers a stop
    low: Decimal
    high: Decimal


@dataclass(frozen=True, slots=True)
class Objection:
    """Why a line can't be moved there, and the way out. `conflict`: well-formed, but a rule's or
    the exchange's no; else the price itself is none."""

    field: str  # stop, target
    code: str
    message: str
    conflict: bool = True


def objections(held: Held, *, stop: Decimal, target: Decimal) -> list[Objection]:
    """Everything that speaks against the new lines, the gravest first; empty where they may go."""
    if not_prices := list(_not_prices(stop, target)):
        return not_prices  # nothing compares with NaN
    return [
        *_malformed(held, stop, target),
        *_promise(held, stop),
        *_market(held, stop, target),
        *_filters(held, stop, target),
    ]


def _not_prices(stop: Decimal, target: Decimal) -> Iterator[Objection]:
    for field, price in (("stop", stop), ("target", target)):
        if not price.is_finite() or price <= 0:
            yield Objection(field, "not_a_price", "Give a price above 0.", conflict=False)


def _malformed(held: Held, stop: Decimal, target: Decimal) -> Iterator[Objection]:
    symbol = held.symbol
    for field, price in (("stop", stop), ("target", target)):
        if not is_on_tick(price, symbol.tick):
            below, above = nearest_ticks(price, symbol.tick)
            yield Objection(
                field,
                "off_tick",
                f"{symbol.name} trades in steps of {plain(symbol.tick)}. Use {plain(below)} or "
                f"{plain(above)}.",
                conflict=False,
            )
    long = held.direction == "long"
    if stop == target or long != (target > stop):
        side = "above" if long else "below"
        yield Objection(
            "target" if target != held.target else "stop",
            "wrong_side",
            f"The target {plain(target)} of a {held.direction} must lie {side} its stop "
            f"{plain(stop)}.",
            conflict=False,
        )


def _promise(held: Held, stop: Decimal) -> Iterator[Objection]:
    long = held.direction == "long"
    if (stop < held.stop) if long else (stop > held.stop):
        side = "above" if long else "below"
        yield Objection(
            "stop",
            "stop_only_tightens",
            f"A stop only moves towards the price: it is at {plain(held.stop)}, and "
            f"{plain(stop)} would risk more than you agreed to. Choose {plain(held.stop)} or a "
            f"price {side} it, or close the trade.",
        )


def _market(held: Held, stop: Decimal, target: Decimal) -> Iterator[Objection]:
    """Only a line that moves can be refused for where the market is."""
    long = held.direction == "long"
    # The last trade triggers; the best price the other side pays may be there already.
    nearest = min(held.price, held.bid) if long else max(held.price, held.ask)
    side, way = ("below", "sell") if long else ("above", "buy back")
    if stop != held.stop and ((stop >= nearest) if long else (stop <= nearest)):
        yield Objection(
            "stop",
            "would_trigger",
            f"{held.symbol.name} is at {plain(nearest)}: a stop at {plain(stop)} would {way} at "
            f"once. Choose a price {side} {plain(nearest)}, or close the trade.",
        )
    furthest = max(held.price, held.ask) if long else min(held.price, held.bid)
    if target != held.target and ((target <= furthest) if long else (target >= furthest)):
        beyond = "above" if long else "below"
        yield Objection(
            "target",
            "would_trigger",
            f"{held.symbol.name} is at {plain(furthest)}: a target at {plain(target)} would {way} "
            f"at once. Choose a price {beyond} {plain(furthest)}, or close the trade.",
        )


def _filters(held: Held, stop: Decimal, target: Decimal) -> Iterator[Objection]:
    """What the exchange would refuse once the old stop is down: so it stays up instead (R11)."""
    symbol = held.symbol
    moved = "stop" if stop != held.stop else "target"
    if symbol.status != "TRADING":
        yield Objection(
            moved,
            "symbol_status",
            f"{symbol.name} is {symbol.status} at the exchange: it takes cancels, but no new stop. "
            "The present one stays. Try again when it trades.",
        )
        return
    if not symbol.oco_allowed:
        yield Objection(
            moved,
            "no_pair",
            f"{symbol.name} takes no stop and target together. The present ones stay.",
        )
    least = max(symbol.min_quantity, symbol.market_min_quantity)
    if held.quantity < least:
        yield Objection(
            moved,
            "MARKET_LOT_SIZE",
            f"{plain(held.quantity)} {symbol.base} are held; a new stop takes at least "
            f"{plain(least)} {symbol.base}. The present one stays.",
        )
    for field, price, was in (("stop", stop, held.stop), ("target", target, held.target)):
        if price == was:
            continue
        if not symbol.min_price <= price <= symbol.max_price:
            yield Objection(
                field,
                "PRICE_FILTER",
                f"{symbol.name} trades from {plain(symbol.min_price)} to "
                f"{plain(symbol.max_price)}. Move the {field} inside.",
            )
        if percents := symbol.percent_price:
            long = held.direction == "long"
            down = percents.sell_down if long else percents.buy_down
            up = percents.sell_up if long else percents.buy_up
            # What holds at both bounds of the average holds at the exchange's own.
            low, high = held.high * down, held.low * up
            if not low <= price <= high:
                yield Objection(
                    field,
                    "PERCENT_PRICE_BY_SIDE",
                    f"The {field} {plain(price)} is too far from the market: the exchange takes "
                    f"{plain(low)} to {plain(high)}. Move it closer.",
                )
        if symbol.min_notional_for_market and held.quantity * price < symbol.min_notional:
            yield Objection(
                field,
                "NOTIONAL",
                f"{plain(held.quantity)} {symbol.base} at {plain(price)} are worth "
                f"{plain(held.quantity * price)} {symbol.quote}, below the exchange's least of "
                f"{plain(symbol.min_notional)}. The present {field} stays.",
            )
