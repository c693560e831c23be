"""What handlers ask the exchange: ids to give out, orders by name, prices to compare with."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from trading.exchange.paper import parsing, reports
from trading.exchange.paper.filters import NewOrder, Reference
from trading.exchange.paper.matching import Engine
from trading.exchange.paper.orders import Order, PreventedMatch
from trading.exchange.paper.settlement import BNB_PRICE
from trading.exchange.paper.symbols import Symbol

if TYPE_CHECKING:
    from trading.exchange.paper.store import Store


class Lookups:
    """Questions to one exchange; `PaperExchange` sets these up."""

    seed: int
    engine: Engine
    store: Store
    symbols: dict[str, Symbol]

    def auto_id(self, what: str = "order", offset: int = 1) -> str:
        """A client id for who sent none: 22 characters that follow from the seed and the number."""
        counters = self.engine.counters
        text = f"{self.seed}:{what}:{counters.order}:{counters.execution}:{offset}"
        return hashlib.sha256(text.encode()).hexdigest()[:22]

    def read_order(self, fields: parsing.Fields, symbol: str) -> NewOrder:
        """The single order a request asks for. Raises: BinanceError."""
        default = self.symbols[symbol].stp_default
        return parsing.read_order(fields, symbol, client_id=self.auto_id(), stp_default=default)

    def prevented_of(self, taker: Order) -> list[PreventedMatch]:
        """What self-trade prevention kept an order just placed from."""
        return [one for one in self.engine.new_prevented if one.taker_order_id == taker.id]

    def assets(self) -> set[str]:
        """Every asset that is traded here, and BNB, which commissions may be paid in."""
        return {name for one in self.symbols.values() for name in (one.base, one.quote)} | {"BNB"}

    def discount(self, account: int) -> dict[str, Any]:
        """Whether an account pays its commissions in BNB here."""
        return reports.discount(
            account=account in self.engine.pays_bnb, symbol=BNB_PRICE in self.symbols
        )

    def reference(self, symbol: str) -> Reference:
        """The prices the filters compare with: the reference price, and the last trade.

        Since 2026-05-06 filters.md takes the reference price where there is one, and here every
        symbol has one; the average over `avgPriceMins` is only for symbols without.
        """
        average = self.engine.reference(symbol).at(self.engine.now_ms)
        return Reference(average=average, last=self.engine.last[symbol])

    def find_order(
        self, account: int, symbol: str, order_id: int | None, client_id: str | None
    ) -> Order | None:
        """An order, open or ended, by number and/or client id; an open one goes first."""
        mine = self.engine.by_account.get(account, {})
        if order_id is None:
            for order in mine.values():
                if order.client_id == client_id and order.symbol == symbol:
                    return order
        elif order_id in mine:
            order = mine[order_id]
            agrees = client_id is None or order.client_id == client_id
            return order if agrees and order.symbol == symbol else None
        return self.store.order(account, symbol, order_id, client_id)
