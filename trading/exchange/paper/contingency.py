"""Order lists: OCO, OTO, OTOCO, OPO, OPOCO, with Binance's rules and traps. Pure.

- Pending legs go live only when the working order is FULLY filled; a partial fill has no stop.
- The first move of one leg of a pair (a trigger, or any fill of a LIMIT_MAKER) ends the other.
- Cancelling or losing one order ends the list.

How the legs are sized, funded and refused is in `release.py`. Source: rest-api.md "Order lists".
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass

from trading.exchange.paper import filters, order_errors
from trading.exchange.paper import orders as o
from trading.exchange.paper.filters import NewOrder, Reference
from trading.exchange.paper.matching import Engine
from trading.exchange.paper.orders import Order, OrderList, Trade
from trading.exchange.paper.release import Release


@dataclass(frozen=True, slots=True)
class NewList:
    """A list as asked for. No `working` in an OCO; `legs` are the pair, or one pending order."""

    kind: str
    client_id: str
    working: NewOrder | None
    legs: tuple[NewOrder, ...]

    @property
    def ranked(self) -> tuple[NewOrder, ...]:
        """The legs as Binance numbers and tells them in every example: the stop comes first."""
        return tuple(sorted(self.legs, key=lambda leg: leg.type not in o.STOPS))

    @property
    def orders(self) -> tuple[NewOrder, ...]:
        return (self.working, *self.ranked) if self.working else self.ranked


@dataclass(frozen=True, slots=True)
class PlacedList:
    """What the answer shows: the orders as they were before any release, and the entry's fills."""

    listed: OrderList
    orders: list[Order]
    fills: list[Trade]


class Lists(Release):
    """Watches the engine and carries out what lists prescribe."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        engine.before_fill = self.before_fill
        engine.after_close = self.after_close
        engine.after_amend = self.after_amend

    # -- from outside -----------------------------------------------------------------------------

    def place(self, account: int, new: NewList, reference: Reference) -> PlacedList:
        """Take in a list and run what may run. Raises: BinanceError; then nothing was placed."""
        engine, symbol = self.engine, self.engine.symbols[new.orders[0].symbol]
        last = engine.last[symbol.name]
        engine.check(account, new.orders, reference, lists=1)
        mine = engine.tally(account, symbol.name).lists
        if any(engine.lists[number].client_id == new.client_id for number in mine):
            raise order_errors.duplicate_order()
        if len(new.legs) == 2:
            filters.check_pair(*new.legs, last if new.working is None else None)
        for one in (new.working,) if new.working else new.legs:
            engine.check_maker(one)
        engine.counters.order_list += 1
        listed = OrderList(
            id=engine.counters.order_list,
            account=account,
            symbol=symbol.name,
            client_id=new.client_id,
            kind=new.kind,
            leg_side=new.legs[0].side,
            order_ids="",
            client_ids=",".join(one.client_id for one in new.orders),
            created_ms=engine.now_ms,
            updated_ms=engine.now_ms,
        )
        orders: list[Order] = []
        if new.working:
            orders.append(engine.admit(account, new.working, list_id=listed.id))
            for leg in new.ranked:
                orders.append(engine.create(account, leg, list_id=listed.id, status=o.PENDING_NEW))
            if engine.switches.oto_locks_legs and new.kind not in o.PAYS_OTHER:
                self.lock_or_refuse(listed, orders[1:], orders)
        else:
            for leg in new.ranked:
                orders.append(engine.create(account, leg, list_id=listed.id))
            self.lock_or_refuse(listed, orders, orders)
        listed.order_ids = ",".join(str(order.id) for order in orders)
        engine.lists[listed.id] = listed
        self.announce(listed, orders)
        first = len(engine.new_trades)
        if new.working is None:
            listed.released = 1
            for order in orders:
                if order.is_open:
                    engine.run(order)
            engine.settle()
            return PlacedList(listed, orders, [])
        pending, shown = [copy(order) for order in orders[1:]], copy(listed)
        engine.run(orders[0])
        engine.settle()
        if orders[0].status != o.FILLED:  # expired: then the answer shows the whole list ended
            return PlacedList(listed, orders, engine.new_trades[first:])
        fills = [trade for trade in engine.new_trades[first:] if trade.order_id == orders[0].id]
        return PlacedList(shown, [orders[0], *pending], fills)

    def cancel(self, listed: OrderList, cancel_id: str) -> list[Order]:
        """Cancel every open order of the list. Returns them."""
        engine = self.engine
        closing = [engine.orders[number] for number in listed.ids if number in engine.orders]
        for order in closing:
            engine.end(order, o.CANCELED, cancel_id=cancel_id)
        self.finish(listed)
        return closing

    # -- what the engine tells --------------------------------------------------------------------

    def before_fill(self, order: Order) -> None:
        """A leg of a live pair moves first: its sibling ends, the pair's lock becomes its own."""
        listed = self.engine.lists.get(order.list_id)
        if listed is None or order.role not in (o.ABOVE, o.BELOW):
            return
        for number in listed.ids:
            sibling = self.engine.orders.get(number)
            if sibling and sibling is not order and sibling.role in (o.ABOVE, o.BELOW):
                sibling.expiry_reason = o.OCO_TRIGGER
                self.engine.end(sibling, o.EXPIRED)
        if listed.locked:
            order.locked, listed.locked = listed.locked, 0
            spare = max(0, order.locked - self.engine.cost(order))
            pays = self.engine.symbols[order.symbol].pays(order.side)
            self.engine.ledger.unlock(order.account, pays, spare)
            order.locked -= spare
            self.engine.changed_lists[listed.id] = listed

    def after_close(self, order: Order) -> None:
        """An order of a list ended: release the legs, or end what is left."""
        listed = self.engine.lists.get(order.list_id)
        if listed is None:
            return
        if order.role == o.WORKING and order.status == o.FILLED and not listed.released:
            self.release(listed)
            return
        reason = o.OTO_PHASE_ONE_EXPIRED if order.role == o.WORKING else o.OCO_TRIGGER
        for number in listed.ids:
            other = self.engine.orders.get(number)
            if other:
                other.expiry_reason = reason
                self.engine.end(other, o.EXPIRED)
        self.finish(listed)

    def after_amend(self, listed: OrderList, order: Order, renamed: bool) -> None:
        """An order of a list got smaller, and perhaps another client id."""
        engine = self.engine
        if (listed.locked and listed.kind == o.OCO) or (listed.released and listed.kind == o.OTOCO):
            legs = [engine.orders[number] for number in listed.ids if number in engine.orders]
            spare = listed.locked - max(engine.cost(leg) for leg in legs)
            if spare > 0:
                pays = engine.symbols[listed.symbol].pays(listed.leg_side)
                engine.ledger.unlock(listed.account, pays, spare)
                listed.locked -= spare
        if listed.kind in o.PAYS_OTHER and listed.released:
            spare = listed.locked - order.remaining
            if spare > 0:
                base = engine.symbols[listed.symbol].base
                engine.ledger.unlock(listed.account, base, spare)
                listed.locked -= spare
        names = dict(listed.members)
        names[order.id] = order.client_id
        listed.client_ids = ",".join(names[number] for number in listed.ids)
        engine.changed_lists[listed.id] = listed
        if renamed:
            kept, listed.status_type = listed.status_type, "UPDATED"
            self.tell(listed)
            listed.status_type = kept
