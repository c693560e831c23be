"""The whole platform with real processes, under the drill's hand: killed, stopped, started again.

PostgreSQL and Valkey are the drill's own (`servers.py` minds them and starts them again); the
platform and the paper exchange run as in production. The drill itself is one more web process: it
places through the same service the API calls. At the end the exchange is stopped and its ledger
read from its own file.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.running import RunningStack
from testudo.stack import addresses

SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
TICK = Decimal("0.01")
READY_SECONDS = 30
CONNECTION_LIMIT = "30000"  # in five minutes: each death of what follows the accounts begins all
WEIGHT_LIMIT = "600000"  # a minute: accounts are opened by the dozen; `budget` keeps the real one


class RealFloor:
    """A running platform, and accounts on it."""

    def __init__(self, stack: RunningStack, seed: int, environment: Mapping[str, str]) -> None:
        self.stack = stack
        self._environment = environment
        self.dice = random.Random(seed)
        self.accounts: list[Any] = []
        self._numbers: dict[Any, int] = {}  # the exchange's, by our account's key
        self.by_hand: set[int] = set()  # exchange order ids the trader cancelled himself
        self.unreachable: list[Any] = []  # when the exchange was
        self.database_down: list[Any] = []
        self.hurt: set[str] = set()  # client ids of what was taken from under a position

    # -- accounts and trades --------------------------------------------------------------------

    def open_accounts(self, count: int, **balances: str) -> list[Any]:
        """Accounts at the exchange and here, each of a trader of its own, in step."""
        from django.contrib.auth import get_user_model

        from trading.connecting import store_account
        from trading.credentials import ApiKeys
        from trading.models import ExchangeAccount

        made = []
        for _ in range(count):
            there = self.stack.paper.open_account(**(balances or {"USDT": "10000"}))
            name = f"d{uuid.uuid4().hex[:20]}"
            user = get_user_model().objects.create_user(name, f"{name}@example.com")
            keys = ApiKeys(there["key"], there["secret"])
            account = store_account(user, venue="paper", name="Drill", keys=keys)
            self._numbers[account.pk] = int(there["account"])
            made.append(account)
        keys_made = [account.pk for account in made]

        def in_step() -> bool:
            rows = ExchangeAccount.objects.filter(pk__in=keys_made, stream_gap=False)
            return rows.exclude(reconciled_at=None).count() == count

        self.wait("the accounts to be in step", in_step, seconds=READY_SECONDS + count)
        self.accounts += made
        return made

    def number_of(self, account: Any) -> int:
        return self._numbers[account.pk]

    def place(self, account: Any, symbol: str = "BTCUSDT", *, risk: str = "0.004") -> Any:
        """Place a long at the market. Raises: PlanRefused, NoMarket, DatabaseError."""
        from risk.symbols import floor_to_tick
        from testudo import clock
        from trading import orders
        from trading.market import prices
        from trading.plans import Drawing, NoMarket

        account.refresh_from_db()  # whether it is in step with its exchange
        quote = prices.latest("paper", symbol)
        if quote is None:
            raise NoMarket(f"There is no price of {symbol}.")
        drawing = Drawing(
            symbol=symbol,
            side="long",
            entry=quote.ask,
            stop=floor_to_tick(quote.ask * Decimal("0.988"), TICK),
            target=floor_to_tick(quote.ask * Decimal("1.05"), TICK),
            risk_fraction=Decimal(risk),
            quoted_price=quote.ask,
            quoted_at=clock.now(),
        )
        return orders.place_trade(account, drawing)

    def cancel_stop_by_hand(self, trade: Any) -> bool:
        """As the trader would on the exchange's own site. False: it had ended."""
        from trading.exchange.factory import exchange_for
        from trading.exchange.port import Accepted

        stop = trade.orders.filter(leg="stop").order_by("-created_at").first()
        outcome = exchange_for(trade.account).cancel_list(trade.symbol, stop.list_client_order_id)
        if not isinstance(outcome, Accepted):
            return False
        self.hurt.add(stop.list_client_order_id)
        self.by_hand |= {report.exchange_order_id for report in outcome.reports}
        return True

    # -- waiting --------------------------------------------------------------------------------

    def wait(self, what: str, look: Callable[[], Any], *, seconds: float) -> Any:
        """Wait for something to become true, through restarts of the database. Raises:
        TimeoutError saying what was awaited, and what the processes logged meanwhile."""
        from django.db import Error as DatabaseError
        from django.db import connection

        self.stack.mark_logs()
        deadline = time.monotonic() + seconds
        while True:
            try:
                seen = look()
            except DatabaseError:
                connection.close()
                seen = None
            if seen:
                return seen
            if time.monotonic() > deadline:
                raise TimeoutError(f"waited {seconds:.0f} s for {what}:\n{self.stack.warnings()}")
            time.sleep(0.02)

    def at_work(self) -> str:
        """What is still under way on any account; "" at rest."""
        from tests.drills.play import _doing

        return next((doing for each in self.accounts if (doing := _doing(each))), "")

    def come_to_rest(self, *, seconds: float) -> str:
        """Wait for rest. Returns what is still under way; "" where nothing is."""
        try:
            self.wait("rest", lambda: not self.at_work(), seconds=seconds)
        except TimeoutError:
            return self.at_work()
        return ""

    # -- processes ------------------------------------------------------------------------------

    def kill_at(self, name: str, place: str) -> None:
        """Let a process die by SIGKILL when it next reaches a failpoint."""
        self.stack.restart(name, TESTUDO_FAILPOINTS=f"{place}=kill")

    def revive(self, name: str) -> None:
        """Start it again without any failpoint armed; the dead one is cleared away first."""
        self.stack.restart(name)

    def start_cold(self, *, between: Callable[[], object], **settings: str) -> None:
        """Stop everything, then start it again on the same state with other settings."""
        folder = self.stack.home
        self.stack.close()
        between()
        self.stack = RunningStack(folder, {**self._environment, **settings})

    def kill_postmaster(self) -> None:
        """SIGKILL PostgreSQL's first process; whoever minds it starts it again."""
        home = Path(os.environ["TESTUDO_HOME"])
        pid = int(next(home.glob("postgres*/**/postmaster.pid")).read_text().split()[0])
        os.kill(pid, signal.SIGKILL)

    def wait_for_database(self, *, seconds: float = 30) -> None:
        """Until it answers whoever asks it anew."""
        from django.db import connection

        def answers() -> bool:
            connection.close()
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
            return True

        self.wait("the database", answers, seconds=seconds)

    def kill_valkey(self) -> None:
        """SIGKILL Valkey, which comes back empty."""
        run = json.loads((Path(os.environ["TESTUDO_HOME"]) / "run.json").read_text())
        os.kill(run["pids"]["valkey"], signal.SIGKILL)

    def later(self, seconds: float, act: Callable[[], None]) -> threading.Thread:
        """Do something in a thread, with a connection of its own."""
        from django.db import connections

        def work() -> None:
            time.sleep(seconds)
            try:
                act()
            finally:
                connections.close_all()

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        return thread

    # -- the end --------------------------------------------------------------------------------

    def findings(self, accounts: Sequence[Any] | None = None) -> tuple[list[str], list[Any]]:
        """Stop the exchange and check every invariant against its ledger: findings in words, and
        when positions were naked (`Naked`). Nothing can be done after it."""
        from tests.drills.invariants import Seen, check_all, naked_times
        from tests.drills.ledger import read_ledger
        from testudo import clock
        from trading.exchange.paper.store import Store

        # Who watches the exchange goes first: its end is no incident.
        watching = ("drop_copy", "stream_accounts", "stream_market", "guard")
        for name in (*watching, "orders", "protective", "paper"):
            self.stack.stop(name)
        store = Store(self.stack.home / "paper.sqlite3")
        found: list[str] = []
        naked: list[Any] = []
        for account in accounts or self.accounts:
            number = self.number_of(account)
            ledger = read_ledger(store, number, symbols=SYMBOLS, now_ms=clock.now_ms())
            seen = Seen(account=account, venue=ledger, by_hand=self.by_hand)
            seen.excused, seen.unreachable = self.hurt, self.unreachable
            seen.database_down = self.database_down
            found += [str(each) for each in check_all(seen)]
            naked += naked_times(seen)
        store.close()
        return found, naked


