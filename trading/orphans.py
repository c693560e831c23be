"""Orders of ours that the books do not know, or thought over, and trades nobody told us of (R14).

Ours is what carries an id of our making. What has bought something becomes a trade again and is
protected; what has not is cancelled, for no risk is reserved for it. Orders of anybody else are
never touched; what they executed is booked as external.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from uuid import UUID

import structlog
from django.db import IntegrityError

from risk.wording import plain
from trading import (
    adoption,
    asset_flows,
    client_ids,
    coverage,
    foreign,
    incidents,
    orphan_search,
    sold_by_hand,
)
from trading.bookkeeping import book_fills, book_order, find_ours
from trading.exchange.port import Accepted, BalanceReport, Exchange, OrderReport, TradeReport
from trading.foreign import RESTING
from trading.market.symbols import UnknownSymbol, rules
from trading.models import ExchangeAccount, Leg, Order
from trading.order_states import FINISHED
from trading.reconcile import catch_up_trade

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Swept:
    """What was found that the books did not know."""

    adopted: list[UUID] = field(default_factory=list)  # trades
    canceled: list[str] = field(default_factory=list)  # client ids
    foreign: list[OrderReport] = field(default_factory=list)  # resting; shown, never touched
    foreign_trades: int = 0


def sweep(
    account: ExchangeAccount,
    *,
    exchange: Exchange,
    symbols: Collection[str],
    balances: Sequence[BalanceReport] = (),
) -> Swept:
    """Match what rests at the exchange with our orders; and, where the balances differ from the
    ledger, what was executed since the last match, to find out why. Repeating it changes nothing.

    Raises: ExchangeError, where a question went unanswered.
    """
    found = Swept()
    strangers, trades = orphan_search.search(
        account, exchange=exchange, symbols=symbols, balances=balances
    )
    _settle(account, strangers, trades, exchange=exchange, into=found)
    foreign.note_resting(account, found.foreign, symbols=symbols)
    return found


def meet(account: ExchangeAccount, report: OrderReport, *, exchange: Exchange) -> Swept:
    """The stream told of an order that is in no row: adopt it if it is ours."""
    found = Swept()
    _settle(account, [report], {}, exchange=exchange, into=found)
    return found


def is_ours(report: OrderReport) -> bool:
    """Whether the order carries an id of our making."""
    return client_ids.read(report.client_order_id) is not None


def _settle(
    account: ExchangeAccount,
    strangers: Sequence[OrderReport],
    trades: dict[int, list[TradeReport]],
    *,
    exchange: Exchange,
    into: Swept,
) -> None:
    intents: dict[UUID, list[OrderReport]] = defaultdict(list)
    for report in strangers:
        ours = client_ids.read(report.client_order_id)
        if ours is not None:
            intents[ours.intent].append(report)
            continue
        if report.status in RESTING:
            into.foreign.append(report)
        into.foreign_trades += _book_foreign(account, report, trades)
    for intent, reports in intents.items():
        known = [row for report in reports if (row := find_ours(account.pk, report)) is not None]
        if len(known) == len(reports):
            _set_right(account, known, reports, exchange=exchange, into=into)
        else:
            _adopt(account, intent, reports, exchange=exchange, into=into)


def _book_foreign(
    account: ExchangeAccount, order: OrderReport, trades: dict[int, list[TradeReport]]
) -> int:
    try:
        symbol = rules(account.venue, order.symbol)
    except UnknownSymbol:
        return 0  # the comparison of the balances books it
    executed = trades.get(order.exchange_order_id, [])
    for trade in executed:
        if find_ours(account.pk, trade) is not None:
            book_fills(account.pk, [trade])  # its first execution was taken for a trade's exit
            continue
        if sold_by_hand.take(account, order, trade):
            continue
        asset_flows.book_foreign_trade(account, symbol, trade, side=order.side)
    return len(executed)


def _set_right(
    account: ExchangeAccount,
    rows: Sequence[Order],
    reports: Sequence[OrderReport],
    *,
    exchange: Exchange,
    into: Swept,
) -> None:
    """Orders in our books that were thought over, or whose trade was."""
    trade = rows[0].trade
    was_over = trade.state in FINISHED
    for report in reports:
        book_order(account.pk, report)
    try:
        catch_up_trade(trade.pk, exchange=exchange)
    except IntegrityError as error:  # another trade lives in the symbol meanwhile
        _cannot_adopt(account, trade.symbol, reports, why=str(error))
        return
    trade.refresh_from_db()
    if not was_over:
        return
    if trade.state not in FINISHED:
        into.adopted.append(trade.pk)
        _tell_adopted(account, trade.symbol, reports, trade_id=trade.pk)
        return
    _cancel(account, trade.symbol, reports, exchange=exchange, into=into, trade_id=trade.pk)


def _adopt(
    account: ExchangeAccount,
    intent: UUID,
    reports: Sequence[OrderReport],
    *,
    exchange: Exchange,
    into: Swept,
) -> None:
    """Orders of an intent that is in no row, or of attempts that are not."""
    symbol = reports[0].symbol
    whole = adoption.gather(intent, reports, exchange=exchange)
    if not adoption.is_known(account, intent) and not adoption.has_bought(whole):
        _cancel(account, symbol, reports, exchange=exchange, into=into)
        return
    try:
        trade = adoption.adopt(account, intent, whole)
    except (adoption.CannotAdopt, IntegrityError) as error:
        _cannot_adopt(account, symbol, whole, why=str(error))
        return
    catch_up_trade(trade.pk, exchange=exchange)
    into.adopted.append(trade.pk)
    _tell_adopted(account, symbol, whole, trade_id=trade.pk)


def _cancel(
    account: ExchangeAccount,
    symbol: str,
    reports: Sequence[OrderReport],
    *,
    exchange: Exchange,
    into: Swept,
    trade_id: UUID | None = None,
) -> None:
    """Take down what rests of it: nothing is reserved for it, and nothing is held that it sells."""
    resting = [report for report in reports if report.status in RESTING]
    for report in resting:
        # Canceling one order of a list ends the whole list: of a second one nothing is left then.
        outcome = exchange.cancel_order(symbol, report.client_order_id)
        if isinstance(outcome, Accepted):
            for answered in outcome.reports:
                book_order(account.pk, answered)
        log.warning("orphan_canceled", order=report.client_order_id, answer=type(outcome).__name__)
        into.canceled.append(report.client_order_id)
    if resting:
        incidents.open_incident(
            account.pk,
            "orphan_adopted",
            trade_id=trade_id,
            about=reports[0].client_order_id,
            text=f"{symbol}: an order of ours rested at the exchange that no plan needs.",
            done="It was cancelled.",
            facts={"orders": [report.client_order_id for report in reports], "symbol": symbol},
        )


def _tell_adopted(
    account: ExchangeAccount, symbol: str, reports: Sequence[OrderReport], *, trade_id: UUID
) -> None:
    entries = (report for report in reports if _leg(report) == client_ids.ENTRY)
    bought = sum((report.executed for report in entries), Decimal(0))
    incidents.open_incident(
        account.pk,
        "orphan_adopted",
        trade_id=trade_id,
        about=reports[0].client_order_id,
        text=f"{symbol}: orders of ours were at the exchange that the books did not know; "
        f"{plain(bought)} was bought by them.",
        done="They were taken into the books, and the position is protected by its stop.",
        facts={"orders": [report.client_order_id for report in reports], "symbol": symbol},
    )


def _cannot_adopt(
    account: ExchangeAccount, symbol: str, reports: Sequence[OrderReport], *, why: str
) -> None:
    """Bought by an order of ours, and it fits into no trade: a person has to look."""
    log.error("orphan_not_adopted", account=str(account.pk), symbol=symbol, why=why)
    incidents.open_incident(
        account.pk,
        "orphan_adopted",
        about=reports[0].client_order_id,
        text=f"{symbol}: an order of ours was found that fits into no trade of the books.",
        done="New risk is halted on this account. What it bought is a holding: look at it.",
        facts={"orders": [report.client_order_id for report in reports], "symbol": symbol},
    )
    coverage.halt_for(account, f"An order of ours in {symbol} fits into no trade of the books.")


def _leg(report: OrderReport) -> str:
    ours = client_ids.read(report.client_order_id)
    return ours.leg if ours else Leg.EXIT
