"""The double-entry ledger of assets: every fill and every flow as entries that sum to zero (I6).

The wallet is the account at the exchange, all of it: free and locked, traded and held. Against it
stand the market (the other side of our trades), the fees, and what is external: the opening,
deposits, withdrawals, trades made by hand, and what nobody explained. Entries are written in the
transaction that books their fill or flow, once per source. At rest the wallet's sums are the
exchange's balances; equity counts the very same movements (`Balance.booked`).
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.db.models import Sum

from testudo.db.batch import Batch
from testudo.db.ids import new_id
from trading.models import AccountFlow, Balance, ExchangeAccount, Fill, LedgerBalance, LedgerEntry

Book = LedgerEntry.Book
ZERO = Decimal(0)

Postings = dict[tuple[str, str], Decimal]  # (book, asset): change

_MOVE_ON = """
INSERT INTO trading_ledgerbalance (account_id, asset, total)
SELECT %s, * FROM unnest(%s::varchar[], %s::numeric[])
ON CONFLICT (account_id, asset)
DO UPDATE SET total = trading_ledgerbalance.total + EXCLUDED.total
"""


def of_fill(*, side: str, base: str, quote: str, fill: Fill) -> Postings:
    """What an execution moved: coin and cash with the market, the commission to the fees."""
    postings: Postings = defaultdict(Decimal)
    sign = 1 if side == "BUY" else -1
    for asset, change in ((base, sign * fill.quantity), (quote, -sign * fill.quote_quantity)):
        postings[Book.WALLET, asset] += change
        postings[Book.MARKET, asset] -= change
    if fill.commission:
        postings[Book.WALLET, fill.commission_asset] -= fill.commission
        postings[Book.FEES, fill.commission_asset] += fill.commission
    return dict(postings)


def of_flow(flow: AccountFlow) -> Postings:
    """What came from outside, or went there."""
    return {
        (Book.WALLET, flow.asset): flow.change,
        (Book.EXTERNAL, flow.asset): -flow.change,
    }


def post_fill(fill: Fill) -> bool:
    """Enter a booked fill. Call it in the transaction that books it. False: it was entered."""
    postings = _of_booked(fill)
    return _post(fill.account_id, source_of_fill(fill), postings, at=fill.at)


def post_new_fill(fill: Fill, batch: Batch) -> None:
    """The same for one that `batch` has just written, so that nobody can have entered it."""
    _enter(fill.account_id, source_of_fill(fill), _of_booked(fill), at=fill.at, batch=batch)


def _of_booked(fill: Fill) -> Postings:
    trade = fill.trade
    return of_fill(side=fill.order.side, base=trade.base_asset, quote=trade.currency, fill=fill)


def post_flow(flow: AccountFlow) -> bool:
    """Enter a booked flow of money or coins. Call it in the transaction that books it.

    Declaring a holding managed moves nothing at the exchange, so it has no entries.
    """
    if flow.kind == AccountFlow.Kind.MANAGED:
        return False
    return _post(flow.account_id, source_of_flow(flow), of_flow(flow), at=flow.at)


def source_of_fill(fill: Fill) -> str:
    return f"fill:{fill.symbol}:{fill.exchange_trade_id}"


def source_of_flow(flow: AccountFlow) -> str:
    return f"flow:{flow.key}"


def _post(account_id: UUID, source: str, postings: Postings, *, at: datetime) -> bool:
    with transaction.atomic():
        # Whoever entered this source first has moved the balances on, too.
        if LedgerEntry.objects.filter(account_id=account_id, source=source).exists():
            return False
        batch = Batch()
        _enter(account_id, source, postings, at=at, batch=batch)
        batch.run()
    return True


def _enter(
    account_id: UUID, source: str, postings: Postings, *, at: datetime, batch: Batch
) -> None:
    rows = [
        LedgerEntry(
            id=new_id(), account_id=account_id, source=source, book=book, asset=asset,
            change=change, at=at,
        )
        for (book, asset), change in sorted(postings.items())
        if change
    ]  # fmt: skip
    if rows:
        batch.insert(*rows)
    _move_on(account_id, {row.asset: row.change for row in rows if row.book == Book.WALLET}, batch)


def _move_on(account_id: UUID, wallet: Mapping[str, Decimal], batch: Batch) -> None:
    """Add to the balances, in one order of locks."""
    assets = sorted(wallet)
    batch.add(_MOVE_ON, [account_id, assets, [wallet[asset] for asset in assets]])


def is_open(account: ExchangeAccount) -> bool:
    """Whether the books were opened: what came before that is in the opening."""
    return LedgerBalance.objects.filter(account=account, asset=account.currency).exists()


def open_books(account: ExchangeAccount) -> Decimal:
    """Open the books, where they are not; what was booked without them is entered first.

    Returns what they have of the reporting currency.
    """
    enter_missing(account)
    with transaction.atomic():
        batch = Batch()
        _move_on(account.pk, {account.currency: ZERO}, batch)
        batch.run()
    return totals(account)[account.currency]


def totals(account: ExchangeAccount) -> dict[str, Decimal]:
    """What the wallet holds by our books, asset by asset; what came to nothing is there as zero."""
    rows = LedgerBalance.objects.filter(account=account)
    return dict(rows.values_list("asset", "total"))


def moved_since(account: ExchangeAccount, at: datetime) -> dict[str, Decimal]:
    """What our books have of each asset that happened after `at`."""
    rows = LedgerEntry.objects.filter(account=account, book=Book.WALLET, at__gt=at)
    sums = rows.order_by().values("asset").annotate(change=Sum("change"))
    return {each["asset"]: each["change"] for each in sums}


def enter_missing(account: ExchangeAccount) -> int:
    """Enter every booked fill and flow that has no entries: of an account older than the ledger.

    Safe to repeat. Returns how many were entered.
    """
    entered = LedgerEntry.objects.filter(account=account).values_list("source", flat=True)
    known = set(entered.distinct())
    fills = Fill.objects.filter(account=account).select_related("order", "trade")
    count = sum(post_fill(fill) for fill in fills.iterator() if source_of_fill(fill) not in known)
    for flow in _flows_of_the_wallet(account):
        if source_of_flow(flow) not in known:
            count += post_flow(flow)
    return count


def _flows_of_the_wallet(account: ExchangeAccount) -> Iterator[AccountFlow]:
    """Every flow that moved the wallet: not the managed ones, nor what its opening has in."""
    opening = AccountFlow.objects.filter(account=account, kind=AccountFlow.Kind.OPENING)
    opened_at = dict(opening.values_list("asset", "at"))
    first = min(opened_at.values(), default=None)
    flows = AccountFlow.objects.filter(account=account).exclude(kind=AccountFlow.Kind.MANAGED)
    for flow in flows.order_by("at").iterator():
        since = opened_at.get(flow.asset, first)
        if flow.kind == AccountFlow.Kind.OPENING or (since is not None and flow.at > since):
            yield flow


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing in the books that does not hold; `str()` is a sentence."""

    text: str

    def __str__(self) -> str:
        return self.text


