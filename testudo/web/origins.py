"""Which pages may open a WebSocket: ours. A browser sends its cookies to any socket that any site
opens, so the Origin header is the only wall (R30). Full origins: scheme, host and port.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http.request import split_domain_port, validate_host

_PORTS = {"http": 80, "https": 443}

Origin = tuple[str, str, int]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]


def parse(origin: str) -> Origin | None:
    """(scheme, host, port), or None for what is no http origin: empty, `null`, with a path."""
    try:
        parts = urlsplit(origin)
        port = parts.port
    except ValueError:
        return None
    bare = not (parts.path or parts.query or parts.fragment or "@" in parts.netloc)
    if parts.scheme not in _PORTS or not parts.hostname or not bare or not origin.isascii():
        return None
    return parts.scheme, parts.hostname, port or _PORTS[parts.scheme]


def is_ours(origin: str, *, host: str, secure: bool, trusted: Iterable[str]) -> bool:
    """Whether the page stands on the host it connects to, or on an origin we trust by name."""
    asked = parse(origin)
    if asked is None:
        return False
    own = parse(f"{'https' if secure else 'http'}://{host}")
    return asked == own or asked in {parse(other) for other in trusted}


class OriginGuard:
    """ASGI middleware around the WebSocket routes: others get a 403 before the handshake (B32)."""

    def __init__(self, app: Callable[..., Awaitable[Any]]) -> None:
        self.app = app

    async def __call__(self, scope: Mapping[str, Any], receive: Any, send: Send) -> Any:
        if self.admits(scope):
            return await self.app(scope, receive, send)
        await receive()  # the connect message; a close before accepting is a 403
        await send({"type": "websocket.close", "code": 4403})
        return None

    def admits(self, scope: Mapping[str, Any]) -> bool:
        origins = _headers(scope, b"origin")
        hosts = _headers(scope, b"host")
        if len(origins) != 1 or len(hosts) != 1:
            return False
        # A name pointed at us by its owner (DNS rebinding) matches itself, but is no host of ours.
        if not validate_host(split_domain_port(hosts[0])[0], settings.ALLOWED_HOSTS):
            return False
        return is_ours(
            origins[0],
            host=hosts[0],
            secure=_is_secure(scope),
            trusted=settings.CSRF_TRUSTED_ORIGINS,
        )


def _headers(scope: Mapping[str, Any], name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key == name]


def _is_secure(scope: Mapping[str, Any]) -> bool:
    """Whether the browser came by TLS: the socket's own scheme, or a proxy's word we trust."""
    if scope.get("scheme") == "wss":
        return True
    trusted = settings.SECURE_PROXY_SSL_HEADER
    if not trusted:
        return False
    name, value = trusted
    header = name.removeprefix("HTTP_").replace("_", "-").lower().encode()
    return _headers(scope, header) == [value]
