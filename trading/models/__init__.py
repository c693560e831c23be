"""What trading remembers. Truth stands here, in plain tables; what must hold is a constraint.

An order is never deleted. Its state follows `order_states.NEXT`; a trade's state follows from its
orders and fills. There is no table of positions: a position is what the fills of a trade add up to.
"""

from trading.market.models import Candle, SymbolRules
from trading.models.accounts import Balance, ExchangeAccount, FeeRate, Venue
from trading.models.equity import AccountFlow, EquityPoint, ManagedHolding
from trading.models.exchange_calls import ExchangeCall
from trading.models.incidents import Incident, Severity
from trading.models.ledger import ForeignOrder, LedgerBalance, LedgerEntry, RequestBan
from trading.models.moves import MOVING, Move, MoveReason, MoveState
from trading.models.risk_state import AccountBreaker, AccountRisk, TraderRisk
from trading.models.switches import AccountHalt, ChainBreak, DecisionHead, GlobalHalt
from trading.models.trades import (
    Decision,
    Direction,
    EntryKind,
    Fill,
    Leg,
    Order,
    Side,
    Trade,
)
from trading.models.venue_health import VenueBreaker, VenueHealth

__all__ = [
    "MOVING",
    "AccountBreaker",
    "AccountFlow",
    "AccountHalt",
    "AccountRisk",
    "Balance",
    "Candle",
    "ChainBreak",
    "Decision",
    "DecisionHead",
    "Direction",
    "EntryKind",
    "EquityPoint",
    "ExchangeAccount",
    "ExchangeCall",
    "FeeRate",
    "Fill",
    "ForeignOrder",
    "GlobalHalt",
    "Incident",
    "LedgerBalance",
    "LedgerEntry",
    "Leg",
    "ManagedHolding",
    "Move",
    "MoveReason",
    "MoveState",
    "Order",
    "RequestBan",
    "Severity",
    "Side",
    "SymbolRules",
    "Trade",
    "TraderRisk",
    "Venue",
    "VenueBreaker",
    "VenueHealth",
]
