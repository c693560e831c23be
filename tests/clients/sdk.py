"""binance-sdk-spot 13.x, configured for a paper exchange, and a strict reading of its answers.

Binance generates the SDK's models from its own description of the interface: every field has a
strict type there, and fields it does not know end up in `additional_properties`. So a model that
was filled without a complaint and without additional properties says: the types are the documented
ones, and there is no field of ours.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from binance_common.configuration import (
    ConfigurationRestAPI,
    ConfigurationWebSocketAPI,
    ConfigurationWebSocketStreams,
)
from binance_sdk_spot.spot import Spot
from pydantic import BaseModel

from tests.clients.conftest import Keys

# Documented (rest-api.md, Cancel Order list and Conditional fields; web-socket-api.md, rateLimits),
# but not in the models.
SDK_OMITS = {".order_reports[].selfTradePreventionMode", ".rateLimits", ".icebergQty"}


def spot(keys: Keys) -> Spot:
    """The SDK with nothing changed but its URLs."""
    host = keys.server.url.removeprefix("http://")
    pair = {"api_key": keys.key, "api_secret": keys.secret}
    return Spot(
        config_rest_api=ConfigurationRestAPI(
            **pair, base_path=keys.server.url, timeout=10_000, retries=0
        ),
        config_ws_api=ConfigurationWebSocketAPI(**pair, stream_url=f"ws://{host}/ws-api/v3"),
        config_ws_streams=ConfigurationWebSocketStreams(stream_url=f"ws://{host}/stream"),
    )


def undocumented(value: Any) -> list[str]:
    """Names of the fields in an answer that Binance does not document."""
    return sorted(set(_unknown(value)) - SDK_OMITS)


def _unknown(value: Any, path: str = "") -> Iterator[str]:
    """The same, before what the models lack is taken out."""
    if isinstance(value, BaseModel):
        for name in getattr(value, "additional_properties", None) or ():
            yield f"{path}.{name}"
        inside = getattr(value, "actual_instance", None)
        if inside is not None:
            yield from _unknown(inside, path)
            return
        for name in type(value).model_fields:
            if name != "additional_properties":
                yield from _unknown(getattr(value, name), f"{path}.{name}")
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _unknown(one, f"{path}[]")
    elif isinstance(value, dict):
        for name, one in value.items():
            yield from _unknown(one, f"{path}.{name}")


@contextmanager
def no_complaints(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """The SDK only warns where an answer does not fit its models; here that is a failure."""
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        yield
    said = [record.getMessage()[:600] for record in caplog.records if record.name == "root"]
    if said:
        pytest.fail("\n".join(said))


def read(caplog: pytest.LogCaptureFixture, call: Any, **parameters: Any) -> Any:
    """Call one REST endpoint of the SDK; its data, read strictly."""
    with no_complaints(caplog):
        data = call(**parameters).data()
    ours = undocumented(data)
    if ours:
        pytest.fail(f"fields that the SDK does not know: {ours}")
    return data
