"""What follows from the facts of a trade: its state, its risk, whether it is protected, its end.

`settle` is called with the trade's row locked, after every change to its orders and fills.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import structlog

from risk.costs import Direction
from risk.rmultiple import Execution, initial_risk
from risk.wording import money, plain
from testudo import clock
from testudo.db.batch import Batch
from testudo.events.bus import Event, publish
from trading import events, trade_incidents
from trading.models import ExchangeAccount, Fill, Order, Trade
from trading.move_ends import naked_at_the_end, naked_before, note_move
from trading.order_states import FINISHED, LIVE, TradeState
from trading.positions import FillFact, OrderFact, Position, position_of, trade_state, uncovered
from trading.risk_hint import tell_monitor

log = structlog.get_logger(__name__)

ENDED = {
    "stop": "Closed at the stop",
    "target": "Closed at the target",
    "closed": "Closed at the market",
    "external": "Closed by hand at the exchange",
}

# What `settle` writes; everything else of a trade belongs to others.
FOLLOWS_FROM_FACTS = [
    "version", "acknowledged_at", "state", "state_reason", "held", "initial_risk", "opened_at",
    "protected_at", "naked_since", "naked_ms", "closed_at", "exit_reason", "profit",
    "moved_stop", "moved_target", "open_move",
]  # fmt: skip


def tell(account_id: UUID, event: Event, *, batch: Batch | None = None) -> None:
    """Publish a fact of one account, in the account's own stream; with a `batch` when it is run."""
    publish(event, stream=str(account_id), batch=batch)


def facts_of(
    trade: Trade, *, orders: Iterable[Order] | None = None, fills: Iterable[Fill] | None = None
) -> tuple[list[OrderFact], list[FillFact]]:
    """The trade's orders and fills as plain values, read now where they are not given."""
    orders = trade.orders.all() if orders is None else orders
    legs = {order.pk: order.leg for order in orders}
    order_facts = [
        OrderFact(leg=order.leg, state=order.state, quantity=order.quantity, filled=order.filled)
        for order in orders
    ]
    found = trade.fills.all() if fills is None else fills
    return order_facts, [fill_fact(trade, fill, leg=legs[fill.order_id]) for fill in found]


def fill_fact(trade: Trade, fill: Fill, *, leg: str) -> FillFact:
    """A fill of the trade's order of this leg."""
    in_coin = fill.commission_asset == trade.base_asset
    return FillFact(
        leg=leg,
        price=fill.price,
        quantity=fill.quantity,
        commission_base=fill.commission if in_coin else Decimal(0),
        commission_quote=fill.commission_quote,
        at=fill.at,
    )


def settle(
    trade: Trade,
    *,
    orders: Sequence[Order] | None = None,
    fills: Sequence[Fill] | None = None,
) -> None:
    """Let the trade's state, risk and protection follow from its facts. Call it with its lock.

    `orders`, `fills`: all of them, where the caller has read them under that lock.
    """
    placed, executed = facts_of(trade, orders=orders, fills=fills)
    position = position_of(placed, executed)
    state = trade_state(
        placed, position, dust=trade.dust, closing=trade.close_requested_at is not None
    )
    if trade.state in FINISHED:
        if trade.state == TradeState.CLOSED or not executed or state in FINISHED:
            return
        _come_back(trade)
    if state == TradeState.CANCELED and trade.cancel_entry_why and not _asked_out(trade):
        state = TradeState.EXPIRED  # taken back by us: its time was over
    trade.held = max(position.held, Decimal(0))
    if position.opened_at and trade.opened_at is None:
        trade.opened_at = position.opened_at
    note_move(trade, state, position)
    naked = _note_protection(trade, position)
    if trade.initial_risk is None and state in (
        TradeState.OPEN, TradeState.CLOSING, TradeState.CLOSED
    ) and position.booked:  # fmt: skip
        trade.initial_risk = _initial_risk(trade, executed)
    before, trade.state = trade.state, state
    if state == TradeState.CLOSED:
        _close(trade, placed, position)
    if state in FINISHED and state != TradeState.CLOSED:
        _end_entry(trade, state, position)
    if state in FINISHED and before != state:
        trade_incidents.note_over(trade, left=max(position.held, Decimal(0)))
    elif trade.cancel_entry_why and before == TradeState.ENTERING != state:
        trade_incidents.note_entered(trade)
    trade.version += 1  # the row is locked
    # Since a position is naked nothing was asked: told by this, not by comparing two clocks (R20).
    also = ["polled_at"] if naked else []
    if naked:
        trade.polled_at = None
    trade.save(update_fields=[*FOLLOWS_FROM_FACTS, *also])
    tell_monitor(trade.account_id)
    if before != state:
        log.info("trade_moved", trade=str(trade.pk), came_from=before, to=state)
    if state == TradeState.CLOSED:
        _tell_closed(trade, position)


