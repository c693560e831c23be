"""Sentences about the books that several pages and commands share."""

from decimal import Decimal

from risk.wording import plain


def difference(asset: str, off: Decimal) -> str:
    """What the exchange holds beyond our books; negative: less than they say."""
    way = "more" if off > 0 else "less"
    return f"The exchange holds {plain(abs(off))} {asset} {way} than the books say."
