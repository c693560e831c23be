"""How trading's values look on the wire: money as plain strings, moments as ISO 8601."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from risk.rmultiple import r_of
from risk.rules import Verdict, may_proceed
from testudo.events.models import OutboxEvent
from testudo.web.fields import plain
from trading.api.present_parts import planned_parts, targets
from trading.api.standing import state_text, waits, would_wait_until
from trading.fixes import WayOut
from trading.models import ExchangeAccount, Fill, Move, Order, Trade
from trading.naked import is_naked
from trading.order_states import FINISHED
from trading.plans import Drawing, Judged
from trading.positions import position_of, uncovered
from trading.settlement import facts_of, since_placed


def money(amount: Decimal | None) -> str | None:
    return None if amount is None else plain(amount)


def moment(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat().replace("+00:00", "Z")


def account(row: ExchangeAccount) -> dict[str, Any]:
    return {
        "id": str(row.pk),
        "name": row.name,
        "venue": row.venue,
        "currency": row.currency,
        "state": row.accountrisk.state,
        "key_hint": row.key_hint,
    }


def verdicts(judged: Iterable[Verdict]) -> list[dict[str, Any]]:
    return [verdict.as_dict() for verdict in judged]


def ways_out(found: Iterable[WayOut]) -> list[dict[str, Any]]:
    """Suggestions as the page reads them: `plan` holds the lines to draw instead."""
    return [
        {
            "lever": each.lever,
            "title": each.title,
            "text": each.text,
            "plan": {name: money(value) for name, value in each.changes.items()} or None,
            "until": moment(each.until),
            "close": [str(each.close)] if each.close else [],
        }
        for each in found
    ]


def preview(
    row: ExchangeAccount,
    it: Judged,
    drawing: Drawing,
    *,
    fixes: Iterable[WayOut] = (),
    acknowledged: Iterable[str] = (),
) -> dict[str, Any]:
    """A sized plan with its verdicts, and what would pass instead, as the ticket shows it."""
    plan, sizing, book, limits = it.plan, it.plan.sizing, it.book, it.limits
    lost = max(book.day_start_equity - book.equity, Decimal(0))
    day_used = lost + book.open_risk + book.pending_risk
    return {
        "ok": may_proceed(it.verdicts, acknowledged=frozenset(acknowledged)),
        "kind": it.kind,
        "expires_at": moment(would_wait_until(row, it, wish=drawing.expires_at)),
        "account": str(row.pk),
        "symbol": plan.symbol.name,
        "side": plan.direction,
        "entry": money(plan.entry),
        "worst_entry": money(plan.worst_entry),
        "stop": money(plan.stop),
        "target": money(plan.target),
        "quantity": money(sizing.quantity),
        "base": plan.symbol.base,
        "notional": money(sizing.notional),
        "risk_fraction": money(plan.risk_fraction),
        "risk_budget": money(sizing.budget),
        "planned_risk": money(sizing.worst_loss),
        "rounding_loss": money(sizing.rounding_loss),
        "bound": sizing.bound,
        "size_model": sizing.model,
        "wanted": money(sizing.wanted),
        "wanted_loss": money(sizing.wanted_loss),
        "fees": {
            "entry": money(plan.costs.entry),
            "exit": money(plan.costs.exit),
            "slippage": money(plan.costs.slippage),
            "taken_in": "base"
            if plan.costs.fee_in_base
            else "bnb"
            if plan.costs.fee_in_bnb
            else "quote",
        },
        "reward_to_risk": money(sizing.reward_to_risk),
        "reward_to_risk_gross": money(sizing.reward_to_risk_gross),
        "planned_profit": money(sizing.planned_profit),
        "entry_fee": money(sizing.entry_fee),
        "exit_fee": money(sizing.exit_fee),
        "currency": book.currency,
        "quoted_price": money(plan.price),
        "quoted_at": moment(book.at),
        "management": drawing.management.as_dict(),
        "parts": planned_parts(it),
        "verdicts": verdicts(it.verdicts),
        "fixes": ways_out(fixes),
        "gauges": {
            "heat": _gauge(book.heat, plan.risk, book.equity * limits.max_heat),
            "day_loss": _gauge(day_used, plan.risk, book.day_start_equity * limits.max_day_loss),
        },
    }


def _gauge(before: Decimal, added: Decimal, limit: Decimal) -> dict[str, str | None]:
    return {"before": money(before), "after": money(before + added), "limit": money(limit)}


def trade(
    row: Trade, *, orders: Sequence[Order] | None = None, fills: Sequence[Fill] | None = None
) -> dict[str, Any]:
    """A trade as lists show it. Reads its orders and fills where they are not given: prefetch them
    for many."""
    position = position_of(*facts_of(row, orders=orders, fills=fills))
    return {
        "id": str(row.pk),
        "version": row.version,
        "account": str(row.account_id),
        "symbol": row.symbol,
        "base": row.base_asset,
        "side": row.side,
        "kind": row.kind,
        "state": row.state,
        "state_text": state_text(row),
        "waits": waits(row),
        "expires_at": moment(row.expires_at) if waits(row) else None,
        "entry": money(row.entry),
        "worst_entry": money(row.worst_entry),
        "stop": money(row.stop_now),
        "target": money(row.target_now),
        "targets": targets(row),
        "planned_stop": money(row.stop),
        "planned_target": money(row.target),
        "move": _move(row.open_move),
        "quantity": money(row.quantity),
        "planned_risk": money(row.planned_risk),
        "risk_budget": money(row.risk_budget),
        "initial_risk": money(row.initial_risk),
        "reward_to_risk": money(row.reward_to_risk),
        "entry_price": money(position.entry_price),
        "exit_price": money(position.exit_price),
        "entered_quantity": money(position.entered),
        "held_quantity": money(row.held),
        "sold_quantity": money(position.exited),
        "protected": _protected(row, position),
        "unprotected": is_naked(row),
        "unprotected_since": moment(row.naked_since) if is_naked(row) else None,
        "order_ms": since_placed(row, row.acknowledged_at),
        "protected_ms": since_placed(row, row.protected_at),
        "naked_ms": row.naked_ms,
        "r_multiple": _r_multiple(row),
        "profit": money(row.profit),
        "fees": money(position.fees),
        "exit_reason": row.exit_reason or None,
        "placed_at": moment(row.placed_at),
        "opened_at": moment(row.opened_at),
        "closed_at": moment(row.closed_at),
        "currency": row.currency,
    }


def _move(row: Move | None) -> dict[str, Any] | None:
    """A move that is not over yet; the exchange has not confirmed its prices."""
    if row is None:
        return None
    lines = {"stop": money(row.to_stop), "target": money(row.to_target)}
    return {**lines, "why": row.why, "state": row.state, "wished_at": moment(row.wished_at)}


def move(row: Move) -> dict[str, Any]:
    """A move as a trade's own page shows it."""
    figures = ("from_stop", "from_target", "to_stop", "to_target")
    return {
        "number": row.number,
        "why": row.why,
        "by": str(row.by_user_id) if row.by_user_id else None,
        **{name: money(getattr(row, name)) for name in figures},
        "state": row.state,
        "naked_ms": row.naked_ms,
        "said": row.said,
        "wished_at": moment(row.wished_at),
        "ended_at": moment(row.ended_at),
    }


