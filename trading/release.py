"""A breakout whose line was reached: every rule is asked again before it is sent.

The account may have changed since the plan was approved, and the market has moved. So the plan is
judged anew, under the same locks as a placement (R17) and with its own reservation set aside; its
size may shrink or stay, never grow, and its worst price never moves. What is decided is recorded in
the chain. Refused, it expires and the trader reads why.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import structlog
from django.db import transaction

from risk.costs import PlanImpossible
from risk.manage_rules import read
from risk.rules import may_proceed
from risk.size_models import SizeModel
from risk.wording import plain
from testudo import clock
from testudo.observability import correlation
from trading import breakers, decisions, entries, events, global_halt
from trading.book import QuoteOf
from trading.book_facts import facts_of_account
from trading.bookkeeping import advance, lock_trade
from trading.market import prices
from trading.models import EntryKind, Leg, Order, Trade
from trading.order_states import State, TradeState
from trading.plan_facts import as_facts
from trading.plans import Drawing, Judged, NoMarket, judge
from trading.risk_lock import lock_risk, lock_trader
from trading.settlement import settle, tell

log = structlog.get_logger(__name__)

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def release(trade_id: UUID, *, quote_of: QuoteOf | None = None) -> None:
    """Judge an armed breakout that was reached: released to be sent, or expired with the reason.

    Where the price has fallen back from its line it goes on waiting; where there is no live price
    it is asked again by the next turn. Repeating it changes nothing.
    """
    account = Trade.objects.select_related("account").get(pk=trade_id).account
    quote_of = quote_of or prices.latest
    with transaction.atomic():
        global_halt.share()
        lock_trader(account)
        lock_risk(account.pk)
        trade = lock_trade(trade_id)
        if not is_reached(trade):
            return
        with correlation.bind(trade.correlation_id or None):
            if clock.now() - trade.crossed_at > entries.VALID_FOR:
                _wait_on(trade, "It was not asked about in time; it waits for the price anew.")
                return
            breakers.count_closed(account, facts_of_account(account), quote_of=quote_of)
            drawing = drawing_of(trade)
            try:
                with set_aside(trade):
                    judged = judge(account, drawing, quote_of=quote_of)
            except NoMarket:
                return  # no price: the next turn asks again, until its time is over
            except PlanImpossible as error:  # the symbol's rules have changed under it
                _expire(trade, str(error))
                return
            if judged.kind == EntryKind.BREAKOUT:
                _wait_on(trade, "The price fell back before it could be bought; it waits on.")
                return
            _decide(trade, drawing, judged)
            breakers.latch(account, book=judged.book, limits=judged.limits, quote_of=quote_of)


def is_reached(trade: Trade) -> bool:
    """Whether it waits for its judgement: armed, its line reached, and not withdrawn."""
    return (
        trade.kind == EntryKind.BREAKOUT
        and trade.state == TradeState.APPROVED
        and trade.crossed_at is not None
        and trade.released_at is None
        and trade.cancel_entry_at is None
        and trade.close_requested_at is None
        and trade.orders.get(leg=Leg.ENTRY).state == State.PLANNED
    )


def drawing_of(trade: Trade) -> Drawing:
    """The plan as it was approved, to be sized by the money it may lose: so it cannot grow."""
    facts = json.loads(trade.decision.payload)
    side = "long" if trade.side == "long" else "short"
    return Drawing(
        symbol=trade.symbol,
        side=side,
        entry=trade.entry,
        stop=trade.stop,
        target=trade.target,
        worst_entry=trade.worst_entry,
        risk_fraction=trade.risk_fraction,
        size_model=SizeModel(name="fixed_money", money=trade.planned_risk),
        slippage=Decimal(facts["plan"]["costs"]["slippage"]),
        acknowledged=frozenset(facts["acknowledged"]),
        reason=trade.reason,
        setup=trade.setup,
        management=read(trade.management),
    )


@contextmanager
def set_aside(trade: Trade) -> Iterator[None]:
    """Read the account inside the block as if this trade had never been placed. All of it is undone
    at the end, and nobody else sees it."""
    before = transaction.savepoint()
    try:
        gone = {"state": TradeState.EXPIRED, "placed_at": LONG_AGO}
        Trade.objects.filter(pk=trade.pk).update(**gone)
        trade.orders.update(state=State.EXPIRED)
        yield
    finally:
        transaction.savepoint_rollback(before)


def _decide(trade: Trade, drawing: Drawing, judged: Judged) -> None:
    why = _why_not(trade, drawing, judged)
    kind = "release_refused" if why else "released"
    facts = {**as_facts(judged, drawing), "trade": trade.pk}
    decisions.record(trade.account_id, kind, facts)
    if why:
        _expire(trade, why)
    else:
        _let_go(trade, judged)


def _why_not(trade: Trade, drawing: Drawing, judged: Judged) -> str:
    """Why the plan is not sent, in a sentence; "" where it is."""
    plan = judged.plan
    if judged.kind != EntryKind.NOW or plan.price > plan.worst_entry:
        return f"The price jumped past {plain(trade.worst_entry)}, the worst it may pay."
    if may_proceed(judged.verdicts, acknowledged=drawing.acknowledged):
        return "" if plan.sizing.quantity > 0 else "Nothing is left to buy."
    stopped = [v.message for v in judged.verdicts if not v.ok and v.effect == "block"]
    asked = [v.message for v in judged.verdicts if not v.ok and v.needs_acknowledgement]
    return " ".join(stopped or asked)


def _let_go(trade: Trade, judged: Judged) -> None:
    """It may be sent as it was planned, or smaller: within seconds, or not at all."""
    now, sizing = clock.now(), judged.plan.sizing
    shrunk = sizing.quantity < trade.quantity
    trade.quantity = min(trade.quantity, sizing.quantity)
    trade.worst_entry = judged.plan.worst_entry
    trade.planned_risk = min(trade.planned_risk, sizing.worst_loss)
    trade.released_at = now
    trade.expires_at = now + entries.VALID_FOR
    trade.version += 1
    trade.save(
        update_fields=[
            "quantity", "worst_entry", "planned_risk", "released_at", "expires_at", "version",
        ]
    )  # fmt: skip
    entry = Order.objects.filter(trade=trade, leg=Leg.ENTRY)
    entry.update(quantity=trade.quantity, price=trade.worst_entry)
    legs = Order.objects.filter(trade=trade).exclude(leg=Leg.ENTRY).exclude(quantity=None)
    if shrunk:
        legs.update(quantity=sizing.leg_quantity)
    smaller = f" Its size is now {plain(trade.quantity)} {trade.base_asset}." if shrunk else ""
    told = {"account_id": trade.account_id, "trade_id": trade.pk, "symbol": trade.symbol}
    text = f"Every rule passed again: it is sent, to pay at most {plain(trade.worst_entry)}."
    tell(trade.account_id, events.EntryReleased(**told, text=text + smaller))
    log.info("breakout_released", trade=str(trade.pk), quantity=str(trade.quantity))


def _wait_on(trade: Trade, text: str) -> None:
    trade.crossed_at = None
    trade.version += 1
    trade.save(update_fields=["crossed_at", "version"])
    told = {"account_id": trade.account_id, "trade_id": trade.pk, "symbol": trade.symbol}
    tell(trade.account_id, events.LineReached(**told, text=text))


def _expire(trade: Trade, why: str) -> None:
    """It comes to nothing; its reserved risk is free with it."""
    log.info("breakout_refused", trade=str(trade.pk), why=why)
    for order in trade.orders.filter(state=State.PLANNED):
        advance(order, to=State.EXPIRED, state_reason=why[:300])
    trade.cancel_entry_why = why[:300]
    trade.save(update_fields=["cancel_entry_why"])
    settle(trade)
