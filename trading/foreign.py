"""Orders of the trader's own that rest at the exchange: shown, never touched (R14)."""

from collections.abc import Collection, Iterable

from django.db import transaction
from django.db.models import QuerySet

from testudo import clock
from trading.exchange.port import OrderReport
from trading.models import ExchangeAccount, ForeignOrder

RESTING = frozenset({"NEW", "PARTIALLY_FILLED", "PENDING_NEW"})
FIGURES = ["client_order_id", "side", "type", "price", "stop_price", "quantity", "executed",
           "status", "seen_at"]  # fmt: skip


def of(account: ExchangeAccount) -> QuerySet[ForeignOrder]:
    """What rests now, as far as we have heard; by symbol."""
    return ForeignOrder.objects.filter(account=account).order_by("symbol", "exchange_order_id")


def note_resting(
    account: ExchangeAccount, reports: Iterable[OrderReport], *, symbols: Collection[str]
) -> None:
    """What rests in these symbols, and nothing else does there."""
    rows = [_row(account, report) for report in reports]
    numbers = [row.exchange_order_id for row in rows]
    with transaction.atomic():
        gone = ForeignOrder.objects.filter(account=account, symbol__in=symbols)
        gone.exclude(exchange_order_id__in=numbers).delete()
        ForeignOrder.objects.bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["account", "symbol", "exchange_order_id"],
            update_fields=FIGURES,
        )


def hear(account: ExchangeAccount, report: OrderReport) -> None:
    """The stream told of one: it rests, or is gone."""
    if report.status in RESTING:
        ForeignOrder.objects.bulk_create(
            [_row(account, report)],
            update_conflicts=True,
            unique_fields=["account", "symbol", "exchange_order_id"],
            update_fields=FIGURES,
        )
    else:
        ForeignOrder.objects.filter(
            account=account, symbol=report.symbol, exchange_order_id=report.exchange_order_id
        ).delete()


def _row(account: ExchangeAccount, report: OrderReport) -> ForeignOrder:
    return ForeignOrder(
        account=account,
        symbol=report.symbol,
        exchange_order_id=report.exchange_order_id,
        client_order_id=report.client_order_id,
        side=report.side,
        type=report.type,
        price=report.price,
        stop_price=report.stop_price,
        quantity=report.quantity,
        executed=report.executed,
        status=report.status,
        seen_at=clock.now(),
    )
