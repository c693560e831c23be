"""The floor the race is run on: accounts, a standing market, and the real `place_trade`.

Imported only after Django was set up. Time is virtual and moves a day a round, so that daily counts
never decide; prices stand still, so that what fits is known.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache

from django.contrib.auth import get_user_model
from django.db import connections
from django.db.models import Sum

from accounts.models import User
from risk.models import RiskProfile
from testudo import clock
from testudo.web.tenancy import get_account
from trading import decisions, ooda, orders, risk_lock
from trading.book import begin_days
from trading.exchange.paper.symbols import SYMBOLS
from trading.market.prices import Quote
from trading.market.symbols import store_rules
from trading.models import AccountRisk, Balance, ExchangeAccount, Trade, Venue
from trading.order_states import FINISHED
from trading.plans import Drawing
from trading.venue_health import note_clock

EQUITY = Decimal(100_000)
ASK, BID = Decimal("60000"), Decimal("59999.99")
STOP, TARGET = Decimal("57000"), Decimal("69600")
MOST_HEAT = EQUITY * Decimal("0.03")

_moment = clock.VirtualClock(datetime.min.replace(tzinfo=UTC))
_installed: list[object] = []


def set_clock(now: datetime) -> None:
    _moment.moment = now
    if not _installed:
        holder = clock.use(_moment)
        holder.__enter__()  # for the life of the process
        _installed.append(holder)


def symbol_name(number: int) -> str:
    return f"R{number:02d}USDT"


def open_accounts(count: int, *, symbols: int) -> list[str]:
    """Accounts of one trader each, and a listing wide enough for a symbol a client."""
    raw = SYMBOLS["BTCUSDT"].info()
    listing = [{**raw, "symbol": symbol_name(n), "baseAsset": f"R{n:02d}"} for n in range(symbols)]
    store_rules(Venue.PAPER, {"symbols": listing})
    made = []
    for number in range(count):
        user = get_user_model().objects.create_user(f"racer{number}", f"r{number}@example.com")
        account = ExchangeAccount.objects.create(
            user=user, venue=Venue.PAPER, name="Race", key_fingerprint=f"race-{number}"
        )
        AccountRisk.objects.create(account=account)
        RiskProfile.objects.create(
            account_id=account.pk, max_risk=Decimal("0.02"), max_day_loss=Decimal("0.05")
        )
        made.append(str(account.pk))
    return made


def begin_day(now: datetime) -> None:
    """A new day for every account, matched with its exchange and in funds."""
    set_clock(now)
    note_clock(Venue.PAPER, offset_ms=0, uncertainty_ms=5)
    accounts = ExchangeAccount.objects.all()
    accounts.update(reconciled_at=now, stream_alive_at=now, stream_gap=False)
    figures = {"free": EQUITY, "locked": 0, "booked": EQUITY, "as_of": now}
    for account in accounts:
        Balance.objects.update_or_create(account=account, asset="USDT", defaults=figures)
    begin_days(accounts, quote_of=quote_of)


def quote_of(venue: str, symbol: str) -> Quote:
    now = clock.now()
    return Quote(symbol=symbol, price=ASK, bid=BID, ask=ASK, at=now, seen=now)


def place(plan) -> str:
    """Place one plan; "accepted", or the codes that refused it."""
    drawing = Drawing(
        symbol=symbol_name(plan.symbol),
        side="long",
        entry=ASK,
        stop=STOP,
        target=TARGET,
        risk_fraction=plan.risk,
        quoted_price=ASK,
        quoted_at=clock.now(),
        acknowledged=frozenset({"large_risk"}),
    )
    account = get_account(_owner_of(plan.account), plan.account)  # as the API finds it
    try:
        orders.place_trade(account, drawing, quote_of=quote_of)
    except orders.PlanRefused as refused:
        codes = {v.code for v in refused.verdicts if not v.ok and v.effect == "block"}
        return ",".join(sorted(codes))
    return "accepted"


@cache
def _owner_of(account: str) -> User:
    return ExchangeAccount.objects.select_related("user").get(pk=account).user


def breaches(accounts: Iterable[str]) -> int:
    """How many of the accounts stand above their heat limit."""
    live = Trade.objects.filter(account__in=list(accounts)).exclude(state__in=FINISHED)
    totals = live.values("account").annotate(risk=Sum("planned_risk"))
    return sum(row["risk"] > MOST_HEAT for row in totals)


def withdraw_all() -> None:
    """End the round: every accepted entry is withdrawn before it was sent."""
    live = Trade.objects.exclude(state__in=FINISHED)
    for trade_id in live.values_list("pk", flat=True):
        orders.request_cancel(trade_id)
    for account_id in set(live.values_list("account_id", flat=True)):
        ooda.run_turn(account_id, exchange=NoExchange())
    assert not live.exists(), "an entry that was never sent could not be withdrawn"


class NoExchange:
    """Nothing may be sent: whoever asks it anything has found a fault."""

    def __getattr__(self, name: str) -> object:
        raise AssertionError(f"the race reached for the exchange: {name}")


def chain_breaks() -> list[str]:
    """What is wrong with the accounts' decision chains, at most ten sentences."""
    found = [
        str(each)
        for pk in ExchangeAccount.objects.values_list("pk", flat=True)
        for each in decisions.breaks(pk)
    ]
    return found[:10]


def take_the_lock_out() -> None:
    """The planted fault: the account's row is read without its lock."""
    risk_lock._ACCOUNT = risk_lock._ACCOUNT.removesuffix("FOR NO KEY UPDATE")


def hang_up() -> None:
    connections.close_all()
