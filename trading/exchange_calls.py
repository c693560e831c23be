"""The exchange's answers about a trade, kept word for word for the trader to read.

Evidence only: nothing is decided from it, and where it cannot be written the loop goes on. What is
polled again and again is kept when its answer changes. A request without any answer leaves its word
in the timeline instead.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit
from uuid import UUID

import requests
import structlog
from django.db import DatabaseError, connection

from testudo import clock
from trading.models import ExchangeCall
from trading.models.exchange_calls import MOST_TEXT

log = structlog.get_logger(__name__)

MOST_CALLS = 200  # kept of one trade
NOT_KEPT = frozenset({"signature", "timestamp", "recvWindow", "apiKey"})
# Asked on the way, and about no trade: the clock's answer differs each time.
ABOUT_NO_TRADE = frozenset({"/api/v3/time", "/api/v3/ping"})
CUT = " … (cut)"

_heard: ContextVar[list[ExchangeCall] | None] = ContextVar("exchange_calls", default=None)


@contextmanager
def about(trade_id: UUID) -> Iterator[None]:
    """Keep what the exchange answers inside the block as being about this trade. Not inside a
    transaction: it is written when the block ends, after the answer itself was booked."""
    heard: list[ExchangeCall] = []
    token = _heard.set(heard)
    try:
        yield
    finally:
        _heard.reset(token)
        _keep(trade_id, heard)


def hear(response: requests.Response, *args: Any, **kwargs: Any) -> None:
    """For the session's hook: remember an answer, where somebody wants to keep it."""
    heard, request = _heard.get(), response.request
    if heard is None or request is None or urlsplit(request.url or "").path in ABOUT_NO_TRADE:
        return
    text = response.text
    if len(text) > MOST_TEXT:
        text = text[: MOST_TEXT - len(CUT)] + CUT
    heard.append(
        ExchangeCall(
            method=request.method,
            path=path_of(request),
            status=response.status_code,
            answer=text.replace("\x00", "\N{REPLACEMENT CHARACTER}"),
            ms=int(response.elapsed / timedelta(milliseconds=1)),
            at=clock.now(),
        )
    )


def path_of(request: requests.PreparedRequest) -> str:
    """Path and parameters, wherever they travel, without the signature."""
    parts = urlsplit(request.url or "")
    body = request.body.decode() if isinstance(request.body, bytes) else request.body or ""
    given = [*parse_qsl(parts.query), *parse_qsl(body)]
    shown = urlencode([(name, value) for name, value in given if name not in NOT_KEPT])
    return f"{parts.path}?{shown}"[:1000] if shown else parts.path[:1000]


# As one statement each, sent together: kept while there is room, and of a question only where it
# was answered otherwise than the time before.
_KEEP = """
INSERT INTO trading_exchangecall (id, trade_id, method, path, status, answer, ms, at)
SELECT %(id)s, %(trade)s, %(method)s, %(path)s, %(status)s, %(answer)s, %(ms)s, %(at)s
WHERE (SELECT count(*) FROM trading_exchangecall WHERE trade_id = %(trade)s) < %(most)s
"""
_ONLY_NEWS = """AND NOT coalesce((
    SELECT (status, answer) IS NOT DISTINCT FROM (%(status)s, %(answer)s)
    FROM trading_exchangecall
    WHERE trade_id = %(trade)s AND path = %(path)s AND method = 'GET'
    ORDER BY at DESC, id DESC LIMIT 1
), false)
"""


def _keep(trade_id: UUID, heard: list[ExchangeCall]) -> None:
    if not heard:
        return
    try:
        with connection.cursor() as cursor:
            said = [
                cursor.mogrify(
                    _KEEP + _ONLY_NEWS if call.method == "GET" else _KEEP,
                    {
                        "id": call.pk, "trade": trade_id, "method": call.method,
                        "path": call.path, "status": call.status, "answer": call.answer,
                        "ms": call.ms, "at": call.at, "most": MOST_CALLS,
                    },
                )
                for call in heard
            ]  # fmt: skip
            cursor.execute(b";".join(said))
    except DatabaseError as error:
        log.warning("exchange_calls_not_kept", trade=str(trade_id), error=str(error).strip())
