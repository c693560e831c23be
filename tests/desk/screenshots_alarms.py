"""What a healthy platform never shows for long, put into its answers for the pictures."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from playwright.sync_api import Error, Page, Route

from tests.desk.risk_wire import exchange_down, unprotected


@contextmanager
def altered(page: Page, account: str) -> Iterator[None]:
    """Inside the block no open position of the account has a stop, and its exchange is silent."""
    doors = {
        "**/api/v1/trades?*": _without_a_stop,
        f"**/api/v1/accounts/{account}/risk": _in_silence,
    }
    for address, change in doors.items():
        page.route(address, _through(change))
    yield
    page.unroute_all(behavior="wait")


def _through(change: Callable[[dict[str, Any]], None]) -> Callable[[Route], None]:
    def passed(route: Route) -> None:
        answer = route.fetch()
        body = answer.json()
        change(body)
        with suppress(Error):  # the page was left meanwhile: nobody waits for it any more
            route.fulfill(response=answer, json=body)

    return passed


def _without_a_stop(answer: dict[str, Any]) -> None:
    for trade in answer["results"]:
        if trade["state"] == "open":
            bare = {"protected": False, "unprotected": True}
            trade |= {**bare, "unprotected_since": trade["opened_at"]}


def _in_silence(answer: dict[str, Any]) -> None:
    answer["exchange"] = exchange_down(since=answer["at"])
    answer["unprotected"] = [
        unprotected(symbol=each["symbol"], since=answer["at"]) for each in answer["by_symbol"]
    ]
