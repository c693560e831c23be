"""The independent check of our books against the exchange's (R15).

Read-only towards the exchange, in a process of its own, with its own small share of the rate
budget. It trusts nothing the order path has concluded: it asks for what rests, what was executed
and what is held, and compares. A difference in an order, a fill or the cover of a position that is
still there when it is looked at again opens an incident and halts new risk on that account; what
changed in the balances from outside is booked as external, and halts nothing.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

import structlog
from django.db.models import Q

from risk.wording import plain
from testudo import clock
from trading import asset_flows, client_ids, coverage, incidents, ledger
from trading.bookkeeping import book_balances
from trading.exchange.port import BalanceReport, Exchange, OrderReport, TradeReport
from trading.models import ExchangeAccount, Fill, Incident, Order, Trade
from trading.order_reports import STATES
from trading.order_states import FINISHED, LIVE, TERMINAL, State, TradeState
from trading.rate_budget import Use, spending
from trading.wording import difference

log = structlog.get_logger(__name__)

# Younger than this is still on its way into the books: a stream, a poll, a look-up.
SETTLES_WITHIN = timedelta(seconds=10)
LOOK_BACK = timedelta(hours=24)
WEIGHT_OF_BALANCES, WEIGHT_OF_ORDERS, WEIGHT_OF_TRADES = 20, 6, 20
PAGE = 1_000
KINDS = ("order_differs", "fill_missed", "position_uncovered")


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing on which the books and the exchange disagree."""

    kind: str  # one of `KINDS`
    about: str  # what it concerns: told apart, and found again, by this
    text: str
    trade_id: UUID | None = None

    def __str__(self) -> str:
        return self.text

    @property
    def key(self) -> tuple[str, str]:
        return self.kind, self.about


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at an account found, and what it weighed."""

    differences: tuple[Difference, ...]
    external: tuple[str, ...]
    weight: int


def look(account: ExchangeAccount, *, exchange: Exchange, settle: bool = True) -> Look:
    """Compare one account. `settle`: book balance changes from outside as external.

    Raises: ExchangeError, where a question went unanswered: nothing is concluded from that.
    """
    now = clock.now() + exchange.clock_offset()
    balances = exchange.balances()
    symbols = _symbols(account, now)
    found: list[Difference] = []
    on_its_way = False
    for symbol in symbols:
        resting = exchange.open_orders(symbol)
        executed = _executed(symbol, since=now - LOOK_BACK, exchange=exchange)
        # Our side is read after the exchange's: what we learn meanwhile is no difference.
        found += _orders_off(account, symbol, resting, now)
        found += _fills_off(account, symbol, executed, now)
        found += _cover_off(account, symbol, resting, now)
        on_its_way = on_its_way or _unbooked(account, symbol, executed)
    # What an execution moved that is not booked yet is nobody's gift: its fill will say so.
    # The first matching opens the books, and is the stream's.
    settled = settle and not found and not on_its_way and ledger.is_open(account)
    external = _external(account, balances) if settled else ()
    weight = WEIGHT_OF_BALANCES + len(symbols) * (WEIGHT_OF_ORDERS + WEIGHT_OF_TRADES)
    return Look(tuple(found), external, weight)


def _symbols(account: ExchangeAccount, now: datetime) -> list[str]:
    """What the account trades, or traded of late."""
    lately = Q(placed_at__gt=now - LOOK_BACK) | Q(closed_at__gt=now - LOOK_BACK)
    trades = Trade.objects.filter(account=account).filter(lately | ~Q(state__in=FINISHED))
    return sorted(set(trades.values_list("symbol", flat=True)))


def _executed(symbol: str, *, since: datetime, exchange: Exchange) -> list[TradeReport]:
    found = exchange.trades(symbol, since=since)
    page = found
    while len(page) >= PAGE:
        page = exchange.trades(symbol, from_id=page[-1].trade_id + 1)
        found = [*found, *page]
    return found


def _orders_off(
    account: ExchangeAccount, symbol: str, resting: Sequence[OrderReport], now: datetime
) -> Iterator[Difference]:
    """Both ways: what rests there and not here, or otherwise; and what rests only here."""
    there = {
        report.client_order_id: report
        for report in resting
        if client_ids.read(report.client_order_id) is not None
    }
    rows = Order.objects.filter(account=account, symbol=symbol)
    here = {
        order.client_order_id: order
        for order in rows.filter(
            Q(state__in=[*LIVE, State.WAITING]) | Q(client_order_id__in=there)
        ).select_related("trade")
    }
    for client_id, report in there.items():
        order = here.get(client_id)
        if report.at > now - SETTLES_WITHIN:
            continue
        if order is None:
            text = f"{symbol}: order {client_id} of ours rests at the exchange, not in the books."
            yield Difference("order_differs", client_id, text)
        elif order.state in TERMINAL or order.filled != report.executed:
            text = (
                f"{symbol}: the {order.leg} order is {order.get_state_display().lower()} here with "
                f"{plain(order.filled)} filled, {STATES[report.status].label.lower()} at the "
                f"exchange with {plain(report.executed)}."
            )
            yield Difference("order_differs", client_id, text, order.trade_id)
        elif report.quantity is not None and order.quantity not in (None, report.quantity):
            text = (
                f"{symbol}: the {order.leg} order is for {plain(order.quantity)} here, for "
                f"{plain(report.quantity)} at the exchange."
            )
            yield Difference("order_differs", client_id, text, order.trade_id)
    for client_id, order in here.items():
        rests = order.state in (*LIVE, State.WAITING)
        if rests and client_id not in there and _old(order, now):
            text = f"{symbol}: the {order.leg} order rests here, and not at the exchange."
            yield Difference("order_differs", client_id, text, order.trade_id)


def _old(order: Order, now: datetime) -> bool:
    since = order.signed_at or order.claimed_at or order.created_at
    return since <= now - SETTLES_WITHIN


def _fills_off(
    account: ExchangeAccount, symbol: str, executed: Sequence[TradeReport], now: datetime
) -> Iterator[Difference]:
    """Both ways, to the last digit. Executions of orders that are not ours concern the balances."""
    numbers = {report.exchange_order_id for report in executed}
    rows = Order.objects.filter(account=account, symbol=symbol, exchange_order_id__in=numbers)
    ours = dict(rows.values_list("exchange_order_id", "trade_id"))
    there = {each.trade_id: each for each in executed if each.exchange_order_id in ours}
    fills = Fill.objects.filter(account=account, symbol=symbol, at__gt=now - LOOK_BACK)
    here = {fill.exchange_trade_id: fill for fill in fills}
    for number, report in there.items():
        fill = here.get(number)
        trade_id = ours[report.exchange_order_id]
        about = f"{symbol}:{number}"
        if fill is None and report.at <= now - SETTLES_WITHIN:
            text = (
                f"{symbol}: the exchange executed {plain(report.quantity)} at "
                f"{plain(report.price)} for us (its trade {number}); the books have it not."
            )
            yield Difference("fill_missed", about, text, trade_id)
        elif fill is not None and _figures(fill) != _figures(report):
            text = f"{symbol}: trade {number} of the exchange is booked with other figures."
            yield Difference("fill_missed", about, text, trade_id)
    # The window's edge: what was executed just before it is not asked for.
    inside = (fill for fill in fills if fill.at > now - LOOK_BACK + SETTLES_WITHIN)
    for fill in inside:
        if fill.exchange_trade_id not in there:
            about = f"{symbol}:{fill.exchange_trade_id}"
            text = f"{symbol}: trade {fill.exchange_trade_id} is booked, and not at the exchange."
            yield Difference("fill_missed", about, text, fill.trade_id)


def _unbooked(account: ExchangeAccount, symbol: str, executed: Sequence[TradeReport]) -> bool:
    """Whether the exchange executed something of ours, however young, that has no fill yet."""
    numbers = {report.exchange_order_id for report in executed}
    rows = Order.objects.filter(account=account, symbol=symbol, exchange_order_id__in=numbers)
    ours = set(rows.values_list("exchange_order_id", flat=True))
    there = {each.trade_id for each in executed if each.exchange_order_id in ours}
    fills = Fill.objects.filter(account=account, symbol=symbol, exchange_trade_id__in=there)
    return fills.count() < len(there)


def _figures(it: Fill | TradeReport) -> tuple[Decimal, Decimal, Decimal, Decimal, str]:
    paid_in = it.commission_asset if it.commission else ""
    return it.price, it.quantity, it.quote_quantity, it.commission, paid_in


def _cover_off(
    account: ExchangeAccount, symbol: str, resting: Sequence[OrderReport], now: datetime
) -> Iterator[Difference]:
    """A position held for longer than a moment whose stop at the exchange does not cover it."""
    trades = Trade.objects.filter(
        account=account, symbol=symbol, state=TradeState.OPEN, open_move=None
    )
    for trade in trades:
        if trade.opened_at is None or trade.opened_at > now - SETTLES_WITHIN:
            continue
        if trade.orders.filter(state__in=[State.PLANNED, State.SENDING, State.UNKNOWN]).exists():
            continue  # it is being protected, or sold
        stops = set(trade.orders.filter(leg="stop").values_list("client_order_id", flat=True))
        covered = sum(
            (
                (report.quantity or Decimal(0)) - report.executed
                for report in resting
                if report.client_order_id in stops
            ),
            Decimal(0),
        )
        if trade.held - covered >= trade.dust:
            text = (
                f"{symbol}: {plain(trade.held)} {trade.base_asset} are held, a stop at the "
                f"exchange covers {plain(covered)}."
            )
            yield Difference("position_uncovered", str(trade.pk), text, trade.pk)


def _external(account: ExchangeAccount, balances: Sequence[BalanceReport]) -> tuple[str, ...]:
    book_balances(account.pk, balances)
    booked = asset_flows.compare(account, balances)
    return tuple(difference(flow.asset, flow.change) for flow in booked)


class Watch:
    """Looks at accounts again and again. A difference counts once it was seen twice in a row."""

    def __init__(self) -> None:
        self._seen: dict[UUID, dict[tuple[str, str], datetime]] = defaultdict(dict)

    def look_at(self, account: ExchangeAccount, *, exchange: Exchange) -> Look:
        """One look, and what follows from it. Raises: ExchangeError."""
        with spending(Use.BACKGROUND):
            found = look(account, exchange=exchange)
        before, now = self._seen[account.pk], clock.now()
        self._seen[account.pk] = {each.key: before.get(each.key, now) for each in found.differences}
        confirmed = [
            each
            for each in found.differences
            if each.key in before and now - before[each.key] >= SETTLES_WITHIN
        ]
        if confirmed:
            report(account, confirmed)
        _close_what_is_over(account, found.differences)
        for sentence in found.external:
            log.info("external", account=str(account.pk), said=sentence)
        return found

    def is_suspect(self, account: ExchangeAccount) -> bool:
        """Whether something differed at the last look: then the next one comes sooner."""
        return bool(self._seen[account.pk])


def report(account: ExchangeAccount, differences: Sequence[Difference]) -> None:
    """Open an incident for each, and halt new risk on the account until a person has looked."""
    done = "New risk is halted on this account until a person has looked; exits go on."
    for each in differences:
        incidents.open_incident(
            account.pk,
            each.kind,
            trade_id=each.trade_id,
            about=each.about,
            text=each.text,
            done=done,
            facts={"found_by": "drop_copy", "about": each.about},
        )
    log.error(
        "books_differ", account=str(account.pk), differences=[str(each) for each in differences]
    )
    coverage.halt_for(account, " ".join(each.text for each in differences))


def _close_what_is_over(account: ExchangeAccount, differences: Iterable[Difference]) -> None:
    standing = {each.key for each in differences}
    opened = Incident.objects.filter(
        account=account, kind__in=KINDS, closed_at=None, facts__found_by="drop_copy"
    )
    for incident in opened:
        if (incident.kind, incident.about) not in standing:
            incidents.close_incident(
                account.pk,
                incident.kind,
                trade_id=incident.trade_id,
                about=incident.about,
                done="The books and the exchange agree again. The halt stays until it is lifted.",
            )
