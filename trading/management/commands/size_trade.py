"""Size a trade from the command line: the figures and verdicts the desk shows. Writes nothing."""

import json
import sys
from argparse import ArgumentTypeError
from datetime import timedelta
from decimal import Decimal, localcontext
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from risk.listing import EXCHANGE_FILTERS, read_symbol
from risk.protocol import CAPS, DEFAULTS
from risk.rules import Book, Limits, Plan, Verdict, check, may_proceed
from risk.sizing import PlanImpossible, entry_cap, size
from risk.symbols import EXACT, Symbol, is_on_tick, nearest_ticks
from risk.wording import cents_down, cents_up, plain
from testudo import clock
from trading.exchange.paper.symbols import SYMBOLS
from trading.management.amounts import figure, positive
from trading.management.sizing_options import add_sizing_options, costs_from, wish_from
from trading.market import symbols as market_symbols

REFUSED, USAGE = 1, 2
STANDARD_FEE = Decimal("0.001")  # Binance's, without a discount
ASK = "best price now: enters at once, at most 0.1R worse; without it the entry is a limit"
RISK = "fraction of equity; 0.01, the default, is 1 %%"
MAKER = "fee of an entry that rests away from --ask (default 0.001)"
TAKER = "fee of every other order (default 0.001)"


def fee(text: str) -> Decimal:
    value = figure(text)
    if value > Decimal("0.1"):
        raise ArgumentTypeError(f"{text} is no fee: write a fraction, 0.001 for 0.1 %")
    return value


def risk_fraction(text: str) -> Decimal:
    value, most = positive(text), CAPS["max_risk"][1]
    if value > most:
        raise ArgumentTypeError(
            f"{text} is above the protocol's cap of {most}: write a fraction, 0.01 for 1 %"
        )
    return value


class Command(BaseCommand):
    help = (
        "Size a trade and run every rule of the protocol on it, as for an idle account. "
        "Exit code 0: approved; 1: refused; 2: the plan or the command makes no sense."
    )
    requires_system_checks = []  # works without a database or a broker

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("symbol", help="for example BTCUSDT")
        parser.add_argument("direction", choices=["long", "short"])
        for line in ("entry", "stop", "target"):
            parser.add_argument(f"--{line}", type=positive, required=True, help="a price")
        parser.add_argument("--ask", type=positive, help=ASK)
        parser.add_argument("--equity", type=positive, default=Decimal(10000))
        parser.add_argument("--cash", type=figure, help="free quote balance; all of the equity")
        parser.add_argument("--risk", type=risk_fraction, default=DEFAULTS.max_risk, help=RISK)
        parser.add_argument("--maker", type=fee, default=STANDARD_FEE, help=MAKER)
        parser.add_argument("--taker", type=fee, default=STANDARD_FEE, help=TAKER)
        parser.add_argument("--rules", type=Path, help="exchangeInfo, whole or one symbol of it")
        parser.add_argument("--json", action="store_true", dest="as_json", help="one JSON object")
        add_sizing_options(parser)

    def handle(self, *args: object, **options: Any) -> None:
        symbol, source = find_symbol(options["symbol"], options["rules"])
        try:
            plan, book = draw(symbol, options)
        except (PlanImpossible, ValueError) as impossible:
            raise CommandError(str(impossible), returncode=USAGE) from impossible
        verdicts = check(plan, book, Limits())
        approved = may_proceed(verdicts, acknowledged=())
        write = as_json if options["as_json"] else as_text
        self.stdout.write(write(plan, book, verdicts, approved=approved, source=source))
        if not approved:
            sys.exit(REFUSED)


def find_symbol(name: str, file: Path | None) -> tuple[Symbol, str]:
    """The symbol's filters, and where they came from."""
    if file is not None:
        return from_file(name, file), f"the file {file}"
    try:
        return market_symbols.rules("paper", name), "the paper exchange, as last read"
    except (DatabaseError, market_symbols.UnknownSymbol):
        pass  # no database, or nothing read yet: the built-in listing is the same exchange's
    if name not in SYMBOLS:
        raise CommandError(
            f"{name[:40]!a} is not known. Use one of {', '.join(sorted(SYMBOLS))}, or give its "
            "exchangeInfo with --rules FILE.",
            returncode=USAGE,
        )
    return read_symbol(SYMBOLS[name].info()), "the built-in listing"


def from_file(name: str, file: Path) -> Symbol:
    try:
        listing = json.loads(file.read_text(encoding="utf-8"))
        entries = listing.get("symbols", [listing])
        entry = next(entry for entry in entries if entry["symbol"] == name)
        return read_symbol({EXCHANGE_FILTERS: listing.get(EXCHANGE_FILTERS, []), **entry})
    except StopIteration:
        raise CommandError(f"{file} lists no {name}.", returncode=USAGE) from None
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as broken:
        raise CommandError(
            f"{file} cannot be read as exchangeInfo: {broken}", returncode=USAGE
        ) from broken


