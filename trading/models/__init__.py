"""What trading remembers. Truth stands here, in plain tables; what must hold is a constraint.

An order is never deleted. Its state follows `order_states.NEXT`; a trade's state follows from its
orders and fills. There is no table of positions: a position is what the fills of a trade add up to.
"""

from trading.market.models import Candle, SymbolRules
from trading.models.accounts import AccountRisk, Balance, ExchangeAccount, FeeRate, Venue
from trading.models.trades import Decision, Direction, Fill, Leg, Order, Side, Trade

__all__ = [
    "AccountRisk",
    "Balance",
    "Candle",
    "Decision",
    "Direction",
    "ExchangeAccount",
    "FeeRate",
    "Fill",
    "Leg",
    "Order",
    "Side",
    "SymbolRules",
    "Trade",
    "Venue",
]
