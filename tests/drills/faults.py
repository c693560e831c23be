"""What can go wrong in a schedule, by its number in the catalogue, at a random moment."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

from tests.drills import twins
from tests.drills.cast import PONG_MISSED
from tests.drills.invariants import Span
from tests.drills.ledger import at
from tests.drills.stage import SYMBOLS, Stage
from tests.drills.world import Blow
from testudo import clock
from trading.exchange.port import LegInstruction
from trading.models import Fill

Arm = Callable[[Stage], None]
ORDERS = "path=/api/v3/order*,method=POST"
WORKER = "worker"


def command(text: str) -> Arm:
    """Arm a fault of the paper exchange once it can strike; `{s}` is a duration of chance."""

    def arm(stage: Stage) -> None:
        seconds = stage.world.dice.uniform(1, 8)
        stage.desk.arm(text.format(s=f"{seconds:.1f}"))

    return arm


def blackout(text: str) -> Arm:
    """A fault that keeps us from the exchange for a while: protection cannot be asked of it."""

    def arm(stage: Stage) -> None:
        seconds = round(stage.world.dice.uniform(1, 8), 1)
        stage.desk.arm(text.format(s=seconds))
        until = clock.now() + timedelta(seconds=seconds)
        stage.unreachable.append(Span(clock.now(), until))

    return arm


def blow(
    kind: str,
    place: str,
    *,
    process: str = "",
    most_skip: int = 6,
    pause: tuple[float, float] = (3, 30),
) -> Arm:
    """Let something befall a process when it next comes to a place, or the time after that."""

    def arm(stage: Stage) -> None:
        dice = stage.world.dice
        stage.world.blows.append(
            Blow(kind, place, process, dice.randrange(most_skip), seconds=dice.uniform(*pause))
        )

    return arm


def events(name: str, *, seconds: float) -> Arm:
    """Events come so for a while."""

    def arm(stage: Stage) -> None:
        stage.event_faults.append(name)
        stage.world.befell[name] += 1

        def over() -> None:
            if name in stage.event_faults:
                stage.event_faults.remove(name)

        stage.world.at(seconds, over)

    return arm


def streams(act: str) -> Arm:
    def arm(stage: Stage) -> None:
        stage.world.befell[act] += 1
        for number, stream in stage.streams.items():
            if act == "silent":
                stream.fall_silent()
                stage.note_unheard(number, PONG_MISSED)
            else:
                stream.drop(act)

    return arm


def cancel_by_hand(stage: Stage) -> None:
    """F28: the trader cancels a list of ours on the exchange's own site."""
    for number, hand in stage.hands.items():
        listed = [
            one for one in stage.paper.engine.lists.values()
            if one.account == number and one.is_open
        ]  # fmt: skip
        if not listed:
            continue
        one = stage.world.dice.choice(listed)
        stage.by_hand.update(one.ids)
        stage.desk.faults.log.append({"fault": "reject-legs", "at": one.client_id, "id": 0})
        hand.cancel_list(one.symbol, one.client_id)
        stage.world.befell["F28"] += 1


def sell_by_hand(stage: Stage) -> None:
    """F29: the trader sells coin of the position himself; its legs must go first."""
    for number, hand in stage.hands.items():
        account = stage.streams[number].account
        fill = Fill.objects.filter(account=account, trade__held__gt=0).first()
        if fill is None:
            continue
        for one in list(stage.paper.engine.lists.values()):
            if one.account == number and one.is_open and one.symbol == fill.symbol:
                stage.desk.faults.log.append({"fault": "reject-legs", "at": one.client_id, "id": 0})
                stage.by_hand.update(one.ids)
                hand.cancel_list(one.symbol, one.client_id)
        sale = LegInstruction(
            client_order_id=f"hand{stage.world.dice.randrange(10**9)}",
            side="SELL",
            type="MARKET",
            quantity=fill.trade.held,
        )
        hand.place_order(fill.symbol, sale, signed_at=clock.now())
        stage.world.befell["F29"] += 1


def lose_redis(stage: Stage) -> None:
    """F37, F38: no wake-ups, no prices, for a while."""
    stage.workers.redis_up = False
    stage.world.befell["F37"] += 1

    def back() -> None:
        stage.workers.redis_up = True

    stage.world.at(stage.world.dice.uniform(2, 30), back)


def tasks_twice(stage: Stage) -> None:
    stage.workers.doubles = 0.5


