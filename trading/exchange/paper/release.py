"""The legs of an order list: funded, released, refused, and the list's end. Pure.

- OPO and OPOCO legs are sized from what the working order received, floored to LOT_SIZE.
- Legs refused on release (no balance, filters, prices run past them) end EXPIRED with the reason
  REJECTED, and the position is left as it is: naked.

Sources: rest-api.md "Order lists", faqs/opo.md, user-data-stream.md "Order Expiry Reason".
"""

from __future__ import annotations

from collections.abc import Callable

from trading.exchange.paper import errors, filters, order_errors, user_events
from trading.exchange.paper import orders as o
from trading.exchange.paper.filters import NewOrder, Reference, floor_step
from trading.exchange.paper.ledger import NotEnough
from trading.exchange.paper.matching import Engine
from trading.exchange.paper.orders import Order, OrderList


class Release:
    """What becomes of the legs once their time has come."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.refuses: Callable[[OrderList], bool] | None = None  # a fault on command

    # -- release ----------------------------------------------------------------------------------

    def release(self, listed: OrderList) -> None:
        """The working order is filled: its legs go live, or are refused together."""
        engine = self.engine
        legs = [engine.orders[number] for number in listed.ids if number in engine.orders]
        listed.released = 1
        try:
            self._ready(listed, legs)
        except (NotEnough, errors.BinanceError):
            self.unlock(listed)
            for leg in legs:
                leg.expiry_reason = o.REJECTED
                engine.end(leg, o.EXPIRED)
            self.finish(listed)
            return
        for leg in legs:
            leg.status = o.NEW
            leg.updated_ms = engine.now_ms
            if not leg.is_waiting:
                leg.working_ms = engine.now_ms
        self.announce(listed, legs)
        for leg in legs:
            if leg.is_open:
                engine.run(leg)

    def _ready(self, listed: OrderList, legs: list[Order]) -> None:
        """Size, check and fund the legs. Raises: NotEnough, BinanceError: they are refused."""
        engine, symbol = self.engine, self.engine.symbols[listed.symbol]
        last = engine.last[symbol.name]
        if self.refuses is not None and self.refuses(listed):
            raise order_errors.insufficient_balance()
        if listed.kind in o.PAYS_OTHER:
            quantity = floor_step(symbol, min(listed.locked, symbol.max_quantity))
            engine.ledger.unlock(listed.account, symbol.base, listed.locked - quantity)
            listed.locked = quantity
            for leg in legs:
                leg.quantity = quantity
        asked = [_as_new(leg) for leg in legs]
        for one in asked:
            filters.check_quantity(
                symbol,
                one,
                Reference(average=engine.reference(symbol.name).at(engine.now_ms), last=last),
                market_lot_on_triggers=engine.switches.market_lot_on_triggers,
            )
        if len(asked) == 2:
            above, below = (next(x for x in asked if x.role == at) for at in (o.ABOVE, o.BELOW))
            filters.check_pair(above, below, last)
            if not listed.locked:
                self._lock_pair(listed, legs)
            return
        filters.check_trigger(asked[0], last)
        engine.check_maker(asked[0])
        if listed.locked:
            legs[0].locked, listed.locked = listed.locked, 0
        else:
            engine.fund(legs[0])

    def lock_or_refuse(self, listed: OrderList, legs: list[Order], orders: list[Order]) -> None:
        """Lock for the legs. Raises: BinanceError -2010; then none of the orders is there."""
        try:
            self._lock_pair(listed, legs)
        except NotEnough:
            for order in orders:
                if order.locked:
                    pays = self.engine.symbols[order.symbol].pays(order.side)
                    self.engine.ledger.unlock(order.account, pays, order.locked)
                self.engine.forget(order)
            raise order_errors.insufficient_balance() from None

    def _lock_pair(self, listed: OrderList, legs: list[Order]) -> None:
        """One lock serves both legs: the larger of what they may cost. Raises: NotEnough."""
        needed = max(self.engine.cost(leg) for leg in legs)
        pays = self.engine.symbols[listed.symbol].pays(legs[0].side)
        self.engine.ledger.lock(listed.account, pays, needed)
        listed.locked = needed

    # -- ends -------------------------------------------------------------------------------------

    def finish(self, listed: OrderList) -> None:
        """Nothing of the list is open any more."""
        self.unlock(listed)
        listed.status_type = listed.order_status = "ALL_DONE"
        listed.updated_ms = self.engine.now_ms
        self.engine.lists.pop(listed.id, None)
        self.tell(listed)

    def unlock(self, listed: OrderList) -> None:
        """Give back what the list itself holds."""
        if not listed.locked:
            return
        symbol = self.engine.symbols[listed.symbol]
        # An OPO holds what its entry bought; a pair holds what its legs pay with.
        asset = symbol.base if listed.kind in o.PAYS_OTHER else symbol.pays(listed.leg_side)
        self.engine.ledger.unlock(listed.account, asset, listed.locked)
        listed.locked = 0

    def announce(self, listed: OrderList, orders: list[Order]) -> None:
        """Tell of a list and its new orders, in the order the switch has it."""
        first = self.engine.switches.list_before_orders
        if first:
            self.tell(listed)
        for order in orders:
            self.engine.report(order, "NEW")
        if not first:
            self.tell(listed)

    def tell(self, listed: OrderList) -> None:
        """Note that the list changed, and tell its account."""
        engine = self.engine
        engine.changed_lists[listed.id] = listed
        event = user_events.list_event(listed, at_ms=engine.now_ms, now_ms=engine.now_ms)
        engine.events.append((listed.account, event))


def _as_new(order: Order) -> NewOrder:
    return NewOrder(
        symbol=order.symbol,
        side=order.side,
        type=order.type,
        client_id=order.client_id,
        time_in_force=order.time_in_force,
        quantity=order.quantity,
        price=order.price,
        stop_price=order.stop_price,
        role=order.role,
        iceberg=order.iceberg,
        trailing_delta=order.trailing_delta,
    )
