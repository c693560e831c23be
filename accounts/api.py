"""Who am I: what a page or program needs to know of its user."""

from typing import cast

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import Role, Theme, User


class MeSerializer(serializers.Serializer[User]):
    id = serializers.UUIDField()
    username = serializers.CharField()
    email = serializers.CharField()
    role = serializers.ChoiceField(Role.choices)
    time_zone = serializers.CharField(help_text="IANA name")
    theme = serializers.ChoiceField(Theme.choices)


class Me(APIView):
    @extend_schema(summary="The signed-in user", responses=MeSerializer, tags=["me"])
    def get(self, request: Request) -> Response:
        return Response(MeSerializer(cast(User, request.user)).data)
