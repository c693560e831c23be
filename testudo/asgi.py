"""HTTP and WebSockets, under daphne or any other ASGI server."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "testudo.settings")
http = get_asgi_application()  # before anything that needs the apps

from channels.auth import AuthMiddlewareStack  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402

from testudo.urls import sockets  # noqa: E402
from testudo.web.origins import OriginGuard  # noqa: E402

application = ProtocolTypeRouter(
    {"http": http, "websocket": OriginGuard(AuthMiddlewareStack(URLRouter(sockets)))}
)
