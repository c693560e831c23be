"""How a position that is sold in parts looks on the wire."""

from typing import Any

from risk.manage_rules import read
from risk.part_targets import layout, least_quantity, shares_of
from testudo.web.fields import plain
from trading.models import Trade
from trading.part_legs import sold
from trading.plans import Judged


def planned_parts(it: Judged) -> list[dict[str, Any]]:
    """What is sold at which of several targets, after the entry's fee; empty for one target, and
    where the exchange does not take them (its filters' verdict says so)."""
    plan = it.plan
    if not plan.targets:
        return []
    wanted = shares_of(plan.targets, plan.target)
    found = layout(
        plan.sizing.leg_quantity,
        tuple(enumerate(wanted, 1)),
        step=plan.symbol.exit_step,
        least=least_quantity(plan.symbol, plan.stop),
    )
    return [
        {
            "price": plain(part.target),
            "share": plain(wanted[part.number - 1].share),
            "quantity": plain(part.quantity),
        }
        for part in found
    ]


def targets(row: Trade) -> list[dict[str, Any]]:
    """Every target of a trade that has several, with its share and whether it has sold; the last
    where it is now. Empty for a trade with one."""
    nearer = read(row.management).targets
    if not nearer:
        return []
    gone = sold(row.orders.all())
    return [
        {"price": plain(part.price), "share": plain(part.share), "sold": number in gone}
        for number, part in enumerate(shares_of(nearer, row.target_now), 1)
    ]
