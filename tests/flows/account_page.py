"""An account's socket as our page reads it: it comes again, and asks for what it missed."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from websockets.exceptions import ConnectionClosedError
from websockets.sync.client import ClientConnection, connect

from tests.flows.trader import Trader, until
from testudo.web.close_codes import TRY_AGAIN_LATER

PROTECTED = "trading.position_protected"


class AccountPage:
    """One link. `last` is the number of the newest event it has; `told` are those it got in order,
    each once."""

    def __init__(self, link: ClientConnection, last: int) -> None:
        self.link, self.last = link, last
        self.told: list[dict] = []
        self._asked_after: int | None = None

    def next(self) -> dict:
        """The next event by number. Raises: TimeoutError after 15 s without a word."""
        while True:
            message = json.loads(self.link.recv(timeout=15))
            seq = message.get("seq", 0)
            assert message["type"] != "refetch", message
            if message["type"] != "event" or seq <= self.last:
                continue
            if seq > self.last + 1:  # another relay was quicker, or one was lost
                self.resume()
                continue
            self.last = seq
            self.told.append(message)
            return message

    def until(self, event: str) -> list[dict]:
        """What is told up to this event."""
        told = [self.next()]
        while told[-1]["event"] != event:
            told.append(self.next())
        return told

    def resume(self) -> None:
        if self._asked_after != self.last:
            self._asked_after = self.last
            self.link.send(json.dumps({"op": "resume", "last_seq": self.last}))


@contextmanager
def account_page(trader: Trader) -> Iterator[AccountPage]:
    """The page of the trader's account, once the server has said hello."""
    page = until("the account's socket", lambda: _open(trader))
    try:
        yield page
    finally:
        page.link.close()


def _open(trader: Trader) -> AccountPage | None:
    """None where the server says that it has no events now."""
    url = trader.stack.url
    cookie = "; ".join(f"{each.name}={each.value}" for each in trader.http.cookies)
    link = connect(
        f"{url.replace('http', 'ws')}/ws/account/?account={trader.account}",
        additional_headers={"Cookie": cookie, "Origin": url},
        open_timeout=10,
    )
    try:
        hello = json.loads(link.recv(timeout=10))
    except ConnectionClosedError as closed:
        if closed.rcvd is not None and closed.rcvd.code == TRY_AGAIN_LATER:
            return None
        raise
    assert hello["type"] == "hello"
    return AccountPage(link, hello["seq"])
