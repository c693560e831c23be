"""The history of an account's worth and exposure: a point a minute at stake, and at changes."""

from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.db import connection

from risk.nav import marked
from risk.rules import Book
from trading.book import QuoteOf, nav_of, read_book
from trading.market import prices
from trading.models import AccountRisk, EquityPoint, ExchangeAccount

MOST_SHOWN = 500
FINE_FOR = timedelta(days=30)  # older points are kept by the hour
BATCH = 10_000  # deleted in one statement

# Of each hour the deepest drawdown stays: thinning must not hide the worst.
_THIN = """
    DELETE FROM trading_equitypoint WHERE id IN (
        SELECT id FROM (
            SELECT id, row_number() OVER (
                PARTITION BY date_bin('1 hour', at, 'epoch') ORDER BY drawdown DESC, heat DESC, at
            ) AS place
            FROM trading_equitypoint WHERE account_id = %s AND at < %s
        ) AS ranked
        WHERE place > 1 LIMIT %s
    )
"""


def record(
    account: ExchangeAccount, book: Book, nav: Decimal, *, at: datetime | None = None
) -> None:
    """Write one point. A second one of the same moment changes nothing."""
    EquityPoint.objects.bulk_create(
        [
            EquityPoint(
                account=account,
                at=at or book.at,
                equity=book.equity,
                nav=nav,
                drawdown=book.drawdown,
                heat=book.heat,
                open_risk=book.open_risk + book.pending_risk,
                exposure=book.exposure,
            )
        ],
        ignore_conflicts=True,
    )


def note(account: ExchangeAccount, *, quote_of: QuoteOf = prices.latest) -> None:
    """Look at the account now and write the point down."""
    risk = AccountRisk.objects.get(account=account)
    book = read_book(account, risk=risk, symbol="", quote_of=quote_of, fresh=False)
    record(account, book, marked(nav_of(risk), book.equity).nav)


def history(account_id: UUID, *, since: datetime, until: datetime) -> list[EquityPoint]:
    """The points of a stretch, oldest first, thinned to 500; first and last always in.

    Of each slice the one with the deepest drawdown stays: thinning must not hide the worst.
    """
    rows = list(
        EquityPoint.objects.filter(account_id=account_id, at__gte=since, at__lte=until)
        .order_by("at")
    )  # fmt: skip
    if len(rows) <= MOST_SHOWN:
        return rows
    slices = MOST_SHOWN - 2
    inner = rows[1:-1]
    kept = [
        max(
            inner[number * len(inner) // slices : (number + 1) * len(inner) // slices],
            key=lambda point: (point.drawdown, point.heat),
        )
        for number in range(slices)
    ]
    return [rows[0], *kept, rows[-1]]


def thin(account_id: UUID, *, now: datetime) -> int:
    """Of what is older than 30 days keep one point an hour. Returns how many went, at most 10,000:
    what is left over goes the next time."""
    # A whole hour, so that none is thinned while half of it is young.
    until = (now - FINE_FOR).replace(minute=0, second=0, microsecond=0)
    with connection.cursor() as cursor:
        cursor.execute(_THIN, [account_id, until, BATCH])
        return int(cursor.rowcount)


def minute_of(moment: datetime) -> datetime:
    return moment - timedelta(seconds=moment.second, microseconds=moment.microsecond)
