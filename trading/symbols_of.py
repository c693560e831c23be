"""Which symbols an account is concerned with."""

from django.conf import settings

from trading.models import ExchangeAccount, Trade


def watched_symbols(account: ExchangeAccount) -> list[str]:
    """The desk's watch list and whatever the account has traded."""
    traded = Trade.objects.filter(account=account).values_list("symbol", flat=True).distinct()
    return sorted({*settings.WATCHED_SYMBOLS, *traded})
