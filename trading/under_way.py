"""Whether our books of an account are complete just now: only then is what the exchange holds
beyond them somebody else's."""

from decimal import Decimal

from django.db.models import DecimalField, F, Q, Sum, Value
from django.db.models.functions import Coalesce

from trading.models import ExchangeAccount, Order, Trade
from trading.order_states import FINISHED, UNSETTLED


def hold_still(account: ExchangeAccount) -> None:
    """Let nothing be booked to the account's trades until the transaction ends.

    Call it under the account's lock: no entry is sent meanwhile either (R17, R19). What is looked
    at in several statements belongs together then.
    """
    rows = Trade.objects.filter(account=account).exclude(state__in=FINISHED)
    list(rows.order_by("pk").select_for_update(no_key=True, of=("self",)).values_list("pk"))


def is_anything_under_way(account: ExchangeAccount) -> bool:
    """Whether an order's outcome is unknown, or some of its fills are not booked yet: the
    exchange's word on an order may come before its fills."""
    orders = Order.objects.filter(account=account)
    if orders.filter(state__in=UNSETTLED).exists():
        return True
    nothing = Value(Decimal(0), output_field=DecimalField())
    filled = orders.exclude(trade__state__in=FINISHED).filter(filled__gt=0)
    booked = filled.annotate(booked=Coalesce(Sum("fills__quantity"), nothing))
    return booked.filter(Q(filled__gt=F("booked"))).exists()
