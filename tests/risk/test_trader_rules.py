"""The last wall: all live accounts of a trader together, by the protocol's caps alone."""

import pytest

from risk.protocol import DEFAULTS, TraderTotals
from risk.rules import check
from tests.risk.builders import D, book, limits, plan, verdict


def totals(**changes) -> TraderTotals:
    """Two accounts of 10,000 USDT."""
    facts = {"equity": D(20000), "day_start_equity": D(20000), "week_start_equity": D(20000)}
    return TraderTotals(**{**facts, **changes})


def test_an_account_that_stands_alone_passes_them_all():
    own = [v for v in check(plan(), book(), DEFAULTS) if v.code.startswith("trader_")]
    assert len(own) == 4
    assert all(v.ok and "No other live account" in v.message for v in own)


@pytest.mark.parametrize(
    ("code", "changes", "limit"),
    [
        ("trader_heat", {"heat": D(1950)}, 2000),  # 10 %
        ("trader_daily_loss", {"equity": D(19050)}, 1000),  # 5 %
        ("trader_daily_loss", {"open_risk": D(500), "pending_risk": D(450)}, 1000),
        ("trader_weekly_loss", {"equity": D(20000), "week_start_equity": D(21685)}, D("1734.8")),
    ],
)
def test_risk_that_fits_the_account_may_not_fit_all_accounts(code, changes, limit):
    v = verdict(code, None, book(trader=totals(**changes)))
    assert (v.ok, v.limit) == (False, limit)
    assert "of all your live accounts" in v.message
    assert "Lower the risk" in v.message
    assert verdict(code, plan(budget="20", min_notional=D(0)), book(trader=totals(**changes))).ok


def test_the_drawdown_of_all_accounts_halts_each():
    v = verdict("trader_drawdown", None, book(trader=totals(drawdown=D("0.1"))))
    assert not v.ok
    assert "wait until they have recovered" in v.message
    assert verdict("trader_drawdown", None, book(trader=totals(drawdown=D("0.0999")))).ok


def test_a_deposit_to_one_account_refreshes_no_limit_of_all():
    lost = totals(equity=D(29050), day_flows=D(10000))
    v = verdict("trader_daily_loss", None, book(trader=lost))
    assert (v.ok, v.limit, v.measured) == (False, 1000, 950 + plan().risk)


def test_the_traders_own_limits_do_not_move_the_wall():
    tight = limits(max_heat=D("0.01"), max_day_loss=D("0.01"))
    assert verdict("trader_heat", None, book(trader=totals()), tight).limit == 2000
