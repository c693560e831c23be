"""Faults of the exchange itself: its clock, a symbol's rules, what becomes of orders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from trading.exchange.paper import orders as o
from trading.exchange.paper.administration import MOST_DEPOSIT
from trading.exchange.paper.exchange import PaperExchange
from trading.exchange.paper.faults import BadFault, Fault, Faults
from trading.exchange.paper.filters import floor_step
from trading.exchange.paper.orders import Order, OrderList
from trading.exchange.paper.symbols import Symbol
from trading.exchange.paper.values import E8, to_e8

THIN = ("partial-entry", "thin-book")


class MarketFaults:
    """Puts market faults into the exchange and takes them out again."""

    def __init__(self, exchange: PaperExchange, faults: Faults) -> None:
        self.exchange, self.faults = exchange, faults
        self._originals = dict(exchange.symbols)

    def put_in(self, fault: Fault) -> None:
        """Take effect. Raises: BadFault, where the exchange has nothing of that name."""
        symbol = fault.options.get("symbol")
        if symbol is not None and symbol not in self.exchange.symbols:
            known = ", ".join(self.exchange.symbols)
            raise BadFault(f"{fault.kind.name}: symbol must be one of {known}.")
        self._renew()

    def check(self, fault: Fault) -> None:
        """Raises: BadFault, for an amount that cannot be deposited."""
        amount = fault.options["amount"]
        try:
            fits = 0 < to_e8(amount) <= MOST_DEPOSIT
        except (ValueError, ArithmeticError):
            fits = False
        if not fits:
            raise BadFault(
                f"{fault.kind.name}: amount must be a decimal above zero like 1.5, at most eight "
                f"places, not {amount[:40]!r}."
            )

    def take_out(self) -> None:
        """Something was disarmed or spent: what is left armed decides anew."""
        self._renew()

    def happen(self, fault: Fault, account: int) -> None:
        """What `event-at-subscribe` brings about: a fill as a maker, else money from outside."""
        engine = self.exchange.engine
        resting = [one for one in engine.by_account.get(account, {}).values() if one.is_on_book]
        if fault.options["what"] == "fill" and resting:
            order = min(resting, key=lambda one: one.id)
            engine.fill(order, order.price, order.showing, is_maker=True)
            engine.settle()
            self.exchange.tick(self.exchange.now_ms)  # writes it down, queues its events
        else:
            quote = next(iter(self.exchange.symbols.values())).quote
            self.exchange.deposit(account, quote, to_e8(fault.options["amount"]))

    def _renew(self) -> None:
        """State follows from what is armed, so that nothing is ever put back twice."""
        exchange, engine = self.exchange, self.exchange.engine
        rules = dict(self._originals)
        exchange.skew_ms = 0
        names = set()
        for fault in self.faults.armed:
            names.add(fault.kind.name)
            match fault.kind.name:
                case "clock-skew":
                    exchange.skew_ms = int(fault.number("ms"))
                case "symbol-status":
                    one = fault.options["symbol"]
                    rules[one] = replace(rules[one], status=fault.options["status"])
                case "filters":
                    one = fault.options["symbol"]
                    rules[one] = _ruled(rules[one], fault.options)
        exchange.symbols.update(rules)
        exchange.lists.refuses = self._refuses if "reject-legs" in names else None
        engine.thins = self._thins if names & set(THIN) else None

    def _refuses(self, listed: OrderList) -> bool:
        """Whether the legs of a list are refused at their release."""
        return bool(
            self.faults.strike(
                "market",
                self.exchange.now_ms,
                names=("reject-legs",),
                account=listed.account,
                path=listed.client_id,
            )
        )

    def _thins(self, order: Order, quantity: int) -> int:
        """How much of a quantity the book gives a taker."""
        if order.type in o.MARKET_LIKE:
            name = "thin-book"
        elif order.type == o.LIMIT_MAKER or (
            order.type == o.LIMIT and order.time_in_force == o.GTC
        ):
            name = "partial-entry"
        else:
            return quantity
        fault = self.faults.strike(
            "market",
            self.exchange.now_ms,
            names=(name,),
            account=order.account,
            path=order.client_id,
        )
        if fault is None:
            return quantity
        if name == "partial-entry":
            self.exchange.engine.frozen.add(order.id)
        symbol = self.exchange.symbols[order.symbol]
        return floor_step(symbol, quantity * to_e8(fault.options["fraction"]) // E8)


def _ruled(symbol: Symbol, options: Mapping[str, str]) -> Symbol:
    """The symbol with the filter figures that were given."""

    def figure(name: str, now: int) -> int:
        return to_e8(options[name]) if options[name] else now

    tick, step = figure("tick", symbol.tick), figure("step", symbol.step)
    return replace(
        symbol,
        tick=tick,
        min_price=max(symbol.min_price, tick),
        step=step,
        min_quantity=max(symbol.min_quantity, step),
        min_notional=figure("min_notional", symbol.min_notional),
    )
