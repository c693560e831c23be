"""Addresses of the foundation: health, and the API's own description."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.templatetags.static import static
from django.urls import path
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView
from rest_framework.request import Request
from rest_framework.response import Response

from testudo.observability import metrics
from testudo.web import health
from testudo.web.step_up import StepUpView


class Docs(SpectacularSwaggerView):
    """Swagger, without the isolation it gives up for sign-ins by pop-up: we have none."""

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: object, **kwargs: object) -> Response:
        response: Response = super().get(request, *args, **kwargs)  # type: ignore[no-untyped-call]
        del response.headers["Cross-Origin-Opener-Policy"]
        return response


def favicon(request: HttpRequest) -> HttpResponse:
    """For pages that name no icon, such as the admin site's: browsers ask here unbidden."""
    return redirect(static("icons/shield.svg"))


urlpatterns = [
    path("favicon.ico", favicon),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", metrics.view, name="metrics"),
    path("api/v1/step-up", StepUpView.as_view(), name="step-up"),
    path("api/schema/", SpectacularAPIView.as_view(permission_classes=[]), name="schema"),
    path(
        "api/docs/",
        Docs.as_view(url_name="schema", permission_classes=[]),
        name="api-docs",
    ),
]
