"""What a fill's commission was worth in the trade's currency, at the time of the fill."""

from datetime import datetime, timedelta
from decimal import Decimal

import structlog

from testudo import clock
from trading.exchange.port import TradeReport
from trading.market import prices
from trading.market.models import Candle
from trading.models import Trade

log = structlog.get_logger(__name__)

FRESH = timedelta(minutes=1)  # so long a fill is valued by the price of now
NEAR = timedelta(hours=1)  # so far back a candle still tells the price of a fill


def value_of(trade: Trade, report: TradeReport) -> Decimal:
    """The commission in the trade's currency; never raises, so that every fill can be booked.

    One in BNB, or any third asset, is valued by that asset's price at the time of the fill: the
    latest quote of a fill of this minute, else the minute's candle. Where neither is known it is
    what the rate the trade was sized with makes of the fill's worth: the exchange computed the
    commission from that very worth, so this is close, and not below it.
    """
    asset = report.commission_asset
    if not report.commission or asset == trade.currency:
        return report.commission
    if asset == trade.base_asset:
        return report.commission * report.price
    price = _price_at(trade.account.venue, asset + trade.currency, report.at)
    if price is not None:
        return report.commission * price
    log.warning("commission_valued_by_rate", trade=str(trade.pk), asset=asset)
    return report.quote_quantity * trade.fee_rate


def _price_at(venue: str, symbol: str, at: datetime) -> Decimal | None:
    if abs(clock.now() - at) <= FRESH:
        quote = prices.latest(venue, symbol)
        if quote is not None:
            return quote.price
    rows = Candle.objects.filter(venue=venue, symbol=symbol, time__lte=at, time__gt=at - NEAR)
    close: Decimal | None = rows.order_by("-time").values_list("close", flat=True).first()
    return close
