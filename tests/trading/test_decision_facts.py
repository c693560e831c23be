"""What a record keeps of the rules' inputs is all of them: judged again, they say the same."""

import dataclasses
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.limits import CAPS
from risk.protocol import Book, Limits, Plan, TraderTotals
from risk.rules import check
from tests.risk import builders
from trading.decision_facts import FactsUnreadable, from_facts, to_facts, unknown
from trading.decisions import canonical, figures_only

amounts = st.decimals(0, 10**12, allow_nan=False, allow_infinity=False, places=8)
moments = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
OF_KIND = {
    Decimal: amounts,
    int: st.integers(0, 1000),
    bool: st.booleans(),
    datetime: moments,
    timedelta: st.timedeltas(timedelta(0), timedelta(days=400)),
    str: st.text("ABCxyz", max_size=6),
}


def values_of(kind, **fixed):
    """Any value of a frozen dataclass, every field drawn by its type."""
    hints = get_type_hints(kind)
    drawn = {name: fixed.get(name, _of(hints[name])) for name in hints}
    return st.builds(kind, **drawn)


def _of(hint):
    if hint in OF_KIND:
        return OF_KIND[hint]
    choices = [each for each in getattr(hint, "__args__", ()) if each is not type(None)]
    if choices and isinstance(choices[0], str):  # a Literal
        return st.sampled_from(choices)
    if dataclasses.is_dataclass(choices[0]):
        return st.none() | values_of(choices[0])
    return st.none() | _of(choices[0])


books = values_of(Book)
some_limits = st.builds(
    Limits,
    **{
        name: st.booleans()
        if isinstance(most, bool)
        else st.integers(least, most)
        if isinstance(most, int)
        else st.decimals(least, most, places=4)
        for name, (least, most) in CAPS.items()
    },
)
plans = st.builds(
    builders.plan,
    entry=st.just("60000"),
    stop=st.decimals(51000, 59900, places=2).map(str),
    target=st.decimals(60100, 90000, places=2).map(str),
    budget=st.decimals(1, 5000, places=2).map(str),
    quoted_price=st.none() | st.decimals(59000, 61000, places=2).map(str),
    market_age=st.none() | st.timedeltas(timedelta(0), timedelta(minutes=5)),
    costs=st.sampled_from([builders.FREE, builders.IN_QUOTE, builders.IN_COIN]),
    max_notional=st.none() | st.just(Decimal(9000)),
)


def there_and_back(kind, value):
    return from_facts(kind, json.loads(canonical(figures_only(to_facts(value)))))


def without_words(value):
    """The same with a mark where words were."""
    return dataclasses.replace(value, state_reason="#" if value.state_reason else "")


def without_sentences(plan):
    if plan.sizing.unplaceable is None:
        return plan
    unplaceable = dataclasses.replace(plan.sizing.unplaceable, message="#")
    return dataclasses.replace(
        plan, sizing=dataclasses.replace(plan.sizing, unplaceable=unplaceable)
    )


@given(book=books)
def test_a_book_reads_back_as_it_was_but_for_a_persons_words(book):
    assert there_and_back(Book, book) == without_words(book)


@given(totals=values_of(TraderTotals))
def test_a_traders_totals_read_back_as_they_were(totals):
    assert there_and_back(TraderTotals, totals) == totals


@given(limits=some_limits)
def test_limits_read_back_as_they_were(limits):
    assert there_and_back(Limits, limits) == limits


@given(plan=plans)
def test_a_plan_reads_back_as_it_was(plan):
    assert there_and_back(Plan, plan) == without_sentences(plan)


@given(plan=plans, book=books, limits=some_limits)
def test_judged_again_a_record_says_the_same(plan, book, limits):
    said = {v.code: (v.ok, v.measured, v.limit, v.effect) for v in check(plan, book, limits)}
    again = check(
        there_and_back(Plan, plan), there_and_back(Book, book), there_and_back(Limits, limits)
    )
    assert {v.code: (v.ok, v.measured, v.limit, v.effect) for v in again} == said


def test_what_a_person_wrote_is_not_in_the_facts():
    plan = dataclasses.replace(builders.plan(), setup="after the divorce")
    book = builders.book(state_reason="alice@example.com asked for it")
    text = canonical(figures_only({"plan": to_facts(plan), "book": to_facts(book)}))
    assert "divorce" not in text
    assert "alice" not in text


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"equity": 5}, "book.equity"),
        ({"equity": "many"}, "book.equity"),
        ({"equity": "NaN"}, "equity"),
        ({"at": "yesterday"}, "book.at"),
        ({"state": "asleep"}, "book.state"),
        ({"account_age": "5 s"}, "book.account_age"),
        ({"trader": []}, "book.trader"),
        ({"reconciled": 1}, "book.reconciled"),
    ],
)
def test_facts_that_are_not_those_of_a_book_are_named(changes, names):
    facts = {**to_facts(builders.book()), **changes}
    with pytest.raises(FactsUnreadable, match=names):
        from_facts(Book, facts, at="book")


def test_a_record_with_less_takes_defaults_and_one_with_more_says_so():
    facts = to_facts(builders.book())
    del facts["stop_outs"]
    facts["moon"] = "full"
    assert from_facts(Book, facts).stop_outs == 0
    assert unknown(Book, facts) == ("moon",)
    del facts["equity"]
    with pytest.raises(FactsUnreadable, match="equity"):
        from_facts(Book, facts)
