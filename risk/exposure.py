"""What is at risk now, and the distance to every limit: the risk monitor's arithmetic. Pure.

Money is in the account's reporting currency. Definitions: PROTOCOL 1.3.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_CEILING, Context, Decimal, localcontext

from risk.costs import Direction
from risk.losses import day_lost, week_lost
from risk.protocol import CAPS, MAX_LEVERAGE, WARN_SHARE, Book, Limits, TraderTotals
from risk.symbols import EXACT, ZERO
from risk.wording import money_down, money_up, percent, plain

SHARE_PLACES = Decimal("0.0001")
_UP = Context(prec=60, rounding=ROUND_CEILING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """One managed position or pending entry. A pending one has its worst entry as `entry`."""

    symbol: str
    direction: Direction
    quantity: Decimal  # base asset
    entry: Decimal  # average price paid
    mark: Decimal  # the price it could be closed at now
    stop: Decimal | None  # now; None: its whole notional is at risk
    exit_fees: Decimal = ZERO  # at the stop
    planned_risk: Decimal | None = None  # of a pending entry; None: it is filled


@dataclass(frozen=True, slots=True)
class Totals:
    """Holdings added up. Sums are exact, so what is added can be taken away again."""

    heat: Decimal = ZERO  # at the stops, from the entries; pending entries at full plan risk
    open_risk: Decimal = ZERO  # at the stops, from the marks
    pending_risk: Decimal = ZERO
    exposure: Decimal = ZERO  # gross notional at mark
    count: int = 0

    def plus(self, one: Holding) -> "Totals":
        return self._with(totals_of(one), 1)

    def minus(self, one: Holding) -> "Totals":
        return self._with(totals_of(one), -1)

    def _with(self, other: "Totals", sign: int) -> "Totals":
        with localcontext(EXACT):
            return Totals(
                heat=self.heat + sign * other.heat,
                open_risk=self.open_risk + sign * other.open_risk,
                pending_risk=self.pending_risk + sign * other.pending_risk,
                exposure=self.exposure + sign * other.exposure,
                count=self.count + sign,
            )


def totals_of(one: Holding) -> Totals:
    """Heat `max(0, d*(e - S)*q + exit fees)`, open risk from the mark instead of e (PROTOCOL 1.3).
    A filled one without a stop counts with its whole notional."""
    with localcontext(EXACT):
        notional = one.mark * one.quantity
        if one.planned_risk is not None:
            risk = one.planned_risk
            return Totals(risk, ZERO, risk, one.entry * one.quantity, 1)
        if one.stop is None:
            return Totals(max(one.entry * one.quantity, notional), notional, ZERO, notional, 1)
        sign = 1 if one.direction == "long" else -1
        heat = sign * (one.entry - one.stop) * one.quantity + one.exit_fees
        open_risk = sign * (one.mark - one.stop) * one.quantity + one.exit_fees
        return Totals(max(heat, ZERO), max(open_risk, ZERO), ZERO, notional, 1)


def totals(holdings: Iterable[Holding]) -> Totals:
    """All of them, by scanning: for a cold start and for checking the running ones."""
    found = Totals()
    for one in holdings:
        found = found.plus(one)
    return found


def by_symbol(holdings: Iterable[Holding]) -> dict[tuple[str, Direction], Totals]:
    """Totals of each symbol and direction, in the order first met."""
    found: dict[tuple[str, Direction], Totals] = {}
    for one in holdings:
        key = (one.symbol, one.direction)
        found[key] = found.get(key, Totals()).plus(one)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauge:
    """One limit's reading: how much of it is in use. `code` is the rule's."""

    code: str
    title: str
    used: Decimal
    limit: Decimal
    room: Decimal  # 0 or more
    share: Decimal  # used / limit, rounded up at four places; 1 where there is no limit to use
    unit: str  # the currency, a count's noun, "of the peak"
    warn: bool  # 80 % or more in use; exposure on spot never warns
    broken: bool  # no new risk is taken until it falls
    text: str


def gauges(book: Book, limits: Limits) -> tuple[Gauge, ...]:
    """Every limit that fills up, the trader's totals in where there are any."""
    with localcontext(EXACT):
        lost_today, day_base = day_lost(book)
        lost_this_week, week_base = week_lost(book)
        at_risk = book.open_risk + book.pending_risk
        equity = max(book.equity, ZERO)
        found = [
            _money("portfolio_heat", "Portfolio heat", book.heat, equity * limits.max_heat, book),
            _loss("daily_loss", "Daily loss", lost_today, at_risk, day_base * limits.max_day_loss,
                  book, "today"),
            _loss("weekly_loss", "Weekly loss", lost_this_week, at_risk,
                  week_base * limits.max_week_loss, book, "this week"),
            _drawdown("drawdown", "Drawdown", book.drawdown, limits.max_drawdown),
            # Without credit a trade in full is no warning: nothing more can be bought anyway.
            _money("leverage", "Exposure", book.exposure, equity * MAX_LEVERAGE, book,
                   warns=MAX_LEVERAGE > 1),
            _count("open_positions", "Open positions", book.open_positions, limits.max_positions,
                   "positions"),
            _count("trades_today", "Trades today", book.trades_today, limits.max_trades_a_day,
                   "trades"),
            _count("losing_streak", "Losing streak", book.losing_streak, limits.max_losing_streak,
                   "losses in a row", stops=True),
            _count("stop_outs", "Stop-outs", book.stop_outs, limits.max_stop_outs,
                   "in 24 hours", stops=True),
        ]  # fmt: skip
        if book.trader:
            found += _trader_gauges(book.trader, book)
        return tuple(found)