def faults(account: ExchangeAccount) -> list[Fault]:
    """What does not hold within our own books; nothing is asked of the exchange, or changed."""
    return [
        Fault(text)
        for check in (_unbalanced, _totals_off, _not_entered, _equity_off)
        for text in check(account)
    ]


def _unbalanced(account: ExchangeAccount) -> Iterable[str]:
    entries = LedgerEntry.objects.filter(account=account).order_by()
    sums = entries.values("source", "asset").annotate(off=Sum("change")).exclude(off=0)
    for each in sums:
        yield f"The entries of {each['source']} are off by {each['off']:f} {each['asset']}."


def _totals_off(account: ExchangeAccount) -> Iterable[str]:
    wallet = LedgerEntry.objects.filter(account=account, book=Book.WALLET).order_by()
    sums = wallet.values("asset").annotate(total=Sum("change"))
    added = {each["asset"]: each["total"] for each in sums}
    kept = totals(account)
    for asset in sorted(added.keys() | kept.keys()):
        if added.get(asset, ZERO) != kept.get(asset, ZERO):
            yield (
                f"The entries of {asset} add up to {added.get(asset, ZERO):f}, the balance says "
                f"{kept.get(asset, ZERO):f}."
            )


def _not_entered(account: ExchangeAccount) -> Iterable[str]:
    """Fills and flows without entries, and fills whose entries say something else."""
    found: dict[str, Postings] = defaultdict(dict)
    rows = LedgerEntry.objects.filter(account=account)
    for source, book, asset, change in rows.values_list("source", "book", "asset", "change"):
        found[source][book, asset] = change
    fills = Fill.objects.filter(account=account).select_related("order", "trade")
    for fill in fills.iterator():
        source, trade = source_of_fill(fill), fill.trade
        should = of_fill(
            side=fill.order.side, base=trade.base_asset, quote=trade.currency, fill=fill
        )
        if found.pop(source, {}) != {key: change for key, change in should.items() if change}:
            yield f"{source} is not entered as it was booked."
    for flow in _flows_of_the_wallet(account):
        should = {key: change for key, change in of_flow(flow).items() if change}
        if found.pop(source_of_flow(flow), {}) != should:
            yield f"{source_of_flow(flow)} is not entered as it was booked."
    for source in sorted(found):
        yield f"{source} is entered, but no fill or flow was booked so."


def _equity_off(account: ExchangeAccount) -> Iterable[str]:
    row = Balance.objects.filter(account=account, asset=account.currency).first()
    kept = totals(account).get(account.currency, ZERO)
    if row is not None and row.booked is not None and row.booked != kept:
        yield (f"Equity counts {row.booked:f} {account.currency} of cash, the ledger has {kept:f}.")


def differences(
    account: ExchangeAccount, balances: Mapping[str, Decimal], *, at: datetime
) -> dict[str, Decimal]:
    """What the exchange holds beyond our books as of `at`, asset by asset; nothing where equal.

    `balances`: free + locked of every asset, as of that moment of the exchange's clock.
    """
    kept, since = totals(account), moved_since(account, at)
    found = {}
    for asset in balances.keys() | kept.keys():
        off = balances.get(asset, ZERO) - (kept.get(asset, ZERO) - since.get(asset, ZERO))
        if off:
            found[asset] = off
    return found
