"""Figures as a trader reads them: Decimals, signed and grouped, never by way of a float; graphs."""

import json
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from django import template

register = template.Library()

MINUS = "−"
NONE = "–"
CLAMP = Decimal(4)  # a bar shows up to 4 R either way; beyond, the figure says it
HALF = Decimal(50)
TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)
EMPTY = re.compile(r"([{\[])\n\s*\n\s*([}\]])")  # no string of JSON holds a line break


@register.filter
def amount(value: Decimal | None, places: int = 2) -> str:
    """`64,012.35`; an en dash where there is none."""
    if value is None:
        return NONE
    rounded = Decimal(value).quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_EVEN)
    return f"{MINUS if rounded < 0 else ''}{abs(rounded):,f}"


@register.filter
def plain(value: Decimal | None) -> str:
    """Every digit that says something, grouped, no trailing zeros: for prices and quantities."""
    if value is None:
        return NONE
    text = f"{abs(Decimal(value)):,f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return f"{MINUS if value < 0 else ''}{text}"


@register.filter
def signed(value: Decimal | None, places: int = 2) -> str:
    """With the sign always shown: `+2.81`, `−1.00`, `0.00`."""
    if value is None:
        return NONE
    text = amount(value, places)
    return f"+{text}" if Decimal(value) > 0 and text.strip("0.,") else text


@register.filter
def percent(fraction: Decimal | None, places: int = 0) -> str:
    """0.5 as `50 %`."""
    return NONE if fraction is None else f"{amount(Decimal(fraction) * 100, places)} %"


@register.filter
def elapsed(ms: int | None) -> str:
    """Time since the click, as exact as it matters: `+41 ms`, `+2.3 s`, `+28 h 3 min`."""
    if ms is None:
        return ""
    if ms < 1000:
        return f"+{ms} ms"
    if ms < 60_000:
        return f"+{ms // 100 / 10:.1f} s"
    minutes = ms // 60_000
    if minutes < 60:
        return f"+{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"+{hours} h {minutes} min" if hours < 48 else f"+{hours // 24} d {hours % 24} h"


@register.filter
def lasting(ms: int | None) -> str:
    """A span of time, to the millisecond below ten seconds: `93 ms`, `1,250 ms`, `2 h 11 min`."""
    if ms is None:
        return NONE
    return f"{ms:,} ms" if ms < 10_000 else elapsed(ms).removeprefix("+")


@register.filter
def to_the_ms(at: datetime | None) -> str:
    """A moment in UTC, to the millisecond: `23 Nov 14:03:12.345`."""
    if at is None:
        return NONE
    at = at.astimezone(UTC)
    return f"{at.day} {at:%b %H:%M:%S}.{at.microsecond // 1000:03d}"


@register.filter
def laid_out(answer: str) -> str:
    """JSON with line breaks and indents between its parts, every other character as it came;
    a text that is no JSON is returned as it is."""
    try:
        json.loads(answer)
    except (ValueError, RecursionError):
        return answer
    parts, depth = [], 0
    for each in TOKENS.findall(answer):
        if each in "}]":
            depth -= 1
            parts.append("\n" + "  " * depth)
        parts.append(each)
        if each in "{[,":
            depth += each != ","
            parts.append("\n" + "  " * depth)
        elif each == ":":
            parts.append(" ")
    return EMPTY.sub(r"\1\2", "".join(parts))


@register.filter
def arrow(value: Decimal | None) -> str:
    """Up, down or nothing: profit and loss are never told by colour alone."""
    return "" if not value else "▲" if value > 0 else "▼"


@register.filter
def tone(value: Decimal | None) -> str:
    """The class that colours a result."""
    return "" if not value else "profit" if value > 0 else "loss"


@register.filter
def r_bar(value: Decimal | None) -> dict[str, str] | None:
    """Where an R-multiple's bar lies in a 100 wide box, zero in the middle."""
    if value is None:
        return None
    length = min(abs(Decimal(value)), CLAMP) / CLAMP * HALF
    x = HALF if value >= 0 else HALF - length
    return {"x": f"{x:.2f}", "width": f"{length:.2f}"}


@register.filter
def r_curve(results: Iterable[Any]) -> dict[str, Any] | None:
    """Cumulative R of journal entries given newest first, as an SVG path in a 600 by 120 box."""
    rs = [entry.r_multiple for entry in results if entry.r_multiple is not None][::-1]
    if len(rs) < 2:
        return None
    sums: list[Decimal] = [Decimal(0)]
    for r in rs:
        sums.append(sums[-1] + r)
    low, high = min(sums), max(sums)
    span = (high - low) or Decimal(1)
    points = [_point(n, len(rs), total, low, span) for n, total in enumerate(sums)]
    zero = _point(0, 1, Decimal(0), low, span)[1]
    return {
        "line": _path(points),
        "area": f"{_path(points)}L600 {zero}L0 {zero}Z",
        "zero": zero,
        "end": sums[-1],
        "last_y": points[-1][1],
        "count": len(rs),
        "high": high,
        "low": low,
    }


def _point(n: int, last: int, total: Decimal, low: Decimal, span: Decimal) -> tuple[str, str]:
    x = Decimal(600) * n / last
    y = Decimal(112) - (total - low) / span * 104
    return f"{x:.1f}", f"{y:.1f}"


def _path(points: Sequence[tuple[str, str]]) -> str:
    return "M" + "L".join(f"{x} {y}" for x, y in points)
