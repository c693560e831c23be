"""The journal writes itself: a closed trade becomes an entry, once."""

import structlog

from journal.events import JournalEntryWritten
from journal.models import JournalEntry
from risk.rmultiple import PLACES, r_of
from testudo.events.bus import publish, subscribe
from trading.events import TradeClosed

log = structlog.get_logger(__name__)


@subscribe(TradeClosed, consumer="journal")
def write_entry(event: TradeClosed) -> None:
    """Enter a closed trade with its R on the frozen initial risk, and tell that it was entered.

    The inbox keeps one event from being heard twice; the trade's key keeps a second event about
    the same trade from overwriting its entry.
    """
    r_multiple = r_of(event.profit, event.initial_risk)
    entry, written = JournalEntry.objects.get_or_create(
        trade_id=event.trade_id, defaults={**_facts(event), "r_multiple": r_multiple}
    )
    if not written:
        log.warning("trade_closed_again", trade=str(event.trade_id), event_id=str(event.id))
        return
    publish(
        JournalEntryWritten(
            account_id=entry.account_id,
            trade_id=entry.trade_id,
            user_id=event.user_id,
            symbol=entry.symbol,
            currency=entry.currency,
            profit=event.profit,
            r_multiple=r_multiple,
            text=f"{entry.symbol} is in the journal: {r_multiple:+.2f} R.",
        ),
        stream=str(entry.account_id),
    )


def _facts(event: TradeClosed) -> dict[str, object]:
    same = (
        "account_id", "user_id", "venue", "symbol", "side", "currency", "entry", "worst_entry",
        "stop", "target", "planned_risk", "risk_fraction", "reward_to_risk", "reason", "setup",
        "initial_risk", "exit_reason", "placed_at", "opened_at", "closed_at", "order_ms",
        "protected_ms", "naked_ms",
    )  # fmt: skip
    fees, net = event.fees.quantize(PLACES), event.profit.quantize(PLACES)
    return {
        **{name: getattr(event, name) for name in same},
        "planned_quantity": event.quantity,
        "entry_price": event.entry_price.quantize(PLACES),  # an average may have more digits
        "exit_price": event.exit_price.quantize(PLACES),
        "quantity": event.exited_quantity,
        # From the profit back, so that the rounded figures still add up to the last digit.
        "gross": net + fees,
        "fees": fees,
        "profit": net,
        "fills": list(event.fills),
        "written_at": event.at,
    }
