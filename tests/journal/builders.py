"""Builders: a closed trade as trading tells it, and traders to own it."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from django.db import transaction

from accounts.models import Role, User
from journal.models import JournalEntry
from testudo.db.ids import new_id
from testudo.events.bus import publish
from testudo.events.relay import deliver_due
from trading.events import TradeClosed

D = Decimal
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def trader(name="alice") -> User:
    return User.objects.create_user(
        username=name, email=f"{name}@example.org", password=f"{name} walks in formation",
        role=Role.TRADER,
    )  # fmt: skip


def closed(user, **changes) -> TradeClosed:
    """A long that risked 71.87406 USDT (0.1 BTC from 60,000 to 59,400) and hit 61,800."""
    facts = {
        "trade_id": new_id(),
        "account_id": new_id(),
        "user_id": user.pk,
        "symbol": "BTCUSDT",
        "text": "Closed at the target: +167.64618 USDT.",
        "venue": "paper",
        "side": "long",
        "currency": "USDT",
        "entry": D(60000),
        "worst_entry": D(60060),
        "stop": D(59400),
        "target": D(61800),
        "quantity": D("0.1"),
        "planned_risk": D("77.87"),
        "risk_fraction": D("0.01"),
        "initial_risk": D("71.87406"),
        "reward_to_risk": D("2.33"),
        "entry_price": D(60000),
        "exit_price": D(61800),
        "exited_quantity": D("0.0999"),
        "gross": D("179.82"),
        "fees": D("12.17382"),
        "profit": D("167.64618"),
        "exit_reason": "target",
        "reason": "breakout retest",
        "setup": "retest",
        "placed_at": NOON,
        "opened_at": NOON + timedelta(seconds=1),
        "closed_at": NOON + timedelta(hours=2),
        "order_ms": 84,
        "protected_ms": 131,
        "naked_ms": 0,
        "fills": (
            {"trade_id": "7", "leg": "entry", "price": "60000", "quantity": "0.1", "quote": "6000",
             "commission": "0.0001", "commission_asset": "BTC", "at": NOON.isoformat()},
        ),
    }  # fmt: skip
    return TradeClosed(**{**facts, **changes})


def tell(event) -> None:
    """Publish as trading does, and deliver as the relay does."""
    with transaction.atomic():
        publish(event, stream=str(event.account_id))
    deliver_due(stream=str(event.account_id))


def written(user, **changes) -> JournalEntry:
    event = closed(user, **changes)
    tell(event)
    return JournalEntry.objects.get(pk=event.trade_id)
