"""Public questions to a venue: what it answers, what it lacks, and what makes no sense."""

import json
from datetime import timedelta

import pytest
import requests

from risk.listing import CALCULATION, EXECUTION_RULES
from testudo import clock
from trading.exchange.port import RequestsHeld
from trading.exchange.venues import VenueUrls
from trading.market.venue_rest import MarketUnavailable, VenueRest

RANGE = {"ruleType": "PRICE_RANGE", "bidLimitMultUp": "1.1", "askLimitMultDown": "0.9"}
MEAN = {"calculationType": "ARITHMETIC_MEAN", "bucketCount": 300, "bucketWidthMs": 1000}


class Answers(requests.adapters.BaseAdapter):
    """A venue of canned answers, by the end of the path: (status, body)."""

    def __init__(self, answers: dict[str, tuple[int, object]]) -> None:
        super().__init__()
        self.answers = answers
        self.asked: list[str] = []

    def send(self, request, **options):
        self.asked.append(request.path_url)
        path = request.path_url.split("?")[0].removeprefix("/api/v3/")
        status, body = self.answers[path]
        reply = requests.Response()
        reply.status_code = status
        reply._content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        return reply

    def close(self) -> None:
        pass


class Purse:
    """A budget that notes what is taken and heard; `held` until then, it gives nothing."""

    def __init__(self) -> None:
        self.taken: list[int] = []
        self.told: list[tuple[int, int | None]] = []
        self.held = None

    def take(self, weight, *, only_look=False):
        if self.held is not None:
            raise RequestsHeld("The exchange takes no request from us.", until=self.held)
        self.taken.append(weight)

    def heard(self, *, status, headers, code=None):
        self.told.append((status, code))


@pytest.fixture
def budget():
    return Purse()


@pytest.fixture
def venue(budget):
    def build(**answers):
        rest = VenueRest(VenueUrls("paper", "http://venue.test", "", ""), budget=budget)
        adapter = Answers({name.replace("_", "/"): answer for name, answer in answers.items()})
        rest._session.mount("http://", adapter)
        return rest, adapter

    return build


def said(*rules: dict, symbol: str = "BTCUSDT") -> tuple[int, object]:
    return 200, {"symbolRules": [{"symbol": symbol, "rules": list(rules)}]}


def test_every_question_takes_its_weight_and_tells_what_the_answer_says_of_limits(venue, budget):
    limited = (429, {"code": -1003, "msg": "Too many requests."})
    rest, _ = venue(time=(200, {"serverTime": 7}), klines=limited)
    rest.now_ms()
    with pytest.raises(MarketUnavailable):
        rest.minutes("BTCUSDT", 0, now_ms=1)
    assert budget.taken == [1, 2]
    assert budget.told == [(200, None), (429, -1003)]


def test_f12_while_the_exchange_bans_us_nothing_is_asked_and_the_wait_is_said(venue, budget):
    rest, adapter = venue(time=(200, {"serverTime": 7}))
    budget.held = clock.now() + timedelta(seconds=50)
    with pytest.raises(MarketUnavailable) as refusal:
        rest.now_ms()
    assert adapter.asked == []
    assert 40 < refusal.value.wait <= 50


def test_a_symbols_rules_come_with_how_their_reference_price_is_made(venue):
    rest, adapter = venue(executionRules=said(RANGE), referencePrice_calculation=(200, MEAN))
    found = rest.execution_rules(["BTCUSDT"])
    assert found == {"BTCUSDT": {EXECUTION_RULES: [RANGE], CALCULATION: MEAN}}
    assert adapter.asked[0].endswith("executionRules?symbols=%5B%22BTCUSDT%22%5D")
    assert adapter.asked[1].endswith("referencePrice/calculation?symbol=BTCUSDT")


def test_a_symbol_without_a_rule_is_not_asked_for_its_reference_price(venue):
    rest, adapter = venue(executionRules=said())
    assert rest.execution_rules(["BTCUSDT"]) == {
        "BTCUSDT": {EXECUTION_RULES: [], CALCULATION: None}
    }
    assert len(adapter.asked) == 1


def test_a_symbol_without_a_reference_price_has_none(venue):
    """-2043 is Binance's own word for it."""
    none = (400, {"code": -2043, "msg": "This symbol doesn't have a reference price."})
    rest, _ = venue(executionRules=said(RANGE), referencePrice_calculation=none)
    assert rest.execution_rules(["BTCUSDT"])["BTCUSDT"][CALCULATION] is None


def test_a_venue_that_knows_no_execution_rules_has_none(venue):
    rest, _ = venue(executionRules=(404, "<html>not found</html>"))
    assert rest.execution_rules(["BTCUSDT"]) == {}


@pytest.mark.parametrize(
    "answers",
    [
        {"executionRules": (503, "<html>busy</html>")},
        {"executionRules": (400, {"code": -1121, "msg": "Invalid symbol."})},
        {"executionRules": (200, {"rules": []})},
        {"executionRules": (200, [1])},
        {"executionRules": said(RANGE), "referencePrice_calculation": (503, "")},
        {"executionRules": said(RANGE), "referencePrice_calculation": (400, {"code": "-2043"})},
        {"executionRules": said(RANGE), "referencePrice_calculation": (400, "[]")},
    ],
)
def test_anything_else_is_no_answer_and_is_asked_again(venue, answers):
    """Nothing is taken for "no rule" but a plain no: a plan must not pass on a misunderstanding."""
    rest, _ = venue(**answers)
    with pytest.raises(MarketUnavailable):
        rest.execution_rules(["BTCUSDT"])
