"""What Testudo asks of an exchange, in its own words. `binance.py` is the one implementation.

An order sent has three possible answers, so sending returns one of three values. Exceptions are
for reads: a question unanswered may be asked again, an order may not be sent again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderReport:
    """One order as the exchange describes it, from an answer, a query or the user stream."""

    symbol: str
    client_order_id: str
    exchange_order_id: int
    list_client_order_id: str = ""
    side: str
    type: str
    status: str  # Binance's own word: NEW, PENDING_NEW, FILLED, ...
    price: Decimal | None
    stop_price: Decimal | None
    quantity: Decimal | None  # None while an OPO leg waits for its size
    executed: Decimal
    at: datetime  # when this became so, exchange time
    working_at: datetime | None = None
    reason: str = ""  # why it expired or was rejected, where the exchange says


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeReport:
    """One execution of one order of ours."""

    symbol: str
    exchange_order_id: int
    client_order_id: str = ""  # the stream says it, myTrades does not
    trade_id: int  # unique per symbol
    price: Decimal
    quantity: Decimal  # base asset
    quote_quantity: Decimal
    commission: Decimal
    commission_asset: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceReport:
    asset: str
    free: Decimal
    locked: Decimal
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRights:
    """What an API key may do (`sapi/v1/account/apiRestrictions`)."""

    can_read: bool
    can_trade_spot: bool
    can_withdraw: bool
    ip_restricted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Commission:
    """What is charged per side, as fractions of the received asset."""

    symbol: str
    maker: Decimal
    taker: Decimal
    # Where fees are paid in BNB, as long as there is enough of it; None: they are not.
    bnb_maker: Decimal | None = None
    bnb_taker: Decimal | None = None


@dataclass(frozen=True, slots=True)
class AssetLimits:
    """MAX_ASSET: what one order of this account may move of each asset; None: no limit."""

    base: Decimal | None
    quote: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LegInstruction:
    """One order to send, alone or as part of a list. Prices are on the tick already."""

    client_order_id: str
    side: str
    type: str
    quantity: Decimal | None = None
    price: Decimal | None = None
    stop_price: Decimal | None = None
    time_in_force: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bracket:
    """An entry whose stop and target the exchange itself arms when the entry has filled whole."""

    symbol: str
    kind: str  # "OPOCO": legs sized from what was received; "OTOCO": legs sized by us
    list_client_order_id: str
    entry: LegInstruction
    above: LegInstruction
    below: LegInstruction


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitPair:
    """A stop and a target of which one cancels the other (OCO), for a position already held."""

    symbol: str
    list_client_order_id: str
    above: LegInstruction
    below: LegInstruction


@dataclass(frozen=True, slots=True, kw_only=True)
class ListReport:
    """An order list as the exchange knows it: its orders by (exchange's number, client id)."""

    symbol: str
    list_client_order_id: str
    orders: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Accepted:
    """The exchange took it. `reports` are the orders as it answered them."""

    reports: Sequence[OrderReport]


@dataclass(frozen=True, slots=True)
class Refused:
    """It certainly did not arrive in the book (DEFINITE-NO of R3)."""

    code: int
    message: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """It may have arrived: timeout, reset, 5xx, -1006, -1007, an unreadable reply. Look it up."""

    reason: str
    # It did answer, and clearly, only not whether the order rests ("Duplicate order sent.", an
    # unknown order to cancel): that says nothing against its health.
    answered: bool = False


Outcome = Accepted | Refused | Unknown


class ExchangeError(Exception):
    """A question to the exchange failed."""


class ExchangeUnavailable(ExchangeError):
    """A question went unanswered. Ask again with backoff. Orders are never sent twice this way."""


class RequestsHeld(ExchangeUnavailable):
    """Nothing was asked: our budget of requests is used up, or the exchange bans us. That says
    nothing of the exchange's health. Ask again after `until`."""

    def __init__(self, message: str, *, until: datetime) -> None:
        super().__init__(message)
        self.until = until


def is_trouble(error: ExchangeError) -> bool:
    """Whether it speaks against the exchange's health: it did not answer what it was asked."""
    return isinstance(error, ExchangeUnavailable) and not isinstance(error, RequestsHeld)


class ExchangeRefused(ExchangeError):
    """The exchange answered no: `code` is its own, the message says what to do."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Budget(Protocol):
    """Whom the adapter asks before each request, and tells of each answer."""

    def take(self, weight: int, *, only_look: bool = False) -> None:
        """Raises: RequestsHeld."""
        ...

    def heard(
        self, *, status: int, headers: Mapping[str, str], code: int | None = None
    ) -> None: ...


class Exchange(Protocol):
    """One account at one venue. `signed_at` of an order is by the exchange's clock (R5)."""

    venue: str

    def ask_for_room(self) -> None:
        """Whether anything may be asked or sent now. Raises: RequestsHeld."""
        ...

    def clock_offset(self) -> timedelta:
        """What to add to our clock for the exchange's."""
        ...

    def place_bracket(self, bracket: Bracket, *, signed_at: datetime) -> Outcome: ...

    def place_pair(self, pair: ExitPair, *, signed_at: datetime) -> Outcome: ...

    def place_order(
        self, symbol: str, order: LegInstruction, *, signed_at: datetime
    ) -> Outcome: ...

    def cancel_list(self, symbol: str, list_client_order_id: str) -> Outcome: ...

    def cancel_order(self, symbol: str, client_order_id: str) -> Outcome: ...

    def find_order(self, symbol: str, client_order_id: str) -> OrderReport | None:
        """The order, or None where the exchange knows none by this id (it may lag: R4)."""
        ...

    def find_order_by_number(self, symbol: str, exchange_order_id: int) -> OrderReport | None:
        """The order by the exchange's own number; None where it knows none (it may lag)."""
        ...

    def find_list(self, list_client_order_id: str) -> ListReport | None:
        """The order list by our id, or None where the exchange knows none (it may lag)."""
        ...

    def open_orders(self, symbol: str | None) -> list[OrderReport]:
        """What rests in a symbol. None: in all of them, which weighs 80 instead of 6."""
        ...

    def trades(
        self,
        symbol: str,
        *,
        from_id: int | None = None,
        order_id: int | None = None,
        since: datetime | None = None,
    ) -> list[TradeReport]:
        """At most 1,000, oldest first: from that trade on, of that order, or since that moment."""
        ...

    def balances(self) -> list[BalanceReport]: ...

    def commission(self, symbol: str) -> Commission: ...

    def asset_limits(self, symbol: str, *, base: str, quote: str) -> AssetLimits: ...

    def key_rights(self) -> KeyRights: ...
