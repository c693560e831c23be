"""The API's doors to an account's kill switch, and to the way back."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from testudo.web.fields import ReasonField, SwitchField
from testudo.web.problems import Problem
from testudo.web.serializers import StrictSerializer, read_body
from testudo.web.step_up import stepped_up
from testudo.web.tenancy import get_account
from trading import halts
from trading.actors import Actor
from trading.api import schema
from trading.api.accounts import AccountRiskView
from trading.book import QuoteOf
from trading.flattening import Left
from trading.market import prices


class HaltForm(StrictSerializer):
    reason = ReasonField()
    cancel_entries = SwitchField(required=False)
    flatten = SwitchField(required=False)


class FlattenForm(StrictSerializer):
    reason = ReasonField()


class ResumeForm(StrictSerializer):
    reason = ReasonField()


class HaltView(APIView):
    """Stop new risk. Lowering risk needs no step-up; stops and exits go on."""

    @extend_schema(request=HaltForm, responses={200: schema.RISK, **schema.REFUSALS})
    def post(self, request: Request, account_id: UUID) -> Response:
        account = get_account(request.user, account_id)
        asked: dict[str, Any] = read_body(HaltForm, request)
        _all_asked(halts.halt(account, by=Actor("trader", request.user.pk), **asked))
        return AccountRiskView().get(request, account.pk)


class FlattenView(APIView):
    """Stop new risk, withdraw what waits, and leave every trade at the market. Needs no step-up."""

    @extend_schema(request=FlattenForm, responses={200: schema.RISK, **schema.REFUSALS})
    def post(self, request: Request, account_id: UUID) -> Response:
        account = get_account(request.user, account_id)
        reason = read_body(FlattenForm, request)["reason"]
        by = Actor("trader", request.user.pk)
        _all_asked(halts.halt(account, by=by, reason=reason, flatten=True))
        return AccountRiskView().get(request, account.pk)


class ResumeView(APIView):
    """Take new risk again, where a person may say so. Needs step-up and a reason."""

    quote_of: QuoteOf = staticmethod(prices.latest)

    @extend_schema(request=ResumeForm, responses={200: schema.RISK, **schema.REFUSALS})
    @stepped_up
    def post(self, request: Request, account_id: UUID) -> Response:
        account = get_account(request.user, account_id)
        reason = read_body(ResumeForm, request)["reason"]
        by = Actor("trader", request.user.pk)
        done = halts.resume(account, reason=reason, by=by, quote_of=self.quote_of)
        if done.waits and not done.released:
            raise Problem(
                409,
                "resume_waits",
                "Not yet",
                " ".join(done.waits),
                extra={"waits": list(done.waits)},
            )
        return AccountRiskView().get(request, account.pk)


def _all_asked(left: Left) -> None:
    """Raises: Problem (503), where a trade could not be asked: the halt itself holds."""
    if left.busy:
        raise Problem(
            503,
            "trades_busy",
            "Halted; not every trade could be asked",
            f"{left.busy} trades were being written to and are not on their way out. Send this "
            "again: what was asked already is not asked twice.",
            headers={"Retry-After": "1"},
        )
