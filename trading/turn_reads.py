"""What a turn of the loop sees of one account: one statement, one snapshot.

Every stream event and every wake may lead to a turn, and most find nothing to do: so looking costs
one query, whatever there is of trades. Lists come as arrays in a fixed order of columns.
"""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection

from testudo import clock
from testudo.db.prepared import Prepared
from trading import part_legs
from trading.decide import OrderSeen, Seen, TradeSeen
from trading.models import AccountRisk, Trade
from trading.models.switches import GLOBAL
from trading.positions import FillFact

ALIVE_WITHIN = timedelta(seconds=30)  # a stream that is gone is noticed by then (R13)

# The states that are not FINISHED, named as the index of unfinished trades has them.
_READ = Prepared(
    "turn_reads",
    """
SELECT r.state, g.halted, a.stream_gap, a.stream_alive_at, (
    SELECT coalesce(json_agg(json_build_array(
        t.id, t.correlation_id, t.kind, t.base_asset, t.dust, t.expires_at, t.polled_at,
        t.naked_since, t.close_requested_at IS NOT NULL, t.open_move_id,
        t.cancel_entry_at IS NOT NULL, t.crossed_at IS NOT NULL, t.released_at IS NOT NULL,
        t.state = 'open' AND t.held > 0
            AND coalesce(t.management->'targets', '[]') NOT IN ('[]', 'null'),
        (SELECT coalesce(json_agg(json_build_array(
                o.id, o.leg, o.state, o.quantity, o.filled, o.list_client_order_id,
                o.client_order_id, o.claimed_at, o.next_look_at, o.type, o.working_at,
                o.state_reason, o.looks, o.move_id
            )), '[]') FROM trading_order o WHERE o.trade_id = t.id),
        (SELECT coalesce(json_agg(json_build_array(
                o.leg, f.price, f.quantity, f.commission, f.commission_asset, f.commission_quote,
                f.at
            )), '[]') FROM trading_fill f JOIN trading_order o ON o.id = f.order_id
            WHERE f.trade_id = t.id)
    ) ORDER BY t.placed_at), '[]')
    FROM trading_trade t
    WHERE t.account_id = r.account_id AND t.state IN ('approved', 'entering', 'open', 'closing')
)::text
FROM trading_accountrisk r
JOIN trading_exchangeaccount a ON a.id = r.account_id
LEFT JOIN trading_globalhalt g ON g.id = %(global)s
WHERE r.account_id = %(account)s
""",
    {"global": "int", "account": "uuid"},
)


def read(account_id: UUID) -> Seen:
    """The account's unfinished trades with their orders and fills, and what it may do now.

    Raises: AccountRisk.DoesNotExist.
    """
    with connection.cursor() as cursor:
        cursor.execute(_READ.ready(), {"global": GLOBAL, "account": account_id})
        found = cursor.fetchone()
    if found is None:
        raise AccountRisk.DoesNotExist(f"Account {account_id} has no risk row.")
    state, halted, gap, alive_at, trades = found
    now = clock.now()
    return Seen(
        now=now,
        new_risk=state == AccountRisk.TradingState.ACTIVE and not halted,
        streamed=not gap and alive_at is not None and now - alive_at <= ALIVE_WITHIN,
        # Every number with a point is an amount: no float is ever made.
        trades=tuple(_trade(*each) for each in json.loads(trades, parse_float=Decimal)),
    )


def _trade(
    key: str, correlation_id: str, kind: str, base: str, dust: Any, expires_at: str,
    polled_at: str | None, naked_since: str | None, closing: bool, move_id: str | None,
    withdrawn: bool, crossed: bool, released: bool, in_parts: bool, orders: Sequence[Sequence[Any]],
    fills: Sequence[Sequence[Any]],
) -> TradeSeen:  # fmt: skip
    return TradeSeen(
        trade_id=UUID(key),
        correlation_id=correlation_id,
        orders=tuple(_order(*each) for each in orders),
        fills=tuple(_fill(base, *each) for each in fills),
        dust=Decimal(dust),
        expires_at=datetime.fromisoformat(expires_at),
        polled_at=_moment(polled_at),
        naked_since=_moment(naked_since),
        closing=closing,
        move_id=UUID(move_id) if move_id else None,
        kind=kind,
        withdrawn=withdrawn,
        crossed=crossed,
        released=released,
        # Only where it may be: of a position with several targets.
        split_due=in_parts and part_legs.split_is_due(Trade.objects.get(pk=key)),
    )


def _order(
    key: str, leg: str, state: str, quantity: Any, filled: Any, list_id: str, client_id: str,
    claimed_at: str | None, next_look_at: str | None, kind: str, working_at: str | None,
    reason: str, looks: int, move_id: str | None,
) -> OrderSeen:  # fmt: skip
    return OrderSeen(
        id=UUID(key),
        leg=leg,
        state=state,
        quantity=None if quantity is None else Decimal(quantity),
        filled=Decimal(filled),
        sent_with=list_id or client_id,
        claimed_at=_moment(claimed_at),
        next_look_at=_moment(next_look_at),
        type=kind,
        working_at=_moment(working_at),
        ended_because=reason,
        looks=looks,
        move_id=UUID(move_id) if move_id else None,
    )


def _fill(
    base: str, leg: str, price: Any, quantity: Any, commission: Any, asset: str,
    commission_quote: Any, at: str,
) -> FillFact:  # fmt: skip
    return FillFact(
        leg=leg,
        price=Decimal(price),
        quantity=Decimal(quantity),
        commission_base=Decimal(commission) if asset == base else Decimal(0),
        commission_quote=Decimal(commission_quote),
        at=datetime.fromisoformat(at),
    )


def _moment(said: str | None) -> datetime | None:
    return None if said is None else datetime.fromisoformat(said)
