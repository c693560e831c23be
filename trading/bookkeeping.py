"""Writing down what the exchange says: order states, fills, balances, and what follows from them.

Every report goes through `book_order` and `book_fills`, whether it came by stream, answer or
query, in any order, any number of times. Locks are taken trade first, then the event stream, and
no row lock is ever held across a network call (R6).
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import Sum

from risk.costs import Direction
from risk.rmultiple import Execution, initial_risk
from risk.wording import plain
from testudo import clock
from testudo.events.bus import Event, publish
from testudo.observability import correlation
from trading import events
from trading.exchange.port import BalanceReport, OrderReport, TradeReport
from trading.models import Balance, ExchangeAccount, Fill, Order, Trade
from trading.order_states import FINISHED, NEXT, IllegalMove, State, TradeState
from trading.positions import FillFact, OrderFact, Position, position_of, trade_state, uncovered

log = structlog.get_logger(__name__)

# Binance's words for ours. PENDING_CANCEL is documented as unused.
STATES = {
    "NEW": State.OPEN,
    "PENDING_NEW": State.WAITING,
    "PARTIALLY_FILLED": State.PARTLY_FILLED,
    "FILLED": State.FILLED,
    "CANCELED": State.CANCELED,
    "REJECTED": State.REJECTED,
    "EXPIRED": State.EXPIRED,
    "EXPIRED_IN_MATCH": State.EXPIRED,
}

# What `settle` writes; everything else of a trade belongs to others.
FOLLOWS_FROM_FACTS = [
    "version", "state", "state_reason", "held", "initial_risk", "opened_at", "protected_at",
    "naked_since", "naked_ms", "closed_at", "exit_reason", "profit",
]  # fmt: skip


def tell(account_id: UUID, event: Event) -> None:
    """Publish a fact of one account, in the account's own stream."""
    publish(event, stream=str(account_id))


def advance(order: Order, *, to: State, **changes: object) -> bool:
    """Move the order on by compare-and-set; False means another worker moved it first.

    Raises: IllegalMove, for a move `NEXT` does not know.
    """
    if to not in NEXT[State(order.state)]:
        raise IllegalMove(f"Order {order.pk} cannot go from {order.state} to {to}.")
    moved = Order.objects.filter(pk=order.pk, state=order.state).update(state=to, **changes)
    if moved:
        order.state = to
        for name, value in changes.items():
            setattr(order, name, value)
    return bool(moved)


def lock_trade(trade_id: UUID) -> Trade:
    """The trade's row, locked. Always the first lock of a booking; the event stream is the last."""
    return Trade.objects.select_for_update(no_key=True, of=("self",)).get(pk=trade_id)


def story_of(order: Order):
    """Bind the correlation id of the trade an order belongs to, for logs and events."""
    return correlation.bind(order.trade.correlation_id or None)


def find_ours(account_id: UUID, report: OrderReport | TradeReport) -> Order | None:
    """Our row for a report, by our id or the exchange's; None for an order that is not ours."""
    orders = Order.objects.filter(account_id=account_id).select_related("trade")
    if report.client_order_id:
        found = orders.filter(client_order_id=report.client_order_id).first()
        if found:
            return found
    return orders.filter(symbol=report.symbol, exchange_order_id=report.exchange_order_id).first()


def book_order(account_id: UUID, report: OrderReport) -> Order | None:
    """Take in one order's state. Never backwards: a late or doubled report changes nothing."""
    known = find_ours(account_id, report)
    if known is None:
        return None  # not ours: shown elsewhere, never touched
    with story_of(known), transaction.atomic():
        trade = lock_trade(known.trade_id)
        order = Order.objects.get(pk=known.pk)
        _book_figures(order, report)
        _move(trade, order, report)
        settle(trade)
    return order


