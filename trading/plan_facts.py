"""What a decision record keeps of a judged plan: every input of the rules, and every verdict."""

from collections.abc import Sequence

from risk.rules import RULES_VERSION, Verdict
from trading.decision_facts import to_facts
from trading.plans import Drawing, Judged


def as_facts(judged: Judged, drawing: Drawing) -> dict[str, object]:
    """What a decision record keeps: every input and every verdict, ids and figures only.

    The flat figures are for readings; `plan`, `book` and `limits` are whole, and with `entry_kind`
    and `quoted_at` all that the verdicts were made of.
    """
    plan, book = judged.plan, judged.book
    return {
        "rules_version": RULES_VERSION,
        "symbol": plan.symbol.name,
        "side": plan.direction,
        "entry_kind": judged.kind,
        "asked_kind": drawing.kind,
        "entry": plan.entry,
        "worst_entry": plan.worst_entry,
        "stop": plan.stop,
        "target": plan.target,
        "quantity": plan.sizing.quantity,
        "risk_fraction": plan.risk_fraction,
        "risk_budget": plan.sizing.budget,
        "planned_risk": plan.sizing.worst_loss,
        "reward_to_risk": plan.sizing.reward_to_risk,
        "quoted_price": drawing.quoted_price,
        "quoted_at": drawing.quoted_at,
        "acknowledged": sorted(drawing.acknowledged),
        "size_model": to_facts(drawing.size_model),
        # What the trader wished beyond the rules: figures only, as `manage_rules.read` takes them.
        "management": drawing.management.as_dict(),
        "expires_at": drawing.expires_at,
        # Every input of `rules.check`, so that the record can be judged again.
        "plan": to_facts(plan),
        "book": to_facts(book),
        "limits": to_facts(judged.limits),
        "verdicts": _verdict_facts(judged.verdicts),
    }


def unit_code(unit: str) -> str:
    """A verdict's unit as a code, for a record holds no words: "of the peak" is of_the_peak."""
    return unit.replace(" ", "_")


def unit_words(code: object) -> str:
    """The unit for people. Of a record that kept only its hash there is nothing to say."""
    return code.replace("_", " ") if isinstance(code, str) else ""


def _verdict_facts(verdicts: Sequence[Verdict]) -> list[dict[str, object]]:
    return [
        {
            "code": verdict.code,
            "ok": verdict.ok,
            "effect": verdict.effect.value,
            "measured": verdict.measured,
            "limit": verdict.limit,
            "margin": verdict.margin,
            "unit": unit_code(verdict.unit),
            "needs_acknowledgement": verdict.needs_acknowledgement,
        }
        for verdict in verdicts
    ]
