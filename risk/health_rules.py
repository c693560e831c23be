"""The rules about what we know and may do just now: trading state, live data, clock, exchange.
Pure.

Run by `rules.check`; see there. What is unknown counts as too old or too uncertain.
"""

from datetime import timedelta
from decimal import Decimal

from risk.protocol import (
    BRACKET_ORDERS,
    MAX_ACCOUNT_AGE,
    MAX_CLOCK_ERROR,
    MAX_MARKET_AGE,
    Book,
    Effect,
    Limits,
    Plan,
    Verdict,
)
from risk.symbols import ZERO
from risk.verdicts import EXITS_GO_ON, at_least, at_most, idle, switch, when
from risk.wording import plain

_MILLISECOND = timedelta(milliseconds=1)
_SECOND = timedelta(seconds=1)
_THOUSANDTH = Decimal("0.001")
_MARKET_SECONDS = Decimal(MAX_MARKET_AGE // _SECOND)
_ACCOUNT_SECONDS = Decimal(MAX_ACCOUNT_AGE // _SECOND)
_CLOCK_MILLISECONDS = Decimal(MAX_CLOCK_ERROR // _MILLISECOND)
_BRACKET = Decimal(BRACKET_ORDERS)
_HOLD = f"Wait until it has been compared again: within half a minute. {EXITS_GO_ON}"


def trading_state(plan: Plan, book: Book, limits: Limits) -> Verdict:
    """ACTIVE takes new risk; REDUCING and HALTED do not. Exits go on in all three."""
    off = None
    if book.state != "active":
        name = "reducing only" if book.state == "reducing" else "halted"
        reason = f": {book.state_reason.rstrip('.')}" if book.state_reason else ""
        wait = (
            f"Wait{when(book.state_until, 'until')}."
            if book.state_until
            else "The risk page says how it resumes."
        )
        off = f"This account is {name}{reason}. No new risk for now. {wait} {EXITS_GO_ON}"
    return switch(code="trading_state", title="Trading state", off=off, on="Trading is active.")


def reconciliation(plan: Plan, book: Book, limits: Limits) -> Verdict:
    """No entries until the account agrees with the exchange again."""
    return switch(
        code="reconciliation",
        title="In step with the exchange",
        off=None
        if book.reconciled
        else "The account is being compared with the exchange. Try again in a moment. "
        f"{EXITS_GO_ON}",
        on="The account agrees with the exchange.",
    )


def market_data(plan: Plan, book: Book, limits: Limits) -> Verdict:
    """Data age: the market stream proved alive at most 5 s ago."""
    return _age(
        plan.market_age,
        _MARKET_SECONDS,
        code="market_data",
        title="Market data",
        fresh="Prices are live.",
        unknown=f"There is no live price of {plan.symbol.name}. Wait until prices move again.",
        old="The last word from the market is {} s old. Wait until prices are live again.",
    )


def account_data(plan: Plan, book: Book, limits: Limits) -> Verdict:
    """Data age: the account's stream proved alive at most 30 s ago."""
    return _age(
        book.account_age,
        _ACCOUNT_SECONDS,
        code="account_data",
        title="Account data",
        fresh="The account is live.",
        unknown=f"The exchange has not told of this account yet. Try again in a moment. "
        f"{EXITS_GO_ON}",
        old="The exchange last told of this account {} s ago. Wait until its stream is back. "
        f"{EXITS_GO_ON}",
    )


def clock(plan: Plan, book: Book, limits: Limits) -> Verdict:
    """Our time against the exchange's: uncertain by at most 250 ms, and no jump beyond that."""
    most = _CLOCK_MILLISECONDS
    if book.clock_uncertainty is None:
        return _unknown(
            "clock", "Clock", most, "ms", f"Our clock was not compared with the exchange's. {_HOLD}"
        )
    uncertain = _milliseconds(book.clock_uncertainty)
    jump = _milliseconds(abs(book.clock_jump))
    error = max(uncertain, jump)
    return at_most(
        code="clock",
        title="Clock",
        measured=error,
        limit=most,
        unit="ms",
        room=f"Within {plain(error)} ms of the exchange's time.",
        excess=lambda: (
            f"Our clock jumped by {plain(jump)} ms against the exchange's. {_HOLD}"
            if jump > most
            else f"The exchange's time is known to {plain(uncertain)} ms only. {_HOLD}"
        ),
    )


def exchange_health(plan: Plan, book: Book, limits: Limits) -> Verdict:
    """The exchange's circuit breaker: while it is not closed, no entries. Protective orders keep
    trying."""
    off = None
    if book.exchange_breaker != "closed":
        again = when(book.exchange_retry_at, "until")
        off = (
            f"The exchange fails to answer. Wait{again}: it is being tried again. Stops and exits "
            "keep trying."
        )
    return switch(code="exchange_health", title="Exchange", off=off, on="The exchange answers.")


def order_rate(plan: Plan, book: Book, limits: Limits) -> Verdict:
    """The exchange still takes a bracket's orders in its window of orders."""
    if book.order_room is None:  # the exchange says so with its first answer
        return idle("order_rate", "Order rate", "No order was counted yet.", "orders")
    return at_least(
        code="order_rate",
        title="Order rate",
        measured=Decimal(book.order_room),
        limit=_BRACKET,
        unit="orders",
        room=f"The exchange takes {book.order_room} more orders now.",
        lack=lambda: (
            f"The exchange takes {book.order_room} more orders now, and a bracket needs "
            f"{BRACKET_ORDERS}. Wait a few seconds, then try again."
        ),
    )


def _age(
    age: timedelta | None,
    most: Decimal,
    *,
    code: str,
    title: str,
    fresh: str,
    unknown: str,
    old: str,
) -> Verdict:
    if age is None:
        return _unknown(code, title, most, "s", unknown)
    seconds = _milliseconds(age) * _THOUSANDTH
    return at_most(
        code=code,
        title=title,
        measured=seconds,
        limit=most,
        unit="s",
        room=fresh,
        excess=lambda: old.format(plain(seconds)),
    )


def _unknown(code: str, title: str, limit: Decimal, unit: str, message: str) -> Verdict:
    return Verdict(
        code=code,
        title=title,
        measured=limit,
        limit=limit,
        margin=-limit,
        unit=unit,
        ok=False,
        effect=Effect.BLOCK,
        message=message,
    )


def _milliseconds(span: timedelta) -> Decimal:
    """Whole ones, rounded up; what lies before its beginning counts as 0."""
    return max(Decimal(-(-span // _MILLISECOND)), ZERO)
