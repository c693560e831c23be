"""The journal's pages: the list of closed trades, and one trade."""

from decimal import Decimal
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from journal.models import JournalEntry
from journal.pages import UnknownCursor, page_of
from journal.statistics import statistics
from trading.public import Story, story_of

PAGE = 50
PART = "journal/partials/trade_story.html"


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
    """`/journal/<trade>/`: one trade, open or over. Another's is as absent as none.

    `?part=story` answers with what moves while it is open, for the page to take over.
    """
    entry = JournalEntry.objects.for_principal(request.user).filter(pk=trade_id).first()
    story = story_of(request.user, trade_id)
    if entry is None and story is None:
        raise Http404("No such trade.")
    context = {
        "trade": entry or story,
        "entry": entry,
        "story": story,
        "fills": [figures_of(each) for each in entry.fills] if entry else story.fills,
        "config": _config(story),
    }
    part = request.GET.get("part") == "story"
    return render(request, PART if part else "journal/trade.html", context)


def _config(story: Story | None) -> dict[str, object] | None:
    """What the page's script needs while the trade lives; None: nothing moves any more."""
    if story is None or story.is_over:
        return None
    return {
        "trade": str(story.trade_id),
        "account": str(story.account_id),
        "unprotected": story.is_unprotected,
        "symbol": story.symbol,
        "base": story.base,
        "held_quantity": f"{story.held:f}",
        "state": story.state,
    }


def figures_of(fill: dict[str, str]) -> dict[str, str | Decimal]:
    """A stored fill, its amounts as the numbers they are."""
    amounts = ("price", "quantity", "quote", "commission")
    return {**fill, **{name: Decimal(fill[name]) for name in amounts}}
