"""Where a trade stands, in words: what its entry waits for, and until when."""

from datetime import datetime

from testudo.web.fields import plain
from trading.entries import valid_until
from trading.models import EntryKind, ExchangeAccount, Trade
from trading.order_states import TradeState
from trading.plans import Judged

STATE_TEXT = {
    TradeState.APPROVED: "Approved, being sent",
    TradeState.ENTERING: "Entering",
    TradeState.OPEN: "Open",
    TradeState.CLOSING: "Closing",
    TradeState.CLOSED: "Closed",
    TradeState.EXPIRED: "Not filled",
    TradeState.REJECTED: "Refused by the exchange",
    TradeState.CANCELED: "Withdrawn",
}


def waits(row: Trade) -> str | None:
    """Where an entry waits: here for the price to reach its "line", or at the "exchange" for the
    market to come to it. Then it can be withdrawn. None: it waits no more, or never did."""
    if row.kind == EntryKind.BREAKOUT and row.state == TradeState.APPROVED:
        return None if row.released_at else "line"
    if row.kind == EntryKind.PULLBACK and row.state in (TradeState.APPROVED, TradeState.ENTERING):
        return "exchange"
    return None


def state_text(row: Trade) -> str:
    """The trade's state for people; the reason where one was noted."""
    if row.state_reason:
        return row.state_reason
    where = waits(row)
    if where and (row.cancel_entry_at or row.close_requested_at):
        return "Being withdrawn"
    if where == "line":
        return f"Armed: sent at {plain(row.entry)}"
    if where == "exchange" and row.state == TradeState.ENTERING:
        return f"Filling at {plain(row.entry)}" if row.opened_at else f"Waits at {plain(row.entry)}"
    return STATE_TEXT[TradeState(row.state)]


def would_wait_until(
    row: ExchangeAccount, it: Judged, *, wish: datetime | None = None
) -> datetime | None:
    """When an entry of this kind would expire; None for one that does not wait. Raises:
    PlanImpossible, for a wish that is over by now."""
    if it.kind == EntryKind.NOW:
        return None
    return valid_until(row, it.kind, wish=wish, now=it.book.at)
