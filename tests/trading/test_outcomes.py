"""Which answers mean no, and that every other means: look it up (R3)."""

import pytest

from trading.exchange.outcomes import refusal
from trading.exchange.port import Refused, Unknown


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        (400, -1013, "Filter failure: NOTIONAL"),
        (400, -1021, "Timestamp for this request is outside of the recvWindow."),
        (400, -1022, "Signature for this request is not valid."),
        (400, -1102, "Mandatory parameter was not sent."),
        (400, -1158, "Order type not supported in OCO."),
        (400, -1222, "OPO working order must be a buy."),
        (400, -2010, "Account has insufficient balance for requested action."),
        (401, -2015, "Invalid API-key, IP, or permissions for action."),
        (429, -1003, "Too much request weight used."),
        (418, -1003, "Way too much request weight used; IP banned."),
        (429, -1015, "Too many new orders."),
    ],
)
def test_an_answer_from_before_the_book_is_a_no(status, code, message):
    assert isinstance(refusal(status=status, code=code, message=message), Refused)


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        (400, -1000, "An unknown error occurred."),
        (400, -1001, "Internal error; unable to process your request."),
        (503, -1007, "Timeout waiting for response from backend server."),
        (400, -1006, "An unexpected response was received from the message bus."),
        (400, -1008, "Server is currently overloaded."),
        (400, -1016, "This service is no longer available."),
        (400, -2010, "Duplicate order sent."),
        (403, None, "<html>WAF</html>"),
        (502, None, "<html>Bad gateway</html>"),
        (504, -1021, "even a clear code under a 5xx"),
        (400, None, "no code at all"),
        (400, -9999, "a code nobody has listed"),
    ],
)
def test_every_other_answer_is_looked_up(status, code, message):
    assert isinstance(refusal(status=status, code=code, message=message), Unknown)