@contextmanager
def real_floor(seed: int) -> Iterator[RealFloor]:
    """The platform on the drill's own servers, while the block lasts."""
    folder = Path(tempfile.mkdtemp(prefix="testudo-floor-"))
    folder.chmod(0o755)
    beside = {name: os.environ[name] for name in ("DATABASE_URL", "REDIS_URL")}
    environment = {
        **beside,
        "WATCHED_SYMBOLS": ",".join(SYMBOLS),
        "TESTUDO_SERVER": "",
        "PAPER_WEIGHT_LIMIT": WEIGHT_LIMIT,
        "PAPER_CONNECTION_LIMIT": CONNECTION_LIMIT,
    }
    floor = RealFloor(RunningStack(folder, environment), seed, environment)
    try:
        _join(floor.stack)
        _let_prices_come(floor)
        yield floor
    finally:
        floor.stack.close()
        shutil.rmtree(folder, ignore_errors=True)


def _join(stack: RunningStack) -> None:
    """Set Django up in this process as one more of the platform's."""
    found = {"PORT": stack.environment["PORT"]}
    addresses.fill(found, stack.home)
    os.environ |= {name: value for name, value in found.items() if name.startswith("PAPER_")}
    os.environ["PAPER_WEIGHT_LIMIT"] = WEIGHT_LIMIT
    import django

    django.setup()
    from tests.drills.schedules import quiet

    quiet()


def _let_prices_come(floor: RealFloor) -> None:
    from trading.market import prices

    def all_there() -> bool:
        return all(prices.latest("paper", symbol) is not None for symbol in SYMBOLS)

    floor.wait("prices", all_there, seconds=READY_SECONDS)
