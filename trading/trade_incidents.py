"""What goes wrong with one trade, as incidents: opened where it is dealt with, closed by `settle`.

All are called with the trade's lock, in the transaction that writes what is done about it.
"""

from collections.abc import Collection
from decimal import Decimal

from risk.symbols import floor_to_step
from risk.wording import plain
from trading.incidents import close_incident, open_incident
from trading.market.symbols import UnknownSymbol, rules
from trading.models import Incident, Leg, Order, Trade
from trading.order_states import State

NO_STOP = ("unprotected", "leg_lost")
OF_THE_WAY = (*NO_STOP, "partial_entry", "exit_stuck", "symbol_halted")
MARKET_CLOSED = "Market is closed"  # B:errors.md, -1013
AGAIN = "It is sent again until the position is flat, more and more slowly where it is refused."


def note_uncovered(trade: Trade, missing: Decimal) -> None:
    """The exchange itself has said that no stop covers so much of what is held."""
    stops = trade.orders.filter(leg=Leg.STOP, resting_at__isnull=False)
    last = stops.order_by("pk").last()
    lost = last is not None and last.state in (State.CANCELED, State.EXPIRED)
    gone = f"The stop at {plain(trade.stop_now)} ended at the exchange. " if lost else ""
    open_incident(
        trade.account_id,
        "leg_lost" if lost else "unprotected",
        text=f"{gone}{plain(missing)} {trade.base_asset} have no stop.",
        done="A stop and a target are being placed.",
        facts={"missing": missing, "stop": trade.stop_now},
        trade_id=trade.pk,
    )


def note_covered(trade: Trade, *, naked_ms: int) -> None:
    """A stop covers it again."""
    _close_all(trade, NO_STOP, f"The stop at {plain(trade.stop_now)} rests after {naked_ms:,} ms.")


def note_cut_off(trade: Trade) -> None:
    """A part of the entry filled, and the rest did not come."""
    open_incident(
        trade.account_id,
        "partial_entry",
        text="Only a part of the entry filled in time.",
        done="The rest is being canceled. What was bought is protected.",
        facts={},
        trade_id=trade.pk,
    )


def note_exit_again(trade: Trade, exits: list[Order]) -> None:
    """An exit is planned although others went before it."""
    last = exits[-1]
    halted = MARKET_CLOSED in last.state_reason
    why = f": {last.state_reason}" if last.state_reason else "."
    open_incident(
        trade.account_id,
        "symbol_halted" if halted else "exit_stuck",
        text=f"The exit did not sell all{why}",
        done=AGAIN,
        facts={"exits": len(exits), "filled": last.filled},
        trade_id=trade.pk,
    )


def note_entered(trade: Trade) -> None:
    """The entry is over, whatever came of it."""
    done = "The rest of the entry was canceled."
    close_incident(trade.account_id, "partial_entry", done=done, trade_id=trade.pk)


def note_over(trade: Trade, *, left: Decimal) -> None:
    """The trade has ended, and what was wrong with it; `left` of the coin could not be sold."""
    _close_all(trade, OF_THE_WAY, "The trade is over: nothing is held any more.")
    if _whole_steps(trade, left):
        what = {"trade_id": trade.pk}
        text = f"{plain(left)} {trade.base_asset} are left, less than the exchange sells."
        open_incident(trade.account_id, "dust_left", text=text, facts={"left": left}, **what)
        done = f"They stay in the account as {trade.base_asset}; they count in no trade."
        close_incident(trade.account_id, "dust_left", done=done, **what)


def _close_all(trade: Trade, kinds: Collection[str], done: str) -> None:
    standing = Incident.objects.filter(trade_id=trade.pk, kind__in=kinds, closed_at=None)
    for kind in sorted(standing.values_list("kind", flat=True)):
        close_incident(trade.account_id, kind, done=done, trade_id=trade.pk)


def _whole_steps(trade: Trade, quantity: Decimal) -> bool:
    """Whether more is left than the rounding to the symbol's step leaves each time."""
    try:
        return floor_to_step(quantity, rules(trade.account.venue, trade.symbol).step) > 0
    except UnknownSymbol:
        return False  # delisted: nobody can say
