"""The options of `size_trade` that choose how to size: model, fees, slippage, ceiling."""

from dataclasses import fields
from decimal import Decimal
from typing import Any, get_args

from django.core.management.base import CommandParser

from risk.bounds import Share
from risk.costs import Costs, Direction
from risk.size_models import SizeModel, wanted_quantity
from risk.sizing import Model
from trading.management.amounts import figure, positive

FEE_IN = "where fees are taken: quote, the default, is the dearest; bnb takes the fees as given"
SHARES = {"money", "sum", "unit", "units", "volatility_fraction", "atr_multiple"}


def add_sizing_options(parser: CommandParser) -> None:
    parser.add_argument("--fee-in", choices=["quote", "coin", "bnb"], default="quote", help=FEE_IN)
    parser.add_argument("--slippage", type=figure, default=Decimal(0), help="at the stop, a unit")
    parser.add_argument("--held", type=figure, default=Decimal(0), help="of the coin: MAX_POSITION")
    models = parser.add_argument_group("size models")
    models.add_argument("--model", choices=get_args(Model), default="percent_risk")
    models.add_argument("--money", type=positive, help="fixed_money: what to risk")
    models.add_argument("--sum", type=positive, help="units_per_sum: a unit for each")
    models.add_argument("--unit", type=positive, help="units_per_sum: the coins of a unit")
    models.add_argument("--units", type=int, help="equal_units: parts of the equity")
    models.add_argument("--atr", type=positive, help="percent_volatility: the average true range")
    models.add_argument("--atr-multiple", type=positive, help="percent_volatility: k")
    models.add_argument("--volatility-fraction", type=positive, help="percent_volatility")
    models.add_argument("--ceiling", type=positive, help="Kelly's or Vince's fraction of equity")


def costs_from(options: dict[str, Any], *, resting: bool) -> Costs:
    return Costs(
        entry=options["maker"] if resting else options["taker"],
        exit=options["taker"],
        slippage=options["slippage"],
        fee_in_base=options["fee_in"] == "coin",
        fee_in_bnb=options["fee_in"] == "bnb",
    )


def model_from(options: dict[str, Any]) -> SizeModel:
    """Raises: PlanImpossible, for a model that lacks a figure."""
    own = {each.name for each in fields(SizeModel)} & SHARES
    given = {name: options[name] for name in own if options[name] is not None}
    return SizeModel(name=options["model"], **given)


def wish_from(
    options: dict[str, Any],
    *,
    direction: Direction,
    entry: Decimal,
    stop: Decimal,
    equity: Decimal,
    costs: Costs,
) -> Share | None:
    return wanted_quantity(
        model_from(options),
        direction=direction,
        entry=entry,
        stop=stop,
        equity=equity,
        risk_fraction=options["risk"],
        costs=costs,
        atr=options["atr"],
    )