def jump(stage: Stage) -> None:
    """F26: the price jumps, past stops or targets."""
    dice = stage.world.dice
    symbol = dice.choice(SYMBOLS)
    last = stage.paper.feed.last(symbol).price
    stage.paper.move(symbol, last * dice.choice((93, 97, 104, 108)) // 100, 0)
    stage.jumps.add((symbol, at(stage.paper.now_ms)))
    stage.world.befell["F26"] += 1


def pull_the_switch(stage: Stage) -> None:
    """Halt every account, and let its trader go on trying to place."""
    for trader in stage.traders:
        trader.halt_for_good()
        for _ in range(3):
            stage.world.at(stage.world.dice.uniform(1.5, 9), trader.place)


def place_at_once(stage: Stage) -> None:
    """F34: two placements at the same instant, on connections of their own."""
    twins.place_twice(stage, stage.traders[0])
    stage.world.befell["F34"] += 1


def halt_symbol(stage: Stage) -> None:
    """F50: a symbol halts; what rests there stays, nothing new is taken."""
    dice = stage.world.dice
    seconds = round(dice.uniform(2, 20), 1)
    status = dice.choice(("HALT", "CANCEL_ONLY"))
    symbol = dice.choice(SYMBOLS)
    stage.desk.arm(f"symbol-status:symbol={symbol},status={status},for={seconds}")
    until = clock.now() + timedelta(seconds=seconds)
    stage.unreachable.append(Span(clock.now(), until))
    stage.world.befell["F50"] += 1


def skew(stage: Stage) -> None:
    """F14: the exchange's clock and ours part."""
    ms = stage.world.dice.choice((-5000, -1500, 1500, 5000))
    stage.desk.arm(f"clock-skew:ms={ms},for=20")
    stage.world.befell["F14"] += 1


def deposit(stage: Stage) -> None:
    """Money from outside, for which no limit may move."""
    number = stage.world.dice.choice(list(stage.streams))
    amount = int(Decimal(stage.world.dice.randrange(-500, 500)) * 10**8)
    if amount:
        try:
            stage.paper.deposit(number, "USDT", amount)
        except ValueError:
            return  # less is free than was to be taken out
        stage.world.befell["deposit"] += 1


FAULTS: dict[str, Arm] = {
    "F01": blow("die", "after_claim_before_send", process=WORKER, most_skip=2),
    "F02": blow("die", "after_request", process=WORKER),
    "F03": blow("die", "after_send_before_record", process=WORKER, most_skip=2),
    "F04": command(f"drop-reply:{ORDERS},next=1"),
    "F05": command(f"hang:seconds=60,{ORDERS},next=1"),
    "F06": command(f"error:accepted=random,{ORDERS},next=2"),
    "F07": command(f"unknown:visible_after={{s}},{ORDERS},next=1"),
    "F08": command("read-lag:seconds=12,for={s}"),
    "F09": command(f"truncate:{ORDERS},next=1"),
    "F09b": command(f"wrong-length:{ORDERS},next=1"),
    "F11": blackout("rate-limit:retry_after=2,for={s}"),
    "F12": command("ban:seconds={s}"),
    "F13": blackout("html:status=403,for={s}"),
    "F14": skew,
    "F16": events("F16", seconds=20),
    "F17": events("F17", seconds=20),
    "F18": events("F18", seconds=10),
    "F19": streams("silent"),
    "F20": command("lost-subscription"),
    "F23": streams("serverShutdown"),
    "F24": command("partial-entry:fraction=0.4"),
    "F25": command("reject-legs"),
    "F26": jump,
    "F27": command("thin-book:fraction=0.4"),
    "F28": cancel_by_hand,
    "F29": sell_by_hand,
    "F30": command("error:code=-2010,status=400,accepted=no,path=/api/v3/orderList/oco,next=1"),
    "F32": tasks_twice,
    "F33": blow("pause", "after_claim_before_send", process=WORKER, most_skip=2),
    "F34": place_at_once,
    "F37": lose_redis,
    "F40": blow("lose_commit", "after_commit", process=WORKER, most_skip=20),
    "F45": blow("die", "after_commit", process="guard", most_skip=20),
    "F46": blow("die", "before_commit", most_skip=40),
    "F50": halt_symbol,
    "flow": deposit,
    "stream dies": blow("die", "before_request", process="stream"),
    "stall": blow("pause", "before_claim", process=WORKER, most_skip=1, pause=(0.05, 2)),
    "worker dies": blow("die", "after_commit", process=WORKER, most_skip=2),
    "guard dies": blow("die", "after_request", process="guard"),
}

# For plants that ask for them; chance leaves them alone.
ON_DEMAND: dict[str, Arm] = {"halted": pull_the_switch}
