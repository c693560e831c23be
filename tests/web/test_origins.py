"""Which pages may open a WebSocket: ours, and those we name (B32)."""

import pytest
from channels.testing import WebsocketCommunicator

from testudo.web.origins import OriginGuard, is_ours, parse


async def accepting(scope, receive, send):
    await receive()
    await send({"type": "websocket.accept"})


async def connects(origins, *, host="testudo.example:8000", scheme="ws", extra=()):
    communicator = WebsocketCommunicator(OriginGuard(accepting), "/ws/market/")
    communicator.scope["scheme"] = scheme
    communicator.scope["headers"] = [
        *((b"origin", origin.encode("latin-1")) for origin in origins),
        (b"host", host.encode()),
        *extra,
    ]
    connected, code = await communicator.connect()
    await communicator.disconnect()
    assert connected or code == 4403
    return connected


@pytest.fixture(autouse=True)
def hosts(settings):
    settings.ALLOWED_HOSTS = ["testudo.example"]
    settings.CSRF_TRUSTED_ORIGINS = ["https://desk.example"]


async def test_our_own_page_connects():
    assert await connects(["http://testudo.example:8000"])
    assert await connects(["HTTP://TESTUDO.example:8000"])
    assert await connects(["https://testudo.example"], host="testudo.example", scheme="wss")
    assert await connects(["https://testudo.example"], host="testudo.example:443", scheme="wss")


async def test_a_trusted_origin_connects():
    assert await connects(["https://desk.example"])


@pytest.mark.parametrize(
    "origins",
    [
        [],
        [""],
        ["null"],
        ["http://evil.example"],
        ["http://sub.testudo.example:8000"],
        ["http://testudo.example:8001"],
        ["http://testudo.example"],
        ["https://testudo.example:8000"],
        ["http://testudo.example:8000.evil.example"],
        ["https://testudo.example.evil"],
        ["http://evil@testudo.example:8000"],
        ["http://testudo.example:8000/path"],
        ["http://testudo.example:99999"],
        ["file://testudo.example:8000"],
        ["ws://testudo.example:8000"],
        ["//testudo.example:8000"],
        ["testudo.example:8000"],
        ["http://testudo.example:8000 http://evil.example"],
        ["http://tеstudo.example:8000".encode().decode("latin-1")],
        ["http://testudo.example:8000", "http://evil.example"],
        ["http://desk.example"],
        ["https://desk.example:444"],
    ],
)
async def test_b32_any_other_origin_is_refused_before_the_handshake(origins):
    assert not await connects(origins)


async def test_a_name_someone_pointed_at_us_is_no_host_of_ours_even_with_any_host_allowed(settings):
    assert not await connects(["http://evil.example"], host="evil.example")
    settings.ALLOWED_HOSTS = ["*"]
    assert not await connects(["http://evil.example"])


async def test_tls_is_believed_from_a_proxy_only_where_one_is_configured(settings):
    claim = [(b"x-forwarded-proto", b"https")]
    asked = {"origins": ["https://testudo.example"], "host": "testudo.example", "extra": claim}
    assert not await connects(**asked)
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    assert await connects(**asked)


async def test_a_request_without_a_host_or_with_two_is_refused():
    guard = OriginGuard(accepting)
    origin = (b"origin", b"http://testudo.example:8000")
    host = (b"host", b"testudo.example:8000")
    assert guard.admits({"headers": [origin, host]})
    assert not guard.admits({"headers": [origin]})
    assert not guard.admits({"headers": [origin, host, host]})


def test_origins_are_compared_with_their_default_ports():
    assert parse("https://testudo.example") == ("https", "testudo.example", 443)
    assert parse("http://[::1]:8000") == ("http", "::1", 8000)
    assert is_ours("http://[::1]:8000", host="[::1]:8000", secure=False, trusted=[])
    assert parse("null") is None
