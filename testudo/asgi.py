"""HTTP and WebSockets, under daphne or any other ASGI server."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "testudo.settings")
django.setup(set_prefix=False)  # before anything that needs the apps

from channels.auth import AuthMiddlewareStack  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402

from testudo.urls import sockets  # noqa: E402
from testudo.web.handler import Handler  # noqa: E402
from testudo.web.origins import OriginGuard  # noqa: E402

application = ProtocolTypeRouter(
    {"http": Handler(), "websocket": OriginGuard(AuthMiddlewareStack(URLRouter(sockets)))}
)
