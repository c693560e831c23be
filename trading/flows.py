"""Money that came in or went out of an account without a trade of ours: booked once, in NAV units.

A deposit is no profit and a withdrawal no loss: they buy and sell units of the account, and the
day's and week's loss leave them out. What is no part of equity (coins that are not managed) is
noted and counts nowhere.
"""

from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import F, Sum

from risk import nav
from risk.wording import plain
from testudo import clock
from testudo.db.ids import new_id
from trading import events, ledger
from trading.book import nav_of, store_nav
from trading.book_facts import ZERO, QuoteOf, cash_moved, facts_of_account
from trading.book_totals import worth
from trading.market import prices
from trading.market.symbols import rules
from trading.models import (
    AccountFlow,
    AccountRisk,
    Balance,
    ExchangeAccount,
    Fill,
    ManagedHolding,
    TraderRisk,
)
from trading.risk_lock import lock_risk, lock_trader, save_risk
from trading.settlement import tell
from trading.trader_totals import equity_of_all, store_trader
from trading.trader_totals import nav_of as trader_nav_of
from trading.under_way import is_anything_under_way

Kind = AccountFlow.Kind
TOLD = {
    Kind.TRANSFER: ("came in", "went out"),
    Kind.FOREIGN_TRADE: ("came in by a trade made elsewhere", "went into a trade made elsewhere"),
    Kind.EXTERNAL: ("more than the books say", "less than the books say"),
    Kind.MANAGED: ("declared managed", "no longer managed"),
}


def book_flow(
    account: ExchangeAccount,
    *,
    kind: str,
    key: str,
    asset: str,
    change: Decimal,
    at: datetime,
    quote_of: QuoteOf = prices.latest,
) -> AccountFlow | None:
    """Book what the exchange said moved. None: this event was booked already.

    An event that comes after its effect was booked as *external* (it was lost in a gap, and the
    balances were compared meanwhile) only gives it its name: nothing is counted twice.
    """
    with transaction.atomic():
        trader, risk = lock_trader(account), lock_risk(account.pk)
        if AccountFlow.objects.filter(account=account, key=key).exists():
            return None
        facts = {"account": account, "kind": kind, "key": key, "asset": asset, "at": at}
        if AccountFlow.objects.filter(account=account, kind=Kind.OPENING, at__gte=at).exists():
            return AccountFlow.objects.create(**facts, change=change)  # the opening has it in
        covering = _covering(account, asset, change, at)
        if covering is not None:
            named = AccountFlow.objects.create(
                account=account, kind=Kind.EXTERNAL, key=f"named:{key}"[:120], asset=asset,
                change=-change, value=-_value(account, asset, change),
                since=covering.since, at=covering.at,
            )  # fmt: skip
            flow = AccountFlow.objects.create(
                **facts, change=change, value=_value(account, asset, change)
            )
            ledger.post_flow(named)
            ledger.post_flow(flow)
            return flow
        return _book(
            account, risk, trader, facts=facts, change=change, quote_of=quote_of,
            value=_value(account, asset, change),
        )  # fmt: skip


def book_coins(
    account: ExchangeAccount, *, kind: str, key: str, asset: str, change: Decimal, at: datetime
) -> AccountFlow:
    """Book what a comparison of the balances found of a coin: no part of equity. With the lock."""
    last = AccountFlow.objects.filter(account=account, asset=asset, at__lt=at).order_by("-at")
    since = last.values_list("at", flat=True).first() or account.created_at
    flow = AccountFlow.objects.create(
        account=account, kind=kind, key=key, asset=asset, change=change, value=ZERO, at=at,
        since=min(since, at) if kind == Kind.EXTERNAL else None,
    )  # fmt: skip
    ledger.post_flow(flow)
    _tell(account, flow)
    return flow


def _value(account: ExchangeAccount, asset: str, change: Decimal) -> Decimal:
    """What it is of equity: other coins are holdings."""
    return change if asset == account.currency else ZERO


def _covering(
    account: ExchangeAccount, asset: str, change: Decimal, at: datetime
) -> AccountFlow | None:
    """The external flow this event explains, where one has enough left."""
    window = AccountFlow.objects.filter(
        account=account, kind=Kind.EXTERNAL, asset=asset, since__lt=at, at__gte=at
    )
    left = window.aggregate(left=Sum("change"))["left"] or ZERO
    same_way = (left > ZERO) == (change > ZERO)
    return window.order_by("at").first() if same_way and abs(left) >= abs(change) else None


def _book(
    account: ExchangeAccount, risk: AccountRisk, trader: TraderRisk | None, *,
    facts: dict[str, object], change: Decimal, value: Decimal, quote_of: QuoteOf,
    in_cash: bool = True,
) -> AccountFlow:  # fmt: skip
    """Count it: in the ledger's cash, in the account's units and in the trader's. With the lock."""
    facts_now = facts_of_account(account)
    equity = worth(facts_now, venue=account.venue, quote_of=quote_of)
    of_all = equity_of_all(account, quote_of=quote_of) if trader is not None else ZERO
    counted = in_cash and ledger.is_open(account)
    if value and in_cash:
        row = Balance.objects.filter(account=account, asset=account.currency)
        if not row.exclude(booked=None).update(booked=F("booked") + value):
            value = ZERO  # nothing was counted yet: the opening will have it in
    before = nav_of(risk)
    after = nav.after_flow(before, equity_before=equity, amount=value) if value else before
    store_nav(risk, after)
    save_risk(risk)
    if trader is not None and value:
        flowed = nav.after_flow(trader_nav_of(trader), equity_before=of_all, amount=value)
        store_trader(trader, flowed)
    flow = AccountFlow.objects.create(
        **facts, change=change, value=value, units=after.units - before.units
    )
    if counted:
        ledger.post_flow(flow)
    _tell(account, flow)
    return flow


