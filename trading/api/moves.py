"""The API's door to moving an open position's stop and target."""

import re
from decimal import Decimal
from typing import Any
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from testudo.web.fields import AmountField
from testudo.web.idempotency import idempotent
from testudo.web.problems import Problem, invalid
from testudo.web.serializers import StrictSerializer, read_body
from trading import moves, orders
from trading.api import present, schema
from trading.api.views import KEY, TradeView, get_trade, no_market
from trading.book import QuoteOf
from trading.market import prices
from trading.moves import MoveRefused, MoveUnderWay, NothingToMove, StaleTrade, Wish
from trading.plans import NoMarket

_VERSION = re.compile(r'(?:W/)?"?(\d{1,10})"?', re.ASCII)
IF_MATCH = OpenApiParameter(
    "If-Match", OpenApiTypes.STR, OpenApiParameter.HEADER,
    description="The `version` of the trade you looked at; another one is answered with 412.",
)  # fmt: skip
STALE = {412: OpenApiResponse(schema.PROBLEM, "The trade has changed since: look again.")}


class MoveForm(StrictSerializer):
    """Where the lines are to go; what is left out stays."""

    stop = AmountField(required=False)
    target = AmountField(required=False)

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        if not values:
            raise serializers.ValidationError("Send a stop, a target, or both.")
        return values


class MovableTradeView(TradeView):
    """One trade: read whole, or its stop and target moved. The stop only towards the price."""

    quote_of: QuoteOf = staticmethod(prices.latest)

    @extend_schema(
        request=MoveForm,
        parameters=[KEY, IF_MATCH],
        responses={202: schema.TRADE, **schema.REFUSALS, **STALE},
    )
    @idempotent
    def patch(self, request: Request, trade_id: UUID) -> Response:
        trade = get_trade(request, trade_id)
        lines: dict[str, Decimal] = read_body(MoveForm, request)
        wish = Wish(**lines, by_user_id=request.user.pk)
        try:
            moves.request_move(trade.pk, wish, version=_version(request), quote_of=self.quote_of)
        except MoveRefused as refused:
            raise _problem_of(refused, lines) from refused
        except StaleTrade as stale:
            raise Problem(412, "stale_trade", "The trade has changed", str(stale)) from stale
        except NoMarket as error:
            raise no_market(error) from error
        except (orders.TradeOver, NothingToMove, MoveUnderWay) as no:
            raise Problem(409, _code_of(no), "Nothing was moved", str(no)) from no
        trade.refresh_from_db()
        return Response(present.trade_in_full(trade), status=202)


def _version(request: Request) -> int | None:
    """Raises: Problem, for an If-Match that names no version."""
    said = request.headers.get("If-Match")
    if said is None or said == "*":
        return None
    found = _VERSION.fullmatch(said)
    if found is None:
        raise invalid("If-Match", said, 'Send the version of the trade, for example "7".')
    return int(found.group(1))


def _problem_of(refused: MoveRefused, lines: dict[str, Decimal]) -> Problem:
    """400 where the price itself can't be, 409 where a rule or a filter says no."""
    malformed = [each for each in refused.objections if not each.conflict]
    first = (malformed or refused.objections)[0]
    errors = [
        {
            "field": each.field,
            "value": present.money(lines.get(each.field)),
            "message": each.message,
            "code": each.code,
        }
        for each in (malformed or refused.objections)
    ]
    if malformed:
        detail = f"{first.field}: {first.message}"
        return Problem(400, "invalid", "Some of this cannot be", detail, errors=errors)
    return Problem(409, first.code.lower(), "The move is refused", first.message, errors=errors)


def _code_of(no: Exception) -> str:
    if isinstance(no, orders.TradeOver):
        return "trade_over"
    return "move_under_way" if isinstance(no, MoveUnderWay) else "nothing_to_move"
