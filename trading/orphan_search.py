"""Which orders at the exchange the books do not know, or thought over: what rests there, and what
was executed where the balances differ from the ledger."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta

from trading import ledger
from trading.exchange.port import BalanceReport, Exchange, OrderReport, TradeReport
from trading.market.symbols import UnknownSymbol, rules
from trading.models import AccountFlow, ExchangeAccount, Fill, Order
from trading.order_states import FINISHED, TERMINAL, State

# openOrders weighs 6 a symbol, and 80 for all of them at once.
WEIGHT_OF_ONE, WEIGHT_OF_ALL = 6, 80
LOOK_BACK = timedelta(hours=1)  # before the last match: what was told late
PAGE = 1_000


def search(
    account: ExchangeAccount,
    *,
    exchange: Exchange,
    symbols: Collection[str],
    balances: Sequence[BalanceReport],
) -> tuple[list[OrderReport], dict[int, list[TradeReport]]]:
    """Such orders, and the executions not booked yet by their order's number.

    Raises: ExchangeError, where a question went unanswered.
    """
    strangers = _strangers(account, _resting(exchange, symbols))
    trades: dict[int, list[TradeReport]] = {}
    for symbol in _suspects(account, symbols, balances):
        executed = _executed_since(account, symbol, exchange)
        for number in executed.keys() - {report.exchange_order_id for report in strangers}:
            report = exchange.find_order_by_number(symbol, number)
            if report is not None:
                strangers.append(report)
        trades |= executed
    return strangers, trades


def _resting(exchange: Exchange, symbols: Collection[str]) -> list[OrderReport]:
    if len(symbols) * WEIGHT_OF_ONE > WEIGHT_OF_ALL:
        return exchange.open_orders(None)
    return [report for symbol in sorted(symbols) for report in exchange.open_orders(symbol)]


def _strangers(account: ExchangeAccount, resting: Iterable[OrderReport]) -> list[OrderReport]:
    """What rests and is in no row of ours, in one that is over here or was never sent, or of a
    trade that is over."""
    reports = {report.client_order_id: report for report in resting}
    rows = Order.objects.filter(account=account, client_order_id__in=reports)
    at_peace = rows.exclude(state__in=[*TERMINAL, State.PLANNED]).exclude(trade__state__in=FINISHED)
    for known in at_peace.values_list("client_order_id", flat=True):
        del reports[known]
    return list(reports.values())


def _suspects(
    account: ExchangeAccount, symbols: Collection[str], balances: Sequence[BalanceReport]
) -> list[str]:
    """The symbols whose trades may explain why a balance is not what the ledger says."""
    if not balances or not ledger.is_open(account):
        return []  # what was there before is in the opening
    held = {each.asset: each.free + each.locked for each in balances}
    off = ledger.differences(account, held, at=max(each.at for each in balances)).keys()
    suspects = []
    for symbol in sorted(symbols):
        try:
            listed = rules(account.venue, symbol)
        except UnknownSymbol:
            continue
        if listed.base in off or (off and off <= {listed.quote}):
            suspects.append(symbol)
    return suspects


def _executed_since(
    account: ExchangeAccount, symbol: str, exchange: Exchange
) -> dict[int, list[TradeReport]]:
    """Executions since the last match, by the order's number; those we booked left out."""
    by_order: dict[int, list[TradeReport]] = defaultdict(list)
    reports = exchange.trades(symbol, since=_look_back_to(account))
    while True:
        ids = [report.trade_id for report in reports]
        fills = Fill.objects.filter(account=account, symbol=symbol, exchange_trade_id__in=ids)
        booked = set(fills.values_list("exchange_trade_id", flat=True))
        for report in reports:
            if report.trade_id not in booked:
                by_order[report.exchange_order_id].append(report)
        if len(reports) < PAGE:
            break
        reports = exchange.trades(symbol, from_id=reports[-1].trade_id + 1)
    return by_order


def _look_back_to(account: ExchangeAccount) -> datetime:
    opening = AccountFlow.objects.filter(account=account, kind=AccountFlow.Kind.OPENING)
    opened_at = opening.order_by("at").values_list("at", flat=True).first() or account.created_at
    if account.reconciled_at is None:
        return opened_at
    return max(opened_at, account.reconciled_at - LOOK_BACK)