def _tell(account: ExchangeAccount, flow: AccountFlow) -> None:
    if flow.kind == Kind.OPENING:
        return  # no news: it is what the account begins with
    came, went = TOLD[Kind(flow.kind)]
    amount = f"{plain(abs(flow.change))} {flow.asset}"
    tell(
        account.pk,
        events.FlowBooked(
            account_id=account.pk,
            kind=flow.kind,
            asset=flow.asset,
            change=flow.change,
            value=flow.value,
            text=f"{amount} {came if flow.change >= 0 else went}."
            + ("" if flow.value else " It counts in no limit."),
        ),
    )


def compare_cash(
    account: ExchangeAccount, *, total: Decimal, at: datetime, quote_of: QuoteOf = prices.latest
) -> AccountFlow | None:
    """Book what the exchange holds of the currency beyond our ledger as external.

    `total` is the exchange's word as of `at`; every fill up to then must have been fetched. While
    an order's outcome is unknown, or its fills are not booked, nothing is compared: they would look
    like a stranger's.
    """
    with transaction.atomic():
        trader, risk = lock_trader(account), lock_risk(account.pk)
        row = Balance.objects.select_for_update(no_key=True).get(
            account=account, asset=account.currency
        )
        if row.booked is None:
            return _open_books(account, risk, trader, row, total=total, at=at, quote_of=quote_of)
        if is_anything_under_way(account):
            return None
        difference = total - (row.booked - _moved_since(account, at))
        if not difference:
            return None
        last = AccountFlow.objects.filter(account=account, asset=row.asset, at__lt=at)
        since = last.order_by("-at").values_list("at", flat=True).first() or account.created_at
        facts = {
            "account": account, "kind": Kind.EXTERNAL, "asset": row.asset, "at": at,
            "since": min(since, at), "key": f"external:{new_id()}",
        }  # fmt: skip
        return _book(
            account, risk, trader, facts=facts, change=difference, value=difference,
            quote_of=quote_of,
        )  # fmt: skip


def _open_books(
    account: ExchangeAccount, risk: AccountRisk, trader: TraderRisk | None, row: Balance, *,
    total: Decimal, at: datetime, quote_of: QuoteOf,
) -> AccountFlow:  # fmt: skip
    """The first word on the account: what is there begins the ledger and the NAV at 1."""
    counted = ledger.open_books(account)  # what was booked of it before: of orders found again
    opening = total - (counted - ledger.moved_since(account, at).get(account.currency, ZERO))
    Balance.objects.filter(pk=row.pk).update(booked=counted)
    facts = {"account": account, "kind": Kind.OPENING, "asset": row.asset, "at": at}
    return _book(
        account, risk, trader, facts={**facts, "key": "opening"}, change=opening, value=opening,
        quote_of=quote_of,
    )  # fmt: skip


def _moved_since(account: ExchangeAccount, at: datetime) -> Decimal:
    """What our ledger has of the currency that happened after the exchange's word."""
    fills = Fill.objects.filter(account=account, at__gt=at).select_related("order")
    flows = AccountFlow.objects.filter(account=account, asset=account.currency, at__gt=at)
    booked = flows.exclude(kind=Kind.MANAGED).aggregate(sum=Sum("value"))["sum"] or ZERO
    return booked + sum((cash_moved(fill, account.currency) for fill in fills), ZERO)


def declare_managed(
    account: ExchangeAccount,
    *,
    symbol: str,
    quantity: Decimal,
    entry: Decimal,
    stop: Decimal | None = None,
    quote_of: QuoteOf = prices.latest,
) -> ManagedHolding:
    """Let a position made by hand count in equity and heat: by its stop, or whole without one.

    Its worth enters the account as units, so that no limit is refreshed by it. Raises:
    UnknownSymbol.
    """
    base = rules(account.venue, symbol).base
    with transaction.atomic():
        trader, risk = lock_trader(account), lock_risk(account.pk)
        quote = quote_of(account.venue, symbol)
        value = quantity * (quote.bid if quote else entry)
        row = ManagedHolding(
            account=account, symbol=symbol, base_asset=base, quantity=quantity, entry=entry,
            stop=stop, declared_at=clock.now(),
        )  # fmt: skip
        _note_managed(account, risk, trader, row, value=value, quote_of=quote_of)
        row.save()
    return row


def end_managed(row: ManagedHolding, *, quote_of: QuoteOf = prices.latest) -> None:
    """Let it count nowhere again: its worth leaves the account as units."""
    with transaction.atomic():
        trader, risk = lock_trader(row.account), lock_risk(row.account_id)
        quote = quote_of(row.account.venue, row.symbol)
        value = -row.quantity * (quote.bid if quote else row.entry)
        _note_managed(row.account, risk, trader, row, value=value, quote_of=quote_of)
        row.ended_at = clock.now()
        row.save(update_fields=["ended_at"])


def _note_managed(
    account: ExchangeAccount, risk: AccountRisk, trader: TraderRisk | None, row: ManagedHolding, *,
    value: Decimal, quote_of: QuoteOf,
) -> None:  # fmt: skip
    way = "declared" if value >= ZERO else "ended"
    facts = {
        "account": account, "kind": Kind.MANAGED, "asset": row.base_asset, "at": clock.now(),
        "key": f"managed:{way}:{row.pk}",
    }  # fmt: skip
    change = row.quantity if value >= ZERO else -row.quantity
    _book(
        account, risk, trader, facts=facts, change=change, value=value, quote_of=quote_of,
        in_cash=False,
    )  # fmt: skip
