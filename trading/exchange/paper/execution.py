"""What happens to orders once they are in: taking, resting, triggers, fills, their ends. Pure.

Takers eat the paper orders and the feed's book together, by price; at one price the paper orders
stand in front. Resting limits are filled by the market's prints at or through their price, in
price-time priority, sharing each print's quantity. Stops and targets wait for a trade at their
price, trailing ones follow it, and then run as market (or limit) orders. Integers in e8, time
passed in, no IO. Who is let in is in `matching.py`, self-trades are kept apart in `prevention.py`.
"""

from __future__ import annotations

from trading.exchange.paper import orders as o
from trading.exchange.paper import prevention
from trading.exchange.paper.filters import floor_step
from trading.exchange.paper.orders import Order, Trade
from trading.exchange.paper.reference import ReferencePrice
from trading.exchange.paper.settlement import Settlement
from trading.exchange.paper.user_events import Prevention
from trading.exchange.paper.values import E8, Print

BIPS = 10_000


class Execution(Settlement):
    """Matching against the market and each other."""

    def run(self, order: Order) -> None:
        """Put a funded order to work: wait for its price, take from the book, or rest on it."""
        if order.is_waiting:
            self.wait(order)
            return
        order.working_ms = self.now_ms
        if order.type in o.MARKET_LIKE:
            quantity = order.remaining
            if order.side == o.BUY:  # no further than what it was funded for
                quantity = self.walk(order, None, quantity)[0]
            self._take(order, None, quantity)
            if order.is_open:
                self.expire(order, o.INSUFFICIENT_LIQUIDITY)
            return
        if order.time_in_force == o.FOK:
            available = self.walk(order, self._bound(order, order.price), order.remaining)[0]
            if available < order.remaining:
                self.expire(order, o.UNFILLED_FOK)
                return
        if order.type != o.LIMIT_MAKER:
            self._take(order, order.price, order.remaining)
        if not order.is_open:
            return
        if order.time_in_force in (o.IOC, o.FOK):
            self.expire(order, o.UNFILLED_FOK if order.time_in_force == o.FOK else o.UNFILLED_IOC)
        else:
            self.rest(order)

    def rest(self, order: Order) -> None:
        """Onto the book, behind all of the same price. An iceberg shows its next part."""
        if order.id in self.frozen:
            return
        order.shown = min(order.iceberg, order.remaining)
        order.rank = self.next_rank()
        self.waiting[order.symbol].add(order)

    def wait(self, order: Order) -> None:
        """Until its price comes. Without a stop price a trailing order tracks from now on."""
        order.rank = self.next_rank()
        if order.trailing_delta and not order.stop_price:
            order.trail, order.trailing_ms = self.last[order.symbol], self.now_ms
        self.waiting[order.symbol].add(order)

    # -- the market -------------------------------------------------------------------------------

    def on_print(self, trade: Print) -> None:
        """One market trade: fill resting orders at or through it, set off what waited for it."""
        if trade.id <= self.counters.printed.get(trade.symbol, -1):
            return  # already worked through before a restart
        self.counters.printed[trade.symbol] = trade.id
        if trade.own:
            return  # worked through when it happened
        self.last[trade.symbol] = trade.price
        self.reference(trade.symbol).add(trade.price, trade.at_ms)
        waiting = self.waiting[trade.symbol]
        if not waiting:
            return
        self.now_ms = max(self.now_ms, trade.at_ms)
        left = floor_step(self.symbols[trade.symbol], trade.quantity)
        for is_buy in (trade.buyer_is_maker, not trade.buyer_is_maker):
            queue, reach = (waiting.buys, -trade.price) if is_buy else (waiting.sells, trade.price)
            while left and queue and queue[0][0] <= reach:
                order = self.orders[queue[0][2]]
                part = self._resting_part(order, left)
                left -= min(left, part)
                if part:
                    self.fill(order, order.price, part, is_maker=True)
        self._tell(trade.symbol, trade.price)
        self.settle()

    def _resting_part(self, order: Order, left: int) -> int:
        """How much a print gives to a resting order. A fault may give a LIMIT_MAKER a part of its
        quantity and then nothing more."""
        if self.thins is not None and order.type == o.LIMIT_MAKER:
            part = self.thins(order, order.remaining)
            if order.id in self.frozen:
                self.waiting[order.symbol].remove(order)
                return part
        return min(left, order.showing)

    def settle(self) -> None:
        """Tell those who wait for a price of the trades that our own orders made."""
        while self.untold:
            self._tell(*self.untold.popleft())

    def _tell(self, symbol: str, price: int) -> None:
        """A trade happened at this price: move what tracks it, set off what waited for it."""
        waiting = self.waiting[symbol]
        for order in list(waiting.tracking.values()):
            if order.id in waiting.tracking and self._trails(order, price):
                self.trigger(order)
        for order_id in waiting.triggered_by(price):
            order = self.orders[order_id]
            if order.trailing_delta:  # its stop price is reached: it tracks from this trade on
                waiting.remove(order)
                order.trail, order.trailing_ms = price, self.now_ms
                self.changed_orders[order.id] = order
                waiting.add(order)
            else:
                self.trigger(order)

    def _trails(self, order: Order, price: int) -> bool:
        """Follow the price; true where it came back by the order's delta."""
        selling = order.side == o.SELL
        trail = max(order.trail, price) if selling else min(order.trail, price)
        if trail != order.trail:
            order.trail = trail
            self.changed_orders[order.id] = order
        if selling:
            return price * BIPS <= trail * (BIPS - order.trailing_delta)
        return price * BIPS >= trail * (BIPS + order.trailing_delta)

    def trigger(self, order: Order) -> None:
        """The price came: an order that waited goes to work."""
        self.waiting[order.symbol].remove(order)
        self.before_fill(order)  # the sibling of an OCO goes first
        order.triggered = 1
        order.working_ms = order.updated_ms = self.now_ms
        self.report(order, "NEW")
        if order.side == o.BUY and order.type in o.MARKET_LIKE:
            # It locked its stop price; the book may ask more: the free balance pays, or it dies.
            symbol = self.symbols[order.symbol]
            self.ledger.unlock(order.account, symbol.quote, order.locked)
            order.locked = 0
            cost = self.walk(order, None, order.remaining)[1]
            if cost > self.ledger.free(order.account, symbol.quote):
                self.expire(order, o.REJECTED)
                return
        self.run(order)

    # -- taking -----------------------------------------------------------------------------------

    def reference(self, symbol: str) -> ReferencePrice:
        """What the PRICE_RANGE rule measures by."""
        found = self.references.get(symbol)
        if found is None:
            found = self.references[symbol] = ReferencePrice(self.last[symbol])
        return found

    def _bound(self, order: Order, limit: int | None) -> int | None:
        """How far an order may take: its own limit, or the PRICE_RANGE rule's where nearer."""
        symbol = self.symbols[order.symbol]
        if not (self.switches.price_range and symbol.price_range):
            return limit
        reference = self.reference(order.symbol).at(self.now_ms)
        if order.side == o.BUY:
            high = reference * symbol.bid_range_up // E8
            return high if limit is None else min(limit, high)
        low = -(-reference * symbol.ask_range_down // E8)
        return low if limit is None else max(limit, low)

    def _take(self, order: Order, limit: int | None, quantity: int) -> None:
        """Take from paper orders and the feed, best price first."""
        if self.thins is not None:
            quantity = self.thins(order, quantity)
        bound = self._bound(order, limit)
        queue = self.waiting[order.symbol].against(order.side)
        sign = 1 if order.side == o.BUY else -1
        tick = self.symbols[order.symbol].tick
        left = quantity
        while left and order.is_open:
            maker = None
            if queue and (bound is None or queue[0][0] <= sign * bound):
                maker = self.orders[queue[0][2]]
            before = bound if maker is None else maker.price - sign * tick
            for got in self.market.take(order.symbol, order.side, before, left, self.now_ms):
                left -= got.quantity
                self._traded(order.symbol, got.price)
                self.fill(order, got.price, got.quantity, is_maker=False, printed_ms=got.at_ms)
            if maker is None or not left:
                break
            left -= self._meet(order, maker, left)
        if order.is_open and left and bound != limit and self.walk(order, limit, 1)[0]:
            self.expire(order, o.PRICE_RANGE_EXCEEDED)

    def _meet(self, order: Order, maker: Order, left: int) -> int:
        """A taker meets a resting paper order. Returns how much of it that used up."""
        if maker.account == order.account and order.stp_mode != o.NONE:
            return prevention.prevent(self, order, maker, left)
        part, price = min(left, maker.showing), maker.price
        number = self._next_trade(order.symbol)
        printed = self.market.cross(
            order.symbol, price, part, buyer_is_maker=maker.side == o.BUY, at_ms=self.now_ms
        )
        self._traded(order.symbol, price)
        self.fill(maker, price, part, is_maker=True, number=number)
        self.fill(order, price, part, is_maker=False, number=number, printed_ms=printed)
        return part

    def _traded(self, symbol: str, price: int) -> None:
        """A taker of ours traded: that is the market's last price now."""
        self.last[symbol] = price
        self.reference(symbol).add(price, self.now_ms)
        self.untold.append((symbol, price))

    def _next_trade(self, symbol: str) -> int:
        self.counters.trade[symbol] = number = self.counters.trade.get(symbol, 0) + 1
        return number

    def fill(
        self,
        order: Order,
        price: int,
        quantity: int,
        *,
        is_maker: bool,
        number: int = 0,
        printed_ms: int = 0,
    ) -> None:
        """Trade part of an order: money, trade, report; then whatever its list makes of it."""
        if order.list_id != -1:
            self.before_fill(order)
        symbol = self.symbols[order.symbol]
        quote = price * quantity // E8
        paid, got = (quote, quantity) if order.side == o.BUY else (quantity, quote)
        order.filled += quantity
        order.quote_filled += quote
        self.pay(order, symbol, paid)
        paid_in, fee = self.commission(order, symbol, got, quote, is_maker=is_maker)
        self.receive(order, symbol.receives(order.side), got, paid_in, fee)
        trade = Trade(
            symbol=symbol.name,
            id=number or self._next_trade(symbol.name),
            account=order.account,
            order_id=order.id,
            list_id=order.list_id,
            price=price,
            quantity=quantity,
            quote=quote,
            commission=fee,
            commission_asset=paid_in,
            at_ms=self.now_ms,
            is_buyer=int(order.side == o.BUY),
            is_maker=int(is_maker),
            printed_ms=printed_ms,
        )
        self.new_trades.append(trade)
        done = order.remaining == 0
        order.status = (
            (o.EXPIRED_IN_MATCH if order.prevented else o.FILLED) if done else (o.PARTIALLY_FILLED)
        )
        order.updated_ms = self.now_ms
        self.report(order, "TRADE", fill=trade)
        if done:
            self.waiting[order.symbol].remove(order)
            self.close(order)
        elif is_maker:
            if order.iceberg:
                order.shown -= quantity
            if order.showing:
                self.waiting[order.symbol].changed(order)
            else:
                self.waiting[order.symbol].remove(order)
                self.rest(order)

    # -- ends -------------------------------------------------------------------------------------

    def expire(self, order: Order, reason: str) -> None:
        """The exchange ends an order by its own rules."""
        order.expiry_reason = reason
        self.end(order, o.EXPIRED)
        self.close(order)

    def end(
        self,
        order: Order,
        status: str,
        *,
        cancel_id: str = "",
        prevented: Prevention | None = None,
    ) -> None:
        """Take an order off its queue, give back its lock, report. Its list is not told."""
        self.waiting[order.symbol].remove(order)
        if order.locked:
            pays = self.symbols[order.symbol].pays(order.side)
            self.ledger.unlock(order.account, pays, order.locked)
            order.locked = 0
        order.status = status
        order.updated_ms = self.now_ms
        execution = "TRADE_PREVENTION" if prevented else status
        self.report(order, execution, cancel_id=cancel_id, prevented=prevented)
        self.forget(order)

    def close(self, order: Order) -> None:
        """An order has ended: forget it and let its list draw the consequence."""
        self.forget(order)
        if order.list_id != -1:
            self.after_close(order)
