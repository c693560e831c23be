"""Sending what was recorded: claim, send, write the answer down. Once, however often this runs.

A claim moves every order of one list from PLANNED to SENDING in one transaction of its own, under
the account's fencing number. After that a row is only ever resolved, never sent again (R5).
"""

from collections.abc import Callable, Sequence
from datetime import timedelta
from uuid import UUID

import structlog
from django.db import connection, transaction

from testudo import clock, failpoints
from trading import events, global_halt, incidents, key_watch, venue_health
from trading.book import in_step
from trading.bookkeeping import advance, book, book_order, find_ours, lock_trade
from trading.exchange.outcomes import ABOUT_THE_REQUEST, HELD_BACK
from trading.exchange.port import (
    Accepted,
    Bracket,
    Exchange,
    ExitPair,
    LegInstruction,
    Outcome,
    Refused,
    Unknown,
)
from trading.models import AccountRisk, Leg, Order, Trade
from trading.order_states import State
from trading.rate_budget import Use, spending
from trading.settlement import settle, tell

log = structlog.get_logger(__name__)

TOO_MANY = frozenset({-1003, -1034})  # 429, 418: requests, connections
FIRST_LOOK = timedelta(milliseconds=250)  # after an unknown answer
LONGEST_PAUSE = timedelta(seconds=5)


def submit(
    order_ids: Sequence[UUID], *, exchange: Exchange, opens: bool | None = None
) -> Outcome | None:
    """Send the planned orders of one list, or one order. Returns what the exchange said of them;
    None: another worker has them. `opens`: whether an entry is among them, where that is known.

    Raises: RequestsHeld, where nothing may be sent now: they stay planned.
    """
    failpoints.reach("before_claim")
    if opens is None:
        opens = Order.objects.filter(pk__in=order_ids, leg=Leg.ENTRY).exists()
    with spending(Use.ORDINARY if opens else Use.PROTECTIVE):
        exchange.ask_for_room()
        orders = claim(order_ids, offset=exchange.clock_offset())
        if not orders:
            return None
        failpoints.reach("after_claim_before_send")
        # `send` never raises once claimed: it answers Accepted, Refused or Unknown.
        outcome = _send(orders, exchange)
    _note_health(exchange.venue, outcome)
    failpoints.reach("after_send_before_record")
    record(orders, outcome)
    if isinstance(outcome, Refused):
        key_watch.note_refused(orders[0].account_id, outcome.code)
    return outcome


def _note_health(venue: str, outcome: Outcome) -> None:
    """What the answer says of the venue, not of the order (R18)."""
    if isinstance(outcome, Refused) and outcome.code == HELD_BACK:
        return  # it was not asked
    if isinstance(outcome, Unknown) and not outcome.answered:
        venue_health.note_failure(venue, outcome.reason, part=venue_health.Part.ORDERS)
    elif isinstance(outcome, Refused) and outcome.code in TOO_MANY:
        venue_health.note_failure(venue, outcome.message, part=venue_health.Part.ORDERS)
    else:
        venue_health.note_success(venue, part=venue_health.Part.ORDERS)


def claim(order_ids: Sequence[UUID], *, offset: timedelta = timedelta(0)) -> list[Order]:
    """PLANNED → SENDING for all of them or none, committed, with a fence and the signing moment:
    now by the exchange's clock, which is ours plus `offset` (R5, R20).

    New risk is claimed only while the account is active and nothing halts all of them: both rows
    are read FOR SHARE, so after a halt has committed no later claim of an entry exists (R19). And
    only while the account is matched with the exchange: an entry that outlived a crash waits (R14).
    Exits pass in every state, and read neither.
    """
    planned = Order.objects.filter(pk__in=order_ids, state=State.PLANNED)
    with transaction.atomic():
        locked = planned.select_for_update(no_key=True, of=("self",))
        orders = list(locked.select_related("trade__account").order_by("pk"))
        if len(orders) != len(order_ids):
            return []
        trade = orders[0].trade
        opens = any(order.leg == "entry" for order in orders)
        if opens and not (
            venue_health.new_risk_allowed(trade.account.venue)
            and _new_risk_allowed(trade.account_id)
            and in_step(trade.account, clock.now())
        ):
            return []
        fence, moment = _next_fence(), clock.now()
        changes = {"fence": fence, "claimed_at": moment, "signed_at": moment + offset}
        if planned.update(state=State.SENDING, **changes) != len(orders):
            transaction.set_rollback(True)  # not under these locks; never a part of a list
            return []
        for order in orders:
            order.state = State.SENDING
            for name, value in changes.items():
                setattr(order, name, value)
        tell(
            trade.account_id,
            events.OrderSent(
                account_id=trade.account_id,
                trade_id=trade.pk,
                symbol=trade.symbol,
                client_order_id=orders[0].client_order_id,
                text=f"Sent to the exchange: {', '.join(order.leg for order in orders)}.",
            ),
        )
    return orders


def _new_risk_allowed(account_id: UUID) -> bool:
    if global_halt.share().halted:
        return False
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT state FROM trading_accountrisk WHERE account_id = %s FOR SHARE", [account_id]
        )
        return cursor.fetchone() == (AccountRisk.TradingState.ACTIVE.value,)


