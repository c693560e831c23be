"""What the exchange's word on an order adds to our row of it. Pure: nothing is read or written."""

from collections.abc import Mapping
from typing import Any

from trading.exchange.port import OrderReport
from trading.models import Order
from trading.order_states import LIVE, NEXT, TERMINAL, State

# Binance's words for ours. PENDING_CANCEL is documented as unused.
STATES = {
    "NEW": State.OPEN,
    "PENDING_NEW": State.WAITING,
    "PARTIALLY_FILLED": State.PARTLY_FILLED,
    "FILLED": State.FILLED,
    "CANCELED": State.CANCELED,
    "REJECTED": State.REJECTED,
    "EXPIRED": State.EXPIRED,
    "EXPIRED_IN_MATCH": State.EXPIRED,
}


def news_in(order: Order, report: OrderReport) -> bool:
    """Whether the report says anything that our row does not."""
    figures = figures_in(order, report)
    return bool(figures) or next_state(order, report, figures) is not None


def figures_in(order: Order, report: OrderReport) -> dict[str, Any]:
    """What the report adds. Ids and quantities only grow: the size of an OPO leg appears when the
    entry has filled."""
    changes: dict[str, Any] = {}
    if order.exchange_order_id is None:
        changes["exchange_order_id"] = report.exchange_order_id
    if order.quantity is None and report.quantity is not None:
        changes["quantity"] = report.quantity
    if report.executed > order.filled:
        changes["filled"] = report.executed
    if order.working_at is None and report.working_at is not None:
        changes["working_at"] = report.working_at
    if order.resting_at is None and STATES[report.status] in (*LIVE, State.FILLED):
        changes["resting_at"] = report.at
    return changes


def next_state(order: Order, report: OrderReport, figures: Mapping[str, Any]) -> State | None:
    """Where the report moves the order; None where it stays."""
    to = STATES[report.status]
    quantity = figures.get("quantity", order.quantity)
    if quantity is not None and figures.get("filled", order.filled) >= quantity:
        to = State.FILLED
    if to == order.state or to not in NEXT[State(order.state)]:
        return None
    if order.ended_at is not None and to not in TERMINAL:
        return None  # older than the exchange's last word (F17); only our own "absent" is undone
    return to