def _book_figures(order: Order, report: OrderReport) -> None:
    """Ids and quantities only grow: the size of an OPO leg appears when the entry has filled."""
    changed = []
    if order.exchange_order_id is None:
        order.exchange_order_id = report.exchange_order_id
        changed.append("exchange_order_id")
    if order.quantity is None and report.quantity is not None:
        order.quantity = report.quantity
        changed.append("quantity")
    if report.executed > order.filled:
        order.filled = report.executed
        changed.append("filled")
    if order.working_at is None and report.working_at is not None:
        order.working_at = report.working_at
        changed.append("working_at")
    if changed:
        order.save(update_fields=changed)


def _move(trade: Trade, order: Order, report: OrderReport) -> None:
    to = STATES[report.status]
    if order.quantity is not None and order.filled >= order.quantity:
        to = State.FILLED
    first_answer = order.state in (State.SENDING, State.UNKNOWN)
    if to == order.state or to not in NEXT[State(order.state)]:
        return
    advance(order, to=to, state_reason=report.reason, next_look_at=None)
    log.info("order_moved", order=order.client_order_id, leg=order.leg, to=to)
    if first_answer and trade.acknowledged_at is None:
        trade.acknowledged_at = clock.now()
        trade.save(update_fields=["acknowledged_at"])
    fact = {"account_id": trade.account_id, "trade_id": trade.pk, "symbol": trade.symbol}
    if first_answer:
        text = f"Binance has the {order.leg} order."
        if trade.account.venue == "paper":
            text = f"The paper exchange has the {order.leg} order."
        tell(
            trade.account_id,
            events.OrderAcknowledged(**fact, client_order_id=order.client_order_id, text=text),
        )
    if to in (State.CANCELED, State.EXPIRED, State.REJECTED):
        why = f" ({report.reason})" if report.reason and report.reason != "NONE" else ""
        tell(
            trade.account_id,
            events.OrderCanceled(
                **fact,
                client_order_id=order.client_order_id,
                state=to,
                text=f"The {order.leg} order was {State(to).label.lower()}{why}.",
            ),
        )


def book_fills(account_id: UUID, reports: Iterable[TradeReport]) -> int:
    """Book executions, each once however often it is reported (R12). Returns how many were new."""
    booked = 0
    for report in reports:
        order = find_ours(account_id, report)
        if order is not None:
            booked += _book_fill(order, report)
    return booked


def _book_fill(known: Order, report: TradeReport) -> int:
    with story_of(known), transaction.atomic():
        trade = lock_trade(known.trade_id)
        order = Order.objects.get(pk=known.pk)
        facts = {
            "order": order,
            "trade": trade,
            "price": report.price,
            "quantity": report.quantity,
            "quote_quantity": report.quote_quantity,
            "commission": report.commission,
            "commission_asset": report.commission_asset,
            "commission_quote": _commission_value(trade, report),
            "at": report.at,
        }
        _, new = Fill.objects.get_or_create(
            account_id=order.account_id,
            symbol=report.symbol,
            exchange_trade_id=report.trade_id,
            defaults=facts,
        )
        if not new:
            return 0
        total = order.fills.aggregate(total=Sum("quantity"))["total"]
        if total > order.filled:
            order.filled = total
            order.save(update_fields=["filled"])
        tell(
            order.account_id,
            events.OrderFilled(
                account_id=order.account_id,
                trade_id=trade.pk,
                symbol=order.symbol,
                order_id=order.pk,
                leg=order.leg,
                exchange_trade_id=report.trade_id,
                quantity=report.quantity,
                price=report.price,
                text=f"{order.leg.capitalize()}: {plain(report.quantity)} {trade.base_asset} "
                f"at {plain(report.price)}.",
            ),
        )
        settle(trade)
    return 1


def _commission_value(trade: Trade, report: TradeReport) -> Decimal:
    """The commission in the quote asset, at the price of the fill it belongs to."""
    if report.commission_asset == trade.currency:
        return report.commission
    if report.commission_asset == trade.base_asset:
        return report.commission * report.price
    raise ValueError(
        f"A commission in {report.commission_asset} can't be valued in {trade.currency} yet."
    )


