"""The API's doors to positions made by hand: declare them managed, see them, let them go."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from testudo.web.fields import AmountField, SymbolField
from testudo.web.problems import Problem, invalid, not_found
from testudo.web.serializers import StrictSerializer, read_body
from testudo.web.tenancy import get_account
from trading import managed
from trading.api import present, schema
from trading.book import QuoteOf
from trading.market import prices
from trading.models import ManagedHolding

_FIGURES = ("quantity", "entry", "stop")
_HOLDING: dict[str, Any] = {
    "id": serializers.UUIDField(),
    "symbol": serializers.CharField(),
    "asset": serializers.CharField(),
    "quantity": serializers.CharField(),
    "entry": serializers.CharField(),
    "stop": serializers.CharField(allow_null=True),
    "declared_at": serializers.DateTimeField(),
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
    """Managed holdings: positions made by hand that count in equity and heat."""

    quote_of: QuoteOf = staticmethod(prices.latest)

    @extend_schema(operation_id="holdings_list", responses={200: MANAGED_LIST, **schema.REFUSALS})
    def get(self, request: Request, account_id: UUID) -> Response:
        account = get_account(request.user, account_id)
        return Response({"results": [_facts(row) for row in managed.of(account)]})

    @extend_schema(request=HoldingForm, responses={201: MANAGED, **schema.REFUSALS})
    def post(self, request: Request, account_id: UUID) -> Response:
        account = get_account(request.user, account_id)
        asked = read_body(HoldingForm, request)
        try:
            row = managed.declare(account, **asked, quote_of=self.quote_of)
        except managed.DeclarationRefused as refused:
            if refused.conflict:
                raise Problem(
                    409, "holding_refused", "This cannot be declared", str(refused)
                ) from refused
            raise invalid(refused.field, asked.get(refused.field), str(refused)) from refused
        return Response(_facts(row), status=201)


class HoldingView(APIView):
    """End one: it counts nowhere again, and what it was worth leaves the account as units."""

    quote_of: QuoteOf = staticmethod(prices.latest)

    @extend_schema(responses={204: None, **schema.REFUSALS})
    def delete(self, request: Request, account_id: UUID, holding_id: UUID) -> Response:
        account = get_account(request.user, account_id)
        try:
            managed.end(account, holding_id, quote_of=self.quote_of)
        except managed.NoSuchHolding:
            raise not_found("holding") from None
        return Response(status=204)


def _facts(row: ManagedHolding) -> dict[str, object]:
    figures = {name: present.money(getattr(row, name)) for name in _FIGURES}
    return {
        "id": str(row.pk),
        "symbol": row.symbol,
        "asset": row.base_asset,
        **figures,
        "declared_at": present.moment(row.declared_at),
    }
