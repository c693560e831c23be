"""The loss breakers over any history: sweeps, closed trades, resets, deposits of time, a person.

A model of its own keeps what must be true, in the product's words, beside the pure functions.
"""

from datetime import timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from risk.breaker import (
    HALTING,
    Breaker,
    Cause,
    MayNotClose,
    Phase,
    after_close,
    closed_by_a_person,
    opened,
    settled,
    trading_state,
    way_back,
)
from risk.protocol import DEFAULTS
from tests.risk.builders import NOW, D, book

STREAK = Cause.LOSING_STREAK
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
MIDNIGHT = NOW.replace(hour=0)


class Breakers(RuleBasedStateMachine):
    """One account, swept as the guard does it."""

    @initialize()
    def begin(self):
        self.now = NOW
        self.breakers = {cause: Breaker(cause=cause) for cause in Cause}
        self.equity = self.day_start = self.week_start = D(10000)
        self.day, self.week = MIDNIGHT, MIDNIGHT - DAY  # the latest resets
        self.heat = self.drawdown = D(0)
        self.streak, self.last_loss = 0, None
        self.stop_outs_until = None

    def the_book(self):
        until = self.last_loss + DAY if self.last_loss else None
        return book(
            at=self.now, equity=self.equity, day_start_equity=self.day_start,
            week_start_equity=self.week_start, heat=self.heat, drawdown=self.drawdown,
            losing_streak=self.streak, streak_until=until if self.streak else None,
            half_size=self.breakers[STREAK].phase is Phase.HALF_OPEN,
            stop_outs=4 if self.stop_outs_until else 0, stop_outs_until=self.stop_outs_until,
        )  # fmt: skip

    def swept(self):
        return settled(
            self.breakers, self.the_book(), DEFAULTS, day_began=self.day, week_began=self.week
        )

    @rule()
    def sweep(self):
        before, self.breakers = self.breakers, self.swept()
        for cause in HALTING:  # time and measures never end a halt
            if before[cause].phase is Phase.OPEN:
                assert self.breakers[cause] == before[cause]
        assert self.swept() == self.breakers  # sweeping twice is sweeping once

    @rule(minutes=st.sampled_from([1, 59, 240, 1439, 1440, 1441]))
    def time_passes(self, minutes):
        self.now += minutes * MINUTE
        while self.day + DAY <= self.now:
            self.day += DAY
            self.day_start = self.equity
            if self.day.weekday() == 0:
                self.week, self.week_start = self.day, self.equity
        if self.stop_outs_until and self.stop_outs_until <= self.now:
            self.stop_outs_until = None

    @rule(r=st.sampled_from(["-1", "-0.2", "0", "0.3", "0.6", "2"]), in_plan=st.booleans())
    def a_trade_closes(self, r, in_plan):
        before = self.breakers[STREAK]
        self.equity += D(r) * 60
        self.streak = self.streak + 1 if D(r) < 0 else 0
        self.last_loss = self.now if D(r) < 0 else self.last_loss
        after = after_close(
            before, r=D(r), in_plan=in_plan, streak=self.streak, limits=DEFAULTS, at=self.now
        )
        if before.phase is Phase.HALF_OPEN:
            proven = before.recovered_r + D(r) >= 1 or before.recovered_trades + in_plan >= 2
            wanted = Phase.OPEN if D(r) < 0 else Phase.CLOSED if proven else Phase.HALF_OPEN
            assert after.phase is wanted
        if before.phase is Phase.OPEN:
            assert after.phase is Phase.OPEN
        self.breakers[STREAK] = after

    @rule(heat=st.sampled_from(["0", "299", "320"]), fall=st.sampled_from(["0", "0.05", "0.1"]))
    def the_market_moves(self, heat, fall):
        self.heat, self.drawdown = D(heat), D(fall)

    @rule()
    def stop_outs_fill_the_window(self):
        self.stop_outs_until = self.now + timedelta(hours=4)

    @rule(cause=st.sampled_from([Cause.OPERATOR, Cause.CHAIN]))
    def a_person_halts(self, cause):
        self.breakers[cause] = opened(
            self.breakers[cause], reason="by hand", until=None, at=self.now
        )

    @precondition(lambda self: any(b.phase is Phase.OPEN for b in self.breakers.values()))
    @rule(cause=st.sampled_from(list(Cause)), reason=st.sampled_from(["", "rested"]))
    def a_person_resumes(self, cause, reason):
        breaker = self.breakers[cause]
        ripe = cause is not Cause.DRAWDOWN or (
            breaker.opened_at is not None and self.now >= breaker.opened_at + DAY
        )
        allowed = breaker.phase is Phase.CLOSED or bool(cause in HALTING and reason and ripe)
        if not allowed:
            with pytest.raises(MayNotClose, match=r"\w"):
                closed_by_a_person(breaker, now=self.now, reason=reason)
            return
        self.breakers[cause] = closed_by_a_person(breaker, now=self.now, reason=reason)
        if cause is Cause.DRAWDOWN:
            self.drawdown = D(0)  # the caller re-bases the peak

    @invariant()
    def the_state_follows(self):
        open_ones = {b.cause for b in self.breakers.values() if b.phase is Phase.OPEN}
        state = trading_state(self.breakers.values())
        assert (state == "halted") == bool(open_ones & HALTING)
        assert (state == "active") == (not open_ones)

    @invariant()
    def each_is_whole(self):
        for cause, one in self.breakers.items():
            assert one.cause is cause
            assert one.phase is not Phase.HALF_OPEN or cause is STREAK
            assert (one.opened_at is None) == (one.phase is Phase.CLOSED)
            assert bool(way_back(one)) == (one.phase is not Phase.CLOSED)
            if one.phase is Phase.CLOSED:
                assert one == Breaker(cause=cause)
            if cause is STREAK and one.phase is Phase.OPEN:
                assert one.until is not None  # it ends by itself

    @invariant()
    def no_loss_goes_unseen(self):
        """After a sweep: a day's loss at its limit is open, and so is too much heat."""
        after = self.swept()
        lost = self.day_start - self.equity
        if lost > 0 and lost >= self.day_start * D("0.03"):
            assert after[Cause.DAY_LOSS].phase is Phase.OPEN
        assert (after[Cause.HEAT].phase is Phase.OPEN) == (self.heat > self.equity * D("0.03"))
        if self.streak >= 3:
            assert after[STREAK].phase is not Phase.CLOSED


TestBreakers = Breakers.TestCase
TestBreakers.settings = settings(stateful_step_count=20)
