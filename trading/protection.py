"""The steps that guard a position or end it. Each is one claimed change, safe to repeat.

Planning is separate from sending: `protect` and `exit_now` write PLANNED orders, and the same turn
(or, if it dies, the guard) sends them through the one claim in `submission`.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from functools import partial
from uuid import UUID

import structlog
from django.db import transaction

from risk.part_targets import Part
from risk.symbols import floor_to_step
from risk.wording import plain
from testudo import clock, failpoints
from trading import client_ids, events, trade_incidents
from trading.bookkeeping import advance, lock_trade
from trading.exchange.port import Exchange
from trading.legs import stop_leg, target_leg
from trading.market.symbols import rules
from trading.models import Leg, Move, Order, Side, Trade
from trading.order_states import FINISHED, LIVE, TERMINAL, State
from trading.part_legs import laid_out
from trading.positions import position_of, uncovered
from trading.reconcile import catch_up_trade
from trading.settlement import facts_of, settle, tell
from trading.submission import cancel

log = structlog.get_logger(__name__)

CANCEL_AGAIN = timedelta(seconds=2)  # where a cancel brought no clear end


def expire_entry(trade_id: UUID, *, why: str) -> None:
    """Withdraw an entry that was never sent; its reserved risk is free with it."""
    with transaction.atomic():
        trade = lock_trade(trade_id)
        withdrawn = trade.close_requested_at or trade.cancel_entry_at
        to = State.CANCELED if withdrawn else State.EXPIRED
        entry = trade.orders.get(leg=Leg.ENTRY)
        if entry.state != State.PLANNED:
            return  # another worker claimed it first
        for order in trade.orders.filter(state=State.PLANNED):
            advance(order, to=to, state_reason=why)
        settle(trade)


def take_back_entry(trade_id: UUID, *, why: str, exchange: Exchange) -> None:
    """Cancel what rests of an entry at the exchange, with the legs that wait for it. What was
    bought stays: a fill that came first wins, and is then protected or sold like any other."""
    entry = _claim_cancel(trade_id, why=why)
    if entry is None:
        return  # another worker asks, or it rests no more
    failpoints.reach("after_claim_before_cancel")

    def call():
        # The entry, not its list: once it has filled, canceling the list would take the stop down.
        return exchange.cancel_order(entry.symbol, entry.client_order_id)

    legs = list(Order.objects.filter(list_client_order_id=entry.list_client_order_id))
    cancel(entry.symbol, orders=legs, exchange=exchange, call=call)
    catch_up_trade(trade_id, exchange=exchange)  # its last fills may be on their way


def _claim_cancel(trade_id: UUID, *, why: str) -> Order | None:
    """The resting entry, where no other worker is asking for its end; asked again after a while."""
    now = clock.now()
    with transaction.atomic():
        trade = lock_trade(trade_id)
        entry = trade.orders.get(leg=Leg.ENTRY)
        asked = entry.next_look_at is not None and entry.next_look_at > now
        if entry.state not in LIVE or asked:
            return None
        entry.next_look_at = now + CANCEL_AGAIN
        entry.save(update_fields=["next_look_at"])
        if not trade.cancel_entry_why:
            trade.cancel_entry_why = why
            trade.save(update_fields=["cancel_entry_why"])
            told = {"account_id": trade.account_id, "trade_id": trade.pk, "symbol": trade.symbol}
            text = f"{why} The rest of the entry is being canceled."
            tell(trade.account_id, events.EntryTakenBack(**told, text=text))
            if entry.filled:
                trade_incidents.note_cut_off(trade)
        log.info("taking_entry_back", trade=str(trade_id), why=why)
    return entry


def give_up_legs(trade_id: UUID, *, why: str) -> None:
    """From now on the position is to be closed at the market; the next steps do it."""
    with transaction.atomic():
        trade = lock_trade(trade_id)
        if trade.close_requested_at is None and trade.state not in FINISHED:
            trade.close_requested_at, trade.state_reason = clock.now(), why
            trade.version += 1
            trade.save(update_fields=["close_requested_at", "state_reason", "version"])
            log.warning("legs_given_up", trade=str(trade.pk), why=why)


def cancel_legs(trade_id: UUID, *, exchange: Exchange) -> None:
    """Take the stop and target down at the exchange, list by list."""
    legs = Order.objects.filter(trade_id=trade_id, leg__in=[Leg.STOP, Leg.TARGET])
    take_down([order for order in legs if order.state not in TERMINAL], exchange=exchange)


def take_down(standing: Sequence[Order], *, exchange: Exchange) -> None:
    """Cancel these legs, list by list; a stop that was sent alone by its own id."""
    by_sending: dict[str, list[Order]] = {}
    for order in standing:
        sent_with = order.list_client_order_id or order.client_order_id
        by_sending.setdefault(sent_with, []).append(order)
    for sent_with, legs in sorted(by_sending.items()):
        first = legs[0]
        ask = exchange.cancel_list if first.list_client_order_id else exchange.cancel_order
        call = partial(ask, first.symbol, sent_with)
        cancel(first.symbol, orders=legs, exchange=exchange, call=call)


def protect(trade_id: UUID, *, quantity: Decimal) -> None:
    """Plan a stop and target (OCO) for what no live stop covers, never above what is held (R9)."""
    with transaction.atomic():
        trade = lock_trade(trade_id)
        position = position_of(*facts_of(trade))
        missing = uncovered(position, dust=trade.dust)
        wanted = sellable(trade, min(quantity, missing))
        # `booked`: what sold since the turn looked may be told as an order, its fills not yet.
        if not wanted or not position.booked or _something_planned(trade, lost_exits=False):
            return
        (part,) = laid_out(trade, wanted, stop=trade.stop_now, target=trade.target_now)[-1:]
        part = replace(part, quantity=wanted)
        plan_pair(trade, part, stop=trade.stop_now)
        text = f"No stop covers {plain(missing)} {trade.base_asset}. It is being restored."
        fact = {"account_id": trade.account_id, "trade_id": trade.pk, "symbol": trade.symbol}
        tell(trade.account_id, events.PositionUnprotected(**fact, quantity=missing, text=text))
        trade_incidents.note_uncovered(trade, missing)
        log.warning("protecting", trade=str(trade.pk), quantity=str(wanted))


def plan_pair(
    trade: Trade, part: Part, *, stop: Decimal, move: Move | None = None, rung: int = 0
) -> list[Order]:
    """Write a stop and target (OCO) for a part, to be sent. Call it with the trade's lock."""
    attempt, symbol = next_attempt(trade, Leg.STOP), rules(trade.account.venue, trade.symbol)
    shared = {
        "trade": trade,
        "account_id": trade.account_id,
        "symbol": trade.symbol,
        "side": Side.SELL,
        "quantity": part.quantity,
        "part": part.number,
        "rung": rung,
        "list_kind": "OCO",
        "list_client_order_id": client_ids.client_id(trade.pk, client_ids.LIST, attempt),
        "move": move,
    }
    return Order.objects.bulk_create(
        [
            Order(
                **shared,
                leg=Leg.STOP,
                **stop_leg(symbol, stop),
                client_order_id=client_ids.client_id(trade.pk, client_ids.STOP, attempt),
            ),
            Order(
                **shared,
                leg=Leg.TARGET,
                **target_leg(symbol, part.target),
                client_order_id=client_ids.client_id(trade.pk, client_ids.TARGET, attempt),
            ),
        ]
    )


