"""Any plan, any account, any limits: what the promises about the rules are tried on."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import strategies as st

from risk.limits import CAPS, Limits
from risk.protocol import Book, Plan, TraderTotals
from risk.symbols import PercentPrice
from tests.risk.builders import IN_COIN, IN_QUOTE, NOW, D, book, plan

cents = st.integers(0, 60_000).map(lambda n: D(n) / 100)
equities = st.integers(-10_000, 2_000_000).map(lambda n: D(n) / 100)
flows = st.integers(-500_000, 500_000).map(lambda n: D(n) / 100)
falls = st.integers(0, 1500).map(lambda n: D(n) / 10_000)
moments = st.none() | st.integers(-90, 90).map(lambda n: NOW + timedelta(minutes=n))
ages = st.none() | st.integers(-1000, 60_000).map(lambda n: timedelta(milliseconds=n))
spans = st.integers(-400, 400).map(lambda n: timedelta(milliseconds=n))

trader_totals = st.builds(
    TraderTotals,
    equity=equities, day_start_equity=equities, week_start_equity=equities, heat=cents,
    open_risk=cents, pending_risk=cents, day_flows=flows, week_flows=flows, drawdown=falls,
)  # fmt: skip

_bad_days = {
    "equity": equities,
    "cash": equities,
    "day_start_equity": equities,
    "week_start_equity": st.none() | equities,
    "day_flows": flows,
    "week_flows": flows,
    "heat": cents,
    "open_risk": cents,
    "pending_risk": cents,
    "exposure": st.integers(0, 1_500_000).map(lambda n: D(n) / 100),
    "drawdown": falls,
    "open_positions": st.integers(0, 9),
    "positions_in_symbol": st.integers(0, 2),
    "losing_streak": st.integers(0, 5),
    "streak_until": moments,
    "half_size": st.booleans(),
    "stop_outs": st.integers(0, 6),
    "stop_outs_until": moments,
    "symbol_cooldown_until": moments,
    "symbol_locked_until": moments,
    "setup_locked_until": moments,
    "trades_today": st.integers(0, 21),
    "day_ends_at": moments,
    "week_ends_at": moments,
    "state": st.sampled_from(["active", "reducing", "halted"]),
    "state_reason": st.sampled_from(["", "Heat.", "by hand"]),
    "state_until": moments,
    "reconciled": st.booleans(),
    "account_age": ages,
    "clock_uncertainty": st.none() | spans,
    "clock_jump": spans,
    "exchange_breaker": st.sampled_from(["closed", "open", "half_open"]),
    "exchange_retry_at": moments,
    "order_room": st.none() | st.integers(0, 5),
    "shorts_allowed": st.booleans(),
    "algo_orders": st.integers(0, 5),
    "orders": st.integers(0, 200),
    "order_lists": st.integers(0, 20),
    "account_algo_orders": st.integers(0, 30),
    "account_orders": st.integers(0, 45),
    "account_order_lists": st.integers(0, 15),
    "trader": st.none() | trader_totals,
}


@st.composite
def some_of(draw, values: dict[str, st.SearchStrategy], most: int) -> dict[str, object]:
    """A value for some of the names, none to `most`: cheaper to draw than one for each."""
    names = draw(st.lists(st.sampled_from(sorted(values)), max_size=most, unique=True))
    return {name: draw(values[name]) for name in names}


def books() -> st.SearchStrategy[Book]:
    """An idle account of 10,000 USDT but for what is drawn."""
    return some_of(_bad_days, 8).map(lambda facts: book(**facts))


def calm_books() -> st.SearchStrategy[Book]:
    """Accounts on which much is approved: some risk is on, a few counts are used."""
    few = st.integers(0, 9000).map(lambda n: D(n) / 100)
    return st.builds(
        lambda equity, heat, open_risk, pending, exposure, positions, streak, trades: book(
            equity=equity, cash=equity, heat=heat, open_risk=open_risk, pending_risk=pending,
            exposure=exposure, open_positions=positions, losing_streak=streak, trades_today=trades,
        ),
        st.integers(985_000, 1_050_000).map(lambda n: D(n) / 100), few, few, few,
        st.integers(0, 300_000).map(lambda n: D(n) / 100),
        st.integers(0, 5), st.integers(0, 2), st.integers(0, 10),
    )  # fmt: skip


# What an exchange may allow beyond the filters every plan meets; most have none of it.
_RARE_RULES = [
    {},
    {},
    {"exchange_max_orders": 40, "exchange_max_algo_orders": 25, "exchange_max_order_lists": 12},
    {"price_range": PercentPrice(D("0.5"), D("1.1"), D("0.9"), D(2))},
    {"price_range": PercentPrice(D("0.999"), D("1.001"), D("0.99"), D("1.001"))},
]


@st.composite
def plans(draw) -> Plan:
    """A long or a short around 60,000, sound or not, on a market wide or narrow."""
    long = draw(st.booleans())
    away = draw(st.integers(10, 10_000))
    gain = draw(st.integers(1, 30_000))
    drawn = plan(
        direction="long" if long else "short",
        stop=str(60_000 - away if long else 60_000 + away),
        target=str(60_000 + gain if long else 60_000 - gain),
        worst_entry=str(60_000 + (1 if long else -1) * draw(st.integers(0, away // 8))),
        budget=str(draw(st.integers(1, 700))),
        cash=str(draw(st.sampled_from([100, 10_000, 10**6]))),
        costs=draw(st.sampled_from([IN_QUOTE, IN_COIN])),
        **draw(st.sampled_from(_RARE_RULES)),
    )
    return replace(
        drawn,
        bid=D(60_000) - draw(st.sampled_from([D("0.01"), D(5), D(900)])),
        price=D(60_000) + draw(st.integers(-300, 300)),
        quoted_price=draw(st.none() | st.just(D(60_000))),
        market_age=draw(ages),
        setup=draw(st.sampled_from(["", "pullback"])),
    )


@st.composite
def sound_plans(draw) -> Plan:
    """Longs that pass on an idle account, of all sizes that may."""
    return plan(
        stop=str(draw(st.integers(57_000, 59_400))),
        target="70000",
        budget=str(draw(st.integers(10, 100))),
        cash="10000",
    )


LIMIT_VALUES = {
    name: st.booleans()
    if most is True
    else st.integers(least, most)
    if isinstance(most, int)
    else st.integers(1, 1000).map(lambda n, low=least, high=most: low + (high - low) * n / 1000)
    for name, (least, most) in CAPS.items()
}
wishes = some_of(LIMIT_VALUES, 6)
some_limits = wishes.map(lambda values: Limits(**values))
