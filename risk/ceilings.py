"""Kelly and optimal f: the most that the trader's own results justify risking on a trade. Pure.

Both are ceilings over a size, never a size of their own, and are undefined (None) until the results
carry them: at least 30 closed trades, and an expectancy whose lower 95 % bound is above 0.
Definitions: PROTOCOL 1.2. R-multiples come in, fractions of equity to risk on one R go out.
"""

from collections.abc import Sequence
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Context, Decimal, localcontext

from risk.size_models import CeilingName
from risk.symbols import ZERO

LEAST_TRADES = 30
NORMAL_95 = Decimal("1.959963984540054")  # both tails together hold 5 %
PLACES = Decimal("1E-8")
_WIDE = Context(prec=50, rounding=ROUND_HALF_EVEN)
_GOLDEN = (_WIDE.sqrt(Decimal(5)) - 1) / 2
_SHARES: dict[CeilingName, Decimal] = {
    "kelly": Decimal(1),
    "half_kelly": Decimal("0.5"),
    "quarter_kelly": Decimal("0.25"),
}


def ceiling_fraction(name: CeilingName, multiples: Sequence[Decimal]) -> Decimal | None:
    """The fraction of equity the named ceiling allows one trade to risk; None: undefined."""
    if name == "optimal_f":
        return optimal_f(multiples)
    full = kelly(multiples)
    return None if full is None else _floored(full * _SHARES[name])


def why_undefined(multiples: Sequence[Decimal]) -> str:
    """What the results lack for a ceiling, in a sentence; empty where they carry one."""
    count = len(multiples)
    if count < LEAST_TRADES:
        return f"It needs {LEAST_TRADES} closed trades with an R; there are {count}."
    if min(multiples) >= 0:
        return "It needs at least one loss to measure by."
    if lower_expectancy(multiples) <= 0:
        return "Your expectancy is not safely above 0 yet (lower 95 % bound)."
    return ""


def lower_expectancy(multiples: Sequence[Decimal]) -> Decimal:
    """The lower end of the 95 % interval of the mean R: mean - 1.96 * s / sqrt(n), s with n - 1.

    Raises: ValueError, for fewer than two results.
    """
    count = len(multiples)
    if count < 2:
        raise ValueError("An interval needs two results.")
    with localcontext(_WIDE):
        mean = sum(multiples, ZERO) / count
        variance = sum(((each - mean) ** 2 for each in multiples), ZERO) / (count - 1)
        return mean - NORMAL_95 * (variance / count).sqrt()


def kelly(multiples: Sequence[Decimal]) -> Decimal | None:
    """W - (1 - W)/payoff: the Kelly fraction where a loss is 1R, floored at 8 decimals.

    W is the share of wins, and 1 - W all the rest, break-even included; payoff is the mean win over
    the mean loss.
    """
    if why_undefined(multiples):
        return None
    wins = [each for each in multiples if each > 0]
    losses = [-each for each in multiples if each < 0]
    with localcontext(_WIDE):
        share = Decimal(len(wins)) / len(multiples)
        payoff = (sum(wins, ZERO) / len(wins)) / (sum(losses, ZERO) / len(losses))
        return _within(share - (1 - share) / payoff)


def optimal_f(multiples: Sequence[Decimal]) -> Decimal | None:
    """Vince's optimal f as a risk fraction, floored at 8 decimals: f / |worst R|, where f in (0, 1]
    makes the terminal wealth prod(1 + f * R / |worst R|) largest.

    The logarithm of that product is concave in f, so a golden-section search finds its one peak.
    Source: Ralph Vince, Portfolio Management Formulas, 1990.
    """
    if why_undefined(multiples):
        return None
    worst = -min(multiples)
    with localcontext(_WIDE):
        shares = [each / worst for each in multiples]

        def wealth(f: Decimal) -> Decimal:
            product = Decimal(1)
            for share in shares:
                product *= 1 + f * share
            return product

        low, high = ZERO, Decimal(1)
        left, right = high - _GOLDEN, _GOLDEN
        at_left, at_right = wealth(left), wealth(right)
        while high - low > PLACES / 100:
            if at_left < at_right:
                low, left, at_left = left, right, at_right
                right = low + _GOLDEN * (high - low)
                at_right = wealth(right)
            else:
                high, right, at_right = right, left, at_left
                left = high - _GOLDEN * (high - low)
                at_left = wealth(left)
        return _within((low + high) / 2 / worst)


def _within(fraction: Decimal) -> Decimal:
    """A fraction of equity: 0 to 1."""
    return _floored(min(max(fraction, ZERO), Decimal(1)))


def _floored(fraction: Decimal) -> Decimal:
    return fraction.quantize(PLACES, rounding=ROUND_FLOOR, context=_WIDE)