def book_balances(account_id: UUID, reports: Sequence[BalanceReport]) -> None:
    """Take in balances; an older word never replaces a newer one."""
    with transaction.atomic():
        for report in sorted(reports, key=lambda each: each.asset):  # one lock order
            figures = {"free": report.free, "locked": report.locked, "as_of": report.at}
            row, new = Balance.objects.get_or_create(
                account_id=account_id, asset=report.asset, defaults=figures
            )
            if not new:
                Balance.objects.filter(pk=row.pk, as_of__lte=report.at).update(**figures)


def facts_of(trade: Trade) -> tuple[list[OrderFact], list[FillFact]]:
    """The trade's orders and fills as plain values, read now."""
    orders = [
        OrderFact(leg=order.leg, state=order.state, quantity=order.quantity, filled=order.filled)
        for order in trade.orders.all()
    ]
    fills = [fill_fact(trade, fill) for fill in trade.fills.select_related("order")]
    return orders, fills


def fill_fact(trade: Trade, fill: Fill) -> FillFact:
    in_coin = fill.commission_asset == trade.base_asset
    return FillFact(
        leg=fill.order.leg,
        price=fill.price,
        quantity=fill.quantity,
        commission_base=fill.commission if in_coin else Decimal(0),
        commission_quote=fill.commission_quote,
        at=fill.at,
    )


def settle(trade: Trade) -> None:
    """Let the trade's state, risk and protection follow from its facts. Call it with its lock."""
    if trade.state in FINISHED:
        return
    orders, fills = facts_of(trade)
    position = position_of(orders, fills)
    state = trade_state(
        orders, position, dust=trade.dust, closing=trade.close_requested_at is not None
    )
    trade.held = max(position.held, Decimal(0))
    if position.opened_at and trade.opened_at is None:
        trade.opened_at = position.opened_at
    _note_protection(trade, position, state)
    if trade.initial_risk is None and state in (
        TradeState.OPEN, TradeState.CLOSING, TradeState.CLOSED
    ) and position.booked:  # fmt: skip
        trade.initial_risk = _initial_risk(trade, fills)
    before, trade.state = trade.state, state
    if state == TradeState.CLOSED:
        _close(trade, orders, position)
    if state in FINISHED and state != TradeState.CLOSED:
        _end_entry(trade, state)
    trade.version += 1  # the row is locked
    trade.save(update_fields=FOLLOWS_FROM_FACTS)
    if before != state:
        log.info("trade_moved", trade=str(trade.pk), came_from=before, to=state)
    if state == TradeState.CLOSED:
        _tell_closed(trade, position)


def _initial_risk(trade: Trade, fills: Sequence[FillFact]) -> Decimal:
    """R0 on the entry as it really filled (PROTOCOL 1.1), fixed once."""
    entries = [
        Execution(
            price=fill.price,
            quantity=fill.quantity,
            fee_quote=fill.commission_quote - fill.commission_base * fill.price,
            fee_base=fill.commission_base,
        )
        for fill in fills
        if fill.leg == "entry"
    ]
    direction: Direction = "long" if trade.side == "long" else "short"
    return initial_risk(
        direction=direction, entries=entries, stop=trade.stop, exit_fee=trade.fee_rate
    )


def _note_protection(trade: Trade, position: Position, state: TradeState) -> None:
    """Note since when a position is naked, or that its stop now covers it whole."""
    fact = {"account_id": trade.account_id, "trade_id": trade.pk, "symbol": trade.symbol}
    missing = uncovered(position, dust=trade.dust)
    if missing and position.entered:
        if trade.naked_since is not None:
            return  # noted already
        was_protected = trade.protected_at is not None
        trade.naked_since = clock.now() if was_protected else position.opened_at
        if was_protected and state != TradeState.CLOSING:
            text = f"No stop covers {plain(missing)} {trade.base_asset}. It is being restored."
            tell(trade.account_id, events.PositionUnprotected(**fact, quantity=missing, text=text))
    elif position.held >= trade.dust:
        if trade.naked_since is not None or trade.protected_at is None:
            naked_ms = _naked_ms(trade)
            trade.naked_ms += naked_ms
            trade.naked_since = None
            trade.protected_at = trade.protected_at or clock.now()
            text = f"The stop at {plain(trade.stop)} rests on the exchange."
            protected = events.PositionProtected(
                **fact, stop=trade.stop, quantity=position.stop_cover, naked_ms=naked_ms, text=text
            )
            tell(trade.account_id, protected)
    elif not missing:
        trade.naked_since = None


