"""What a trader asks for: place a trade, withdraw it, close it. Each is one transaction.

Nothing is sent here. The outbox rows and the turn that is woken after the commit do the rest, and
where that wake-up is lost the guard finds the work in PostgreSQL.
"""

from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

from django.db import transaction

from risk.rules import Verdict, may_proceed
from risk.wording import money, plain
from testudo import clock
from testudo.db import durable
from testudo.db.batch import Batch
from testudo.db.ids import new_id
from testudo.observability import correlation
from trading import breakers, decisions, entries, events
from trading.book import QuoteOf
from trading.bookkeeping import lock_trade
from trading.entries import AlreadySent, TradeOver
from trading.market import prices
from trading.models import Decision, ExchangeAccount, Trade
from trading.order_states import FINISHED
from trading.plan_facts import as_facts
from trading.plan_reads import lock_and_read, read_for_plan
from trading.plans import Drawing, Judged, judge, symbol_of
from trading.settlement import tell
from trading.wake import wake_turn

__all__ = [
    "AlreadySent", "PlanRefused", "TradeOver", "place_trade", "request_cancel", "request_close",
]  # fmt: skip


class PlanRefused(Exception):
    """A well-formed plan the protocol or the exchange's filters do not allow."""

    def __init__(self, judged: Judged, verdicts: Sequence[Verdict]) -> None:
        super().__init__("; ".join(v.message for v in verdicts if not v.ok))
        self.judged = judged
        self.verdicts = tuple(verdicts)


def place_trade(
    account: ExchangeAccount, drawing: Drawing, *, quote_of: QuoteOf = prices.latest
) -> Trade:
    """Judge the drawing and, if it passes, record the trade with its risk reserved.

    Nothing has been sent when this returns.
    Raises: PlanRefused, whose `.verdicts` holds every reason (the refusal itself is recorded);
    PlanImpossible, NoMarket: nothing is recorded.
    """
    symbol = symbol_of(account, drawing.symbol)
    with correlation.bind(correlation.correlation_id() or None), durable.atomic() as first:
        # Lock first, read after: two trades placed at once must not both fit under one limit (R17),
        # and after a halt of all trading has committed, nothing is placed (R19).
        reads = lock_and_read(account, symbol, first=first)
        if breakers.count_closed(account, reads.facts, quote_of=quote_of):
            reads = read_for_plan(account, symbol, whole=True)
        judged = judge(account, drawing, reads=reads, quote_of=quote_of)
        allowed = may_proceed(judged.verdicts, acknowledged=drawing.acknowledged)
        kind, facts, batch = "placed" if allowed else "refused", as_facts(judged, drawing), Batch()
        decision = decisions.record(account.pk, kind, facts, after=reads.head, batch=batch)
        if allowed:
            trade = _record_trade(account, drawing, judged, decision, batch)
            batch.run()
            wake_turn(account.pk)
        else:
            broken = tuple(v.code for v in judged.verdicts if not v.ok)
            refused = events.PlanRefused(
                account_id=account.pk,
                symbol=drawing.symbol,
                decision_id=decision.pk,
                codes=broken,
                text=f"Refused: {', '.join(broken).replace('_', ' ')}.",
            )
            tell(account.pk, refused, batch=batch)
            batch.run()
            breakers.latch(account, book=judged.book, limits=judged.limits, quote_of=quote_of)
    if not allowed:  # outside the block: the decision record stays
        raise PlanRefused(judged, judged.verdicts)
    return trade


def _record_trade(
    account: ExchangeAccount, drawing: Drawing, judged: Judged, decision: Decision, batch: Batch
) -> Trade:
    plan, sizing, now = judged.plan, judged.plan.sizing, clock.now()
    trade = Trade(
        id=new_id(),
        account=account,
        decision=decision,
        symbol=plan.symbol.name,
        base_asset=plan.symbol.base,
        currency=plan.symbol.quote,
        side=plan.direction,
        kind=judged.kind,
        correlation_id=correlation.correlation_id(),
        entry=plan.entry,
        worst_entry=plan.worst_entry,
        stop=plan.stop,
        target=plan.target,
        quantity=sizing.quantity,
        planned_risk=sizing.worst_loss,
        risk_budget=sizing.budget,
        risk_fraction=plan.risk_fraction,
        reward_to_risk=sizing.reward_to_risk,
        fee_rate=plan.costs.exit,
        dust=_dust(judged),
        reason=drawing.reason,
        setup=drawing.setup,
        management=drawing.management.as_dict(),
        placed_at=now,
        expires_at=entries.valid_until(account, judged.kind, wish=drawing.expires_at, now=now),
    )
    batch.insert(trade)
    batch.insert(*entries.bracket_orders(trade, judged))
    tell(
        account.pk,
        events.PlanApproved(
            account_id=account.pk,
            trade_id=trade.pk,
            symbol=trade.symbol,
            text=f"Approved: {plain(sizing.quantity)} {trade.base_asset}, at most "
            f"{money(sizing.worst_loss)} {trade.currency} at risk.{entries.waits_text(trade)}",
        ),
        batch=batch,
    )
    return trade


def _dust(judged: Judged) -> Decimal:
    """The smallest quantity that can still be sold at the stop; what is held below it stays."""
    symbol = judged.plan.symbol
    least = max(symbol.min_quantity, symbol.market_min_quantity, symbol.step)
    steps = -(-symbol.min_notional // (judged.plan.stop * symbol.step))  # ceiling, exact
    return max(least, steps * symbol.step)


def request_close(trade_id: UUID) -> Trade:
    """Leave the trade at the market; before the entry was sent, withdraw it.

    Asking twice changes nothing. Raises: TradeOver.
    """
    with transaction.atomic():
        trade = lock_trade(trade_id)
        if trade.state in FINISHED:
            raise TradeOver(f"This trade is {trade.get_state_display().lower()} already.")
        if trade.close_requested_at is None:
            trade.close_requested_at = clock.now()
            trade.version += 1
            trade.save(update_fields=["close_requested_at", "version"])
            tell(
                trade.account_id,
                events.CloseRequested(
                    account_id=trade.account_id,
                    trade_id=trade.pk,
                    symbol=trade.symbol,
                    text="Closing at the market, as asked.",
                ),
            )
        wake_turn(trade.account_id, protective=True)
    return trade


def request_cancel(trade_id: UUID) -> Trade:
    """Withdraw the entry: one that waits here or rests at the exchange. What was bought before that
    stays, with its stop. Raises: TradeOver, AlreadySent."""
    return entries.request_withdrawal(trade_id)
