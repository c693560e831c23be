"""What the engine moves: orders, order lists, trades. Plain values; prices and quantities in e8.

Names of fields that reach the wire follow Binance's; everything is an `int`, `str` or `None`, so a
row of SQLite holds it as it is.
"""

from __future__ import annotations

from dataclasses import dataclass

BUY, SELL = "BUY", "SELL"
GTC, IOC, FOK = "GTC", "IOC", "FOK"

LIMIT, MARKET, LIMIT_MAKER = "LIMIT", "MARKET", "LIMIT_MAKER"
STOP_LOSS, STOP_LOSS_LIMIT = "STOP_LOSS", "STOP_LOSS_LIMIT"
TAKE_PROFIT, TAKE_PROFIT_LIMIT = "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"

STOPS = frozenset({STOP_LOSS, STOP_LOSS_LIMIT})
TARGETS = frozenset({TAKE_PROFIT, TAKE_PROFIT_LIMIT})
TRIGGERED_TYPES = STOPS | TARGETS  # wait for a price; count against MAX_NUM_ALGO_ORDERS
PRICED = frozenset({LIMIT, LIMIT_MAKER, STOP_LOSS_LIMIT, TAKE_PROFIT_LIMIT})
MARKET_LIKE = frozenset({MARKET, STOP_LOSS, TAKE_PROFIT})  # end as a market order

NEW, PARTIALLY_FILLED, FILLED = "NEW", "PARTIALLY_FILLED", "FILLED"
CANCELED, EXPIRED, PENDING_NEW = "CANCELED", "EXPIRED", "PENDING_NEW"
EXPIRED_IN_MATCH = "EXPIRED_IN_MATCH"  # by self-trade prevention
OPEN = frozenset({NEW, PARTIALLY_FILLED, PENDING_NEW})

# Expiry reasons (`expiryReason`, `eR`), user-data-stream.md "Order Expiry Reason"
REJECTED = "REJECTED"
OCO_TRIGGER = "OCO_TRIGGER"
OTO_PHASE_ONE_EXPIRED = "OTO_PHASE_ONE_EXPIRED"
UNFILLED_IOC = "UNFILLED_IOC_QUANTITY_EXPIRED"
UNFILLED_FOK = "UNFILLED_FOK_ORDER_EXPIRED"
INSUFFICIENT_LIQUIDITY = "INSUFFICIENT_LIQUIDITY"
PRICE_RANGE_EXCEEDED = "EXECUTION_RULE_PRICE_RANGE_EXCEEDED"

# Self-trade prevention modes (faqs/stp_faq.md). The taker's mode decides.
NONE, EXPIRE_MAKER, EXPIRE_TAKER = "NONE", "EXPIRE_MAKER", "EXPIRE_TAKER"
EXPIRE_BOTH, DECREMENT, TRANSFER = "EXPIRE_BOTH", "DECREMENT", "TRANSFER"
STP_MODES = (NONE, EXPIRE_TAKER, EXPIRE_MAKER, EXPIRE_BOTH, DECREMENT, TRANSFER)

# The kinds of list. On the wire OTO, OTOCO, OPO and OPOCO all say contingencyType "OTO".
OCO, OTO, OTOCO, OPO, OPOCO = "OCO", "OTO", "OTOCO", "OPO", "OPOCO"
PAYS_OTHER = frozenset({OPO, OPOCO})  # the legs are sized from what the working order received
STARTS_WITH_ONE = frozenset({OTO, OTOCO, OPO, OPOCO})  # a working order, then the legs

# Roles of an order in a list
ALONE, WORKING, ABOVE, BELOW, PENDING = "", "working", "above", "below", "pending"


