"""A position of ours that the trader sells on the exchange's own site: its trade ends by it (F29).

A sale by hand is the trader's own affair while it sells coins apart from our positions: its cash
is a flow. Where it sells what a trade of ours holds, it is that trade's exit: booked at its price,
so that R is right, and nothing is sold a second time.
"""

from decimal import Decimal

import structlog
from django.db import transaction

from risk.wording import plain
from trading import client_ids, coverage, incidents, ledger
from trading.bookkeeping import book_fills, lock_trade
from trading.exchange.port import OrderReport, TradeReport
from trading.models import ExchangeAccount, Leg, Order, Side, Trade
from trading.order_states import FINISHED, State
from trading.positions import position_of, uncovered
from trading.protection import next_attempt
from trading.settlement import facts_of
from trading.wake import wake_turn

log = structlog.get_logger(__name__)


def take(account: ExchangeAccount, order: OrderReport, execution: TradeReport) -> bool:
    """Book an execution of a stranger's order as an exit of the trade whose coins it sold.

    False: it sold none of ours, and is booked as the trader's own. Told twice, it is booked once:
    from the first time on the order is in our books.
    """
    if order.side != Side.SELL:
        return False
    row = _enter(account, order)
    if row is None:
        return False
    book_fills(account.pk, [execution])
    _tell(row, execution)
    wake_turn(account.pk, protective=True)
    return True


def _enter(account: ExchangeAccount, order: OrderReport) -> Order | None:
    """The order in our books, as an exit that we never claimed."""
    live = Trade.objects.filter(account=account, symbol=order.symbol, held__gt=0)
    key = live.exclude(state__in=FINISHED).values_list("pk", flat=True).first()
    if key is None or not ledger.is_open(account):
        return None
    with transaction.atomic():
        trade = lock_trade(key)
        if not _sells(trade, order):
            return None
        client_id = order.client_order_id
        if not client_id or Order.objects.filter(client_order_id=client_id).exists():
            # Ids of the trader's making are theirs to choose, and may be another account's too.
            attempt = next_attempt(trade, Leg.EXIT)
            client_id = client_ids.client_id(trade.pk, client_ids.EXIT, attempt)
        done = order.status == "FILLED"
        log.warning("sold_by_hand", trade=str(trade.pk), order=order.exchange_order_id)
        return Order.objects.create(
            trade=trade,
            account=account,
            leg=Leg.EXIT,
            client_order_id=client_id,
            exchange_order_id=order.exchange_order_id,
            symbol=order.symbol,
            side=order.side,
            type=order.type,
            price=order.price,
            stop_price=order.stop_price,
            quantity=order.quantity,
            filled=order.executed,
            state=State.FILLED if done else State.PARTLY_FILLED,
        )


def _sells(trade: Trade, order: OrderReport) -> bool:
    """Whether the order can only have sold what no stop of ours locks at the exchange: it is no
    more than that, and the coins apart from our positions would not have been enough."""
    position = position_of(*facts_of(trade))
    free = uncovered(position, dust=trade.dust)
    quantity = order.quantity or order.executed
    if not position.booked or not Decimal(0) < quantity < free + trade.dust or not free:
        return False
    there = ledger.totals(trade.account).get(trade.base_asset, Decimal(0))
    return there - coverage.managed_of(trade.account, trade.base_asset) < quantity


def _tell(row: Order, execution: TradeReport) -> None:
    trade = row.trade
    incidents.open_incident(
        trade.account_id,
        "sold_by_hand",
        trade_id=trade.pk,
        about=str(row.exchange_order_id),
        text=f"{trade.symbol}: {plain(execution.quantity)} {trade.base_asset} of this position "
        f"were sold on the exchange by hand, at {plain(execution.price)}.",
        done="",
        facts={"order": row.exchange_order_id, "quantity": execution.quantity},
    )
    incidents.close_incident(
        trade.account_id,
        "sold_by_hand",
        trade_id=trade.pk,
        about=str(row.exchange_order_id),
        done="The sale is booked as this trade's exit. Nothing is sold again; what is left keeps "
        "its stop.",
    )