def exit_now(trade_id: UUID, *, why: str) -> None:
    """Plan a market sale of all that is held. One at a time: what is held bounds every exit."""
    with transaction.atomic():
        trade = lock_trade(trade_id)
        position = position_of(*facts_of(trade))
        held = sellable(trade, position.held)
        if not held or not position.booked or _something_planned(trade):
            return
        attempt = next_attempt(trade, Leg.EXIT)
        if before := list(trade.orders.filter(leg=Leg.EXIT).order_by("pk")):
            trade_incidents.note_exit_again(trade, before)
        if trade.close_requested_at is None:
            trade.close_requested_at = clock.now()
            trade.state_reason = why
            trade.save(update_fields=["close_requested_at", "state_reason"])
        Order.objects.create(
            trade=trade,
            account_id=trade.account_id,
            leg=Leg.EXIT,
            client_order_id=client_ids.client_id(trade.pk, client_ids.EXIT, attempt),
            symbol=trade.symbol,
            side=Side.SELL,
            type="MARKET",
            quantity=held,
        )
        log.info("exiting", trade=str(trade.pk), quantity=str(held), why=why)


def sellable(trade: Trade, quantity: Decimal) -> Decimal:
    symbol = rules(trade.account.venue, trade.symbol)
    return floor_to_step(quantity, max(symbol.step, symbol.market_step))


def _something_planned(trade: Trade, *, lost_exits: bool = True) -> bool:
    """Whether an exit is planned or under way already: it must be sent or settled first.

    `lost_exits`: count a market exit of unknown outcome, too. A stop may rest beside it.
    """
    under_way = [State.PLANNED, State.SENDING, State.UNKNOWN]
    orders = trade.orders.exclude(leg=Leg.ENTRY).filter(state__in=under_way)
    if not lost_exits:
        orders = orders.exclude(leg=Leg.EXIT, state=State.UNKNOWN)
    return orders.exists()


def next_attempt(trade: Trade, leg: Leg) -> int:
    """One beyond the highest there is: an adopted order may have left a gap below it."""
    ids = trade.orders.filter(leg=leg).values_list("client_order_id", flat=True)
    return max((ours.attempt for ours in map(client_ids.read, ids) if ours), default=0) + 1
