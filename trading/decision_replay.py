"""A recorded plan before today's rules: the same verdicts, or which rules say otherwise now."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from risk.protocol import RULES_VERSION, Book, Limits, Plan, Verdict
from risk.rules import check
from trading.decision_facts import FactsUnreadable, from_facts, unknown
from trading.plan_facts import unit_words
from trading.plans import Drawing, entry_kind, quote_age


@dataclass(frozen=True, slots=True)
class Replay:
    """What today's rules say about a record.

    `same` is None where there is nothing to judge: a record of a halt or of a limit.
    """

    same: bool | None
    differences: tuple[str, ...]
    recorded_version: str
    version: str = RULES_VERSION
    recorded: tuple[dict[str, Any], ...] = ()  # the recorded verdicts, with today's words for them


def replay(payload: str | Mapping[str, Any]) -> Replay:
    """Run today's rules on a record's own inputs. Never raises: what cannot be read is named."""
    facts = json.loads(payload) if isinstance(payload, str) else payload
    version = str(facts.get("rules_version", ""))
    if "verdicts" not in facts:
        return Replay(None, (), version)
    today: dict[str, Verdict] = {}
    try:
        today = _verdicts(facts, *inputs(facts))
        found = [*_differences(facts["verdicts"], today), *_no_longer_known(facts)]
    except (FactsUnreadable, InvalidOperation, KeyError, TypeError, ValueError) as error:
        found = [f"The inputs of this record cannot be read by today's rules: {error}"]
    if found and version != RULES_VERSION:
        since = f"It was judged by rules version {version or '?'}; today's is {RULES_VERSION}."
        found.insert(0, since)
    worded = tuple(_worded(each, today.get(each["code"])) for each in facts["verdicts"])
    return Replay(not found, tuple(found), version, recorded=worded)


def inputs(facts: Mapping[str, Any]) -> tuple[Plan, Book, Limits]:
    """What the rules read, from a record. Raises: FactsUnreadable."""
    return (
        from_facts(Plan, facts.get("plan"), at="plan"),
        from_facts(Book, facts.get("book"), at="book"),
        from_facts(Limits, facts.get("limits"), at="limits"),
    )


def _verdicts(
    facts: Mapping[str, Any], plan: Plan, book: Book, limits: Limits
) -> dict[str, Verdict]:
    quoted_at = facts.get("quoted_at")
    drawing = Drawing(
        symbol=plan.symbol.name,
        side=plan.direction,
        entry=plan.entry,
        stop=plan.stop,
        target=plan.target,
        quoted_at=datetime.fromisoformat(quoted_at) if quoted_at else None,
    )
    verdicts = (
        *check(plan, book, limits),
        entry_kind(plan, facts["entry_kind"], asked=facts.get("asked_kind", "")),
        quote_age(drawing, now=book.at),
    )
    return {verdict.code: verdict for verdict in verdicts}


def _differences(recorded: Any, today: Mapping[str, Verdict]) -> Iterator[str]:
    then = {each["code"]: each for each in recorded}
    for code, before in then.items():
        now = today.get(code)
        if now is None:
            yield f"{code}: this rule is no more."
        elif now.ok != before["ok"] or now.effect.value != before["effect"]:
            yield f"{code}: {_word(before['ok'])} then, {_word(now.ok)} today ({now.message})"
        elif (now.measured, now.limit) != (Decimal(before["measured"]), Decimal(before["limit"])):
            yield (
                f"{code}: measured {before['measured']} of {before['limit']} then, "
                f"{now.measured:f} of {now.limit:f} today."
            )
    for code in sorted(today.keys() - then.keys()):
        yield f"{code}: this rule is new; it {_word(today[code].ok)} today."


def _no_longer_known(facts: Mapping[str, Any]) -> Iterator[str]:
    for name, kind in (("plan", Plan), ("book", Book), ("limits", Limits)):
        for field in unknown(kind, facts[name]):
            yield f"{name}.{field} was an input then; today's rules do not read it."


def _worded(recorded: Mapping[str, Any], today: Verdict | None) -> dict[str, Any]:
    """A recorded verdict as a page shows it: its own figures, with today's words where they fit."""
    code = recorded["code"]
    same = today is not None and today.ok == recorded["ok"]
    return {
        "code": code,
        "title": today.title if today else code.replace("_", " ").capitalize(),
        "ok": recorded["ok"],
        "effect": recorded["effect"],
        "measured": recorded["measured"],
        "limit": recorded["limit"],
        "margin": recorded.get("margin", ""),
        "unit": unit_words(recorded.get("unit")),
        "message": today.message if today and same else "",
        "needs_acknowledgement": recorded.get("needs_acknowledgement", False),
    }


def _word(ok: bool) -> str:
    return "passed" if ok else "refused"
