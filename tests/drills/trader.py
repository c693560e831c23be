"""The trader of a schedule: draws, places, closes, halts, through the services the pages call."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from decimal import Decimal

from django.db import Error as DatabaseError

from risk.costs import PlanImpossible
from risk.manage_rules import NONE as UNMANAGED
from risk.manage_rules import Management
from risk.models import RiskProfile
from risk.part_targets import PartTarget
from risk.symbols import floor_to_tick
from tests.drills.heat import heat_within
from tests.drills.seen import Finding, Span
from tests.drills.stage import SYMBOLS, Stage
from testudo import clock
from trading import halts, moves, orders
from trading.actors import Actor
from trading.models import ExchangeAccount, Trade
from trading.order_states import FINISHED, TradeState
from trading.plans import Drawing, NoMarket

TICK, HALF = Decimal("0.01"), Decimal("0.5")
MOST_HEAT = Decimal("0.015")
ENTRIES = (0, 0, 0, 0, -4, 4)  # tenths of the stop distance from the market
LARGE = Decimal("0.01")  # one fits, two do not
RISKS = tuple(Decimal(each) for each in ("0.003", "0.005", "0.01"))


def in_parts(entry: Decimal, wide: Decimal) -> Management:
    """Half of it is sold at two R, in one of three plans: chance is asked nothing, so that every
    seed's other choices stay what they are."""
    if int(entry / TICK) % 3:
        return UNMANAGED
    return Management(targets=(PartTarget(floor_to_tick(entry * (1 + wide * 2), TICK), HALF),))


