"""Read-only questions other apps may ask of trading, answered with frozen values."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from trading import story
from trading.api.present import timeline
from trading.api.standing import state_text
from trading.models import ExchangeAccount, Trade
from trading.naked import is_naked
from trading.order_states import FINISHED
from trading.positions import position_of
from trading.settlement import facts_of, since_placed
from trading.story import Answer, Step, Trouble
from trading.venue_standing import Standing, standing_of

__all__ = ["Answer", "Standing", "Step", "Story", "TimelineLine", "Trouble", "story_of"]


@dataclass(frozen=True, slots=True)
class TimelineLine:
    """One thing that happened to a trade, with milliseconds since it was placed."""

    at: str
    ms: int | None
    what: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One trade as its own page tells it, open or over. Money in `currency`, prices in the quote
    asset, quantities in the base asset."""

    trade_id: UUID
    account_id: UUID
    account_name: str
    venue: str
    symbol: str
    base: str
    currency: str
    side: str
    state: str
    state_text: str
    is_over: bool
    quantity: Decimal  # planned
    held: Decimal
    entry: Decimal
    entry_price: Decimal | None  # average, once bought
    stop: Decimal  # where it is now
    target: Decimal
    planned_risk: Decimal
    initial_risk: Decimal | None
    reason: str
    placed_at: datetime
    order_ms: int | None
    protected_ms: int | None
    naked_ms: int  # so far over; `unprotected_since` runs on
    is_unprotected: bool
    unprotected_since: datetime | None
    decision_id: UUID
    decision_number: int
    steps: tuple[Step, ...]
    troubles: tuple[Trouble, ...]
    answers: tuple[Answer, ...]
    fills: tuple[dict[str, Any], ...]
    timeline: tuple[TimelineLine, ...]
    exchange: Standing | None  # what is wrong with the exchange, while the trade lives


def story_of(user: Any, trade_id: UUID) -> Story | None:
    """The trader's own trade; None where there is none, or it is another's."""
    own = ExchangeAccount.objects.for_principal(user)
    found = Trade.objects.filter(account__in=own, pk=trade_id)
    trade = found.select_related("account", "decision").first()
    if trade is None:
        return None
    same = (
        "account_id", "symbol", "currency", "side", "state", "quantity", "held", "entry",
        "planned_risk", "initial_risk", "reason", "placed_at", "naked_ms", "decision_id",
    )  # fmt: skip
    fills = trade.fills.select_related("order").order_by("at", "exchange_trade_id")
    is_over, naked = trade.state in FINISHED, is_naked(trade)
    return Story(
        **{name: getattr(trade, name) for name in same},
        trade_id=trade.pk,
        account_name=trade.account.name,
        venue=trade.account.venue,
        base=trade.base_asset,
        state_text=state_text(trade),
        is_over=is_over,
        entry_price=position_of(*facts_of(trade)).entry_price,
        stop=trade.stop_now,
        target=trade.target_now,
        order_ms=since_placed(trade, trade.acknowledged_at),
        protected_ms=since_placed(trade, trade.protected_at),
        is_unprotected=naked,
        unprotected_since=trade.naked_since if naked else None,
        decision_number=trade.decision.number,
        steps=story.steps_of(trade),
        troubles=story.troubles_of(trade),
        answers=story.answers_of(trade),
        fills=tuple(_fill(each) for each in fills),
        timeline=tuple(TimelineLine(**line) for line in timeline(trade)),
        exchange=None if is_over else standing_of(trade.account.venue),
    )


def _fill(row: Any) -> dict[str, Any]:
    return {
        "trade_id": str(row.exchange_trade_id),
        "leg": row.order.leg,
        "price": row.price,
        "quantity": row.quantity,
        "quote": row.quote_quantity,
        "commission": row.commission,
        "commission_asset": row.commission_asset,
    }
