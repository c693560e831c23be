"""Making a trade again of orders of ours that the exchange has and the books have not (R14).

After a restore to an earlier moment, or a lost row. What the plan was is read from the orders
themselves: the entry's limit, the stop's and the target's prices.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from uuid import UUID

from django.db import transaction

from risk.symbols import Symbol
from testudo import clock
from trading import client_ids, decisions
from trading.bookkeeping import book_order, find_ours
from trading.exchange.port import Exchange, OrderReport
from trading.market.symbols import UnknownSymbol, rules
from trading.models import Balance, ExchangeAccount, FeeRate, Leg, Order, Trade
from trading.order_states import State
from trading.risk_lock import lock_risk

ZERO = Decimal(0)
LEGS = {
    client_ids.ENTRY: Leg.ENTRY,
    client_ids.STOP: Leg.STOP,
    client_ids.TARGET: Leg.TARGET,
    client_ids.EXIT: Leg.EXIT,
}
COSTLIEST = Decimal("0.001")  # Binance's standard rate, where the account's is not known


class CannotAdopt(Exception):
    """The orders do not say what the plan was; `str()` says what is missing."""


def gather(
    intent: UUID, reports: Sequence[OrderReport], *, exchange: Exchange
) -> list[OrderReport]:
    """Every order of the intent's lists that the exchange knows, and `reports`. Raises:
    ExchangeError."""
    found = {report.exchange_order_id: report for report in reports}
    latest = max((_read(report).attempt for report in reports), default=1)
    symbol, attempt = reports[0].symbol, 0
    while attempt <= latest:  # one further than the last one seen
        attempt += 1
        listed = exchange.find_list(client_ids.client_id(intent, client_ids.LIST, attempt))
        if listed is None:
            continue
        latest = max(latest, attempt)
        for number, _ in listed.orders:
            if number not in found and (
                report := exchange.find_order_by_number(symbol, number)
            ):  # fmt: skip
                found[number] = report
    return sorted(found.values(), key=lambda report: report.exchange_order_id)


def _read(report: OrderReport) -> client_ids.Ours:
    ours = client_ids.read(report.client_order_id)
    if ours is None:
        raise CannotAdopt(f"{report.client_order_id} is no id of ours.")
    return ours


def is_known(account: ExchangeAccount, intent: UUID) -> bool:
    return Trade.objects.filter(pk=intent, account=account).exists()


def has_bought(reports: Iterable[OrderReport]) -> bool:
    return any(
        report.executed > ZERO and _read(report).leg == client_ids.ENTRY for report in reports
    )


def adopt(account: ExchangeAccount, intent: UUID, reports: Sequence[OrderReport]) -> Trade:
    """Take the orders into the books: into their trade, or one made anew of them.

    Raises: CannotAdopt; IntegrityError, where another trade lives in the symbol.
    """
    with transaction.atomic():
        lock_risk(account.pk)
        trade = Trade.objects.filter(pk=intent, account=account).first()
        if trade is None:
            trade = _made_anew(account, intent, reports)
        for report in reports:
            if find_ours(account.pk, report) is None:
                _enter(trade, report)
    for report in reports:
        book_order(account.pk, report)
    return trade


def _made_anew(account: ExchangeAccount, intent: UUID, reports: Sequence[OrderReport]) -> Trade:
    first: dict[str, OrderReport] = {}
    for report in sorted(reports, key=lambda each: _read(each).attempt):
        first.setdefault(_read(report).leg, report)
    entry = first.get(client_ids.ENTRY)
    stop = _price(first.get(client_ids.STOP))
    target = _price(first.get(client_ids.TARGET))
    if entry is None or entry.price is None or entry.quantity is None:
        raise CannotAdopt("Its entry is not known.")
    if stop is None or target is None or not stop < entry.price < target:
        raise CannotAdopt("Its stop and target are not known.")
    try:
        symbol = rules(account.venue, entry.symbol)
    except UnknownSymbol as error:
        raise CannotAdopt(str(error)) from error
    rate = FeeRate.objects.filter(account=account, symbol=entry.symbol).first()
    fee = rate.taker if rate else COSTLIEST
    at_risk = entry.quantity * (entry.price - stop + fee * (entry.price + stop))
    cash = Balance.objects.filter(account=account, asset=symbol.quote).first()
    worth = (cash.booked or cash.free + cash.locked) if cash else ZERO
    facts = {
        "symbol": entry.symbol, "entry": entry.price, "stop": stop, "target": target,
        "quantity": entry.quantity, "planned_risk": at_risk, "intent": intent,
    }  # fmt: skip
    return Trade.objects.create(
        id=intent,
        account=account,
        decision=decisions.record(account.pk, "adopted", facts),
        symbol=entry.symbol,
        base_asset=symbol.base,
        currency=symbol.quote,
        side="long",
        kind="now",
        entry=entry.price,
        worst_entry=entry.price,
        stop=stop,
        target=target,
        quantity=entry.quantity,
        planned_risk=at_risk,
        risk_budget=at_risk,
        risk_fraction=at_risk / worth if worth > at_risk else Decimal(1),
        reward_to_risk=(target - entry.price) / (entry.price - stop),
        fee_rate=fee,
        dust=_dust(symbol, stop),
        placed_at=entry.at,
        expires_at=entry.at,
    )


def _price(report: OrderReport | None) -> Decimal | None:
    return None if report is None else report.stop_price or report.price


def _dust(symbol: Symbol, stop: Decimal) -> Decimal:
    """The smallest quantity that can still be sold at the stop."""
    least = max(symbol.min_quantity, symbol.market_min_quantity, symbol.step)
    steps = -(-symbol.min_notional // (stop * symbol.step))  # ceiling, exact
    return max(least, steps * symbol.step)


def _enter(trade: Trade, report: OrderReport) -> None:
    """A row as its sender would have left it: of unknown outcome, until the report is booked."""
    ours, now = _read(report), clock.now()
    in_list = ours.leg != client_ids.EXIT
    first = ours.leg == client_ids.ENTRY or ours.attempt == 1
    bracket = "OPOCO" if rules(trade.account.venue, trade.symbol).opo_allowed else "OTOCO"
    Order.objects.create(
        trade=trade,
        account_id=trade.account_id,
        leg=LEGS[ours.leg],
        client_order_id=report.client_order_id,
        list_client_order_id=client_ids.client_id(trade.pk, client_ids.LIST, ours.attempt)
        if in_list
        else "",
        list_kind="" if not in_list else bracket if first else "OCO",
        symbol=report.symbol,
        side=report.side,
        type=report.type,
        price=report.price,
        stop_price=report.stop_price,
        quantity=report.quantity,
        state=State.UNKNOWN,
        claimed_at=now,
        signed_at=report.at,
    )
