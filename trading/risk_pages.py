"""The pages of what may be lost: `/risk/`, one decision, and the limits under `/settings/risk/`.

They say who and which account; their scripts ask the API for every figure.
"""

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_GET

from trading.api.present import account as account_facts
from trading.models import Decision, ExchangeAccount
from trading.views import selected_account


@require_GET
@never_cache
@login_required
@ensure_csrf_cookie
def risk(request: HttpRequest) -> HttpResponse:
    """`/risk/`: the room under every limit, the breakers, the history, the decision log."""
    return render(request, "trading/risk.html", _context(request))


@require_GET
@never_cache
@login_required
@ensure_csrf_cookie
def risk_settings(request: HttpRequest) -> HttpResponse:
    """`/settings/risk/`: the trader's own limits, and what waits to be loosened."""
    return render(request, "trading/risk_settings.html", _context(request))


@require_GET
@never_cache
@login_required
@ensure_csrf_cookie
def decision(request: HttpRequest, decision_id: UUID) -> HttpResponse:
    """`/risk/decisions/<id>/`: one record of the log. Another's is as absent as none."""
    own = ExchangeAccount.objects.for_principal(request.user)
    found = get_object_or_404(
        Decision.objects.select_related("account"), pk=decision_id, account__in=own
    )
    facts = account_facts(found.account)
    config = {"account": facts, "decision": str(found.pk)}
    return render(request, "trading/decision.html", {"account": found.account, "config": config})


def _context(request: HttpRequest) -> dict[str, object]:
    own = ExchangeAccount.objects.for_principal(request.user).select_related("accountrisk")
    accounts = list(own.order_by("created_at"))
    account = selected_account(accounts, request.GET.get("account"))
    config = None if account is None else {"account": account_facts(account)}
    return {"accounts": accounts, "account": account, "config": config}
