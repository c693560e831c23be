"""What an exchange allows for one symbol, and rounding to its ticks and steps.

Pure: no Django, no clock, no network. Prices are in the quote asset (USDT), quantities in the
base asset (BTC). Source of every rule: Binance's `filters.md`; read by `risk.listing`.
"""

import math
from dataclasses import dataclass
from decimal import (
    ROUND_CEILING,
    ROUND_FLOOR,
    Context,
    Decimal,
    DivisionByZero,
    Inexact,
    InvalidOperation,
    localcontext,
)

# 200 digits, and any rounding is an error: a sum about money must not lie.
EXACT = Context(prec=200, traps=[Inexact, InvalidOperation, DivisionByZero])

ZERO = Decimal(0)
UNLIMITED = Decimal(10) ** 20  # stands for "no maximum"; equals testudo.db.amounts.MOST
FINEST = Decimal("0.00000001")  # Binance takes at most 8 decimals, whatever the filters say


@dataclass(frozen=True, slots=True)
class PercentPrice:
    """How far from an average price an order's price, or what it trades at, may lie: multipliers
    of that average."""

    buy_down: Decimal
    buy_up: Decimal
    sell_down: Decimal
    sell_up: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Symbol:
    """One tradable pair under its filters. A filter that is off has a minimum of 0, a maximum of
    `UNLIMITED`, or None."""

    name: str
    base: str
    quote: str
    status: str = "TRADING"
    tick: Decimal = FINEST
    min_price: Decimal = ZERO
    max_price: Decimal = UNLIMITED
    step: Decimal = FINEST
    min_quantity: Decimal = ZERO
    max_quantity: Decimal = UNLIMITED
    market_step: Decimal = FINEST
    market_min_quantity: Decimal = ZERO
    market_max_quantity: Decimal = UNLIMITED
    min_notional: Decimal = ZERO
    min_notional_for_market: bool = True  # Binance: applyMinToMarket
    max_notional: Decimal | None = None
    max_notional_for_market: bool = False  # Binance: applyMaxToMarket
    percent_price: PercentPrice | None = None
    order_types: frozenset[str] = frozenset()
    oto_allowed: bool = False
    oco_allowed: bool = False
    opo_allowed: bool = False
    max_algo_orders: int | None = None
    max_orders: int | None = None
    max_order_lists: int | None = None
    # EXCHANGE_MAX_NUM_*: of an account, over all symbols.
    exchange_max_algo_orders: int | None = None
    exchange_max_orders: int | None = None
    exchange_max_order_lists: int | None = None
    max_position: Decimal | None = None  # base asset: held + open buys
    # MAX_ASSET, an account's own: what one order may move. Known only from `myFilters`.
    max_base_per_order: Decimal | None = None
    max_quote_per_order: Decimal | None = None
    # The execution rule PRICE_RANGE, where its reference price is an average of the trades.
    price_range: PercentPrice | None = None
    average_minutes: int = 5  # the longest window of the averages the two compare with

    @property
    def exit_step(self) -> Decimal:
        """The step of an exit: it must be whole in LOT_SIZE and in MARKET_LOT_SIZE."""
        if self.market_step == self.step:
            return self.step
        finest = min(self.step, self.market_step, FINEST)
        with localcontext(EXACT):
            return math.lcm(int(self.step / finest), int(self.market_step / finest)) * finest


def floor_to_step(quantity: Decimal, step: Decimal) -> Decimal:
    """The largest whole number of steps that is not above `quantity`."""
    return _to_grid(quantity, step, ROUND_FLOOR)


def ceil_to_step(quantity: Decimal, step: Decimal) -> Decimal:
    """The smallest whole number of steps that is not below `quantity`."""
    return _to_grid(quantity, step, ROUND_CEILING)


def floor_to_tick(price: Decimal, tick: Decimal) -> Decimal:
    """The nearest valid price that is not above `price`."""
    return _to_grid(price, tick, ROUND_FLOOR)


def ceil_to_tick(price: Decimal, tick: Decimal) -> Decimal:
    """The nearest valid price that is not below `price`."""
    return _to_grid(price, tick, ROUND_CEILING)


def is_on_tick(price: Decimal, tick: Decimal) -> bool:
    return floor_to_tick(price, tick) == price


def nearest_ticks(price: Decimal, tick: Decimal) -> tuple[Decimal, Decimal]:
    """The valid prices below and above `price`; both are `price` itself where it is valid."""
    return floor_to_tick(price, tick), ceil_to_tick(price, tick)


def _to_grid(value: Decimal, grid: Decimal, rounding: str) -> Decimal:
    """`value` in whole multiples of `grid`, written with as many decimals as the grid has."""
    if grid <= 0:
        raise ValueError(f"A tick or step of {grid} is no grid.")
    with localcontext(EXACT):
        whole, rest = divmod(value, grid)  # divmod truncates towards zero
        if rest > 0 and rounding == ROUND_CEILING:
            whole += 1
        elif rest < 0 and rounding == ROUND_FLOOR:
            whole -= 1
        return whole * grid
