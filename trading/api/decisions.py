"""The API's doors to the decision log: the list, one record, and the export."""

import json
from typing import Any
from uuid import UUID

from django.http import FileResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from testudo.web.fields import LimitField, MomentField
from testudo.web.problems import not_found
from testudo.web.serializers import read_query
from testudo.web.tenancy import get_account
from trading import decision_export, decisions
from trading.api import present, schema
from trading.api.forms import AccountQuery
from trading.decision_readings import read
from trading.decision_replay import replay
from trading.models import Decision, ExchangeAccount


class DecisionsQuery(AccountQuery):
    cursor = serializers.RegexField(r"^[0-9]{1,18}\Z", required=False, trim_whitespace=False)
    limit = LimitField(most=100)


_VERDICT: dict[str, Any] = {**schema.VERDICT}
_ROW: dict[str, Any] = {
    "id": serializers.UUIDField(),
    "number": serializers.IntegerField(),
    "kind": serializers.CharField(),
    "at": MomentField(),
    "hash": serializers.CharField(),
    "title": serializers.CharField(),
    "reading": serializers.CharField(),
    "symbol": serializers.CharField(allow_null=True),
    "codes": serializers.ListField(child=serializers.CharField()),
    "rules_version": serializers.CharField(allow_null=True),
}
DECISIONS = inline_serializer(
    "Decisions",
    {
        "results": inline_serializer("DecisionRow", dict(_ROW), many=True),
        "next": serializers.CharField(allow_null=True),
    },
)
DECISION = inline_serializer(
    "Decision",
    {
        **_ROW,
        "account": serializers.UUIDField(),
        "keyed_hash": serializers.CharField(),
        "payload": serializers.DictField(),
        "verdicts": inline_serializer("DecisionVerdict", dict(_VERDICT), many=True),
        "replay": inline_serializer(
            "Replay",
            {
                "same": serializers.BooleanField(allow_null=True),
                "differences": serializers.ListField(child=serializers.CharField()),
                "recorded_version": serializers.CharField(),
                "version": serializers.CharField(),
            },
        ),
        "intact": serializers.BooleanField(),
    },
)


class DecisionsView(APIView):
    """The account's decision log, newest first."""

    @extend_schema(
        operation_id="decisions_list",
        parameters=[DecisionsQuery],
        responses={200: DECISIONS, **schema.REFUSALS},
    )
    def get(self, request: Request) -> Response:
        asked = read_query(DecisionsQuery, request)
        account = get_account(request.user, asked["account"])
        rows = Decision.objects.filter(account=account).order_by("-number")
        if "cursor" in asked:  # the page goes on below the last number shown
            rows = rows.filter(number__lt=int(asked["cursor"]))
        page = list(rows[: asked["limit"] + 1])
        more = len(page) > asked["limit"]
        page = page[: asked["limit"]]
        following = str(page[-1].number) if more else None
        return Response({"results": [_row(each) for each in page], "next": following})


class DecisionView(APIView):
    """One record: its text, its reading, whether it holds, and what today's rules say of it."""

    @extend_schema(responses={200: DECISION, **schema.REFUSALS})
    def get(self, request: Request, decision_id: UUID) -> Response:
        own = ExchangeAccount.objects.for_principal(request.user)
        found = Decision.objects.filter(pk=decision_id, account__in=own).first()
        if found is None:
            raise not_found("decision")
        facts = json.loads(found.payload)
        again = replay(facts)
        return Response(
            {
                **_row(found),
                "account": str(found.account_id),
                "keyed_hash": found.hash,
                "payload": facts,
                "verdicts": again.recorded,
                "replay": {
                    "same": again.same,
                    "differences": list(again.differences),
                    "recorded_version": again.recorded_version,
                    "version": again.version,
                },
                "intact": decisions.intact(found),
            }
        )


class ExportView(APIView):
    """The whole log as a zip with a script that verifies it without us."""

    @extend_schema(
        parameters=[AccountQuery],
        responses={(200, "application/zip"): OpenApiTypes.BINARY, **schema.REFUSALS},
    )
    def get(self, request: Request) -> FileResponse:
        account = get_account(request.user, read_query(AccountQuery, request)["account"])
        return FileResponse(
            decision_export.export(account.pk),
            as_attachment=True,
            filename=f"testudo-decisions-{account.pk}.zip",
            content_type="application/zip",
        )


def _row(decision: Decision) -> dict[str, Any]:
    reading = read(decision)
    version = json.loads(decision.payload).get("rules_version")
    return {
        "id": str(decision.pk),
        "number": decision.number,
        "kind": decision.kind,
        "at": present.moment(decision.created_at),
        "hash": decision.digest,
        "title": reading.title,
        "reading": reading.text,
        "symbol": reading.symbol,
        "codes": list(reading.codes),
        "rules_version": version,
    }
