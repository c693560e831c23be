"""The API's doors to a trader's own limits: what they are, what is asked for, what waits."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from risk.limits import CAPS, DEFAULTS, PRESETS, RESET_ZONE, TIGHTER, Limits, describe, is_tighter
from risk.models import PendingChange
from risk.rules import Book
from testudo import clock
from testudo.web import step_up
from testudo.web.fields import AmountField, MomentField, SwitchField, WholeField
from testudo.web.problems import Problem, invalid, not_found
from testudo.web.serializers import StrictSerializer, read_body, read_query
from testudo.web.tenancy import get_account
from trading import limits
from trading.actors import Actor
from trading.api import present, schema
from trading.api.forms import AccountQuery
from trading.book import QuoteOf, read_book
from trading.limit_values import LimitRefused, as_text, check, said_text
from trading.market import prices
from trading.models import AccountRisk, ExchangeAccount

NO_SYMBOL = ""


def _field(name: str, **options: Any) -> serializers.Field[Any, Any, Any, Any]:
    kinds: dict[type, type[serializers.Field[Any, Any, Any, Any]]] = {
        Decimal: AmountField,
        int: WholeField,
        bool: SwitchField,
    }
    return kinds[type(CAPS[name][1])](**options)


class LimitsForm(StrictSerializer):
    """Some limits or all of them, by name."""

    def get_fields(self) -> dict[str, Any]:
        return {name: _field(name, required=False) for name in CAPS}


class ProfileForm(StrictSerializer):
    account = serializers.UUIDField()
    limits = LimitsForm(required=False)
    reset_zone = serializers.CharField(required=False, max_length=64)


class LimitsAnswer(serializers.Serializer[Any]):
    def get_fields(self) -> dict[str, Any]:
        return {name: _field(name) for name in CAPS}


_TEXTS = serializers.DictField(child=serializers.CharField())
PROFILE = inline_serializer(
    "RiskProfile",
    {
        "account": serializers.UUIDField(),
        "limits": LimitsAnswer(),
        "caps": serializers.DictField(child=serializers.ListField()),
        "defaults": LimitsAnswer(),
        "tighter": serializers.DictField(child=serializers.ChoiceField(["lower", "higher"])),
        "presets": serializers.DictField(child=LimitsAnswer()),
        "preset": serializers.CharField(),
        "titles": _TEXTS,
        "units": _TEXTS,
        "texts": _TEXTS,
        "reset_zone": serializers.CharField(),
        "pending": inline_serializer(
            "PendingChange",
            {
                "id": serializers.UUIDField(),
                "name": serializers.CharField(),
                "title": serializers.CharField(),
                "from": serializers.CharField(),
                "to": serializers.CharField(),
                "asked_at": MomentField(),
                "earliest_at": MomentField(),
                "waits_for": serializers.ListField(child=serializers.CharField()),
                "text": serializers.CharField(),
            },
            many=True,
        ),
    },
)


class RiskProfileView(APIView):
    """The account's limits. Tightening acts at once; loosening waits, and needs step-up."""

    quote_of: QuoteOf = staticmethod(prices.latest)

    @extend_schema(parameters=[AccountQuery], responses={200: PROFILE, **schema.REFUSALS})
    def get(self, request: Request) -> Response:
        account = get_account(request.user, read_query(AccountQuery, request)["account"])
        return Response(profile_answer(account, quote_of=self.quote_of))

    @extend_schema(request=ProfileForm, responses={200: PROFILE, **schema.REFUSALS})
    def put(self, request: Request) -> Response:
        asked = read_body(ProfileForm, request)
        account = get_account(request.user, asked["account"])
        wanted = {**asked.get("limits", {})}
        if RESET_ZONE in asked:
            wanted[RESET_ZONE] = asked[RESET_ZONE]
        try:
            check(wanted)
            if _loosens(account, wanted):
                step_up.require(request)
            limits.ask(account, wanted, by=Actor("trader", request.user.pk))
        except LimitRefused as refused:
            field = refused.field if refused.field == RESET_ZONE else f"limits.{refused.field}"
            shown = as_text(refused.value)
            raise invalid(field, shown, str(refused), code="limit_refused") from refused
        return Response(profile_answer(account, quote_of=self.quote_of))


class ChangeView(APIView):
    """Take back a loosening that waits."""

    quote_of: QuoteOf = staticmethod(prices.latest)

    @extend_schema(responses={200: PROFILE, **schema.REFUSALS})
    def delete(self, request: Request, change_id: UUID) -> Response:
        own = ExchangeAccount.objects.for_principal(request.user)
        change = PendingChange.objects.filter(pk=change_id, account_id__in=own.values("pk")).first()
        if change is None:
            raise not_found("change")
        account = own.get(pk=change.account_id)
        try:
            limits.withdraw(account, change.pk, by=Actor("trader", request.user.pk))
        except limits.NoSuchChange as gone:
            raise Problem(409, "change_over", "Nothing left to withdraw", str(gone)) from gone
        return Response(profile_answer(account, quote_of=self.quote_of))


def _loosens(account: ExchangeAccount, wanted: dict[str, Any]) -> bool:
    current = limits.profile_of(account.pk).limits()
    return any(
        value != account.reset_zone
        if name == RESET_ZONE
        else not is_tighter(name, value, getattr(current, name))
        for name, value in wanted.items()
    )


def profile_answer(account: ExchangeAccount, *, quote_of: QuoteOf) -> dict[str, Any]:
    """All a page needs to show limits and let the trader change them."""
    account.refresh_from_db(fields=["reset_zone"])
    profile = limits.profile_of(account.pk)
    current = profile.limits()
    waiting = list(limits.open_changes(account.pk))
    book = _book(account, quote_of) if waiting else None
    names = [*CAPS, RESET_ZONE]
    return {
        "account": str(account.pk),
        "limits": wired(current),
        "caps": {name: [_wire(end) for end in ends] for name, ends in CAPS.items()},
        "defaults": wired(DEFAULTS),
        "tighter": dict(TIGHTER),
        "presets": {name: wired(preset) for name, preset in PRESETS.items()},
        "preset": profile.preset,
        "titles": {name: describe(name).title for name in names},
        "units": {name: describe(name).unit for name in names},
        "texts": {name: describe(name).text for name in names},
        "reset_zone": account.reset_zone,
        "pending": [_pending(account, change, current, book) for change in waiting if book],
    }


def wired(values: Limits) -> dict[str, Any]:
    """A set of limits as the API writes it: figures as strings, counts as numbers."""
    return {name: _wire(getattr(values, name)) for name in CAPS}


def _wire(value: Any) -> Any:
    return as_text(value) if isinstance(value, Decimal) else value


def _pending(
    account: ExchangeAccount, change: PendingChange, current: Limits, book: Book
) -> dict[str, Any]:
    title = describe(change.name).title
    waits = limits.waits_for(
        account,
        change,
        current,
        now=clock.now(),
        drawdown=book.drawdown,
        open_positions=book.open_positions,
    )
    return {
        "id": str(change.pk),
        "name": change.name,
        "title": title,
        "from": change.from_value,
        "to": change.to_value,
        "asked_at": present.moment(change.asked_at),
        "earliest_at": present.moment(change.earliest_at),
        "waits_for": list(waits),
        "text": f"{title} from {said_text(change.name, change.from_value)} to "
        f"{said_text(change.name, change.to_value)}.",
    }


def _book(account: ExchangeAccount, quote_of: QuoteOf) -> Book:
    risk = AccountRisk.objects.get(account=account)
    return read_book(account, risk=risk, symbol=NO_SYMBOL, quote_of=quote_of)