def _come_back(trade: Trade) -> None:
    """Its entry was taken for absent or ended, and has filled after all: the exchange is right."""
    log.error("trade_came_back", trade=str(trade.pk), was=trade.state)
    trade.closed_at, trade.state_reason = None, ""
    text = "The entry had filled after all. The position is being protected."
    fact = {"account_id": trade.account_id, "trade_id": trade.pk, "symbol": trade.symbol}
    tell(trade.account_id, events.TradeCameBack(**fact, text=text))


def _asked_out(trade: Trade) -> bool:
    """Whether the trader asked to withdraw the entry, or to close."""
    return trade.cancel_entry_at is not None or trade.close_requested_at is not None


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


def _note_protection(trade: Trade, position: Position) -> bool:
    """Note since when a position is naked, or that its stop now covers it whole. Returns whether
    it has become naked."""
    if not position.booked:
        return False  # an exit is executed, its fills are on their way: nothing can be said yet
    fact = {"account_id": trade.account_id, "trade_id": trade.pk, "symbol": trade.symbol}
    missing = uncovered(position, dust=trade.dust)
    if missing and position.entered:
        if trade.naked_since is not None:
            return False  # noted already
        was_protected = trade.protected_at is not None
        # Told only once the exchange was asked (`protection.protect`): when one leg triggers, the
        # other's expiry is often reported before the fill, and that is no lost stop.
        trade.naked_since = clock.now() if was_protected else position.opened_at
        return True
    if position.held >= trade.dust:
        if trade.naked_since is not None or trade.protected_at is None:
            naked_ms = _naked_ms(trade)
            trade.naked_ms += naked_ms
            if trade.naked_since is not None:
                trade_incidents.note_covered(trade, naked_ms=naked_ms)
            trade.naked_since = None
            trade.protected_at = trade.protected_at or clock.now()
            text = f"The stop at {plain(trade.stop_now)} rests on the exchange."
            protected = events.PositionProtected(
                **fact,
                stop=trade.stop_now,
                quantity=position.stop_cover,
                naked_ms=naked_ms,
                text=text,
            )
            tell(trade.account_id, protected)
    elif not missing:
        if trade.naked_since is not None and position.closed_at is not None:
            trade.naked_ms += naked_at_the_end(trade, position.closed_at)
        trade.naked_since = None
    return False


def _naked_ms(trade: Trade) -> int:
    """Milliseconds between the position, or its former stop's end, and the stop it has now."""
    stops = [each for each in trade.orders.all() if each.leg == "stop" and each.state in LIVE]
    rests = [stop for stop in stops if stop.resting_at is not None]
    if not rests or len(rests) < len(stops):
        return 0  # the newest does not say yet since when it rests
    return naked_before(trade, max(rests, key=lambda stop: (stop.resting_at, stop.pk)))


def _close(trade: Trade, orders: Sequence[OrderFact], position: Position) -> None:
    trade.held = Decimal(0)
    trade.closed_at = position.closed_at
    trade.profit = position.gross - position.fees
    sold_by = {order.leg for order in orders if order.leg != "entry" and order.filled}
    trade.exit_reason = "closed" if "exit" in sold_by else "stop" if "stop" in sold_by else "target"
    # An exit that nobody here claimed was sold by hand at the exchange: `sold_by_hand`.
    if any(
        each.leg == "exit" and each.claimed_at is None and each.filled > 0
        for each in trade.orders.all()
    ):
        trade.exit_reason = "external"


def _end_entry(trade: Trade, state: TradeState, position: Position) -> None:
    """The entry came to nothing: say so; its reserved risk is free, for nothing counts it now."""
    entry = trade.orders.get(leg="entry")
    trade.closed_at = clock.now()
    trade.state_reason = trade.cancel_entry_why or entry.state_reason
    trade.held = Decimal(0)
    bought = "Nothing was bought."
    if position.entered:
        bought = f"Only {plain(position.held)} {trade.base_asset} was bought, too little to sell."
    why = f": {trade.cancel_entry_why}" if trade.cancel_entry_why else "."
    said = {
        TradeState.EXPIRED: f"The entry was not filled{why} {bought}",
        TradeState.REJECTED: f"The exchange refused the entry: {entry.state_reason}.",
        TradeState.CANCELED: f"The entry was withdrawn. {bought}",
    }[state]
    tell(
        trade.account_id,
        events.EntryEnded(
            account_id=trade.account_id,
            trade_id=trade.pk,
            symbol=trade.symbol,
            state=state,
            text=f"{said} Its risk of {money(trade.planned_risk)} {trade.currency} is free again.",
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
        text=f"{ENDED[trade.exit_reason]}: {signed(trade.profit)} {trade.currency}.",
        **{name: getattr(trade, name) for name in copied},
    )
    tell(trade.account_id, closed)


def signed(amount: Decimal) -> str:
    """Money in a sentence with its sign always shown."""
    return f"{'+' if amount > 0 else ''}{money(amount)}"


def since_placed(trade: Trade, moment) -> int | None:
    """Milliseconds from the click to a later moment of ours."""
    return None if moment is None else int((moment - trade.placed_at) / timedelta(milliseconds=1))
