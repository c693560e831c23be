"""The matching engine's door: who is let in, and what may be changed. Pure: integers in e8, no IO.

What happens to an order inside is in `execution.py`; what lists do in `contingency.py`, what the
engine knows in `state.py`, what things cost in `settlement.py`.
"""

from __future__ import annotations

from collections.abc import Sequence

from trading.exchange.paper import errors, filters, order_errors
from trading.exchange.paper import orders as o
from trading.exchange.paper.execution import Execution
from trading.exchange.paper.filters import NewOrder, Reference
from trading.exchange.paper.ledger import NotEnough
from trading.exchange.paper.orders import Amendment, Order, OrderList, Trade
from trading.exchange.paper.symbols import Symbol
from trading.exchange.paper.values import E8


class Engine(Execution):
    """Admission and amendment of orders, over their execution."""

    # -- one order, from outside ------------------------------------------------------------------

    def place(self, account: int, new: NewOrder, reference: Reference) -> tuple[Order, list[Trade]]:
        """Take in one order and run it. Returns it with the trades it made at once.

        Raises: BinanceError -1013 for a filter, -2010 where the engine refuses.
        """
        self.check(account, [new], reference)
        return self.put(account, new)

    def put(self, account: int, new: NewOrder) -> tuple[Order, list[Trade]]:
        """`place`, for an order that passed `check`."""
        filters.check_trigger(new, self.last[new.symbol])
        self.check_maker(new)
        order = self.admit(account, new)
        first = len(self.new_trades)
        self.report(order, "NEW")
        self.run(order)
        mine = [trade for trade in self.new_trades[first:] if trade.order_id == order.id]
        self.settle()
        return order, mine

    def check(
        self, account: int, new: Sequence[NewOrder], reference: Reference, *, lists: int = 0
    ) -> None:
        """Every filter, and that the client ids are free. Raises: BinanceError."""
        self.check_filters(account, new, reference, lists=lists)
        self.check_names(account, new)

    def check_filters(
        self, account: int, new: Sequence[NewOrder], reference: Reference, *, lists: int = 0
    ) -> None:
        """Every filter and what the symbol allows. Raises: BinanceError."""
        symbol = self.symbols[new[0].symbol]
        if symbol.status != "TRADING":
            raise order_errors.rejected(order_errors.MARKET_CLOSED)
        for one in new:
            filters.check_allowed(symbol, one)
            filters.check_prices(symbol, one, reference)
            if one.quantity or one.quote_quantity:
                filters.check_quantity(
                    symbol,
                    one,
                    reference,
                    market_lot_on_triggers=self.switches.market_lot_on_triggers,
                )
            self._check_assets(symbol, one, reference)
        self._check_counts(account, symbol, new, lists)

    def _check_assets(self, symbol: Symbol, one: NewOrder, reference: Reference) -> None:
        """MAX_ASSET: of the base, the quantity; of the quote, the notional."""
        price = one.price or one.stop_price or reference.average
        sizes = {
            symbol.base: one.quantity,
            symbol.quote: one.quote_quantity or price * one.quantity // E8,
        }
        for asset, size in sizes.items():
            if size > self.asset_limits.get(asset, size):
                raise order_errors.filter_failure("MAX_ASSET")

    def _check_counts(
        self, account: int, symbol: Symbol, new: Sequence[NewOrder], lists: int
    ) -> None:
        """MAX_NUM_* of the symbol and of the exchange, MAX_POSITION. Raises: BinanceError -1013."""
        here = self.tally(account, symbol.name)
        algos = sum(one.type in o.TRIGGERED_TYPES for one in new)
        icebergs = sum(one.iceberg > 0 for one in new)
        if len(here.named) + len(new) > symbol.max_orders:
            raise order_errors.filter_failure("MAX_NUM_ORDERS")
        if algos and here.algos + algos > symbol.max_algo_orders:
            raise order_errors.filter_failure("MAX_NUM_ALGO_ORDERS")
        most = symbol.max_iceberg_orders
        if icebergs and most and here.icebergs + icebergs > most:
            raise order_errors.filter_failure("MAX_NUM_ICEBERG_ORDERS")
        if lists and len(here.lists) + lists > symbol.max_order_lists:
            raise order_errors.filter_failure("MAX_NUM_ORDER_LISTS")
        rules = self.exchange_rules
        if any(rules.values()):
            all_here = [one for (who, _), one in self.tallies.items() if who == account]
            counts = {
                "EXCHANGE_MAX_NUM_ORDERS": sum(len(one.named) for one in all_here) + len(new),
                "EXCHANGE_MAX_NUM_ALGO_ORDERS": algos and sum(x.algos for x in all_here) + algos,
                "EXCHANGE_MAX_NUM_ICEBERG_ORDERS": icebergs
                and sum(x.icebergs for x in all_here) + icebergs,
                "EXCHANGE_MAX_NUM_ORDER_LISTS": lists
                and sum(len(x.lists) for x in all_here) + lists,
            }
            for name, count in counts.items():
                if rules.get(name) and count > rules[name]:
                    raise order_errors.filter_failure(name)
        buying = sum(one.quantity for one in new if one.side == o.BUY)
        if symbol.max_position and buying:
            held = self.ledger.free(account, symbol.base) + self.ledger.locked(account, symbol.base)
            coming = sum(one.remaining for one in here.named.values() if one.side == o.BUY)
            if held + coming + buying > symbol.max_position:
                raise order_errors.filter_failure("MAX_POSITION")

    def check_names(self, account: int, new: Sequence[NewOrder]) -> None:
        """Client ids are unique among the open orders of a symbol. Raises: BinanceError -2010."""
        taken = self.tally(account, new[0].symbol).named
        asked = {one.client_id for one in new}
        if len(asked) < len(new) or any(name in taken for name in asked):
            raise order_errors.duplicate_order()

    def admit(self, account: int, new: NewOrder, *, list_id: int = -1) -> Order:
        """Make the order and lock what it needs. Raises: BinanceError -2010."""
        order = self.create(account, new, list_id=list_id)
        try:
            self.fund(order)
        except NotEnough:
            self.forget(order)
            raise order_errors.insufficient_balance() from None
        except errors.BinanceError:
            self.forget(order)
            raise
        return order

    def check_maker(self, new: NewOrder) -> None:
        """A LIMIT_MAKER must not match at once. Raises: BinanceError -2010."""
        if new.type != o.LIMIT_MAKER:
            return
        book = self.market.book(new.symbol, 1)
        buying = new.side == o.BUY
        queue = self.waiting[new.symbol].against(new.side)
        best = (book.asks if buying else book.bids)[:1]  # none where all of it was taken
        meets_market = best and (
            new.price >= best[0].price if buying else new.price <= best[0].price
        )
        if meets_market or (queue and queue[0][0] <= (new.price if buying else -new.price)):
            raise order_errors.would_take()

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
            iceberg=new.iceberg,
            trailing_delta=new.trailing_delta,
        )
        self.remember(order)
        return order

    # -- amending ---------------------------------------------------------------------------------

    def amend(self, order: Order, quantity: int, client_id: str, reference: Reference) -> Amendment:
        """Reduce an open order where it stands in its queue; of a pair, both legs.

        Raises: BinanceError -2038, -1013; then nothing changed.
        """
        symbol, listed = self.symbols[order.symbol], self.lists.get(order.list_id)
        self._check_amend(order, listed, quantity, client_id, symbol)
        both = [order]
        if listed is not None and order.role in (o.ABOVE, o.BELOW):
            both += [
                self.orders[number]
                for number in listed.ids
                if number in self.orders
                and number != order.id
                and self.orders[number].role in (o.ABOVE, o.BELOW)
            ]
        for one in both:
            filters.check_quantity(
                symbol,
                NewOrder(
                    one.symbol,
                    one.side,
                    one.type,
                    one.client_id,
                    one.time_in_force,
                    quantity,
                    one.price,
                    one.stop_price,
                ),
                reference,
                market_lot_on_triggers=self.switches.market_lot_on_triggers,
            )
        changes = [self._reduce(one, quantity, client_id if one is order else "") for one in both]
        if listed is not None:
            self.after_amend(listed, order, changes[0].client_id != client_id)
        return changes[0]

    def _check_amend(
        self,
        order: Order,
        listed: OrderList | None,
        quantity: int,
        client_id: str,
        symbol: Symbol,
    ) -> None:
        if symbol.status != "TRADING":
            raise order_errors.amend_rejected(order_errors.MARKET_CLOSED)
        if not symbol.amend:
            raise order_errors.amend_rejected("Order amend is not supported for this symbol.")
        if listed is not None and listed.kind in o.PAYS_OTHER and order.status == o.PENDING_NEW:
            raise order_errors.amend_rejected("Order amend (pending OPO order) is not supported.")
        if quantity == order.quantity:
            raise order_errors.amend_rejected(order_errors.NO_STATE_CHANGE)
        if quantity > order.quantity:
            raise order_errors.amend_rejected("Order amend (quantity increase) is not supported.")
        if quantity <= order.filled + order.prevented:
            raise order_errors.amend_rejected("Price * QTY is zero or less.")
        if order.amends >= symbol.max_amends:
            raise order_errors.amend_rejected("Filter failure: MAX_NUM_ORDER_AMENDS")
        other = self.tally(order.account, order.symbol).named.get(client_id)
        if other is not None and other is not order:
            raise order_errors.amend_rejected(order_errors.DUPLICATE_ORDER)

    def _reduce(self, order: Order, quantity: int, client_id: str) -> Amendment:
        before, was_named = order.quantity, order.client_id
        order.quantity = quantity
        order.amends += 1
        order.updated_ms = self.now_ms
        order.shown = min(order.shown, order.remaining)
        self.waiting[order.symbol].changed(order)
        if client_id and client_id != was_named:
            named = self.tally(order.account, order.symbol).named
            del named[was_named]
            order.client_id = client_id
            named[client_id] = order
        if order.locked:
            self.relock(order)
        self.report(order, "REPLACED", was_named=was_named)
        change = Amendment(
            symbol=order.symbol,
            order_id=order.id,
            execution_id=self.counters.execution,
            account=order.account,
            client_id=was_named,
            new_client_id=order.client_id,
            quantity=before,
            new_quantity=quantity,
            at_ms=self.now_ms,
        )
        self.new_amendments.append(change)
        return change