class Trader:
    """One account's trader."""

    def __init__(self, stage: Stage, account: ExchangeAccount, *, in_parts: bool = False) -> None:
        self.stage, self.account, self.world = stage, account, stage.world
        self.in_parts = in_parts  # whether some plans have a nearer target
        self.did: Counter[str] = Counter()
        self.findings: list[Finding] = []
        self.halts: list[Span] = []  # of this account
        profile = RiskProfile.objects.filter(account_id=account.pk)
        profile.update(max_heat=MOST_HEAT)
        self.most_heat = MOST_HEAT

    def act(self) -> None:
        """Do something, as chance has it."""
        acts: tuple[tuple[Callable[[], None], int], ...] = (
            (self.place, 10), (self.close, 3), (self.cancel, 2), (self.move, 4), (self.halt, 1),
            (self.walk, 6),
        )  # fmt: skip
        choices, weights = zip(*acts, strict=True)
        (act,) = self.world.dice.choices(choices, weights)
        act()

    def place(self) -> None:
        """Place a long at the market, in a symbol of chance."""
        symbol = self.world.dice.choice(SYMBOLS)
        drawing = self.drawn(symbol, risk=self.world.dice.choice(RISKS))
        if drawing is not None:
            self._as_web("place", lambda: self._place(drawing))

    def place_in(self, symbol: str, *, large: bool) -> None:
        """Place now, outside any process: for two at once."""
        drawing = self.drawn(symbol, risk=LARGE if large else RISKS[0], large=large)
        if drawing is not None:
            self._place(drawing, check=False)

    def drawn(self, symbol: str, *, risk: Decimal, large: bool = False) -> Drawing | None:
        """A plan from the price as it is seen now; none where no price is seen."""
        quote = self.stage.quote_of("paper", symbol)
        if quote is None:
            return None
        dice = self.world.dice
        wide = Decimal(dice.randrange(6, 25)) / 1000
        away = 0 if large else dice.choice(ENTRIES)  # now, pullback, breakout
        entry = floor_to_tick(quote.ask * (1 + wide * away / 10), TICK)
        return Drawing(
            symbol=symbol,
            side="long",
            entry=entry,
            stop=floor_to_tick(entry * (1 - wide), TICK),
            target=floor_to_tick(entry * (1 + wide * dice.randrange(3, 6)), TICK),
            risk_fraction=risk,
            quoted_price=quote.ask,
            quoted_at=clock.now(),
            acknowledged=frozenset({"large_risk"}),
            management=in_parts(entry, wide) if self.in_parts else UNMANAGED,
        )

    def _place(self, drawing: Drawing, *, check: bool = True) -> None:
        try:
            orders.place_trade(self.account, drawing)
        except orders.PlanRefused as refused:
            codes = sorted(v.code for v in refused.verdicts if not v.ok)
            self.did[f"refused: {', '.join(codes)}"] += 1
            return
        except (PlanImpossible, NoMarket):
            self.did["no market"] += 1
            return
        self.did["placed"] += 1
        if check:
            self.check_heat()

    def check_heat(self) -> None:
        """I4, in this very moment."""
        self.findings += heat_within(
            self.account, most=self.most_heat, quote_of=self.stage.quote_of
        )

    def close(self) -> None:
        self._on_a_trade("close", orders.request_close)

    def cancel(self) -> None:
        self._on_a_trade("cancel", orders.request_cancel)

    def _on_a_trade(self, what: str, ask: Callable[..., object]) -> None:
        live = Trade.objects.filter(account=self.account).exclude(state__in=FINISHED)
        keys = list(live.order_by("pk").values_list("pk", flat=True))
        if not keys:
            return
        key = self.world.dice.choice(keys)

        def work() -> None:
            try:
                ask(key)
                self.did[what] += 1
            except (orders.TradeOver, orders.AlreadySent):
                self.did[f"{what} too late"] += 1

        self._as_web(what, work)

    def move(self) -> None:
        """Move the stop up, and half of the time the target too."""
        live = Trade.objects.filter(account=self.account, state=TradeState.OPEN).order_by("pk")
        trade = live.first()
        if trade is None:
            return
        dice = self.world.dice
        nearer = (trade.entry - trade.stop_now) * dice.randrange(1, 9) / 10
        stop = floor_to_tick(trade.stop_now + nearer, TICK)
        target = None
        if dice.random() < 0.5:
            target = floor_to_tick(trade.target_now * dice.randrange(1001, 1010) / 1000, TICK)
        wish = moves.Wish(stop=stop, target=target)

        def work() -> None:
            try:
                moves.request_move(trade.pk, wish)
                self.did["move"] += 1
            except (
                orders.TradeOver, moves.NothingToMove, moves.MoveUnderWay, NoMarket,
                moves.MoveRefused,
            ) as refused:  # fmt: skip
                self.did[f"move: {type(refused).__name__}"] += 1

        self._as_web("move", work)

    def close_all(self) -> None:
        live = Trade.objects.filter(account=self.account).exclude(state__in=FINISHED)
        for key in list(live.order_by("pk").values_list("pk", flat=True)):
            orders.request_close(key)

    def halt(self) -> None:
        """Pull the account's kill switch; half of the time put it back later."""
        again = self.world.dice.uniform(3, 15) if self.world.dice.random() < 0.5 else None
        self._halt(flatten=self.world.dice.random() < 0.3, resume_after=again)

    def halt_for_good(self) -> None:
        self._halt(flatten=False, resume_after=None)

    def _halt(self, *, flatten: bool, resume_after: float | None) -> None:
        by = Actor(role="trader", user_id=self.account.user_id)

        def work() -> None:
            halts.halt(self.account, reason="a drill", by=by, flatten=flatten)
            self.halts.append(Span(clock.now()))
            self.did["halt"] += 1
            if resume_after is not None:
                self.world.at(resume_after, lambda: self._as_web("resume", resume))

        def resume() -> None:
            halts.resume(self.account, reason="a drill", by=by)
            self.halts[-1] = Span(self.halts[-1].since, clock.now())
            self.did["resume"] += 1

        if not (self.halts and self.halts[-1].until is None):
            self._as_web("halt", work)

    def walk(self) -> None:
        """Let the market walk a little, up or down."""
        dice = self.world.dice
        symbol = dice.choice(SYMBOLS)
        last = self.stage.paper.feed.last(symbol).price
        there = last * (1000 + dice.randrange(-25, 40)) // 1000
        self.stage.paper.move(symbol, there, dice.randrange(500, 6000))

    def _as_web(self, key: str, work: Callable[[], None]) -> None:
        def guarded() -> None:
            try:
                work()
            except DatabaseError:
                self.did[f"{key} unanswered"] += 1  # the page asks again; the row decides

        if not self.world.run_as("web", key, guarded):
            self.world.at(0.05, lambda: self._as_web(key, work))
