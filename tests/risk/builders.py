"""Small builders: a test shows the inputs that matter, these hold the rest.

`loss_at_stop` and `profit_at` count on their own, in `Fraction`, from the story of a trade (what is
paid, what arrives, what is sold), not from the product's formulas.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from risk import sizing
from risk.protocol import DEFAULTS, Book, Limits, Plan, Verdict
from risk.rules import check
from risk.sizing import Costs, Sizing
from risk.symbols import Symbol

D = Decimal
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)

FREE = Costs(D(0), D(0))
IN_QUOTE = Costs(D("0.001"), D("0.001"))
IN_COIN = Costs(D("0.001"), D("0.001"), fee_in_base=True)


def said(amount: str) -> Decimal:
    """A sum of money as a sentence writes it, 1,234.50, as a number again."""
    return D(amount.replace(",", ""))


def symbol(**changes) -> Symbol:
    facts = {
        "name": "BTCUSDT",
        "base": "BTC",
        "quote": "USDT",
        "tick": D("0.01"),
        "min_price": D("0.01"),
        "max_price": D(1000000),
        "step": D("0.00001"),
        "min_quantity": D("0.00001"),
        "max_quantity": D(9000),
        "market_step": D("0.00001"),
        "market_min_quantity": D("0.00001"),
        "market_max_quantity": D(100),
        "min_notional": D(5),
        "max_notional": D(9000000),
        "order_types": frozenset({"LIMIT", "MARKET", "STOP_LOSS", "TAKE_PROFIT"}),
        "oto_allowed": True,
        "oco_allowed": True,
        "opo_allowed": True,
        "max_algo_orders": 5,
        "max_orders": 200,
        "max_order_lists": 20,
    }
    return Symbol(**{**facts, **changes})


def size(
    *,
    direction="long",
    entry="60000",
    worst_entry=None,
    stop="59400",
    target=None,
    budget="100",
    cash="1000000",
    costs=IN_QUOTE,
    **symbol_changes,
) -> Sizing:
    entry, stop = D(entry), D(stop)
    return sizing.size(
        direction=direction,
        entry=entry,
        worst_entry=D(worst_entry) if worst_entry else entry,
        stop=stop,
        target=D(target) if target else entry + 3 * (entry - stop),
        budget=D(budget),
        cash=D(cash),
        costs=costs,
        symbol=symbol(**symbol_changes),
    )


def loss_at_stop(quantity, *, direction="long", entry, stop, costs) -> Fraction:
    """What the account loses, coins left over counted at the stop's price."""
    return -profit_at(stop, quantity, direction=direction, entry=entry, costs=costs) + Fraction(
        quantity
    ) * Fraction(costs.slippage)


def profit_at(price, quantity, *, direction="long", entry, costs) -> Fraction:
    price, quantity, entry = Fraction(price), Fraction(quantity), Fraction(entry)
    fee_in, fee_out = Fraction(costs.entry), Fraction(costs.exit)
    if direction == "long":
        paid, coins = quantity * entry, quantity
        if costs.fee_in_base:
            coins -= quantity * fee_in
        else:
            paid += paid * fee_in
        sold = coins * price
        return sold - sold * fee_out - paid
    earned = quantity * entry
    earned -= earned * fee_in
    if costs.fee_in_base:  # buys more, so that the fee leaves what is owed
        return earned - quantity / (1 - fee_out) * price
    return earned - quantity * price * (1 + fee_out)


def plan(*, price="60000", quoted_price=None, bid="59999.99", ask="60000", **changes) -> Plan:
    """A long of 100 USDT at risk from 60,000 to 59,400, sound unless changed."""
    own = {name: changes.pop(name) for name in ("market_age", "risk_fraction") if name in changes}
    symbol_changes = {
        name: changes.pop(name) for name in list(changes) if name in Symbol.__dataclass_fields__
    }
    sized = size(**changes, **symbol_changes)
    entry, stop = D(changes.get("entry", "60000")), D(changes.get("stop", "59400"))
    return Plan(
        symbol=symbol(**symbol_changes),
        direction=changes.get("direction", "long"),
        entry=entry,
        worst_entry=D(changes.get("worst_entry") or entry),
        stop=stop,
        target=D(changes.get("target") or entry + 3 * (entry - stop)),
        risk_fraction=D(own.get("risk_fraction", D(changes.get("budget", "100")) / 10000)),
        sizing=sized,
        costs=changes.get("costs", IN_QUOTE),
        bid=D(bid),
        ask=D(ask),
        price=D(price),
        quoted_price=None if quoted_price is None else D(quoted_price),
        market_age=own.get("market_age", timedelta(seconds=1)),
    )


def book(**changes) -> Book:
    """An idle account of 10,000 USDT."""
    facts = {
        "at": NOW,
        "currency": "USDT",
        "equity": D(10000),
        "cash": D(10000),
        "day_start_equity": D(10000),
    }
    return Book(**{**facts, **changes})


def limits(**changes) -> Limits:
    return Limits(**changes)


def verdict(code, the_plan=None, the_book=None, the_limits=DEFAULTS) -> Verdict:
    """One rule's answer to a plan, sound and on an idle account unless given."""
    verdicts = check(the_plan or plan(), the_book or book(), the_limits)
    return next(v for v in verdicts if v.code == code)
