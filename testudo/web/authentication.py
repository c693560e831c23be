"""Who asks: the session cookie, with a 401 (not DRF's 403) for whoever is not signed in."""

from drf_spectacular.authentication import SessionScheme
from rest_framework import authentication
from rest_framework.request import Request


class SessionAuthentication(authentication.SessionAuthentication):
    def authenticate_header(self, request: Request) -> str:
        return 'Session realm="testudo"'


class OurSessionScheme(SessionScheme):  # type: ignore[no-untyped-call]
    """The same in the OpenAPI schema."""

    target_class = "testudo.web.authentication.SessionAuthentication"
    priority = 1
