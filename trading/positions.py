"""What the orders and fills of one trade add up to. Pure: facts in, position out.

The order in which facts arrived plays no part, so a late, doubled or shuffled report changes
nothing (R12).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from trading.order_states import LIVE, TERMINAL, UNSETTLED, State, TradeState

ZERO = Decimal(0)
# What a trade comes to whose entry ended so and brought nothing.
_ENDED = {
    State.REJECTED: TradeState.REJECTED,
    State.CANCELED: TradeState.CANCELED,
    State.EXPIRED: TradeState.EXPIRED,
    State.FILLED: TradeState.EXPIRED,  # its fills are unknown yet
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFact:
    leg: str  # entry, stop, target, exit
    state: str
    quantity: Decimal | None
    filled: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class FillFact:
    leg: str
    price: Decimal
    quantity: Decimal
    commission_base: Decimal  # the part of the commission taken in the traded coin
    commission_quote: Decimal  # the whole commission, valued in the quote asset
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Quantities in the base asset, money in the quote asset. Long only, as spot is."""

    entered: Decimal  # bought
    received: Decimal  # bought, less commission taken in the coin
    exited: Decimal  # sold
    held: Decimal
    entry_price: Decimal | None  # average
    exit_price: Decimal | None
    entry_fees: Decimal
    exit_fees: Decimal
    stop_cover: Decimal  # quantity of live stops
    booked: bool  # every executed quantity the exchange reported is covered by fills
    opened_at: datetime | None
    closed_at: datetime | None

    @property
    def gross(self) -> Decimal:
        """Profit of what was sold, before fees."""
        if self.entry_price is None or self.exit_price is None:
            return ZERO
        return self.exited * (self.exit_price - self.entry_price)

    @property
    def fees(self) -> Decimal:
        return self.entry_fees + self.exit_fees


def position_of(orders: Sequence[OrderFact], fills: Sequence[FillFact]) -> Position:
    """Add up one trade."""
    entries = [fill for fill in fills if fill.leg == "entry"]
    exits = [fill for fill in fills if fill.leg != "entry"]
    entered, exited = _quantity(entries), _quantity(exits)
    received = entered - sum((fill.commission_base for fill in entries), ZERO)
    executed = sum((order.filled for order in orders), ZERO)
    return Position(
        entered=entered,
        received=received,
        exited=exited,
        held=received - exited - sum((fill.commission_base for fill in exits), ZERO),
        entry_price=_average(entries),
        exit_price=_average(exits),
        entry_fees=sum((fill.commission_quote for fill in entries), ZERO),
        exit_fees=sum((fill.commission_quote for fill in exits), ZERO),
        stop_cover=sum(
            (
                (order.quantity or ZERO) - order.filled
                for order in orders
                if order.leg == "stop" and order.state in LIVE
            ),
            ZERO,
        ),
        booked=executed <= entered + exited,
        opened_at=min((fill.at for fill in entries), default=None),
        closed_at=max((fill.at for fill in exits), default=None),
    )


def trade_state(
    orders: Sequence[OrderFact], position: Position, *, dust: Decimal, closing: bool
) -> TradeState:
    """Where a trade stands. `dust`: a held quantity below it can't be sold and counts as none."""
    entry = next(order for order in orders if order.leg == "entry")
    ended = entry.state in TERMINAL
    if position.entered == 0 and entry.filled == 0:
        if ended and any(order.state in UNSETTLED for order in orders):
            return TradeState.ENTERING  # its legs were sent, and nobody knows what became of them
        if not ended:
            return TradeState.APPROVED if entry.state == State.PLANNED else TradeState.ENTERING
        return _ENDED[State(entry.state)]
    if not ended:
        return TradeState.ENTERING
    flat = position.booked and position.entered > 0 and position.held < dust
    if flat and all(order.state in TERMINAL for order in orders):
        if not position.exited and entry.state != State.FILLED:
            return _ENDED[State(entry.state)]  # less was bought than can be sold again: dust
        return TradeState.CLOSED
    return TradeState.CLOSING if closing or flat else TradeState.OPEN


def uncovered(position: Position, *, dust: Decimal) -> Decimal:
    """The held quantity no live stop covers; zero where only dust is left."""
    missing = position.held - position.stop_cover
    return missing if missing >= dust else ZERO


def _quantity(fills: Sequence[FillFact]) -> Decimal:
    return sum((fill.quantity for fill in fills), ZERO)


def _average(fills: Sequence[FillFact]) -> Decimal | None:
    quantity = _quantity(fills)
    if not quantity:
        return None
    return sum((fill.price * fill.quantity for fill in fills), ZERO) / quantity
