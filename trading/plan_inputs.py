"""What sizing needs to know beyond the drawing and the book: fees, coins held, averages, models.

Reads only. Prices and money are in the quote asset, quantities in the base asset.
"""

from dataclasses import replace
from decimal import Decimal

from django.db.models import F, Sum

from risk.ceilings import ceiling_fraction, why_undefined
from risk.costs import Costs, PlanImpossible
from risk.rmultiple import r_of
from risk.size_models import FIELD, Range, SizeModel, average_true_range
from risk.symbols import ZERO, Symbol
from testudo import clock
from trading.book import QuoteOf
from trading.drawing import ModelTerms
from trading.market.candles import INTERVALS, read_candles
from trading.market.prices import Quote
from trading.models import Balance, ExchangeAccount, FeeRate, Order, Side, Trade
from trading.order_states import TERMINAL, TradeState
from trading.plan_reads import BNB, PlanReads

DEFAULT_FEE = Decimal("0.001")  # until the account's own rates were fetched: Binance's standard
MOST_RESULTS = 500  # of the trader's own trades, newest first
WARM_UP = 4  # an ATR reads so many times its period, where that much is stored


def under_own_limits(symbol: Symbol, rate: FeeRate | None) -> Symbol:
    """The symbol with the account's own MAX_ASSET limits."""
    if rate is None or (rate.max_base is None and rate.max_quote is None):
        return symbol
    return replace(symbol, max_base_per_order=rate.max_base, max_quote_per_order=rate.max_quote)


def costs_of(
    account: ExchangeAccount,
    symbol: Symbol,
    reads: PlanReads,
    *,
    resting: bool,
    cash: Decimal,
    quote_of: QuoteOf,
    slippage: Decimal = ZERO,
) -> Costs:
    """What the plan's orders pay. `resting`: the entry waits in the book and pays the maker's fee.

    Fees are paid in BNB where the account does so and holds plenty; if it ran out, the whole fee
    would come from the coin. Else a buy's fee comes from the coin bought, except in an OPO list of
    an account that holds some of the coin free: there it may be taken from those, and counts as in
    quote.
    """
    rate, free = reads.rate, reads.free
    if rate and rate.bnb_maker is not None and rate.bnb_taker is not None:
        costs = Costs(
            entry=rate.bnb_maker if resting else rate.bnb_taker,
            exit=rate.bnb_taker,
            slippage=slippage,
            fee_in_bnb=True,
        )
        price = quote_of(account.venue, BNB + symbol.quote)
        # The most the cash can buy, in and out again, twice over.
        needed = 2 * cash * (costs.entry + costs.exit)
        if price is not None and free.get(BNB, ZERO) * price.bid >= needed:
            return costs
    maker, taker = (rate.maker, rate.taker) if rate else (DEFAULT_FEE, DEFAULT_FEE)
    holds_coin = symbol.opo_allowed and free.get(symbol.base, ZERO) > 0
    return Costs(
        entry=maker if resting else taker,
        exit=taker,
        slippage=slippage,
        fee_in_base=not holds_coin,
    )


def position_in(account: ExchangeAccount, symbol: Symbol, coin: Balance | None) -> Decimal:
    """Base asset free, locked, and in open buys: what MAX_POSITION counts before a new order."""
    if symbol.max_position is None:
        return ZERO
    held = coin.free + coin.locked if coin else ZERO
    buys = (
        Order.objects.filter(account=account, trade__base_asset=symbol.base, side=Side.BUY)
        .exclude(state__in=TERMINAL)
        .aggregate(open=Sum(F("quantity") - F("filled")))
    )
    return held + (buys["open"] or ZERO)


def average_bounds(symbol: Symbol, quote: Quote, reads: PlanReads) -> tuple[Decimal, Decimal]:
    """The lowest and the highest that the averages PERCENT_PRICE and PRICE_RANGE compare with can
    be now.

    The exchange averages all trades of the last minutes (`Symbol.average_minutes`, the longer of
    the two windows); an average lies between the lowest and the highest of them, whatever the
    volumes. Stored are closed minutes; the quote tells of the one still open.
    """
    open_minute = [each for each in (quote.low, quote.high) if each is not None]
    seen = (quote.price, quote.bid, quote.ask, *open_minute)
    if symbol.percent_price is None and symbol.price_range is None:
        return min(seen), max(seen)
    low, high = reads.low or quote.price, reads.high or quote.price
    return min(*seen, low), max(*seen, high)


def read_model(model: SizeModel, account: ExchangeAccount, symbol: Symbol) -> ModelTerms:
    """The average true range and the ceiling a size model asks for; None where it asks for none.

    Raises: PlanImpossible (field "size_model"), where candles or results are missing.
    """
    atr = ceiling = None
    if model.name == "percent_volatility":
        atr = average_range(account.venue, symbol.name, model)
    if model.ceiling is not None:
        ceiling = _ceiling_fraction(account, model)
    return ModelTerms(atr=atr, ceiling_fraction=ceiling)


def average_range(venue: str, symbol: str, model: SizeModel) -> Decimal:
    """The average true range from stored candles, the newest closed one last.

    Raises: PlanImpossible, naming what is missing.
    """
    width, period = INTERVALS[model.atr_interval], model.atr_period
    now = int(clock.now().timestamp())
    rows = read_candles(venue, symbol, model.atr_interval, limit=period * WARM_UP + 2)
    closed = [row for row in rows if int(str(row[0])) + width <= now]
    run: list[Range] = []
    expected = now // width * width - width  # the newest closed one opened then
    if width == 60 and closed and int(str(closed[-1][0])) == expected - width:
        expected -= width  # the last minute is still on its way to us
    for row in reversed(closed):
        if int(str(row[0])) != expected:
            break
        run.append(Range(*(Decimal(str(row[place])) for place in (2, 3, 4))))
        expected -= width
    if len(run) < period + 1:
        raise PlanImpossible(
            f"ATR({period}) on {model.atr_interval} needs the last {period + 1} candles of "
            f"{symbol} without a gap; {len(run)} are stored. Choose a shorter atr_period or "
            "atr_interval, or size by percent risk.",
            field=FIELD,
        )
    return average_true_range(run[::-1], period)


def own_results(account: ExchangeAccount) -> list[Decimal]:
    """The R-multiples of the account's latest closed trades."""
    closed = (
        Trade.objects.filter(account=account, state=TradeState.CLOSED, initial_risk__gt=0)
        .exclude(profit=None)
        .order_by("-closed_at")
        .values_list("profit", "initial_risk")[:MOST_RESULTS]
    )
    return [r_of(profit, risk) for profit, risk in closed]


def _ceiling_fraction(account: ExchangeAccount, model: SizeModel) -> Decimal:
    assert model.ceiling is not None
    results = own_results(account)
    fraction = ceiling_fraction(model.ceiling, results)
    if fraction is None:
        raise PlanImpossible(
            f"There is no {model.ceiling} of your trades yet. {why_undefined(results)} Size "
            "without a ceiling until then.",
            field=FIELD,
        )
    return fraction
