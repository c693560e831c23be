"""The statement behind `book_facts`: one column of JSON, whatever there is of trades.

One snapshot: a trade that closes meanwhile is in it as open or as closed, never as neither. Lists
come as arrays in a fixed order of columns, which `book_facts` unpacks by name.
"""

from testudo.db.prepared import Prepared
from trading.book_known import KNOWN

MOST_PAST = 160  # closed trades looked at: eight days of the most a day may have
MOST_PLACED = 40  # more than any day may have: trades of today are counted among them

# The exchange's word on the cash, and what our own fills after it did to it: see
# `book_facts.cash_moved`.
_CASH = """
SELECT json_build_array(b.free, b.locked, b.booked, coalesce((
    SELECT sum(
        CASE o.side WHEN 'SELL' THEN f.quote_quantity ELSE -f.quote_quantity END
        - CASE f.commission_asset WHEN b.asset THEN f.commission ELSE 0 END
    )
    FROM trading_fill f JOIN trading_order o ON o.id = f.order_id
    WHERE f.account_id = b.account_id AND f.at > b.as_of
), 0))
FROM trading_balance b WHERE b.account_id = r.account_id AND b.asset = %(currency)s
"""
_TRADES = """
SELECT coalesce(json_agg(json_build_array(
    t.id, t.symbol, t.base_asset, t.side, t.quantity, t.worst_entry, t.stop,
    coalesce(t.moved_stop, t.stop), t.fee_rate, t.planned_risk,
    (SELECT coalesce(json_agg(json_build_array(
            o.leg, o.state, o.quantity, o.filled, o.type, o.list_client_order_id
        )), '[]') FROM trading_order o WHERE o.trade_id = t.id),
    (SELECT coalesce(json_agg(json_build_array(
            o.leg, f.price, f.quantity, f.commission, f.commission_asset, f.commission_quote, f.at
        )), '[]') FROM trading_fill f JOIN trading_order o ON o.id = f.order_id
        WHERE f.trade_id = t.id)
) ORDER BY t.id), '[]')
FROM trading_trade t
WHERE t.account_id = r.account_id AND t.state IN ('approved', 'entering', 'open', 'closing')
"""
ORDERS = 10  # where in a trade's array its orders stand
# Two walks of an index: the latest closed trades, and when the latest of all were placed.
_PAST = f"""
SELECT coalesce(json_agg(json_build_array(
    id, closed_at, profit, initial_risk, symbol, setup, exit_reason, counted_at IS NOT NULL
) ORDER BY closed_at DESC), '[]')
FROM (
    SELECT * FROM trading_trade WHERE account_id = r.account_id AND state = 'closed'
    ORDER BY closed_at DESC LIMIT {MOST_PAST}
) AS latest
"""  # noqa: S608  our own constants
_PLACED = f"""
SELECT coalesce(json_agg(placed_at), '[]')
FROM (
    SELECT placed_at FROM trading_trade WHERE account_id = r.account_id
    ORDER BY placed_at DESC LIMIT {MOST_PLACED}
) AS latest
"""  # noqa: S608  the same
_MANAGED = """
SELECT coalesce(json_agg(json_build_array(symbol, quantity, entry, stop)), '[]')
FROM trading_managedholding WHERE account_id = r.account_id AND ended_at IS NULL
"""
# Deposits less withdrawals since the day's and the week's equity was stored.
_FLOWS = """
SELECT json_build_array(
    sum(value) FILTER (WHERE booked_at > r.day_start_at),
    sum(value) FILTER (WHERE booked_at > r.week_start_at)
)
FROM trading_accountflow WHERE account_id = r.account_id AND kind <> 'opening'
    AND booked_at > least(r.day_start_at, r.week_start_at)
"""
# Of `trading_accountrisk r`; as text, for the driver would make floats of it.
FACTS = f"""
    json_build_array(
        ({_CASH}), ({_TRADES}), ({_PAST}), ({_PLACED}), ({_MANAGED}), ({_FLOWS})
    )::text
"""
TYPES = {"account": "uuid", "venue": "text", "currency": "text", "now": "timestamptz"}
READ = Prepared(
    "book_facts",
    f"""
    SELECT {KNOWN}, {FACTS}
    FROM trading_accountrisk r LEFT JOIN trading_venuehealth h ON h.venue = %(venue)s
    WHERE r.account_id = %(account)s
    """,  # noqa: S608  the same
    TYPES,
)
