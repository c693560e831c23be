"""Headers on every answer, and requests refused before any view can misread them."""

import re
from collections.abc import Callable

from csp.constants import SELF
from django.http import HttpRequest, HttpResponse

from testudo.web import errors

# Every feature a page could ask for and ours does not.
_FEATURES = (
    "accelerometer",
    "autoplay",
    "camera",
    "display-capture",
    "encrypted-media",
    "fullscreen",
    "geolocation",
    "gyroscope",
    "magnetometer",
    "microphone",
    "midi",
    "payment",
    "picture-in-picture",
    "publickey-credentials-get",
    "screen-wake-lock",
    "usb",
    "xr-spatial-tracking",
)
HEADERS = {
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": ", ".join(f"{feature}=()" for feature in _FEATURES),
    "X-Permitted-Cross-Domain-Policies": "none",
}
_NUL = re.compile(r"%00|\x00")

Answer = Callable[[HttpRequest], HttpResponse]


class EdgeMiddleware:
    """Sets what SecurityMiddleware does not, and forbids keeping private answers (B49)."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # PostgreSQL has no NUL in its texts; refused here, no query can trip over one.
        if _NUL.search(request.get_full_path()):
            response = errors.bad_request(request, ValueError("NUL in the address"))
        else:
            response = self.get_response(request)
        match = request.resolver_match
        if match and "admin" in match.app_names:
            # Django's own pages name their scripts without a nonce: files of ours, and only those.
            response._csp_replace = {"script-src": [SELF], "style-src": [SELF]}  # type: ignore[attr-defined]
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        # Pages, the landing page too, differ by who looks: after sign-out, Back must not show the
        # desk that stood here. Static files are answered before this and are kept for ever.
        response.headers.setdefault("Cache-Control", "no-store")
        return response
