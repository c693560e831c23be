"""The money side of the engine: what orders lock, fills pay, and the book would cost. Pure."""

from __future__ import annotations

from trading.exchange.paper import errors
from trading.exchange.paper import orders as o
from trading.exchange.paper.filters import floor_step
from trading.exchange.paper.orders import Order
from trading.exchange.paper.state import State
from trading.exchange.paper.symbols import Symbol
from trading.exchange.paper.values import E8

# Levels looked at when an order is judged against the book: few first, for most need no more.
DEPTHS = (20, 100, 1000)


class Settlement(State):
    """Locks, payments and commissions of the orders in `State`."""

    def fund(self, order: Order) -> None:
        """Lock what an order pays with. Raises: NotEnough."""
        symbol = self.symbols[order.symbol]
        needed = self.cost(order)
        self.ledger.lock(order.account, symbol.pays(order.side), needed)
        if order.type == o.MARKET and order.side == o.BUY:  # it pays as it fills
            self.ledger.unlock(order.account, symbol.quote, needed)
        else:
            order.locked = needed

    def cost(self, order: Order) -> int:
        """What the rest of an order may cost at most, in the asset it pays with.

        For a market order by the book as it stands; also settles the quantity of a quoteOrderQty.
        """
        if order.type == o.MARKET and order.quote_quantity and not order.filled:
            order.quantity = self._quantity_for(order)
            if order.quantity < self.symbols[order.symbol].min_quantity:
                raise errors.filter_failure("LOT_SIZE")
        if order.side == o.SELL:
            return order.remaining
        if order.type == o.MARKET:
            return self.walk(order.symbol, order.side, None, order.quantity)[1]
        return -(-(order.price or order.stop_price) * order.remaining // E8)

    def pay(self, order: Order, symbol: Symbol, paid: int) -> None:
        """Pay from the order's own lock; a better price than locked for frees the difference."""
        if not order.locked:
            self.ledger.pay(order.account, symbol.pays(order.side), paid, locked=0)
            return
        still = 0 if not order.remaining else self.cost(order)
        from_lock = min(paid, order.locked - still)
        self.ledger.pay(order.account, symbol.pays(order.side), paid, locked=from_lock)
        self.ledger.unlock(order.account, symbol.pays(order.side), order.locked - still - from_lock)
        order.locked = still

    def receive(self, order: Order, asset: str, got: int, fee: int) -> None:
        """Book what a fill brought. An OPO's list keeps it locked for its legs (faqs/opo.md)."""
        listed = self.lists.get(order.list_id)
        if listed is None or listed.kind not in o.PAYS_OTHER or order.role != o.WORKING:
            self.ledger.receive(order.account, asset, got)
            self.ledger.charge(order.account, asset, fee)
            return
        from_free = (
            self.switches.opo_fee_from_free
            and asset != "BNB"
            and self.ledger.free(order.account, asset) >= fee
        )
        self.ledger.receive(order.account, asset, got, lock=True)
        self.ledger.charge(order.account, asset, fee, from_lock=not from_free)
        listed.locked += got if from_free else got - fee
        self.changed_lists[listed.id] = listed

    def walk(self, symbol: str, side: str, limit: int | None, quantity: int) -> tuple[int, int]:
        """How much of `quantity` the book gives down to `limit`, and what that costs in quote."""
        got = cost = 0
        for depth in DEPTHS:
            got = cost = 0
            book = self.market.book(symbol, depth)
            levels = book.asks if side == o.BUY else book.bids
            for level in levels:
                outside = limit is not None and (
                    level.price > limit if side == o.BUY else level.price < limit
                )
                if outside or got == quantity:
                    return got, cost
                part = min(level.quantity, quantity - got)
                got += part
                cost += level.price * part // E8
            if got == quantity or len(levels) < depth:
                break
        return got, cost

    def _quantity_for(self, order: Order) -> int:
        """The whole steps of base that `quote_quantity` buys, or must be sold for it."""
        book = self.market.book(order.symbol, DEPTHS[-1])
        left, got = order.quote_quantity, 0
        for level in book.asks if order.side == o.BUY else book.bids:
            part = min(level.quantity, left * E8 // level.price)
            got += part
            left -= level.price * part // E8
            if part < level.quantity:
                break
        return floor_step(self.symbols[order.symbol], got)
