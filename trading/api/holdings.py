"""The API's doors to positions made by hand: declare them managed, see them, let them go.

Declaring needs no step-up: it counts what the exchange already holds, as a deposit would count, and
adds heat. Ending does. The coins and their risk stay on the exchange; only the counting stops, and
room for new risk appears that was not there: a limit raised in all but name (R30). It is also the
only way to give a holding a laxer stop, by declaring it anew. It does not wait as a laxer limit
does: one that was sold elsewhere must be ended before the account may go on.
"""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from testudo.web.fields import AmountField, SymbolField
from testudo.web.problems import Problem, invalid, not_found, shown
from testudo.web.serializers import StrictSerializer, read_body
from testudo.web.step_up import stepped_up
from testudo.web.tenancy import get_account
from trading import managed
from trading.actors import Actor
from trading.api import present, schema
from trading.book import QuoteOf
from trading.market import prices
from trading.models import ExchangeAccount, ManagedHolding

_FIGURES = ("quantity", "entry", "stop")
_HOLDING: dict[str, Any] = {
    "id": serializers.UUIDField(),
    "symbol": serializers.CharField(),
    "asset": serializers.CharField(),
    "quantity": serializers.CharField(),
    "entry": serializers.CharField(),
    "stop": serializers.CharField(allow_null=True),
    "declared_at": serializers.DateTimeField(),
    "worth": serializers.CharField(),
    "heat": serializers.CharField(),
}
MANAGED = inline_serializer("ManagedHolding", dict(_HOLDING))
MANAGED_LIST = inline_serializer(
    "ManagedHoldings",
    {"results": inline_serializer("ManagedHoldingRow", dict(_HOLDING), many=True)},
)


class HoldingForm(StrictSerializer):
    symbol = SymbolField()
    quantity = AmountField()
    entry = AmountField()
    stop = AmountField(required=False)


class HoldingsView(APIView):
    """Managed holdings: positions made by hand that count in equity (`worth`) and in heat.

    Without a live price `worth` is what was paid, as it is in equity.
    """

    quote_of: QuoteOf = staticmethod(prices.latest)

    @extend_schema(operation_id="holdings_list", responses={200: MANAGED_LIST, **schema.REFUSALS})
    def get(self, request: Request, account_id: UUID) -> Response:
        account = get_account(request.user, account_id)
        rows = managed.of(account)
        return Response({"results": [_facts(account, row, self.quote_of) for row in rows]})

    @extend_schema(request=HoldingForm, responses={201: MANAGED, **schema.REFUSALS})
    def post(self, request: Request, account_id: UUID) -> Response:
        account = get_account(request.user, account_id)
        asked = read_body(HoldingForm, request)
        by = Actor("trader", request.user.pk)
        try:
            row = managed.declare(account, by=by, **asked, quote_of=self.quote_of)
        except managed.DeclarationRefused as refused:
            raise _problem(refused, asked) from refused
        return Response(_facts(account, row, self.quote_of), status=201)


class StopForm(StrictSerializer):
    stop = AmountField()


class HoldingView(APIView):
    """One of them: count it by a tighter stop, or end it."""

    quote_of: QuoteOf = staticmethod(prices.latest)

    @extend_schema(request=StopForm, responses={200: MANAGED, **schema.REFUSALS})
    def patch(self, request: Request, account_id: UUID, holding_id: UUID) -> Response:
        """Move its stop towards the price, at once. It only lowers heat: no step-up."""
        account = get_account(request.user, account_id)
        asked = read_body(StopForm, request)
        by = Actor("trader", request.user.pk)
        try:
            row = managed.tighten(
                account, holding_id, stop=asked["stop"], by=by, quote_of=self.quote_of
            )
        except managed.NoSuchHolding:
            raise not_found("holding") from None
        except managed.DeclarationRefused as refused:
            raise _problem(refused, asked) from refused
        return Response(_facts(account, row, self.quote_of))

    @extend_schema(responses={204: None, **schema.REFUSALS})
    @stepped_up
    def delete(self, request: Request, account_id: UUID, holding_id: UUID) -> Response:
        """It counts nowhere again, and what it was worth leaves the account as units. Nothing is
        sold. Needs step-up: it makes room for new risk."""
        account = get_account(request.user, account_id)
        by = Actor("trader", request.user.pk)
        try:
            managed.end(account, holding_id, by=by, quote_of=self.quote_of)
        except managed.NoSuchHolding:
            raise not_found("holding") from None
        return Response(status=204)


def _problem(refused: managed.DeclarationRefused, asked: dict[str, Any]) -> Problem:
    """400 where the field itself cannot be, 409 where it is not so at the exchange or in the books;
    either names the field."""
    field, message = refused.field, str(refused)
    if not refused.conflict:
        return invalid(field, asked.get(field), message)
    error = {"field": field, "value": shown(field, asked.get(field)), "message": message}
    return Problem(409, "holding_refused", "This cannot be declared", message, errors=[error])


def _facts(account: ExchangeAccount, row: ManagedHolding, quote_of: QuoteOf) -> dict[str, object]:
    figures = {name: present.money(getattr(row, name)) for name in _FIGURES}
    counted = managed.counted(account, row, quote_of=quote_of)
    return {
        "id": str(row.pk),
        "symbol": row.symbol,
        "asset": row.base_asset,
        **figures,
        "declared_at": present.moment(row.declared_at),
        "worth": present.money(counted.exposure),
        "heat": present.money(counted.heat),
    }