def _naked_ms(trade: Trade) -> int:
    """Milliseconds between the position and its stop, both by the exchange's clock."""
    stop = trade.orders.filter(leg="stop").exclude(working_at=None).order_by("-working_at").first()
    if trade.naked_since is None or stop is None:
        return 0
    naked = stop.working_at - trade.naked_since
    return max(0, int(naked / timedelta(milliseconds=1)))


def _close(trade: Trade, orders: Sequence[OrderFact], position: Position) -> None:
    trade.held = Decimal(0)
    trade.closed_at = position.closed_at
    trade.profit = position.gross - position.fees
    sold_by = {order.leg for order in orders if order.leg != "entry" and order.filled}
    trade.exit_reason = "closed" if "exit" in sold_by else "stop" if "stop" in sold_by else "target"


def _end_entry(trade: Trade, state: TradeState) -> None:
    """The entry came to nothing: say so; its reserved risk is free, for nothing counts it now."""
    entry = trade.orders.get(leg="entry")
    trade.closed_at = clock.now()
    trade.state_reason = entry.state_reason
    said = {
        TradeState.EXPIRED: "The entry was not filled; nothing was bought.",
        TradeState.REJECTED: f"The exchange refused the entry: {entry.state_reason}.",
        TradeState.CANCELED: "The entry was withdrawn before it was sent.",
    }[state]
    tell(
        trade.account_id,
        events.EntryEnded(
            account_id=trade.account_id,
            trade_id=trade.pk,
            symbol=trade.symbol,
            state=state,
            text=f"{said} Its risk of {plain(trade.planned_risk)} {trade.currency} is free again.",
        ),
    )


def _tell_closed(trade: Trade, position: Position) -> None:
    account = ExchangeAccount.objects.get(pk=trade.account_id)
    fills = tuple(
        {
            "trade_id": str(fill.exchange_trade_id),
            "leg": fill.order.leg,
            "price": plain(fill.price),
            "quantity": plain(fill.quantity),
            "quote": plain(fill.quote_quantity),
            "commission": plain(fill.commission),
            "commission_asset": fill.commission_asset,
            "at": fill.at.isoformat(),
        }
        for fill in trade.fills.select_related("order").order_by("at", "exchange_trade_id")
    )
    copied = (
        "side", "currency", "entry", "worst_entry", "stop", "target", "quantity", "planned_risk",
        "risk_fraction", "reward_to_risk", "initial_risk", "profit", "exit_reason", "reason",
        "setup", "placed_at", "opened_at", "closed_at", "naked_ms", "symbol",
    )  # fmt: skip
    closed = events.TradeClosed(
        account_id=trade.account_id,
        trade_id=trade.pk,
        user_id=account.user_id,
        venue=account.venue,
        entry_price=position.entry_price,
        exit_price=position.exit_price,
        exited_quantity=position.exited,
        gross=position.gross,
        fees=position.fees,
        order_ms=since_placed(trade, trade.acknowledged_at) or 0,
        protected_ms=since_placed(trade, trade.protected_at),
        fills=fills,
        text=f"Closed at the {trade.exit_reason}: {signed(trade.profit)} {trade.currency}.",
        **{name: getattr(trade, name) for name in copied},
    )
    tell(trade.account_id, closed)


def signed(amount: Decimal | None) -> str:
    """An amount with its sign always shown."""
    return f"{'+' if amount and amount > 0 else ''}{plain(amount or Decimal(0))}"


def since_placed(trade: Trade, moment) -> int | None:
    """Milliseconds from the click to a later moment of ours."""
    return None if moment is None else int((moment - trade.placed_at) / timedelta(milliseconds=1))