def _next_fence() -> int:
    """A sequence, so that a claim of a protective order waits for no row of the account."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('trading_fence')")
        return int(cursor.fetchone()[0])


def _send(orders: Sequence[Order], exchange: Exchange) -> Outcome:
    signed_at = orders[0].signed_at
    assert signed_at is not None
    log.info(
        "order_sending",
        orders=[order.client_order_id for order in orders],
        kind=orders[0].list_kind or orders[0].type,
    )
    by_leg = {order.leg: order for order in orders}
    if orders[0].list_kind in ("OPOCO", "OTOCO"):
        bracket = Bracket(
            symbol=orders[0].symbol,
            kind=orders[0].list_kind,
            list_client_order_id=orders[0].list_client_order_id,
            entry=instruction(by_leg["entry"]),
            above=instruction(by_leg["target"]),
            below=instruction(by_leg["stop"]),
        )
        return exchange.place_bracket(bracket, signed_at=signed_at)
    if orders[0].list_kind == "OCO":
        pair = ExitPair(
            symbol=orders[0].symbol,
            list_client_order_id=orders[0].list_client_order_id,
            above=instruction(by_leg["target"]),
            below=instruction(by_leg["stop"]),
        )
        return exchange.place_pair(pair, signed_at=signed_at)
    (order,) = orders
    return exchange.place_order(order.symbol, instruction(order), signed_at=signed_at)


def instruction(order: Order) -> LegInstruction:
    return LegInstruction(
        client_order_id=order.client_order_id,
        side=order.side,
        type=order.type,
        quantity=order.quantity,
        price=order.price,
        stop_price=order.stop_price,
        time_in_force=order.time_in_force,
    )


def record(orders: Sequence[Order], outcome: Outcome) -> None:
    """Write an outcome down. What another worker resolved or claimed meanwhile stays as it is."""
    account_id = orders[0].account_id
    if isinstance(outcome, Accepted):
        book(account_id, outcome.reports, known=orders)
        return
    opens = any(order.leg == "entry" for order in orders)
    if isinstance(outcome, Refused) and outcome.code in ABOUT_THE_REQUEST and not opens:
        # Its moment, number or key was refused, not the stop: it goes again once it may.
        outcome = Unknown(f"{outcome.message} ({outcome.code})")
    with transaction.atomic():
        trade = lock_trade(orders[0].trade_id)
        for order in orders:
            fence = order.fence
            order.refresh_from_db()
            if order.state != State.SENDING or order.fence != fence:
                continue
            if isinstance(outcome, Refused):
                reason = f"{outcome.message} ({outcome.code})"
                advance(order, to=State.REJECTED, state_reason=reason[:300])
            else:
                _mark_unknown(order, outcome, opens=opens)
        if isinstance(outcome, Refused):
            log.warning("order_refused", code=outcome.code, said=outcome.message)
            settle(trade)
        else:
            log.warning("order_unknown", reason=outcome.reason)
            _tell_unknown(orders, trade, outcome, opens=opens)


def _tell_unknown(orders: Sequence[Order], trade: Trade, outcome: Unknown, *, opens: bool) -> None:
    done = "It is being looked up, not sent again."
    if not opens:
        done = "It is being looked up, and sent again under the same ids where it is not there."
    first = orders[0]
    tell(
        trade.account_id,
        events.OrderUnknown(
            account_id=trade.account_id,
            trade_id=trade.pk,
            symbol=trade.symbol,
            client_order_id=first.client_order_id,
            text=f"The exchange gave no clear answer to the {first.leg} order. {done}",
        ),
    )
    incidents.open_incident(
        trade.account_id,
        "outcome_unknown",
        trade_id=trade.pk,
        about=first.list_client_order_id or first.client_order_id,
        text=f"{trade.symbol}: the exchange gave no clear answer to an order. {outcome.reason}",
        done=done,
        facts={"orders": [order.client_order_id for order in orders], "said": outcome.reason[:300]},
    )


def give_up_waiting(orders: Sequence[Order]) -> None:
    """Their sender is gone (its lease is over): what became of them is unknown. Look them up."""
    record(orders, Unknown("The worker that sent it did not report back."))


def _mark_unknown(order: Order, outcome: Unknown, *, opens: bool) -> None:
    """An entry is looked up in a moment; a stop at once, and after each time it was sent again
    in vain a little later (R4)."""
    pause = FIRST_LOOK
    if not opens:
        pause = min(FIRST_LOOK * 2**order.looks, LONGEST_PAUSE) if order.looks else timedelta(0)
    advance(
        order,
        to=State.UNKNOWN,
        state_reason=outcome.reason[:300],
        looks=0 if opens else order.looks,
        next_look_at=clock.now() + pause,
    )


def cancel(
    symbol: str, *, orders: Sequence[Order], exchange: Exchange, call: Callable[[], Outcome]
) -> None:
    """Cancel at the exchange and take in its answer. Safe to repeat: absent is looked up."""
    with spending(Use.PROTECTIVE):
        outcome = call()
    _note_health(exchange.venue, outcome)
    if isinstance(outcome, Accepted):
        book(orders[0].account_id, outcome.reports)
        return
    log.info("cancel_not_confirmed", outcome=str(outcome))
    for order in orders:  # it may have filled, or ended before: the exchange knows (X12)
        report = exchange.find_order(symbol, order.client_order_id)
        if report is not None and find_ours(order.account_id, report) is not None:
            book_order(order.account_id, report)
