"""What trading does about its own events: tell the account's open pages."""

from collections.abc import Collection

import redis
import structlog
from channels.layers import get_channel_layer
from django.db import transaction

from testudo import background_loop
from testudo.events import codec, wake
from testudo.events.bus import Delivery, Event, delivery, subscribe
from trading import breakers
from trading.consumers import encode, group_of
from trading.events import LimitChanged, PlanRefused, RiskEvent, TradeClosed, TradeEvent
from trading.models import ExchangeAccount

log = structlog.get_logger(__name__)


@subscribe(TradeClosed, consumer="trading.breakers")
def settle_breakers(event: TradeClosed) -> None:
    """Let the account's breakers hear of a closed trade at once."""
    account = ExchangeAccount.objects.filter(pk=event.account_id).first()
    if account is None:  # an event told again after its account was erased: nothing to guard
        log.warning("closed_trade_of_no_account", account=str(event.account_id))
        return
    breakers.sweep(account)


@subscribe(TradeEvent, PlanRefused, RiskEvent, LimitChanged, consumer="trading.page", writes=False)
def tell_pages(event: TradeEvent | PlanRefused | RiskEvent | LimitChanged) -> None:
    """Hand the event to the account's pages once it is delivered. Best effort: pages count."""
    here = delivery()
    transaction.on_commit(lambda: _tell(here, event), robust=True)


def _tell(here: Delivery, event: Event) -> None:
    """Nothing is put into words for an account nobody looks at: a page that comes meanwhile reads
    the stream's number after it has joined, and this event is in it."""
    try:
        if looked_at([here.stream]):
            text = encode(here.seq, event.name, codec.dump(event))
            _send(group_of(here.stream), {"type": "account.event", "text": text})
    except (
        OSError,
        redis.RedisError,
    ) as error:  # Redis is away: the page sees the gap by its numbers
        log.warning("page_not_told", stream=here.stream, error=str(error))


def _send(group: str, message: dict[str, str]) -> None:
    background_loop.run(get_channel_layer().group_send(group, message))


def looked_at(streams: Collection[str]) -> Collection[str]:
    """Streams of accounts of which some page is open. Raises: redis.RedisError, OSError."""
    groups = {group_of(stream): stream for stream in streams}
    joined = background_loop.run(get_channel_layer().listened(groups))
    return {groups[group] for group in joined}


wake.shown_where(looked_at)
