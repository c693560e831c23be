"""The steps that guard a position or end it. Each is one claimed change, safe to repeat.

Planning is separate from sending: `protect` and `exit_now` write PLANNED orders, and the same turn
(or, if it dies, the guard) sends them through the one claim in `submission`.
"""

from decimal import Decimal
from uuid import UUID

import structlog
from django.db import transaction

from risk.symbols import floor_to_step
from risk.wording import plain
from testudo import clock
from trading import client_ids, events
from trading.bookkeeping import advance, lock_trade
from trading.exchange.port import Exchange
from trading.market.symbols import rules
from trading.models import Leg, Order, Side, Trade
from trading.order_states import TERMINAL, State
from trading.positions import position_of, uncovered
from trading.settlement import facts_of, settle, tell
from trading.submission import cancel

log = structlog.get_logger(__name__)


def expire_entry(trade_id: UUID, *, why: str) -> None:
    """Withdraw an entry that was never sent; its reserved risk is free with it."""
    with transaction.atomic():
        trade = lock_trade(trade_id)
        to = State.CANCELED if trade.close_requested_at else State.EXPIRED
        entry = trade.orders.get(leg=Leg.ENTRY)
        if entry.state != State.PLANNED:
            return  # another worker claimed it first
        for order in trade.orders.filter(state=State.PLANNED):
            advance(order, to=to, state_reason=why)
        settle(trade)


def cancel_legs(trade_id: UUID, *, exchange: Exchange) -> None:
    """Take the stop and target down at the exchange, list by list."""
    standing = [
        order
        for order in Order.objects.filter(trade_id=trade_id, leg__in=[Leg.STOP, Leg.TARGET])
        if order.state not in TERMINAL
    ]
    for list_id in sorted({order.list_client_order_id for order in standing}):
        legs = [order for order in standing if order.list_client_order_id == list_id]
        symbol = legs[0].symbol

        def call(symbol: str = symbol, list_id: str = list_id):
            return exchange.cancel_list(symbol, list_id)

        cancel(symbol, orders=legs, exchange=exchange, call=call)


def protect(trade_id: UUID, *, quantity: Decimal) -> None:
    """Plan a stop and target (OCO) for what no live stop covers, never above what is held (R9)."""
    with transaction.atomic():
        trade = lock_trade(trade_id)
        missing = uncovered(position_of(*facts_of(trade)), dust=trade.dust)
        wanted = _sellable(trade, min(quantity, missing))
        if not wanted or _something_planned(trade):
            return
        attempt = _next_attempt(trade, Leg.STOP)
        shared = {
            "trade": trade,
            "account_id": trade.account_id,
            "symbol": trade.symbol,
            "side": Side.SELL,
            "quantity": wanted,
            "list_kind": "OCO",
            "list_client_order_id": client_ids.client_id(trade.pk, client_ids.LIST, attempt),
        }
        Order.objects.create(
            **shared,
            leg=Leg.STOP,
            type="STOP_LOSS",
            stop_price=trade.stop,
            client_order_id=client_ids.client_id(trade.pk, client_ids.STOP, attempt),
        )
        Order.objects.create(
            **shared,
            leg=Leg.TARGET,
            type="TAKE_PROFIT",
            stop_price=trade.target,
            client_order_id=client_ids.client_id(trade.pk, client_ids.TARGET, attempt),
        )
        text = f"No stop covers {plain(missing)} {trade.base_asset}. It is being restored."
        fact = {"account_id": trade.account_id, "trade_id": trade.pk, "symbol": trade.symbol}
        tell(trade.account_id, events.PositionUnprotected(**fact, quantity=missing, text=text))
        log.warning("protecting", trade=str(trade.pk), quantity=str(wanted), attempt=attempt)


def exit_now(trade_id: UUID, *, why: str) -> None:
    """Plan a market sale of all that is held. One at a time: what is held bounds every exit."""
    with transaction.atomic():
        trade = lock_trade(trade_id)
        held = _sellable(trade, position_of(*facts_of(trade)).held)
        if not held or _something_planned(trade):
            return
        attempt = _next_attempt(trade, Leg.EXIT)
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


def _sellable(trade: Trade, quantity: Decimal) -> Decimal:
    symbol = rules(trade.account.venue, trade.symbol)
    return floor_to_step(quantity, max(symbol.step, symbol.market_step))


def _something_planned(trade: Trade) -> bool:
    """Whether an exit is planned or under way already: it must be sent or settled first."""
    under_way = [State.PLANNED, State.SENDING, State.UNKNOWN]
    return trade.orders.exclude(leg=Leg.ENTRY).filter(state__in=under_way).exists()


def _next_attempt(trade: Trade, leg: Leg) -> int:
    return trade.orders.filter(leg=leg).count() + 1
