"""The account manager: one account's equity, cash, heat and counts as one value, a `risk` Book.

Read in a fixed order, open trades before closed ones: a trade that closes in between is then
counted twice, never not at all. Placements read it under the account's risk row (R17).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.db import transaction

from risk.protocol import STREAK_PAUSE
from risk.rules import Book
from testudo import clock
from trading.market.prices import Quote
from trading.models import AccountRisk, Balance, ExchangeAccount, Fill, Order, Trade
from trading.order_states import FINISHED, TERMINAL, TradeState
from trading.positions import position_of
from trading.settlement import fill_fact

ZERO = Decimal(0)
QuoteOf = Callable[[str, str], Quote | None]  # (venue, symbol) → latest prices
MOST_STREAK_READ = 20  # closed trades looked at for the losing streak
STREAM_ALIVE = timedelta(seconds=30)  # PROTOCOL, data age of the account
LATE = timedelta(minutes=5)  # a day's first equity taken later than this is marked so


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenTotals:
    """What the unfinished trades add up to."""

    count: int = 0
    heat: Decimal = ZERO
    open_risk: Decimal = ZERO
    pending_risk: Decimal = ZERO
    pending_cash: Decimal = ZERO
    at_mark: Decimal = ZERO
    symbols: tuple[str, ...] = ()


def read_book(
    account: ExchangeAccount, *, risk: AccountRisk, symbol: str, quote_of: QuoteOf
) -> Book:
    """The account now, as the rules see it for a plan in `symbol`."""
    now = clock.now()
    totals = open_totals(account, quote_of=quote_of)
    cash, total = quote_balance(account)
    equity = total + totals.at_mark
    start, end = day_of(account, now)
    streak, last_loss = losing_streak(account)
    standing = _standing_orders(account, symbol)
    return Book(
        at=now,
        currency=account.currency,
        equity=equity,
        cash=max(cash - totals.pending_cash, ZERO),
        day_start_equity=day_start_equity(risk, equity=equity, day_start=start, account=account),
        heat=totals.heat,
        open_risk=totals.open_risk,
        pending_risk=totals.pending_risk,
        open_positions=totals.count,
        positions_in_symbol=totals.symbols.count(symbol),
        losing_streak=streak,
        streak_until=last_loss + STREAK_PAUSE if last_loss else None,
        trades_today=Trade.objects.filter(account=account, placed_at__gte=start).count(),
        day_ends_at=end,
        state=risk.state,
        state_reason=risk.reason,
        reconciled=in_step(account, now),
        algo_orders=sum(order.type.startswith(("STOP_LOSS", "TAKE_PROFIT")) for order in standing),
        orders=len(standing),
        order_lists=len({order.list_client_order_id for order in standing} - {""}),
    )


def in_step(account: ExchangeAccount, now: datetime) -> bool:
    """Whether the account was matched with the exchange and its stream is proved alive (R14)."""
    alive = account.stream_alive_at
    fresh = alive is not None and now - alive <= STREAM_ALIVE
    return account.reconciled_at is not None and not account.stream_gap and fresh


def open_totals(account: ExchangeAccount, *, quote_of: QuoteOf) -> OpenTotals:
    """Heat, open and pending risk over the unfinished trades (PROTOCOL 1.3)."""
    trades = (
        Trade.objects.filter(account=account)
        .exclude(state__in=FINISHED)
        .prefetch_related("orders", "fills__order")
    )
    totals: dict[str, Decimal] = dict.fromkeys(
        ("heat", "open_risk", "pending_risk", "pending_cash", "at_mark"), ZERO
    )
    symbols = []
    for trade in trades:
        symbols.append(trade.symbol)
        position = position_of(trade.orders.all(), [fill_fact(trade, f) for f in trade.fills.all()])
        if position.entry_price is None or position.held <= ZERO:
            totals["heat"] += trade.planned_risk
            totals["pending_risk"] += trade.planned_risk
            if position.entry_price is None:
                totals["pending_cash"] += trade.quantity * trade.worst_entry
            continue
        quote = quote_of(account.venue, trade.symbol)
        mark = quote.bid if quote else position.entry_price
        exit_fee = trade.stop * position.held * trade.fee_rate
        at_risk = (position.entry_price - trade.stop) * position.held + exit_fee
        totals["heat"] += max(at_risk, ZERO)
        totals["open_risk"] += max((mark - trade.stop) * position.held + exit_fee, ZERO)
        totals["at_mark"] += mark * position.held
    return OpenTotals(count=len(symbols), symbols=tuple(symbols), **totals)


def quote_balance(account: ExchangeAccount) -> tuple[Decimal, Decimal]:
    """(free, total) of the reporting currency, fills newer than the exchange's last word in."""
    row = Balance.objects.filter(account=account, asset=account.currency).first()
    if row is None:
        return ZERO, ZERO
    newer = Fill.objects.filter(account=account, at__gt=row.as_of).select_related("order")
    moved = sum((_cash_moved(fill, account.currency) for fill in newer), ZERO)
    return max(row.free + moved, ZERO), row.free + row.locked + moved


