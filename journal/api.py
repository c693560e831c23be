"""The journal's door in the API."""

from typing import Any

from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from journal.models import JournalEntry
from journal.pages import UnknownCursor, page_of
from testudo.web.fields import AmountField, LimitField, MomentField
from testudo.web.problems import invalid
from testudo.web.serializers import read_query
from testudo.web.tenancy import get_account

PAGE = 100


class EntrySerializer(serializers.Serializer[JournalEntry]):
    """One closed trade. `trade` is its key, the same as in `/api/v1/trades/{id}`."""

    trade = serializers.UUIDField(source="trade_id")
    account = serializers.UUIDField(source="account_id")
    venue = serializers.CharField()
    symbol = serializers.CharField()
    side = serializers.ChoiceField(["long", "short"])
    currency = serializers.CharField()
    entry = AmountField()
    worst_entry = AmountField()
    stop = AmountField()
    target = AmountField()
    planned_quantity = AmountField()
    planned_risk = AmountField()
    risk_fraction = AmountField()
    reward_to_risk = AmountField()
    reason = serializers.CharField()
    setup = serializers.CharField()
    entry_price = AmountField()
    exit_price = AmountField()
    quantity = AmountField()
    gross = AmountField()
    fees = AmountField()
    profit = AmountField()
    initial_risk = AmountField()
    r_multiple = AmountField()
    exit_reason = serializers.CharField()
    placed_at = MomentField()
    opened_at = MomentField()
    closed_at = MomentField()
    order_ms = serializers.IntegerField()
    protected_ms = serializers.IntegerField(allow_null=True)
    naked_ms = serializers.IntegerField()


class EntriesQuery(serializers.Serializer[Any]):
    account = serializers.UUIDField(required=False)
    limit = LimitField(most=PAGE)
    cursor = serializers.UUIDField(required=False, help_text="`next` of the page before")


class EntriesView(APIView):
    """The closed trades of an account, or of all the trader's accounts, the newest first."""

    @extend_schema(
        parameters=[EntriesQuery],
        responses=inline_serializer(
            "JournalPage",
            {"results": EntrySerializer(many=True), "next": serializers.UUIDField(allow_null=True)},
        ),
    )
    def get(self, request: Request) -> Response:
        asked = read_query(EntriesQuery, request)
        entries = JournalEntry.objects.for_principal(request.user)
        if "account" in asked:
            entries = entries.filter(account_id=get_account(request.user, asked["account"]).pk)
        try:
            page, following = page_of(entries, asked.get("cursor"), limit=asked["limit"])
        except UnknownCursor as unknown:
            raise invalid("cursor", asked["cursor"], str(unknown)) from unknown
        rows = [EntrySerializer(entry).data for entry in page]
        return Response({"results": rows, "next": following})
