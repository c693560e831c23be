"""The money side of the engine: what orders lock, fills pay, and the book would cost. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from trading.exchange.paper import commissions, order_errors
from trading.exchange.paper import orders as o
from trading.exchange.paper.commissions import Commissions
from trading.exchange.paper.filters import floor_step
from trading.exchange.paper.orders import Order
from trading.exchange.paper.state import State
from trading.exchange.paper.symbols import Symbol
from trading.exchange.paper.values import E8

# Levels looked at when an order is judged against the book: few first, for most need no more.
DEPTHS = (20, 100, 1000)
BNB = "BNB"
BNB_PRICE = "BNBUSDT"


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
            self._check_liquidity(order)
            order.quantity = self._quantity_for(order)
            if order.quantity < self.symbols[order.symbol].min_quantity:
                raise order_errors.filter_failure("LOT_SIZE")
        if order.side == o.SELL:
            return order.remaining
        if order.type == o.MARKET:
            return self.walk(order, None, order.quantity)[1]
        price = order.price or order.stop_price or self.last[order.symbol]
        return -(-price * order.remaining // E8)

    def relock(self, order: Order) -> None:
        """Give back what an order that became smaller no longer needs."""
        still = self.cost(order) if order.remaining else 0
        if order.locked > still:
            pays = self.symbols[order.symbol].pays(order.side)
            self.ledger.unlock(order.account, pays, order.locked - still)
            order.locked = still

    def pay(self, order: Order, symbol: Symbol, paid: int) -> None:
        """Pay from the order's own lock; a better price than locked for frees the difference."""
        pays = symbol.pays(order.side)
        if not order.locked:
            self.ledger.pay(order.account, pays, paid, locked=0)
            return
        still = self.cost(order) if order.remaining else 0
        from_lock = min(paid, order.locked - still)
        self.ledger.pay(order.account, pays, paid, locked=from_lock)
        spare = order.locked - still - from_lock
        if spare:
            self.ledger.unlock(order.account, pays, spare)
        order.locked = still

    def commissions(self, account: int, symbol: Symbol) -> Commissions:
        """The account's own rates, else the symbol's."""
        return self.rates.get(account) or commissions.standard(symbol.maker, symbol.taker)

    def commission(
        self, order: Order, symbol: Symbol, got: int, quote: int, *, is_maker: bool
    ) -> tuple[str, int]:
        """(asset, amount) that a fill costs.

        In BNB and discounted, where the account asked for it and has enough BNB; else on what the
        fill brought.
        """
        rates, asset = self.commissions(order.account, symbol), symbol.receives(order.side)
        if order.account in self.pays_bnb:
            price = self.last.get(BNB_PRICE)
            if asset == BNB:
                return BNB, rates.in_bnb(got, order.side, is_maker=is_maker)
            if price and symbol.quote == self.symbols[BNB_PRICE].quote:
                fee = rates.in_bnb(quote, order.side, is_maker=is_maker, price=price)
                if self.ledger.free(order.account, BNB) >= fee:
                    return BNB, fee
        return asset, rates.on(got, order.side, is_maker=is_maker)

    def receive(self, order: Order, asset: str, got: int, paid_in: str, fee: int) -> None:
        """Book what a fill brought and its commission. An OPO's list keeps it locked for its legs
        (faqs/opo.md).
        """
        listed = self.lists.get(order.list_id)
        if listed is None or listed.kind not in o.PAYS_OTHER or order.role != o.WORKING:
            self.ledger.receive(order.account, asset, got)
            self.ledger.charge(order.account, paid_in, fee)
            return
        if paid_in != asset:
            self.ledger.receive(order.account, asset, got, lock=True)
            self.ledger.charge(order.account, paid_in, fee)
            listed.locked += got
        else:
            from_free = (
                self.switches.opo_fee_from_free
                and asset != BNB
                and self.ledger.free(order.account, asset) >= fee
            )
            self.ledger.receive(order.account, asset, got, lock=True)
            self.ledger.charge(order.account, asset, fee, from_lock=not from_free)
            listed.locked += got if from_free else got - fee
        self.changed_lists[listed.id] = listed

    # -- the book: the feed's levels and the paper orders together ---------------------------------

    def levels(self, order: Order, limit: int | None) -> Iterator[tuple[int, int]]:
        """(price, quantity) a taker finds down to `limit`, best first; its own orders are left out
        where self-trade prevention would keep them apart.
        """
        queue = iter(self.waiting[order.symbol].against(order.side))
        sign = 1 if order.side == o.BUY else -1
        paper = next(queue, None)
        for price, quantity in self._feed_levels(order, limit):
            while paper is not None and paper[0] <= sign * price:
                yield from self._paper_level(order, paper[2])
                paper = next(queue, None)
            yield price, quantity
        while paper is not None and (limit is None or paper[0] <= sign * limit):
            yield from self._paper_level(order, paper[2])
            paper = next(queue, None)

    def _paper_level(self, order: Order, maker_id: int) -> Iterator[tuple[int, int]]:
        maker = self.orders[maker_id]
        if maker.account != order.account or order.stp_mode == o.NONE:
            yield maker.price, maker.remaining

    def _feed_levels(self, order: Order, limit: int | None) -> Iterator[tuple[int, int]]:
        seen = 0
        for depth in DEPTHS:
            book = self.market.book(order.symbol, depth)
            levels = book.asks if order.side == o.BUY else book.bids
            for level in levels[seen:]:
                if limit is not None and (
                    level.price > limit if order.side == o.BUY else level.price < limit
                ):
                    return
                yield level.price, level.quantity
            if len(levels) < depth:
                return
            seen = depth

    def walk(self, order: Order, limit: int | None, quantity: int) -> tuple[int, int]:
        """How much of `quantity` the book gives down to `limit`, and what that costs in quote."""
        got = cost = 0
        for price, offered in self.levels(order, limit):
            part = min(offered, quantity - got)
            got += part
            cost += price * part // E8
            if got == quantity:
                break
        return got, cost

    def _check_liquidity(self, order: Order) -> None:
        """A quoteOrderQty needs a book with the least quantity. Raises: BinanceError -2010."""
        symbol = self.symbols[order.symbol]
        least = max(symbol.min_quantity, symbol.min_market_quantity)
        offered = self.walk(order, None, least)[0]
        if offered == 0:
            raise order_errors.too_little_liquidity("symbol")
        if offered < symbol.min_quantity:
            raise order_errors.too_little_liquidity("`LOT_SIZE` filter")
        if offered < symbol.min_market_quantity:
            raise order_errors.too_little_liquidity("`MARKET_LOT_SIZE` filter")

    def _quantity_for(self, order: Order) -> int:
        """The whole steps of base that `quote_quantity` buys, or must be sold for it.

        What the book cannot give is counted at its last price, so that the order ends EXPIRED and
        not FILLED (CHANGELOG 2023-03-13).
        """
        left, got, last = order.quote_quantity, 0, 0
        for price, offered in self.levels(order, None):
            part, last = min(offered, left * E8 // price), price
            got += part
            left -= price * part // E8
            if part < offered:
                break
        else:
            got += left * E8 // last if last else 0
        return floor_step(self.symbols[order.symbol], got)
