"""What the tests of book, breakers and monitor share: trades opened and ended on virtual time."""

from datetime import timedelta
from decimal import Decimal

from trading import orders
from trading.exchange.paper.values import to_e8
from trading.models import AccountRisk, Trade

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


def opened(floor, account, drawing) -> Trade:
    """Placed and bought, its stop resting."""
    trade = orders.place_trade(account, drawing, quote_of=floor.quote_of)
    floor.turn(account)
    trade.refresh_from_db()
    return trade


def stopped_out(floor, account, drawing) -> Trade:
    """Placed, bought, and lost at its stop."""
    trade = opened(floor, account, drawing)
    return walked(floor, trade, drawing.stop * Decimal("0.999"))


def won(floor, account, drawing) -> Trade:
    """Placed, bought, and sold at its target."""
    trade = opened(floor, account, drawing)
    return walked(floor, trade, drawing.target * Decimal("1.0005"))


def walked(floor, trade, price: Decimal) -> Trade:
    """The market walks to a price, and the trade is followed there."""
    price = price.quantize(Decimal("0.01"))
    floor.paper.move(trade.symbol, to_e8(price), 30_000)
    return floor.follow(trade, step=SECOND, at_most=timedelta(minutes=2))


def risk_of(account) -> AccountRisk:
    return AccountRisk.objects.get(account=account)


def asleep(floor, account, by: timedelta) -> None:
    """Time passes without a trade; then the account is matched and looked after again."""
    from trading import account_stream, breakers
    from trading.periods import begin_days

    floor.advance(by)
    account_stream.match_books(account)
    account.refresh_from_db()
    begin_days([account], quote_of=floor.quote_of)
    breakers.sweep(account, quote_of=floor.quote_of)
