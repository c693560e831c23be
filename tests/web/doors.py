"""A small API that exists for these tests only: it shows what the shared doors let through."""

from typing import ClassVar

from django.contrib import admin
from django.db import IntegrityError, transaction
from django.http import Http404
from django.urls import include, path
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from tests.web.facts import Worked
from testudo.events import bus
from testudo.web import fields, tenancy
from testudo.web.idempotency import idempotent
from testudo.web.problems import Problem
from testudo.web.serializers import StrictSerializer, read_body, read_query

handler400 = "testudo.web.errors.bad_request"
handler403 = "testudo.web.errors.permission_denied"
handler404 = "testudo.web.errors.page_not_found"
handler500 = "testudo.web.errors.server_error"


class Target(StrictSerializer):
    price = fields.AmountField()


class Plan(StrictSerializer):
    symbol = fields.SymbolField()
    quantity = fields.AmountField()
    fee = fields.AmountField(zero=True, required=False)
    note = serializers.CharField(required=False, allow_blank=True, max_length=200)
    count = serializers.IntegerField(required=False)
    expires_at = fields.MomentField(required=False)
    secret = serializers.CharField(required=False, max_length=8)
    targets = Target(many=True, required=False)
    status = serializers.CharField(read_only=True)


class Page(StrictSerializer):
    limit = fields.LimitField(most=500)
    symbol = fields.SymbolField(required=False)


class Plans(APIView):
    def get(self, request):
        return Response(read_query(Page, request))

    def post(self, request):
        plan = read_body(Plan, request)
        return Response({**plan, "quantity": fields.plain(plan["quantity"])}, status=201)


class Work(APIView):
    """Does something that can be counted, in the way the body asks for."""

    before_answering: ClassVar[list] = []

    @idempotent
    def post(self, request):
        with transaction.atomic():
            bus.publish(Worked(how=request.data["how"]), stream=str(request.user.pk))
        for step in self.before_answering:
            step()
        match request.data["how"]:
            case "refuse":
                raise Problem(
                    409, "plan_refused", "No", "Heat", extra={"verdicts": [{"ok": False}]}
                )
            case "unavailable":
                raise Problem(503, "exchange_unavailable", "Not now")
            case "too_many":
                return Response({}, status=429)
            case "crash":
                raise ZeroDivisionError
            case "database":
                raise IntegrityError("boom")
        return Response({"z": "last", "a": "1.10", "how": request.data["how"]}, status=201)


class Errors(APIView):
    def get(self, request, kind):
        raise {
            "404": Http404(),
            "crash": ZeroDivisionError("secret-in-the-message"),
        }[kind]


class Account(APIView):
    def get(self, request, pk):
        return Response({"id": str(tenancy.get_account(request.user, pk).pk)})


urlpatterns = [
    path("api/v1/plans", Plans.as_view()),
    path("api/v1/deeds", Work.as_view()),
    path("api/v1/errors/<kind>", Errors.as_view()),
    path("api/v1/account/<pk>", Account.as_view()),
    path("", include("testudo.web.urls")),
    path("", include("accounts.urls")),
    path("admin/", admin.site.urls),
]