def draw(symbol: Symbol, options: dict[str, Any]) -> tuple[Plan, Book]:
    """The plan and an idle account to judge it by. Raises: PlanImpossible."""
    direction, entry, stop = options["direction"], options["entry"], options["stop"]
    for line in ("entry", "stop", "target"):
        if not is_on_tick(options[line], symbol.tick):
            below, above = nearest_ticks(options[line], symbol.tick)
            raise PlanImpossible(
                f"The {line} {plain(options[line])} is off {symbol.name}'s tick of "
                f"{plain(symbol.tick)}. Use {plain(below)} or {plain(above)}.",
                field=line,
            )
    best = options["ask"] or entry
    worst, resting = entry, False
    if options["ask"]:
        cap = entry_cap(best, stop, symbol.tick)
        at_once = abs(entry - best) <= abs(cap - best)
        worst = cap if at_once else entry
        resting = not at_once and (entry < best) == (direction == "long")
    costs = costs_from(options, resting=resting)
    equity = options["equity"]
    cash = equity if options["cash"] is None else options["cash"]
    lines = {
        "direction": direction,
        "entry": entry,
        "worst_entry": worst,
        "stop": stop,
        "target": options["target"],
    }
    wanted = wish_from(
        options, direction=direction, entry=worst, stop=stop, equity=equity, costs=costs
    )
    ceiling = options["ceiling"]
    with localcontext(EXACT):
        budget = equity * options["risk"]
        most = None if ceiling is None else equity * ceiling
    sizing = size(
        **lines,
        budget=budget,
        cash=cash,
        costs=costs,
        symbol=symbol,
        position=options["held"],
        model=options["model"],
        wanted=wanted,
        ceiling=most,
    )
    plan = Plan(
        **lines,
        symbol=symbol,
        risk_fraction=options["risk"],
        sizing=sizing,
        costs=costs,
        bid=best,
        ask=best,
        price=best,
        market_age=timedelta(0),
        position=options["held"],
    )
    book = Book(
        at=clock.now(), currency=symbol.quote, equity=equity, cash=cash, day_start_equity=equity
    )
    return plan, book


def figures(plan: Plan) -> dict[str, Decimal]:
    sizing = plan.sizing
    return {
        "wanted": sizing.wanted,
        "wanted_loss": sizing.wanted_loss,
        "quantity": sizing.quantity,
        "entry": plan.entry,
        "worst_entry": plan.worst_entry,
        "stop": plan.stop,
        "target": plan.target,
        "notional": sizing.notional,
        "risk_fraction": plan.risk_fraction,
        "risk_budget": sizing.budget,
        "planned_risk": sizing.worst_loss,
        "rounding_loss": sizing.rounding_loss,
        "entry_fee": sizing.entry_fee,
        "exit_fee": sizing.exit_fee,
        "planned_profit": sizing.planned_profit,
        "reward_to_risk": sizing.reward_to_risk,
        "reward_to_risk_gross": sizing.reward_to_risk_gross,
        "received": sizing.received,
        "leg_quantity": sizing.leg_quantity,
    }


def fees(plan: Plan) -> dict[str, str]:
    """The rates, and where they are taken."""
    costs = plan.costs
    where = "the coin" if costs.fee_in_base else "BNB" if costs.fee_in_bnb else plan.symbol.quote
    return {
        "entry": plain(costs.entry),
        "exit": plain(costs.exit),
        "slippage": plain(costs.slippage),
        "taken_in": where,
    }


def as_json(
    plan: Plan, book: Book, verdicts: tuple[Verdict, ...], *, approved: bool, source: str
) -> str:
    return json.dumps(
        {
            "ok": approved,
            "symbol": plan.symbol.name,
            "side": plan.direction,
            "currency": book.currency,
            **{name: plain(value) for name, value in figures(plan).items()},
            "model": plan.sizing.model,
            "bound": plan.sizing.bound,
            "fees": fees(plan),
            "rules_from": source,
            "verdicts": [verdict.as_dict() for verdict in verdicts],
        }
    )


def as_text(
    plan: Plan, book: Book, verdicts: tuple[Verdict, ...], *, approved: bool, source: str
) -> str:
    sizing, quote, base = plan.sizing, plan.symbol.quote, plan.symbol.base
    lines = [
        f"{plan.symbol.name} {plan.direction}  entry {plain(plan.entry)}  "
        f"stop {plain(plan.stop)}  target {plain(plan.target)}",
        f"Filters from {source}.",
        "",
        f"  Asked            {plain(sizing.wanted)} {base} by "
        f"{sizing.model.replace('_', ' ')}, losing {cents_up(sizing.wanted_loss)} {quote}",
        f"  Size             {plain(sizing.quantity)} {base}",
        f"  Notional         {cents_up(sizing.notional)} {quote}, at the worst entry "
        f"{plain(plan.worst_entry)}",
        f"  Risk budget      {plain(sizing.budget)} {quote}",
        f"  Worst loss       {plain(sizing.worst_loss)} {quote}, fees in",
        f"  Fees             {plain(sizing.entry_fee)} {quote} in, {plain(sizing.exit_fee)} "
        f"{quote} out, taken in {fees(plan)['taken_in']}",
        f"  Rounding loss    {plain(sizing.rounding_loss)} {quote}",
        f"  Bound by         {sizing.bound.replace('_', ' ')}",
        f"  Profit at target {cents_down(sizing.planned_profit)} {quote}, fees in",
        f"  Reward to risk   {plain(sizing.reward_to_risk)} net, "
        f"{plain(sizing.reward_to_risk_gross)} gross",
        "",
    ]
    for verdict in verdicts:
        mark = "ok" if verdict.ok else "NO" if verdict.effect.value == "block" else "!"
        lines.append(f"  {mark:<3} {verdict.title:<28} {verdict.message}")
    blocking = sum(not v.ok and v.effect.value == "block" for v in verdicts)
    waiting = [v.code for v in verdicts if not v.ok and v.needs_acknowledgement]
    answer = "Approved."
    if not approved:
        answer = f"Refused: {blocking} of {len(verdicts)} rules say no."
        if not blocking:
            answer = f"Refused until acknowledged: {', '.join(waiting)}."
    return "\n".join([*lines, "", answer])
