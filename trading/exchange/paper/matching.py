"""The matching engine: paper orders against a market. Pure: integers in e8, time passed in, no IO.

Takers eat the feed's book; resting limits are filled by the market's prints at or through their
price, in price-time priority, sharing each print's quantity; stops and targets wait for a print at
their price and then run as market (or limit) orders. What lists do is in `contingency.py`, what the
engine knows in `state.py`, what things cost in `settlement.py`.
"""

from __future__ import annotations

from collections.abc import Sequence

from trading.exchange.paper import errors, filters
from trading.exchange.paper import orders as o
from trading.exchange.paper.filters import NewOrder, Reference, floor_step
from trading.exchange.paper.ledger import NotEnough
from trading.exchange.paper.orders import Order, Trade
from trading.exchange.paper.settlement import Settlement
from trading.exchange.paper.values import E8, Print


class Engine(Settlement):
    """What happens to orders: admission, matching against the market, their ends."""

    # -- one order, from outside ------------------------------------------------------------------

    def place(self, account: int, new: NewOrder, reference: Reference) -> tuple[Order, list[Trade]]:
        """Take in one order and run it. Returns it with the trades it made at once.

        Raises: BinanceError -1013 for a filter, -2010 where the engine refuses.
        """
        self.check(account, [new], reference)
        filters.check_trigger(new, self.last[new.symbol])
        self.check_maker(new)
        order = self.admit(account, new)
        first = len(self.new_trades)
        self.report(order, "NEW")
        self.run(order)
        return order, self.new_trades[first:]

    def check(
        self, account: int, new: Sequence[NewOrder], reference: Reference, *, lists: int = 0
    ) -> None:
        """Every filter, and that the client ids are free. Raises: BinanceError."""
        symbol = self.symbols[new[0].symbol]
        if symbol.status != "TRADING":
            raise errors.rejected(errors.MARKET_CLOSED)
        for one in new:
            if one.type not in symbol.order_types:
                raise errors.rejected(f"{one.type} orders are not supported for this symbol.")
            filters.check_prices(symbol, one, reference)
            if one.quantity or one.quote_quantity:
                filters.check_quantity(
                    symbol,
                    one,
                    reference,
                    market_lot_on_triggers=self.switches.market_lot_on_triggers,
                )
        mine = self.by_account.get(account, {}).values()
        here = [order for order in mine if order.symbol == symbol.name]
        if len(here) + len(new) > symbol.max_orders:
            raise errors.filter_failure("MAX_NUM_ORDERS")
        algos = sum(order.type in o.TRIGGERED_TYPES for order in here)
        more = sum(one.type in o.TRIGGERED_TYPES for one in new)
        if more and algos + more > symbol.max_algo_orders:
            raise errors.filter_failure("MAX_NUM_ALGO_ORDERS")
        if lists and len({x.list_id for x in here} - {-1}) + lists > symbol.max_order_lists:
            raise errors.filter_failure("MAX_NUM_ORDER_LISTS")
        taken = {order.client_id for order in here}
        asked = [one.client_id for one in new]
        if taken & set(asked) or len(set(asked)) < len(asked):
            raise errors.duplicate_order()

    def admit(self, account: int, new: NewOrder, *, list_id: int = -1) -> Order:
        """Make the order and lock what it needs. Raises: BinanceError -2010."""
        order = self.create(account, new, list_id=list_id)
        try:
            self.fund(order)
        except NotEnough:
            self.forget(order)
            raise errors.insufficient_balance() from None
        except errors.BinanceError:
            self.forget(order)
            raise
        return order

    def check_maker(self, new: NewOrder) -> None:
        """A LIMIT_MAKER must not match at once. Raises: BinanceError -2010."""
        if new.type != o.LIMIT_MAKER:
            return
        book = self.market.book(new.symbol, 1)
        crosses = (
            new.price >= book.asks[0].price
            if new.side == o.BUY
            else new.price <= book.bids[0].price
        )
        if crosses:
            raise errors.would_take()

    def create(
        self, account: int, new: NewOrder, *, list_id: int = -1, status: str = o.NEW
    ) -> Order:
        """An order with its number, on no queue yet and with nothing locked."""
        self.counters.order += 1
        order = Order(
            id=self.counters.order,
            account=account,
            symbol=new.symbol,
            client_id=new.client_id,
            side=new.side,
            type=new.type,
            time_in_force=new.time_in_force,
            quantity=new.quantity,
            price=new.price,
            stop_price=new.stop_price,
            quote_quantity=new.quote_quantity,
            created_ms=self.now_ms,
            updated_ms=self.now_ms,
            list_id=list_id,
            role=new.role,
            status=status,
            stp_mode=new.stp_mode,
            strategy_id=new.strategy_id,
            strategy_type=new.strategy_type,
        )
        self.remember(order)
        return order

    # -- running an order -------------------------------------------------------------------------

    def run(self, order: Order) -> None:
        """Put a funded order to work: wait for its price, take from the book, or rest on it."""
        if order.is_waiting:
            self.waiting[order.symbol].add(order)
            return
        if order.type in o.MARKET_LIKE:
            order.working_ms = self.now_ms
            quantity = order.remaining
            if order.side == o.BUY:  # no further than what it was funded for
                quantity = self.walk(order.symbol, order.side, None, quantity)[0]
            self._take(order, None, quantity)
            if order.is_open:
                self.expire(order, o.INSUFFICIENT_LIQUIDITY)
            return
        order.working_ms = self.now_ms
        if order.time_in_force == o.FOK:
            available = self.walk(order.symbol, order.side, order.price, order.remaining)[0]
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
            self.waiting[order.symbol].add(order)

    def on_print(self, trade: Print) -> None:
        """One market trade: fill resting orders at or through it, set off what waited for it."""
        if trade.id <= self.counters.printed.get(trade.symbol, -1):
            return  # already worked through before a restart
        self.counters.printed[trade.symbol] = trade.id
        self.last[trade.symbol] = trade.price
        waiting = self.waiting[trade.symbol]
        if not waiting:
            return
        self.now_ms = max(self.now_ms, trade.at_ms)
        left = floor_step(self.symbols[trade.symbol], trade.quantity)
        for order_id in waiting.touched_by(trade.price, buys_first=trade.buyer_is_maker):
            order = self.orders[order_id]
            part = min(left, order.remaining)
            if part > 0:
                left -= part
                self.fill(order, order.price, part, is_maker=True)
        for order_id in waiting.triggered_by(trade.price):
            self._trigger(self.orders[order_id])

    def _trigger(self, order: Order) -> None:
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
            cost = self.walk(order.symbol, order.side, None, order.remaining)[1]
            if cost > self.ledger.free(order.account, symbol.quote):
                self.expire(order, o.REJECTED)
                return
        self.run(order)

    def _take(self, order: Order, limit: int | None, quantity: int) -> None:
        for level in self.market.take(order.symbol, order.side, limit, quantity, self.now_ms):
            self.last[order.symbol] = level.price
            self.fill(order, level.price, level.quantity, is_maker=False)

    def fill(self, order: Order, price: int, quantity: int, *, is_maker: bool) -> None:
        """Trade part of an order: money, trade, report; then whatever its list makes of it."""
        self.before_fill(order)
        symbol = self.symbols[order.symbol]
        quote = price * quantity // E8
        paid, got = (quote, quantity) if order.side == o.BUY else (quantity, quote)
        order.filled += quantity
        order.quote_filled += quote
        self.pay(order, symbol, paid)
        asset = symbol.receives(order.side)
        fee = got * (symbol.maker if is_maker else symbol.taker) // E8
        self.receive(order, asset, got, fee)
        self.counters.trade[symbol.name] = number = self.counters.trade.get(symbol.name, 0) + 1
        trade = Trade(
            symbol=symbol.name,
            id=number,
            account=order.account,
            order_id=order.id,
            list_id=order.list_id,
            price=price,
            quantity=quantity,
            quote=quote,
            commission=fee,
            commission_asset=asset,
            at_ms=self.now_ms,
            is_buyer=int(order.side == o.BUY),
            is_maker=int(is_maker),
        )
        self.new_trades.append(trade)
        order.status = o.FILLED if order.remaining == 0 else o.PARTIALLY_FILLED
        order.updated_ms = self.now_ms
        self.report(order, "TRADE", fill=trade)
        if order.status == o.FILLED:
            self.waiting[order.symbol].remove(order)
            self.close(order)

    # -- ends -------------------------------------------------------------------------------------

    def expire(self, order: Order, reason: str) -> None:
        """The exchange ends an order by its own rules."""
        order.expiry_reason = reason
        self.end(order, o.EXPIRED)
        self.close(order)

    def end(self, order: Order, status: str, *, cancel_id: str = "") -> None:
        """Take an order off its queue, give back its lock, report. Its list is not told."""
        self.waiting[order.symbol].remove(order)
        if order.locked:
            pays = self.symbols[order.symbol].pays(order.side)
            self.ledger.unlock(order.account, pays, order.locked)
            order.locked = 0
        order.status = status
        order.updated_ms = self.now_ms
        self.report(order, status, cancel_id=cancel_id)
        self.forget(order)

    def close(self, order: Order) -> None:
        """An order has ended: forget it and let its list draw the consequence."""
        self.forget(order)
        self.after_close(order)
