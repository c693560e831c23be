"""The API's doors to the kill switch over all accounts: for admins to pull and to put back (R19).

Pulling it needs no step-up, for it only lowers risk; putting it back does, and a second admin. None
of this trades for anybody: it stops new risk, and takes traders out where that is asked for.
"""

from dataclasses import asdict
from typing import Any

from drf_spectacular.utils import OpenApiResponse, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from testudo.web.fields import ReasonField, SwitchField
from testudo.web.problems import Problem
from testudo.web.serializers import StrictSerializer, read_body
from testudo.web.step_up import stepped_up
from trading import flattening, global_halt
from trading.actors import Actor
from trading.api import present, schema
from trading.flattening import Left

_SWITCH: dict[str, Any] = {
    "halted": serializers.BooleanField(),
    "reason": serializers.CharField(),
    "since": serializers.DateTimeField(allow_null=True),
    "by": serializers.CharField(),
    "text": serializers.CharField(),
    "release": inline_serializer(
        "GlobalRelease",
        {
            "asked_at": serializers.DateTimeField(),
            "by_you": serializers.BooleanField(),
            "reason": serializers.CharField(),
            "waits": serializers.CharField(),
        },
        allow_null=True,
    ),
}
SWITCH = inline_serializer("GlobalSwitch", dict(_SWITCH))
PULLED = inline_serializer(
    "GlobalSwitchPulled",
    {**_SWITCH, **{name: serializers.IntegerField() for name in ("withdrawn", "closing", "busy")}},
)
REFUSALS = {
    **schema.REFUSALS,
    403: OpenApiResponse(schema.PROBLEM, "For admins; putting it back needs step-up."),
}


class HaltAllForm(StrictSerializer):
    reason = ReasonField()
    cancel_entries = SwitchField(required=False)
    flatten = SwitchField(required=False)
    yes_live = SwitchField(required=False)  # a flatten that reaches the live venue is meant


class ResumeAllForm(StrictSerializer):
    reason = ReasonField()


def admin_of(request: Request) -> Actor:
    """The admin who asks. Raises: Problem (403)."""
    if not request.user.is_superuser:
        raise Problem(
            403,
            "admins_only",
            "Only an admin does this",
            "The switch over all accounts is for admins. Your own account's is at "
            "/api/v1/accounts/{id}/halt.",
        )
    return Actor("admin", request.user.pk)


class HaltAllView(APIView):
    """All trading: how the switch stands, and pulling it. Stops and exits go on."""

    @extend_schema(operation_id="halt_all_read", responses={200: SWITCH, **REFUSALS})
    def get(self, request: Request) -> Response:
        return Response(switch_facts(admin_of(request)))

    @extend_schema(
        operation_id="halt_all", request=HaltAllForm, responses={200: PULLED, **REFUSALS}
    )
    def post(self, request: Request) -> Response:
        by = admin_of(request)
        asked: dict[str, Any] = read_body(HaltAllForm, request)
        try:
            left = flattening.stop_all(by=by, **asked)
        except flattening.LiveNeedsYes as refused:
            raise Problem(
                409,
                "live_needs_yes",
                "This would sell on live accounts",
                f"{refused} Nothing was done. Send yes_live: true, or leave flatten out.",
            ) from refused
        return Response({**switch_facts(by), **asdict(left), "text": _said(left)})


class ResumeAllView(APIView):
    """Ask for the way back, or agree to it: two admins, or one and ten minutes. Needs step-up.

    202 says that it is noted and what is waited for; 200 that trading goes on.
    """

    @extend_schema(
        operation_id="resume_all",
        request=ResumeAllForm,
        responses={200: SWITCH, 202: SWITCH, **REFUSALS},
    )
    @stepped_up
    def post(self, request: Request) -> Response:
        by = admin_of(request)
        reason = read_body(ResumeAllForm, request)["reason"]
        over, text = global_halt.resume_all(reason=reason, by=by)
        return Response({**switch_facts(by), "text": text}, status=200 if over else 202)


def switch_facts(by: Actor) -> dict[str, object]:
    """The switch as the API says it; no other admin is named."""
    it = global_halt.standing(by)
    release = None
    if it.asked_at is not None:
        release = {
            "asked_at": present.moment(it.asked_at),
            "by_you": it.asked_by == by.user_id,
            "reason": it.asked_reason,
            "waits": it.waits,
        }
    text = "New trades are taken."
    if it.halted:
        text = f"{global_halt.TITLE}: {it.reason}. Stops stay on the exchange, and exits go on."
    return {
        "halted": it.halted,
        "reason": it.reason,
        "since": present.moment(it.at) if it.halted and it.at else None,
        "by": it.by_role,
        "text": text,
        "release": release,
    }


def _said(left: Left) -> str:
    text = (
        f"{global_halt.TITLE}. {left.withdrawn} entries withdrawn, {left.closing} trades closing. "
        "Stops stay on the exchange, and exits go on."
    )
    if left.busy:
        text += f" {left.busy} trades were held by somebody else: ask again for these."
    return text
