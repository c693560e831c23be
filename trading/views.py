"""The pages: the landing page for visitors, the trade desk for traders."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_GET

from trading.api.accounts import symbol_facts
from trading.api.present import account as account_facts
from trading.market.symbols import listed
from trading.models import ExchangeAccount


@require_GET
@never_cache
@ensure_csrf_cookie
def home(request: HttpRequest) -> HttpResponse:
    """`/`: what Testudo is, for a visitor; where trading happens, for a trader."""
    if not request.user.is_authenticated:
        return render(request, "landing.html")
    own = ExchangeAccount.objects.for_principal(request.user).select_related("accountrisk")
    accounts = list(own.order_by("created_at"))
    selected = selected_account(accounts, request.GET.get("account"))
    config = _config(selected)
    if selected is not None and not config["symbols"]:  # the venue's rules are not in yet
        page = render(request, "trading/starting.html", {"account": selected}, status=503)
        page["Refresh"] = "3"
        return page
    return render(
        request,
        "trading/desk.html",
        {"accounts": accounts, "account": selected, "config": config},
    )


def selected_account(accounts: list[ExchangeAccount], wanted: str | None) -> ExchangeAccount | None:
    """The account asked for, where it is the trader's own; else the newest one."""
    try:
        key = UUID(wanted) if wanted else None
    except ValueError:
        key = None
    by_id = {each.pk: each for each in accounts}
    return by_id.get(key) or (accounts[0] if accounts else None)


def _config(account: ExchangeAccount | None) -> dict[str, object] | None:
    """What the page's script needs to begin; it asks the API for the rest."""
    if account is None:
        return None
    symbols = [each for each in listed(account.venue) if each.quote == account.currency]
    return {
        "account": account_facts(account),
        "symbols": [symbol_facts(each) for each in symbols],
        "symbol": symbols[0].name if symbols else None,
        "urls": {
            "candles": "/api/v1/candles",
            "preview": "/api/v1/plans/preview",
            "trades": "/api/v1/trades",
            "risk": f"/api/v1/accounts/{account.pk}/risk",
            "market_socket": f"/ws/market/?venue={account.venue}",
            "account_socket": f"/ws/account/?account={account.pk}",
            "journal": "/journal/",
        },
    }