def warnings(found: Iterable[Gauge]) -> tuple[str, ...]:
    """A sentence for each limit that is nearly or wholly used up."""
    return tuple(f"{gauge.title}: {gauge.text}" for gauge in found if gauge.warn or gauge.broken)


def _trader_gauges(trader: TraderTotals, book: Book) -> list[Gauge]:
    lost_today, day_base = day_lost(trader)
    lost_this_week, week_base = week_lost(trader)
    at_risk = trader.open_risk + trader.pending_risk
    cap = {name: most for name, (_, most) in CAPS.items()}
    return [
        _money("trader_heat", "Heat of all live accounts", trader.heat,
               max(trader.equity, ZERO) * cap["max_heat"], book),
        _loss("trader_daily_loss", "Daily loss of all live accounts", lost_today, at_risk,
              day_base * cap["max_day_loss"], book, "today"),
        _loss("trader_weekly_loss", "Weekly loss of all live accounts", lost_this_week, at_risk,
              week_base * cap["max_week_loss"], book, "this week"),
        _drawdown("trader_drawdown", "Drawdown of all live accounts", trader.drawdown,
                  cap["max_drawdown"]),
    ]  # fmt: skip


def _gauge(
    code: str,
    title: str,
    used: Decimal,
    limit: Decimal,
    unit: str,
    *,
    broken: bool,
    text: str,
    warns: bool = True,
) -> Gauge:
    if limit > ZERO:
        share = _UP.divide(used, limit).quantize(SHARE_PLACES, context=_UP)
    else:
        share = Decimal(1) if used > ZERO else ZERO
    return Gauge(
        code=code,
        title=title,
        used=used,
        limit=limit,
        room=max(limit - used, ZERO),
        share=share,
        unit=unit,
        warn=warns and share > ZERO and used >= limit * WARN_SHARE,
        broken=broken,
        text=text,
    )


def _money(
    code: str, title: str, used: Decimal, limit: Decimal, book: Book, *, warns: bool = True
) -> Gauge:
    return _gauge(
        code,
        title,
        used,
        limit,
        book.currency,
        broken=used > limit,
        warns=warns,
        text=f"{money_up(used)} of {money_down(limit)} {book.currency}"
        + (f", {percent(used, limit)}." if limit > ZERO else "."),
    )


def _loss(
    code: str, title: str, lost: Decimal, at_risk: Decimal, limit: Decimal, book: Book, span: str
) -> Gauge:
    used = lost + at_risk
    return _gauge(
        code,
        title,
        used,
        limit,
        book.currency,
        # At the limit by what is lost alone: then its breaker is open.
        broken=used > limit or (lost > ZERO and lost >= limit),
        text=f"{money_up(lost)} lost {span} and {money_up(at_risk)} at risk, of "
        f"{money_down(limit)} {book.currency}.",
    )


def _drawdown(code: str, title: str, fraction: Decimal, limit: Decimal) -> Gauge:
    return _gauge(
        code,
        title,
        fraction,
        limit,
        "of the peak",
        broken=fraction >= limit,
        text=f"{percent(fraction, Decimal(1))} below the peak, of {percent(limit, Decimal(1))}.",
    )


def _count(
    code: str, title: str, used: int, limit: int, unit: str, *, stops: bool = False
) -> Gauge:
    """`stops`: reaching the limit already does."""
    return _gauge(
        code,
        title,
        Decimal(used),
        Decimal(limit),
        unit,
        broken=used >= limit if stops else used > limit,
        text=f"{plain(Decimal(used))} of {limit} {unit}.",
    )
