"""What the tests of orders without an answer share."""

import json
from datetime import timedelta

import requests

from trading import orders
from trading.order_states import TradeState

SECOND = timedelta(seconds=1)


class Died(BaseException):
    """The process is gone; nothing of ours catches it."""


def placed(floor, account, drawing):
    return orders.place_trade(account, drawing, quote_of=floor.quote_of)


def lived(floor, account, trade, *, seconds: int):
    """A second at a time, a turn each, as the guard does it."""
    for _ in range(seconds):
        floor.advance(SECOND)
        floor.turn(account)
    trade.refresh_from_db()
    return trade


def opened(floor, account, draw):
    trade = placed(floor, account, draw())
    floor.turn(account)
    trade.refresh_from_db()
    assert trade.state == TradeState.OPEN
    return trade


def at_the_exchange(floor) -> int:
    return floor.paper.store.count("orders")


def refused(code: int, text: str, *, status: int = 400) -> requests.Response:
    answer = requests.Response()
    answer.status_code = status
    answer._content = json.dumps({"code": code, "msg": text}).encode()
    return answer


def is_look(request) -> bool:
    return request.method == "GET" and any(
        part in request.url for part in ("/order?", "/orderList?", "/openOrders?", "/myTrades?")
    )
