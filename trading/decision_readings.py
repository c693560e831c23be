"""A decision record in plain language: what was asked, what was decided, why, by which figures."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from risk.breaker import TITLES, Cause
from risk.limits import describe
from risk.wording import money, percent, plain
from trading.limit_values import said_text
from trading.models import Decision
from trading.plan_facts import unit_words

WHO = {"trader": "You", "admin": "Staff", "operator": "An operator", "rule": "The Protocol"}
FEW = 4  # rules named in one sentence; the record lists all


@dataclass(frozen=True, slots=True)
class Reading:
    """One record for people. `codes` are the rules that refused, or what the record is about."""

    title: str
    text: str
    symbol: str | None = None
    codes: tuple[str, ...] = ()


def read(decision: Decision) -> Reading:
    """The record in plain language."""
    return read_facts(decision.kind, json.loads(decision.payload))


def read_facts(kind: str, facts: Mapping[str, Any]) -> Reading:
    """Never raises: a record of an older version, with fewer figures, is read as far as it goes."""
    try:
        return _READERS[kind](facts)
    except (KeyError, TypeError, ValueError, InvalidOperation):
        return Reading(kind.replace("_", " ").capitalize(), "The record holds the figures.")


def _plan(facts: Mapping[str, Any]) -> Reading:
    side, symbol = str(facts["side"]), str(facts["symbol"])
    broken = [each for each in facts["verdicts"] if not each["ok"]]
    stopped = [each for each in broken if each["effect"] == "block"] or broken
    placed = facts["kind"] in ("placed", "released")
    again = facts["kind"] in ("released", "release_refused")
    asked = (
        f"{'The price reached' if again else 'You asked for'} a {side} of {symbol} at "
        f"{_figure(facts['entry'])}, stop "
        f"{_figure(facts['stop'])}, target {_figure(facts['target'])}, risking "
        f"{percent(Decimal(facts['risk_fraction']), Decimal(1))} of equity. "
    )
    title = f"{side.capitalize()} {symbol} {'approved' if placed else 'refused'}"
    if again:
        title += " at its line"
    decided = _approved(facts, broken) if placed else _refused(facts, stopped)
    return Reading(title, asked + decided, symbol, tuple(each["code"] for each in broken))


def _approved(facts: Mapping[str, Any], noted: Sequence[Mapping[str, Any]]) -> str:
    base, quote = _assets(facts)
    advice = ""
    if noted:
        advice = f" You went on against advice: {_rules(noted)}."
    return (
        f"Approved: {_figure(facts['quantity'])} {base} loses at most "
        f"{money(Decimal(facts['planned_risk']))} {quote} at the stop, fees in, and pays "
        f"{_ratio(facts['reward_to_risk'])} times that at the target, net. "
        f"{len(facts['verdicts']) - len(noted)} of {len(facts['verdicts'])} rules passed.{advice}"
        f"{_state(facts)}"
    )


def _refused(facts: Mapping[str, Any], broken: Sequence[Mapping[str, Any]]) -> str:
    count = "One rule" if len(broken) == 1 else f"{len(broken)} rules"
    return (
        f"Refused: {count} of {len(facts['verdicts'])} stood against it: {_rules(broken)}. "
        f"Nothing was sent.{_state(facts)}"
    )


def _rules(verdicts: Sequence[Mapping[str, Any]]) -> str:
    named = [
        f"{_words(each['code'])} (measured {_shown(each['measured'], each.get('unit'))}, "
        f"limit {_shown(each['limit'], each.get('unit'))})"
        for each in verdicts[:FEW]
    ]
    more = len(verdicts) - len(named)
    return "; ".join(named) + (f"; and {more} more" if more > 0 else "")


def _state(facts: Mapping[str, Any]) -> str:
    book = facts.get("book", {})
    if "equity" not in book or "heat" not in book:
        return ""
    _, quote = _assets(facts)
    return (
        f" The account then had {money(Decimal(book['equity']))} {quote} of equity, "
        f"{money(Decimal(book['heat']))} of it at risk."
    )


def _limit(facts: Mapping[str, Any]) -> Reading:
    what, changes = facts["what"], facts["changes"]
    who = WHO[facts["by"]]
    names = tuple(each["name"] for each in changes)
    lines = "; ".join(
        f"{describe(each['name']).title} from {said_text(each['name'], each['from'])} to "
        f"{said_text(each['name'], each['to'])}"
        for each in changes
    )
    title, text = {
        "tightened": ("Limits tightened", f"{who} made limits stricter, at once: {lines}."),
        "asked": (
            "Loosening asked for",
            f"{who} asked for laxer limits: {lines}. That waits 24 hours and the next reset, and "
            "then until the drawdown is at most half its limit and nothing is open. Not before "
            f"{_latest(changes)}.",
        ),
        "withdrawn": ("Loosening withdrawn", f"{who} took back what waited: {lines}."),
        "effective": (
            "Loosening in effect",
            f"What was asked for and waited is in effect: {lines}. The drawdown was "
            f"{_fraction(facts.get('drawdown'))}, and nothing was open.",
        ),
    }[what]
    return Reading(title, text, None, names)


def _breaker(facts: Mapping[str, Any]) -> Reading:
    cause = Cause(facts["cause"])
    phase = str(facts.get("phase", "open")).replace("_", "-")
    until = f" until {_moment(facts['until'])}" if facts.get("until") else ""
    means = {
        "open": f"No new risk{until}; exits and tighter stops go on.",
        "half-open": "New trades at half size until it is proven.",
        "closed": "It holds nothing back any more.",
    }[phase]
    return Reading(
        f"{TITLES[cause]}: {phase}",
        f"{WHO.get(facts.get('by') or 'rule', 'The Protocol')} set this breaker {phase}. {means}"
        f"{_measured(facts)}",
        None,
        (cause.value,),
    )


def _halted(facts: Mapping[str, Any]) -> Reading:
    cause = Cause(facts["cause"])
    everything = facts.get("scope") == "global"
    who = WHO.get(facts.get("by") or "rule", "The Protocol")
    text = (
        f"{who} halted {'all trading' if everything else 'this account'}: no new risk. Protective "
        f"orders stay on the exchange, and exits go on.{_measured(facts)}{_reason(facts)}"
    )
    title = "All trading halted" if everything else f"Halted: {TITLES[cause]}"
    return Reading(title, text, None, (cause.value,))


def _resumed(facts: Mapping[str, Any]) -> Reading:
    cause = Cause(facts["cause"])
    everything = facts.get("scope") == "global"
    who = WHO.get(facts.get("by") or "rule", "The Protocol")
    text = (
        f"{who} ended the halt of {'all trading' if everything else 'this account'} "
        f"({TITLES[cause].lower()}). New trades pass the rules again.{_reason(facts)}"
    )
    return Reading("Trading resumed", text, None, (cause.value,))


def _flattened(facts: Mapping[str, Any]) -> Reading:
    who, closing, withdrawn = WHO[facts["by"]], facts["closing"], facts["withdrawn"]
    where = "on every account" if facts.get("scope") == "global" else "here"
    if closing:
        text = f"{who} left every trade {where} at the market: {closing} of this account."
    else:
        text = f"{who} withdrew the entries that waited {where}: {withdrawn} of this account."
    title = "Positions closed" if closing else "Entries withdrawn"
    return Reading(title, text + _reason(facts), None)


def _holding(facts: Mapping[str, Any]) -> Reading:
    asset, currency, symbol = (str(facts[name]) for name in ("asset", "currency", "symbol"))
    who, quantity = WHO[facts["by"]], _figure(facts["quantity"])
    worth, heat = (f"{money(Decimal(facts[name]))} {currency}" for name in ("worth", "heat"))
    if facts["what"] == "ended":
        text = (
            f"{who} stopped counting {quantity} {asset}: {worth} left equity and {heat} left heat. "
            "Nothing was sold."
        )
        return Reading(f"{asset} no longer managed", text, symbol)
    stop = facts.get("stop")
    if facts["what"] == "tightened":
        text = (
            f"{who} moved the stop that {quantity} {asset} are counted by to {_figure(stop)}: "
            f"{heat} of heat from then on. Nothing was sent."
        )
        return Reading(f"{asset}'s stop moved", text, symbol)
    at_stop = f"with a stop at {_figure(stop)}" if stop else "without a stop"
    text = (
        f"{who} declared {quantity} {asset} managed, bought at {_figure(facts['entry'])}, "
        f"{at_stop}: {worth} joined equity and {heat} joined heat."
    )
    return Reading(f"{asset} declared managed", text, symbol)


_READERS: dict[str, Callable[[Mapping[str, Any]], Reading]] = {
    "placed": _plan,
    "refused": _plan,
    "released": _plan,
    "release_refused": _plan,
    "limit_changed": _limit,
    "breaker": _breaker,
    "halted": _halted,
    "resumed": _resumed,
    "holding": _holding,
    "flattened": _flattened,
}


def _reason(facts: Mapping[str, Any]) -> str:
    reason = facts.get("reason")
    if not isinstance(reason, Mapping):
        return ""
    return f" A reason of {reason['chars']} characters was given; its SHA-256 is in the record."


def _measured(facts: Mapping[str, Any]) -> str:
    measured = facts.get("measured")
    return f" Measured: {_figure(measured)}." if isinstance(measured, str) and measured else ""


def _assets(facts: Mapping[str, Any]) -> tuple[str, str]:
    symbol = facts.get("plan", {}).get("symbol", {})
    return symbol.get("base", ""), symbol.get("quote", "")


def _latest(changes: Sequence[Mapping[str, Any]]) -> str:
    """When the last of them may take effect; "" where none waits."""
    moments = [each["earliest_at"] for each in changes if "earliest_at" in each]
    return _moment(max(moments)) if moments else ""


def _moment(text: str) -> str:
    return f"{datetime.fromisoformat(text).astimezone(UTC):%d %b %Y, %H:%M} UTC"


def _words(code: str) -> str:
    return code.replace("_", " ")


def _shown(figure: str, code: object) -> str:
    value, unit = Decimal(figure), unit_words(code)
    if unit.startswith("of "):
        return f"{percent(value, Decimal(1))} {unit}"
    shown = money(value) if unit.isupper() else plain(value)
    return f"{shown} {unit}".rstrip()


def _figure(text: str) -> str:
    return plain(Decimal(text), grouped=True)


def _ratio(text: str) -> str:
    return plain(Decimal(text).quantize(Decimal("0.01")))


def _fraction(text: str | None) -> str:
    return percent(Decimal(text), Decimal(1)) if text else "small enough"
