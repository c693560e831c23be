"""The facts of trading that others may rely on. Past tense, frozen, complete: no second query."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import ClassVar
from uuid import UUID

from testudo.events.bus import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeEvent(Event):
    """What every fact about one trade carries. Subscribe to it to hear them all."""

    name: ClassVar[str] = "trading.trade_event"
    account_id: UUID
    trade_id: UUID
    symbol: str
    text: str  # the fact in one plain sentence, for the page and the timeline


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanApproved(TradeEvent):
    """A plan passed every rule; its risk is reserved. Nothing was sent yet."""

    name: ClassVar[str] = "trading.plan_approved"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRefused(Event):
    """A plan was refused; the decision log holds every reason."""

    name: ClassVar[str] = "trading.plan_refused"
    account_id: UUID
    symbol: str
    decision_id: UUID
    codes: tuple[str, ...]  # the rules that refused
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderSent(TradeEvent):
    """An order, or a list of orders, was claimed and is on its way to the exchange."""

    name: ClassVar[str] = "trading.order_sent"
    client_order_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderAcknowledged(TradeEvent):
    """The exchange confirmed that it holds, or held, an order."""

    name: ClassVar[str] = "trading.order_acknowledged"
    client_order_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderUnknown(TradeEvent):
    """An order was sent without a clear answer; it is being looked up."""

    name: ClassVar[str] = "trading.order_unknown"
    client_order_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeCameBack(TradeEvent):
    """A trade was over, for its entry had been taken for absent or ended; it had filled."""

    name: ClassVar[str] = "trading.trade_came_back"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFilled(TradeEvent):
    """The exchange filled all or part of an order. It has happened; it cannot be refused."""

    name: ClassVar[str] = "trading.order_filled"
    order_id: UUID
    leg: str
    exchange_trade_id: int
    quantity: Decimal  # base asset, this fill only
    price: Decimal  # quote asset per unit of base


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderCanceled(TradeEvent):
    """An order ended without (further) fills: canceled, expired or rejected; `text` says which."""

    name: ClassVar[str] = "trading.order_canceled"
    client_order_id: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionProtected(TradeEvent):
    """A stop for the whole held quantity rests on the exchange, as read back from it."""

    name: ClassVar[str] = "trading.position_protected"
    stop: Decimal
    quantity: Decimal
    naked_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionUnprotected(TradeEvent):
    """A position is held and no stop covers it whole."""

    name: ClassVar[str] = "trading.position_unprotected"
    quantity: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveEvent(TradeEvent):
    """What every fact about a move of stop and target carries. Prices in the quote asset."""

    name: ClassVar[str] = "trading.move_event"
    move_id: UUID
    why: str  # trader, break_even, trailing, ratchet
    from_stop: Decimal
    from_target: Decimal
    to_stop: Decimal
    to_target: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveWished(MoveEvent):
    """A move was recorded; the exchange was told nothing yet."""

    name: ClassVar[str] = "trading.move_wished"


@dataclass(frozen=True, slots=True, kw_only=True)
class StopMoved(MoveEvent):
    """Stop and target rest at the new prices, as the exchange confirmed."""

    name: ClassVar[str] = "trading.stop_moved"
    state: str
    naked_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveEnded(MoveEvent):
    """A move came to something else than was wished; `text` says what."""

    name: ClassVar[str] = "trading.move_ended"
    state: str  # kept, stop_only, exited, overtaken
    naked_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseRequested(TradeEvent):
    """The trader asked to leave the trade at the market."""

    name: ClassVar[str] = "trading.close_requested"


@dataclass(frozen=True, slots=True, kw_only=True)
class LineReached(TradeEvent):
    """The price reached a breakout's line; or it has left it again, and the plan waits on."""

    name: ClassVar[str] = "trading.line_reached"


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryReleased(TradeEvent):
    """Every rule passed once more, and a breakout is sent."""

    name: ClassVar[str] = "trading.entry_released"


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryTakenBack(TradeEvent):
    """The rest of a waiting entry is being canceled; what was bought of it stays, with its stop."""

    name: ClassVar[str] = "trading.entry_taken_back"


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryEnded(TradeEvent):
    """The entry came to nothing; the reserved risk is free again."""

    name: ClassVar[str] = "trading.entry_ended"
    state: str  # expired, rejected or canceled


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeClosed(TradeEvent):
    """The position is flat and every fill is booked."""

    name: ClassVar[str] = "trading.trade_closed"
    user_id: UUID
    venue: str
    side: str
    currency: str
    entry: Decimal
    worst_entry: Decimal
    stop: Decimal
    target: Decimal
    quantity: Decimal
    planned_risk: Decimal
    risk_fraction: Decimal
    initial_risk: Decimal
    reward_to_risk: Decimal
    entry_price: Decimal
    exit_price: Decimal
    exited_quantity: Decimal
    gross: Decimal
    fees: Decimal
    profit: Decimal
    exit_reason: str  # target, stop, closed, external
    reason: str
    setup: str
    placed_at: datetime
    opened_at: datetime
    closed_at: datetime
    order_ms: int
    protected_ms: int | None  # None: no stop was seen resting before the trade ended
    naked_ms: int
    fills: tuple[dict[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitChanged(Event):
    """A trader's own limits changed, or a loosening began or ceased to wait."""

    name: ClassVar[str] = "trading.limit_changed"
    account_id: UUID
    what: str  # tightened, asked, withdrawn, effective
    names: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskEvent(Event):
    """What every fact about an account's risk carries. Subscribe to it to hear them all."""

    name: ClassVar[str] = "trading.risk_event"
    account_id: UUID
    text: str  # the fact in one plain sentence, for the page


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerChanged(RiskEvent):
    """A loss breaker opened, closed, or let trades through at half size."""

    name: ClassVar[str] = "trading.breaker_changed"
    cause: str
    phase: str
    reason: str
    until: datetime | None  # when it moves on by itself


@dataclass(frozen=True, slots=True, kw_only=True)
class TradingHalted(RiskEvent):
    """The account takes no new risk until a person resumes it. Exits go on."""

    name: ClassVar[str] = "trading.trading_halted"
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TradingResumed(RiskEvent):
    """The account takes new risk again."""

    name: ClassVar[str] = "trading.trading_resumed"
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskWarning(RiskEvent):
    """Four fifths of a limit came into use. Told once each time it is crossed."""

    name: ClassVar[str] = "trading.risk_warning"
    code: str  # of the limit's rule
    title: str
    share: Decimal  # of the limit in use


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowBooked(RiskEvent):
    """Money or coins came in or went out without a trade of ours."""

    name: ClassVar[str] = "trading.flow_booked"
    kind: str
    asset: str
    change: Decimal  # of the asset
    value: Decimal  # in the account's currency; 0 for what is no part of equity


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentEvent(RiskEvent):
    """What every fact about an incident carries."""

    name: ClassVar[str] = "trading.incident_event"
    code: str  # its kind
    incident_id: UUID | None = None  # None: told before incidents had rows
    severity: str = "alarm"
    trade_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentOpened(IncidentEvent):
    """Something went wrong that the trader must be able to read about."""

    name: ClassVar[str] = "trading.incident_opened"


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentClosed(IncidentEvent):
    """It is over; the text says what was done."""

    name: ClassVar[str] = "trading.incident_closed"
