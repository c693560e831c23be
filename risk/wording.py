"""Figures in sentences: plain notation, and rounding that never flatters. Pure.

Sums of money have their thousands set apart, as the pages' own have: 1,234,567.89. Prices and
quantities have not, for they are typed or pasted into fields, which take digits and one dot.
"""

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Context, Decimal

CENT = Decimal("0.01")

_WIDE = Context(prec=200)
_LONG = Context(prec=60)
_FOUR_DIGITS = Context(prec=4, rounding=ROUND_HALF_EVEN)


def plain(figure: Decimal, *, grouped: bool = False) -> str:
    """Without exponent and without trailing zeros: 0.00007, 60000; `grouped`: 60,000."""
    text = f"{figure:,f}" if grouped else f"{figure:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def cents_up(amount: Decimal) -> Decimal:
    """To the cent, upwards: for what must be added or given up."""
    return _cents(amount, ROUND_CEILING)


def cents_down(amount: Decimal) -> Decimal:
    """To the cent, downwards: for room that is left."""
    return _cents(amount, ROUND_FLOOR)


def money_up(amount: Decimal) -> str:
    """Money in a sentence, rounded up to the cent: what must be added or given up. Less than a unit
    keeps four digits, for a hundredth of an ether is money."""
    return _said(amount, ROUND_CEILING)


def money_down(amount: Decimal) -> str:
    """The same rounded down: room that is left."""
    return _said(amount, ROUND_FLOOR)


def money(amount: Decimal) -> str:
    """Money in a sentence: to the cent, or to four digits where it is less than a unit."""
    if abs(amount) >= 1 or not amount:
        return f"{_cents(amount, ROUND_HALF_EVEN):,f}"
    return plain(_FOUR_DIGITS.plus(amount))


def percent(part: Decimal, whole: Decimal) -> str:
    """`part` of `whole` as a percentage with two decimals at most; "-" where there is no whole."""
    if whole <= 0:
        return "-"
    share = _LONG.divide(part * 100, whole)
    return f"{plain(_cents(share, ROUND_HALF_EVEN))} %"


def _cents(amount: Decimal, rounding: str) -> Decimal:
    return amount.quantize(CENT, rounding=rounding, context=_WIDE)


def _said(amount: Decimal, rounding: str) -> str:
    cents = _cents(amount, rounding)
    if abs(amount) >= 1 or cents == amount:
        return f"{cents:,f}"
    return plain(Context(prec=4, rounding=rounding).plus(amount))
