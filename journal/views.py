"""The journal's pages: the list of closed trades, and one trade."""

from decimal import Decimal
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from journal.models import JournalEntry
from journal.pages import UnknownCursor, page_of
from journal.statistics import statistics
from trading.public import timeline_of

PAGE = 50


@require_GET
@never_cache
@login_required
def entries(request: HttpRequest) -> HttpResponse:
    """`/journal/`: the trader's closed trades, the newest first, and what they say together."""
    own = JournalEntry.objects.for_principal(request.user)
    try:
        cursor = UUID(request.GET["cursor"]) if "cursor" in request.GET else None
        page, following = page_of(own, cursor, limit=PAGE)
    except (ValueError, UnknownCursor) as unknown:
        raise Http404("No such page of the journal.") from unknown
    summary = statistics(own.values_list("r_multiple", flat=True))
    context = {"entries": page, "next": str(following) if following else None, "summary": summary}
    return render(request, "journal/list.html", context)


@require_GET
@never_cache
@login_required
def trade(request: HttpRequest, trade_id: UUID) -> HttpResponse:
    """`/journal/<trade>/`: one closed trade. Another's is as absent as none."""
    entry = get_object_or_404(JournalEntry.objects.for_principal(request.user), pk=trade_id)
    context = {
        "entry": entry,
        "fills": [figures_of(fill) for fill in entry.fills],
        "timeline": timeline_of(trade_id),
    }
    return render(request, "journal/trade.html", context)


def figures_of(fill: dict[str, str]) -> dict[str, str | Decimal]:
    """A stored fill, its amounts as the numbers they are."""
    amounts = ("price", "quantity", "quote", "commission")
    return {**fill, **{name: Decimal(fill[name]) for name in amounts}}