def _protected(row: Trade, position: Any) -> bool:
    held = position.held >= row.dust and row.state not in FINISHED
    return held and not uncovered(position, dust=row.dust)


def _r_multiple(row: Trade) -> str | None:
    if row.profit is None or not row.initial_risk:
        return None
    return money(r_of(row.profit, row.initial_risk).quantize(Decimal("0.0001")))


def trade_in_full(row: Trade) -> dict[str, Any]:
    """A trade with its legs, fills, timeline and the decision behind it."""
    orders = list(row.orders.order_by("pk"))
    fills = list(row.fills.order_by("at", "exchange_trade_id"))
    legs = {order.pk: order.leg for order in orders}
    return {
        **trade(row, orders=orders, fills=fills),
        "reason": row.reason,
        "setup": row.setup,
        "legs": [_leg(order) for order in orders],
        "management": row.management,
        "moves": [move(each) for each in row.moves.order_by("number")],
        "fills": [
            {
                "trade_id": str(fill.exchange_trade_id),
                "leg": legs[fill.order_id],
                "price": money(fill.price),
                "quantity": money(fill.quantity),
                "quote": money(fill.quote_quantity),
                "commission": money(fill.commission),
                "commission_asset": fill.commission_asset,
                "at": moment(fill.at),
            }
            for fill in fills
        ],
        "timeline": timeline(row),
        "decision": decision(row),
    }


def _leg(order: Order) -> dict[str, Any]:
    return {
        "leg": order.leg,
        "client_order_id": order.client_order_id,
        "exchange_order_id": str(order.exchange_order_id) if order.exchange_order_id else None,
        "type": order.type,
        "side": order.side,
        "price": money(order.price),
        "stop_price": money(order.stop_price),
        "quantity": money(order.quantity),
        "filled": money(order.filled),
        "state": order.state,
        "state_reason": order.state_reason,
    }


def timeline(row: Trade) -> list[dict[str, Any]]:
    """What happened to a trade, from its events, with milliseconds since the click."""
    events = OutboxEvent.objects.filter(
        stream=str(row.account_id), payload__trade_id=str(row.pk)
    ).order_by("seq")
    lines = []
    for event in events:
        at = datetime.fromisoformat(event.payload["at"])
        lines.append(
            {
                "at": moment(at),
                "ms": since_placed(row, at),
                "what": event.name,
                "text": event.payload.get("text", ""),
            }
        )
    return lines


def decision(row: Trade) -> dict[str, Any]:

    facts = json.loads(row.decision.payload)
    return {
        "id": str(row.decision_id),
        "number": row.decision.number,
        "hash": row.decision.hash,
        "verdicts": facts["verdicts"],
    }