def _cash_moved(fill: Fill, currency: str) -> Decimal:
    paid = fill.commission if fill.commission_asset == currency else ZERO
    return (fill.quote_quantity if fill.order.side == "SELL" else -fill.quote_quantity) - paid


def losing_streak(account: ExchangeAccount) -> tuple[int, datetime | None]:
    """Losses in a row, the latest included, and when the last of them closed."""
    recent = (
        Trade.objects.filter(account=account, state=TradeState.CLOSED)
        .order_by("-closed_at")
        .values_list("profit", "closed_at")[:MOST_STREAK_READ]
    )
    streak, last = 0, None
    for profit, closed_at in recent:
        if profit is None or profit >= 0:
            break
        streak, last = streak + 1, last or closed_at
    return streak, last


def day_of(account: ExchangeAccount, moment: datetime) -> tuple[datetime, datetime]:
    """Start and end of the account's trading day in its reset zone; 23 or 25 hours happen."""
    zone = ZoneInfo(account.reset_zone)
    today = moment.astimezone(zone).date()
    start = datetime.combine(today, time(), zone)
    end = datetime.combine(today + timedelta(days=1), time(), zone)
    return start.astimezone(moment.tzinfo), end.astimezone(moment.tzinfo)


def day_start_equity(
    risk: AccountRisk, *, equity: Decimal, day_start: datetime, account: ExchangeAccount
) -> Decimal:
    """The stored equity of the day's start; before it was stored, the present one."""
    today = day_start.astimezone(ZoneInfo(account.reset_zone)).date()
    if risk.day == today and risk.day_start_equity is not None:
        return risk.day_start_equity
    return equity


def begin_days(accounts: Iterable[ExchangeAccount], *, quote_of: QuoteOf) -> int:
    """Store the day's first equity where a new day has begun. Returns for how many accounts."""
    begun = 0
    now = clock.now()
    for account in accounts:
        start, _ = day_of(account, now)
        today = start.astimezone(ZoneInfo(account.reset_zone)).date()
        with transaction.atomic():
            risk = AccountRisk.objects.select_for_update(no_key=True).get(account=account)
            if risk.day == today or account.reconciled_at is None:
                continue
            _, balance = quote_balance(account)
            equity = balance + open_totals(account, quote_of=quote_of).at_mark
            risk.day = today
            risk.day_start_equity = max(balance, equity)  # the higher of the two: PROTOCOL
            risk.day_start_late = now - start > LATE
            risk.save(update_fields=["day", "day_start_equity", "day_start_late"])
            begun += 1
    return begun


def _standing_orders(account: ExchangeAccount, symbol: str) -> Sequence[Order]:
    unfinished = Order.objects.filter(account=account, symbol=symbol).exclude(state__in=TERMINAL)
    return list(unfinished)
