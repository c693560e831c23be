"""Faults on the wire to the in-process paper exchange."""

from collections.abc import Iterator
from contextlib import contextmanager

import requests

from trading.virtual_floor import VirtualFloor


@contextmanager
def wire(floor: VirtualFloor, fault) -> Iterator[None]:
    """Let `fault(request, go_on)` decide what becomes of each request inside the block."""
    honest = floor.wire.send

    def send(request, **options):
        return fault(request, lambda: honest(request, **options))

    floor.wire.send = send
    try:
        yield
    finally:
        floor.wire.send = honest


def is_order(request) -> bool:
    return request.method == "POST" and "/order" in request.url


def lost_reply(request, go_on):
    """The exchange takes the order; its answer never arrives."""
    answer = go_on()
    if is_order(request):
        raise requests.ReadTimeout("the answer was lost")
    return answer


def lost_request(request, go_on):
    """The order never arrives."""
    if is_order(request):
        raise requests.ConnectionError("reset before it left")
    return go_on()


def server_error(request, go_on):
    """The exchange takes the order and answers 502 with a page of HTML."""
    answer = go_on()
    if is_order(request):
        answer.status_code = 502
        answer._content = b"<html>Bad gateway</html>"
    return answer


def truncated(request, go_on):
    """The exchange takes the order; half of its JSON arrives."""
    answer = go_on()
    if is_order(request):
        answer._content = answer.content[: len(answer.content) // 2]
    return answer
