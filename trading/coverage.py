"""Whether the exchange still holds what our positions say. If not, new risk halts (R15).

A difference in money is booked as external and halts nothing; a managed position that is gone is
no bookkeeping matter: its stop would sell what is not there, and its heat is not what we count.
"""

from collections import defaultdict
from decimal import Decimal

import structlog
from django.db import transaction

from risk.breaker import Cause
from risk.wording import plain
from trading import breakers, incidents
from trading.models import Balance, ExchangeAccount, Fill, ManagedHolding, Trade
from trading.order_states import FINISHED
from trading.risk_lock import lock_risk
from trading.under_way import hold_still, is_anything_under_way

BOOKS = "the books"  # told apart from what `drop_copy` finds of one trade
log = structlog.get_logger(__name__)


def missing(account: ExchangeAccount) -> list[str]:
    """A sentence for each coin of which less is there than is managed; none while an order's
    outcome is unknown or its fills are not booked, for then nobody can say."""
    with transaction.atomic():
        lock_risk(account.pk)
        hold_still(account)
        if is_anything_under_way(account):
            return []
        managed = _managed(account)
        there = _there(account, frozenset(managed))
    return [
        f"{plain(quantity)} {coin} are managed, {plain(there[coin])} are at the exchange."
        for coin, quantity in sorted(managed.items())
        if there[coin] < quantity
    ]


def spare(account: ExchangeAccount, coin: str) -> Decimal:
    """How much of a coin is there beyond what is managed: what may still be declared."""
    return _there(account, frozenset({coin}))[coin] - _managed(account)[coin]


def managed_of(account: ExchangeAccount, coin: str) -> Decimal:
    """How much of a coin our positions hold, declared ones included."""
    return _managed(account)[coin]


def _managed(account: ExchangeAccount) -> dict[str, Decimal]:
    managed: dict[str, Decimal] = defaultdict(Decimal)
    held = Trade.objects.filter(account=account, held__gt=0).exclude(state__in=FINISHED)
    declared = ManagedHolding.objects.filter(account=account, ended_at=None)
    for coin, quantity in [
        *held.values_list("base_asset", "held"), *declared.values_list("base_asset", "quantity"),
    ]:  # fmt: skip
        managed[coin] += quantity
    return managed


def _there(account: ExchangeAccount, coins: frozenset[str]) -> dict[str, Decimal]:
    """What the exchange last said of each coin, with our fills since then."""
    found: dict[str, Decimal] = defaultdict(Decimal)
    as_of = {}
    for row in Balance.objects.filter(account=account, asset__in=coins):
        found[row.asset] = row.free + row.locked
        as_of[row.asset] = row.as_of
    fills = Fill.objects.filter(account=account, trade__base_asset__in=coins)
    if as_of:
        fills = fills.filter(at__gt=min(as_of.values()))
    for fill in fills.select_related("order", "trade"):
        coin = fill.trade.base_asset
        if coin in as_of and fill.at <= as_of[coin]:
            continue
        fee = fill.commission if fill.commission_asset == coin else Decimal(0)
        found[coin] += (fill.quantity if fill.order.side == "BUY" else -fill.quantity) - fee
    return found


def halt_for(account: ExchangeAccount, reason: str) -> bool:
    """Stop new risk until a person has looked into a difference. False: it is stopped already."""
    return breakers.open_breaker(account.pk, Cause.RECONCILIATION, reason=reason[:200])


def note(account: ExchangeAccount) -> None:
    """Where something is missing, stop new risk until a person has looked, and say what."""
    sentences = missing(account)
    if not sentences:
        done = "All that is managed is there again. The halt stays until it is lifted."
        incidents.close_incident(account.pk, "position_uncovered", done=done, about=BOOKS)
        return
    reason = " ".join(sentences)
    log.error("position_uncovered", account=str(account.pk), missing=reason)
    with transaction.atomic():
        incidents.open_incident(
            account.pk,
            "position_uncovered",
            text=f"A position is not at the exchange as the books say. {reason}",
            done="New risk is halted on this account until a person has looked; exits go on.",
            facts={"missing": sentences},
            about=BOOKS,
        )
        halt_for(account, reason)
