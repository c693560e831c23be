"""One schedule, from its seed to its findings."""

from __future__ import annotations

import traceback

from tests.drills.faults import FAULTS, ON_DEMAND
from tests.drills.invariants import Finding, check_all, naked_times
from tests.drills.plants import PLANTS, Plant, planted
from tests.drills.schedules import LATE_EVENTS, MOST_REST, PLAY, SETTLE, Outcome
from tests.drills.stage import Stage, stage
from tests.drills.trader import Trader
from testudo import clock
from testudo.events.models import OutboxEvent
from trading.models import ExchangeAccount, Order, Trade
from trading.order_states import FINISHED, State, TradeState

SLOW_LOOKS = 8.0  # seconds between two looks of the guard, once all is at rest
HOLDINGS = {"BTC": "0.4", "ETH": "5", "SOL": "60"}  # the trader's own, beside what is traded
UNSETTLED = (State.PLANNED, State.SENDING, State.UNKNOWN)


def play(seed: int, *, plant: str = "", bug: bool = True) -> Outcome:
    """Play the schedule of a seed. What the drill itself cannot do is a finding too.

    `plant`: with this bug in the product; without `bug`, only with the faults that go with it.
    """
    outcome = Outcome(seed)
    with stage(seed) as here, planted(plant if bug else "", here):
        try:
            _play(here, outcome, PLANTS.get(plant))
        except Exception:
            last = traceback.format_exc().splitlines()
            outcome.findings.append(f"broke off: {' / '.join(last[-5:])}")
        outcome.faults = here.world.befell + here.wire.struck
        for entry in here.desk.faults.log:
            if entry["id"]:
                outcome.faults[f"{entry['fault']}"] += 1
    return outcome


def _play(here: Stage, outcome: Outcome, plant: Plant | None) -> None:
    dice = here.world.dice
    traders = []
    for _ in range(dice.choice((1, 1, 1, 2))):
        coins = HOLDINGS if dice.random() < 0.5 else {}
        account = here.open_account(USDT="10000", **coins)
        # Which seeds catch a planted bug is known: their schedules stay what they were.
        traders.append(Trader(here, account, in_parts=plant is None))
    here.traders = traders
    here.guard.begin()
    lasts = dice.uniform(*PLAY)
    here.world.at(0.2, traders[0].place)
    for trader in traders:
        for _ in range(dice.randrange(1, 5)):
            here.world.at(dice.uniform(0.5, lasts), trader.act)
    chosen: list[str] = [] if plant is None else list(plant.with_faults)
    chosen += dice.sample(sorted(FAULTS), dice.choice((0, 1, 1, 2, 2, 3, 4)))
    for name in chosen:
        arm = FAULTS.get(name) or ON_DEMAND[name]
        outcome.did[f"armed {name}"] += 1
        here.world.at(dice.uniform(0.05, lasts * 0.8), lambda arm=arm: arm(here))
    here.world.run_for(lasts)
    _calm(here)
    if "F18" in chosen:
        here.world.run_for(LATE_EVENTS)
    _come_to_rest(here, outcome)
    if dice.random() < 0.6:
        for trader in traders:
            here.world.run_as("web", "close all", trader.close_all)
        _come_to_rest(here, outcome)
    here.guard.every = SLOW_LOOKS
    here.world.run_for(SETTLE)
    _come_to_rest(here, outcome)
    for trader in traders:
        outcome.did.update(trader.did)
        _check(here, trader, outcome)
    for text in here.world.trouble:
        outcome.findings.append(f"raised: {text}")
    for text in here.wire.in_transaction[:3]:
        outcome.findings.append(f"R6: {text} was sent inside a transaction")


def _calm(here: Stage) -> None:
    """No more faults; everything may come back."""
    here.desk.disarm(None)
    here.event_faults.clear()
    here.world.blows.clear()
    here.workers.redis_up, here.workers.doubles = True, 0.0


def _come_to_rest(here: Stage, outcome: Outcome) -> None:
    began = clock.now()
    for _ in range(MOST_REST):
        if not _at_work(here):
            break
        here.world.run_for(1)
    else:
        outcome.findings.append(f"stuck: no rest after {MOST_REST} s: {_at_work(here)}")
    outcome.rest = max(outcome.rest, (clock.now() - began).total_seconds())


def _at_work(here: Stage) -> str:
    """What is still under way; "" at rest."""
    for number, stream in here.streams.items():
        if not stream.connected or stream.silent:
            return f"the stream of account {number} is down"
    for account in here.accounts:
        if doing := _doing(account):
            return doing
    return ""


def _doing(account: ExchangeAccount) -> str:
    orders = Order.objects.filter(account=account, state__in=UNSETTLED)
    for order in orders.exclude(trade__kind="breakout", state=State.PLANNED):
        return f"{order.leg} {order.state} {order.state_reason}"
    for trade in Trade.objects.filter(account=account).exclude(state__in=FINISHED):
        if trade.state == TradeState.CLOSING or trade.open_move_id is not None:
            return f"{trade.symbol} {trade.state}, move {trade.open_move_id}"
        if trade.state in (TradeState.APPROVED, TradeState.ENTERING) and not _waits(trade):
            return f"{trade.symbol} {trade.kind} {trade.state}"
        if trade.naked_since is not None:
            return f"{trade.symbol} naked since {trade.naked_since:%X}"
    if OutboxEvent.objects.filter(stream=str(account.pk), delivered_at=None).exists():
        return "events to deliver"
    return ""


def _waits(trade: Trade) -> bool:
    """Whether its entry rests: a pullback at the exchange, a breakout here."""
    if trade.kind == "breakout":
        return trade.crossed_at is None
    return trade.kind == "pullback" and trade.orders.filter(leg="entry", state=State.OPEN).exists()


def _check(here: Stage, trader: Trader, outcome: Outcome) -> None:
    seen = here.seen(trader.account)
    seen.halts = trader.halts
    outcome.trades += Trade.objects.filter(account=trader.account).count()
    for each in naked_times(seen):
        (outcome.unheard if each.unheard else outcome.naked).append(each.lasted.total_seconds())
    found: list[Finding] = [*trader.findings, *check_all(seen)]
    outcome.findings += [str(each) for each in found]
