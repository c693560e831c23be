"""What the pages of an account are told of its events, over the real Redis."""

import asyncio
import json
from uuid import uuid4

import pytest
from channels.layers import get_channel_layer

from testudo.events.bus import Delivery
from trading import subscribers
from trading.consumers import group_of
from trading.events import OrderSent


@pytest.fixture
def sent() -> OrderSent:
    return OrderSent(
        account_id=uuid4(), trade_id=uuid4(), symbol="BTCUSDT", client_order_id="x", text="Sent."
    )


@pytest.mark.django_db(transaction=True)
async def test_a_page_that_looks_is_told_and_one_that_left_is_not(sent):
    layer, group = get_channel_layer(), group_of(sent.account_id)
    page = await layer.new_channel()
    await layer.group_add(group, page)
    assert await layer.listened([group, group_of(uuid4())]) == {group}
    streams = [str(sent.account_id), str(uuid4())]
    found = await asyncio.to_thread(subscribers.looked_at, streams)
    assert found == {str(sent.account_id)}
    await asyncio.to_thread(subscribers._tell, Delivery(str(sent.account_id), 7), sent)
    async with asyncio.timeout(5):
        told = await layer.receive(page)
    said = json.loads(told["text"])
    assert (said["seq"], said["event"], said["text"]) == (7, "trading.order_sent", "Sent.")
    await layer.group_discard(group, page)
    assert not await layer.listened([group])


def test_nothing_is_put_into_words_where_nobody_looks(sent, monkeypatch):
    def encode(*_):
        raise AssertionError("nobody looks")

    monkeypatch.setattr(subscribers, "encode", encode)
    for seq in range(3):
        subscribers._tell(Delivery(str(sent.account_id), seq), sent)
