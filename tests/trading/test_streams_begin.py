"""In which order the user streams of many accounts begin."""

import asyncio

import pytest

from trading import orders
from trading.management.commands import stream_accounts
from trading.management.commands.stream_accounts import Streams
from trading.models import ExchangeAccount


def test_accounts_with_a_position_come_first(floor, account, alice, draw):
    more = [
        floor.open_account(alice, name=f"More {n}", balances={"USDT": "10000"}) for n in range(3)
    ]
    orders.place_trade(more[1], draw(), quote_of=floor.quote_of)
    floor.turn(more[1])
    found = Streams(None, 0, 1)._accounts()
    assert found[0] == more[1]
    assert {each.pk for each in found} == {account.pk, *(each.pk for each in more)}


def test_a_start_blocks_new_risk_of_all_of_them(floor, account):
    ExchangeAccount.objects.update(stream_gap=False)
    stream_accounts.account_stream.note_starting([account])
    account.refresh_from_db()
    assert account.stream_gap


@pytest.mark.asyncio
async def test_so_many_begin_at_once_and_the_next_in_their_order(monkeypatch):
    monkeypatch.setattr(stream_accounts, "BEGIN_AT_ONCE", 2)
    streams, begun, may_end = Streams(None, 0, 1), [], asyncio.Event()

    async def begin(number: int) -> None:
        async with streams._turn():
            begun.append(number)
            await may_end.wait()

    tasks = [asyncio.create_task(begin(number)) for number in range(5)]
    for _ in range(5):
        await asyncio.sleep(0)
    assert begun == [0, 1]
    may_end.set()
    await asyncio.gather(*tasks)
    assert begun == [0, 1, 2, 3, 4]
    assert streams._beginning._value == 2


@pytest.mark.asyncio
async def test_one_that_hangs_keeps_the_others_for_a_moment_only(monkeypatch):
    monkeypatch.setattr(stream_accounts, "BEGIN_AT_ONCE", 1)
    monkeypatch.setattr(stream_accounts, "LONGEST_BEGIN", 0.01)
    streams, may_end = Streams(None, 0, 1), asyncio.Event()

    async def hang() -> None:
        async with streams._turn():
            await may_end.wait()

    hanging = asyncio.create_task(hang())
    await asyncio.sleep(0)
    async with asyncio.timeout(5), streams._turn():
        assert not hanging.done()
    may_end.set()
    await hanging
    assert streams._beginning._value == 1  # given back once, not twice