@dataclass(slots=True)
class Order:
    """One order of one account. Open ones live in the engine; closed ones in the store."""

    id: int
    account: int
    symbol: str
    client_id: str
    side: str
    type: str
    time_in_force: str
    quantity: int  # 0 while an OPO leg does not know it yet
    price: int  # 0 for market orders
    stop_price: int
    quote_quantity: int  # quoteOrderQty of a market order, else 0
    created_ms: int
    updated_ms: int
    list_id: int = -1
    role: str = ALONE
    status: str = NEW
    filled: int = 0
    quote_filled: int = 0
    locked: int = 0  # of the asset the order pays with; 0 where the list holds the lock
    working_ms: int = -1  # when it went on the book; -1 before
    triggered: int = 0  # a stop whose price was reached
    expiry_reason: str | None = None
    stp_mode: str = "NONE"
    strategy_id: int | None = None
    strategy_type: int | None = None
    iceberg: int = 0  # icebergQty, 0 for an order shown whole
    shown: int = 0  # what is left of the shown part of an iceberg
    rank: int = 0  # time priority on the book: the lower goes first
    trailing_delta: int = 0  # in basis points, 0 where the order does not trail
    trailing_ms: int = -1  # since when it tracks the price; -1 before
    trail: int = 0  # the best price since then
    prevented: int = 0  # quantity that self-trade prevention took away
    prevented_match_id: int | None = None
    amends: int = 0

    @property
    def remaining(self) -> int:
        return self.quantity - self.filled - self.prevented

    @property
    def is_open(self) -> bool:
        return self.status in OPEN

    @property
    def is_waiting(self) -> bool:
        """A stop or target that waits for its price."""
        return self.type in TRIGGERED_TYPES and not self.triggered

    @property
    def is_on_book(self) -> bool:
        """Rests as a limit order that prints may fill."""
        return self.status in (NEW, PARTIALLY_FILLED) and not self.is_waiting

    @property
    def showing(self) -> int:
        """What the book shows of it: all that remains, or an iceberg's current part."""
        return self.shown if self.iceberg else self.remaining

    @property
    def is_tracking(self) -> bool:
        """A trailing order that follows the price already."""
        return self.trail > 0

    @property
    def triggers_above(self) -> bool:
        """A waiting order triggers when the price rises to its stop price, else when it falls."""
        return (self.type in STOPS) == (self.side == BUY)


@dataclass(slots=True)
class OrderList:
    """Orders that live and die together."""

    id: int
    account: int
    symbol: str
    client_id: str
    kind: str  # OCO, OTO, OTOCO, OPO, OPOCO
    leg_side: str
    order_ids: str  # "17,18": in the order they were placed
    client_ids: str  # of those orders, likewise
    created_ms: int
    updated_ms: int
    status_type: str = "EXEC_STARTED"
    order_status: str = "EXECUTING"
    locked: int = 0  # an OCO pair shares one lock; an OPO keeps what its entry received here
    released: int = 0  # the pending legs went live

    @property
    def contingency(self) -> str:
        return OCO if self.kind == OCO else OTO

    @property
    def ids(self) -> list[int]:
        return [int(part) for part in self.order_ids.split(",")]

    @property
    def members(self) -> list[tuple[int, str]]:
        """(order id, client id) of its orders."""
        return list(zip(self.ids, self.client_ids.split(","), strict=True))

    @property
    def is_open(self) -> bool:
        return self.order_status == "EXECUTING"


@dataclass(frozen=True, slots=True)
class Trade:
    """One fill of one order. `id` is contiguous per symbol over all paper accounts."""

    symbol: str
    id: int
    account: int
    order_id: int
    list_id: int
    price: int
    quantity: int
    quote: int
    commission: int
    commission_asset: str
    at_ms: int
    is_buyer: int
    is_maker: int
    printed_ms: int = 0  # when the public tape shows it; 0 on a maker's side and where it does not


@dataclass(frozen=True, slots=True)
class PreventedMatch:
    """A trade of an account with itself that did not happen. `id` is contiguous per symbol."""

    symbol: str
    id: int
    account: int
    taker_order_id: int
    maker_order_id: int
    mode: str
    price: int
    taker_quantity: int  # 0 where the mode leaves that side alone
    maker_quantity: int
    at_ms: int


@dataclass(frozen=True, slots=True)
class Amendment:
    """One change of an open order that kept its priority."""

    symbol: str
    order_id: int
    execution_id: int
    account: int
    client_id: str  # before
    new_client_id: str
    quantity: int  # before
    new_quantity: int
    at_ms: int
