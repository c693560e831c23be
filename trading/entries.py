"""The three kinds of entry: what is written for each, how long it waits, and how it is withdrawn.

- *Now*: LIMIT FOK at the slippage cap: whole and at once, or not at all.
- *Pullback*: rests on its line at the exchange until the market comes to it. LIMIT_MAKER where the
  symbol takes it, for it is sized at the maker's fee; else LIMIT GTC, sized at the taker's.
- *Breakout*: nothing rests at the exchange. Its orders stay planned here until the price reaches
  its line and every rule has passed once more (`release`); then it is sent as *now*.

Each is one list with its stop and target, which the exchange arms when the entry has filled whole
(DESIGN 5.1). Why a pullback is a LIMIT_MAKER: docs/decisions/0022.
"""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from risk.costs import PlanImpossible
from risk.symbols import Symbol
from risk.wording import plain
from testudo import clock
from trading import client_ids, events
from trading.bookkeeping import lock_trade
from trading.decide import POLL_EVERY
from trading.drawing import rests_as_maker
from trading.due import AHEAD
from trading.legs import stop_leg, target_leg
from trading.models import EntryKind, ExchangeAccount, Leg, Order, Side, Trade
from trading.order_states import FINISHED, TERMINAL, State, TradeState
from trading.periods import local_date, midnight
from trading.plans import Judged
from trading.settlement import tell
from trading.wake import wake_turn

VALID_FOR = timedelta(seconds=30)  # an entry at the market that was not sent by then expires
LONGEST = timedelta(days=90)  # that an entry may wait
WITHDRAWN = "It was withdrawn."


class TradeOver(Exception):
    """The trade is finished; there is nothing left to withdraw or close."""


class AlreadySent(Exception):
    """The entry is at the exchange, or on its way: it can be closed, not withdrawn."""


def valid_until(
    account: ExchangeAccount, kind: str, *, wish: datetime | None, now: datetime
) -> datetime:
    """When an entry of this kind expires: the trader's wish, or the end of the next reset day.

    One at the market has seconds, whatever was wished: later it would be another trade.
    Raises: PlanImpossible (field "expires_at").
    """
    if kind == EntryKind.NOW:
        return now + VALID_FOR
    if wish is None:
        return midnight(account, local_date(account, now) + timedelta(days=2))
    if not now < wish <= now + LONGEST:
        raise PlanImpossible(
            f"An entry waits until a moment from now to {LONGEST.days} days on. Give one in "
            "between, or leave it out: then it waits until the end of the next day.",
            field="expires_at",
        )
    return wish


def bracket_orders(trade: Trade, judged: Judged) -> list[Order]:
    """The entry with its stop and target, unsaved, as one list the exchange itself arms."""
    symbol = judged.plan.symbol
    # OPO legs are sized by the exchange from what was received; else net of the worst fee.
    leg_quantity = None if symbol.opo_allowed else judged.plan.sizing.leg_quantity
    shared = {
        "trade": trade,
        "account_id": trade.account_id,
        "symbol": trade.symbol,
        "list_kind": "OPOCO" if symbol.opo_allowed else "OTOCO",
        "list_client_order_id": client_ids.client_id(trade.pk, client_ids.LIST),
    }
    return [
        Order(
            **shared,
            **_how(trade.kind, symbol),
            leg=Leg.ENTRY,
            client_order_id=client_ids.client_id(trade.pk, client_ids.ENTRY),
            side=Side.BUY,
            price=trade.worst_entry,
            quantity=trade.quantity,
        ),
        Order(
            **shared,
            leg=Leg.STOP,
            client_order_id=client_ids.client_id(trade.pk, client_ids.STOP),
            side=Side.SELL,
            **stop_leg(symbol, trade.stop),
            quantity=leg_quantity,
        ),
        Order(
            **shared,
            leg=Leg.TARGET,
            client_order_id=client_ids.client_id(trade.pk, client_ids.TARGET),
            side=Side.SELL,
            **target_leg(symbol, trade.target),
            quantity=leg_quantity,
        ),
    ]


def waits_text(trade: Trade) -> str:
    """How an approved entry waits, as the end of a sentence; "" for one at the market."""
    until = f"until {trade.expires_at:%-d %b %H:%M} UTC at the latest."
    if trade.kind == EntryKind.PULLBACK:
        return f" It rests at the exchange at {plain(trade.entry)}, {until}"
    if trade.kind == EntryKind.BREAKOUT:
        return f" It waits here for the price to reach {plain(trade.entry)}, {until}"
    return ""


def _how(kind: str, symbol: Symbol) -> dict[str, str]:
    """The entry's type and time in force."""
    if kind != EntryKind.PULLBACK:
        return {"type": "LIMIT", "time_in_force": "FOK"}
    if rests_as_maker(symbol):
        return {"type": "LIMIT_MAKER", "time_in_force": ""}
    return {"type": "LIMIT", "time_in_force": "GTC"}


def request_withdrawal(trade_id: UUID, *, why: str = WITHDRAWN) -> Trade:
    """Have an entry taken back, wherever it waits: here, on its way, or resting at the exchange.

    A fill that comes first wins: what was bought stays, with its stop. Asking twice changes
    nothing. Raises: TradeOver; AlreadySent, where nothing of the entry can be withdrawn any more.
    """
    with transaction.atomic():
        trade = lock_trade(trade_id)
        if trade.state in FINISHED:
            raise TradeOver(f"This trade is {trade.get_state_display().lower()} already.")
        entry = trade.orders.get(leg=Leg.ENTRY)
        if entry.state in TERMINAL:
            raise AlreadySent("The entry has filled. Close the trade instead.")
        at_market = trade.kind != EntryKind.PULLBACK
        if at_market and entry.state != State.PLANNED:
            raise AlreadySent("The entry was sent already. Close the trade instead.")
        if trade.cancel_entry_at is None:
            trade.cancel_entry_at, trade.cancel_entry_why = clock.now(), why
            trade.version += 1
            trade.save(update_fields=["cancel_entry_at", "cancel_entry_why", "version"])
            tell_taking_back(trade, "The entry is being withdrawn, as asked.")
        wake_turn(trade.account_id, protective=True)
    return trade


def is_armed() -> Q:
    """Trades that wait here for the price to reach their line."""
    return Q(
        kind=EntryKind.BREAKOUT,
        state=TradeState.APPROVED,
        released_at=None,
        crossed_at=None,
        cancel_entry_at=None,
        close_requested_at=None,
    )


def only_waits(now: datetime) -> Q:
    """Orders of breakouts that are armed, and of which nothing else is due."""
    return Q(
        trade__kind=EntryKind.BREAKOUT,
        trade__crossed_at=None,
        trade__released_at=None,
        trade__cancel_entry_at=None,
        trade__close_requested_at=None,
        trade__expires_at__gt=now,
    )


def only_rests(now: datetime) -> Q:
    """Pullbacks that rest at the exchange, not a coin of them bought, asked about not long ago."""
    return Q(
        kind=EntryKind.PULLBACK,
        opened_at=None,
        cancel_entry_at=None,
        close_requested_at=None,
        expires_at__gt=now,
        acknowledged_at__isnull=False,
        polled_at__gt=now - POLL_EVERY,
        polled_at__lte=now + AHEAD,
    )


def tell_taking_back(trade: Trade, text: str) -> None:
    fact = {"account_id": trade.account_id, "trade_id": trade.pk, "symbol": trade.symbol}
    tell(trade.account_id, events.EntryTakenBack(**fact, text=text))
