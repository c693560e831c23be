"""A command whose answer is taken later leaves its line fit for the next, or closed."""

import socket

import pytest
import redis

from testudo import redis_clients


def test_the_answer_is_that_of_the_command_whatever_was_asked_between():
    client = redis_clients.commands()
    client.set("testudo:one", "1")
    asked = client.ask("MGET", "testudo:one", "testudo:none")
    assert client.get("testudo:one") == b"1"  # by another line
    assert asked.answer() == [b"1", None]
    assert client.connection_pool.get_connection_count()[1][0] == 0, "a line is still in use"


def test_an_answer_nobody_wants_is_not_taken_for_the_next_ones():
    client = redis_clients.commands()
    client.set("testudo:two", "2")
    client.ask("GET", "testudo:two").drop()
    assert client.get("testudo:none") is None
    assert client.ask("GET", "testudo:two").answer() == b"2"


def test_a_line_that_broke_is_closed_and_the_next_second_asks_nothing():
    client = redis_clients.commands()
    asked = client.ask("BLPOP", "testudo:never", "0")  # nothing comes before the end
    asked._connection._sock.shutdown(socket.SHUT_RDWR)
    with pytest.raises(redis.ConnectionError):
        asked.answer()
    with pytest.raises(redis.ConnectionError, match="left alone"):
        client.ask("GET", "testudo:two")
