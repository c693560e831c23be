"""One hand for all faults: arms, disarms, expires them, and answers `/paper-admin/faults`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from trading.exchange.paper.exchange import PaperExchange
from trading.exchange.paper.faults import CATALOGUE, BadFault, Fault, Faults
from trading.exchange.paper.faults_events import Deliver, EventFaults, UserEvent
from trading.exchange.paper.faults_market import MarketFaults
from trading.exchange.paper.faults_wire import WireFaults
from trading.exchange.paper.values import to_e8

LOG_SHOWN = 1000


class FaultDesk:
    """What the server holds. `armed` is false most of the time; then nothing else is asked."""

    def __init__(
        self,
        exchange: PaperExchange,
        *,
        deliver: Deliver,
        forget: Callable[[int | None], None],
        revoke: Callable[[int | None], None],
        seed: int = 1,
    ) -> None:
        """`deliver` sends user events; `forget` loses the subscriptions of an account (or all),
        `revoke` ends them with a word.
        """
        self.exchange = exchange
        self.faults = Faults(seed)
        self.wire = WireFaults(exchange, self.faults)
        self.user = EventFaults(self.faults, deliver, lambda: exchange.now_ms)
        self.market = MarketFaults(exchange, self.faults)
        self._forget, self._revoke = forget, revoke

    @property
    def armed(self) -> bool:
        """Whether anything may go wrong. Ends faults whose time is over."""
        if not self.faults.armed:
            return False
        self.expire()
        return bool(self.faults.armed)

    def expire(self) -> None:
        """Put back what spent faults changed."""
        over = self.faults.spent(self.exchange.now_ms)
        if over:
            self._settle(over)

    def events(self, events: Sequence[UserEvent]) -> None:
        """Send user events as the armed faults have it."""
        self.user.send(events)

    def at_subscribe(self, account: int) -> Fault | None:
        """The fault that strikes while this account subscribes."""
        return self.faults.strike(
            "subscribe", self.exchange.now_ms, account=account, path="userDataStream.subscribe"
        )

    def arm(self, text: str) -> Fault:
        """Arm one. Raises: BadFault; then nothing is armed."""
        fault = self.faults.arm(text, self.exchange.now_ms)
        try:
            if fault.kind.layer == "market":
                self.market.put_in(fault)
            elif fault.kind.layer == "subscribe":
                self.market.check(fault)
        except BadFault:
            self.faults.disarm(fault.id)
            raise
        named = fault.options["account"]
        account = int(float(named)) if named else None
        if fault.kind.name == "lost-subscription":
            self._forget(account)
            fault.left, fault.struck = 0, 1
        elif fault.kind.name == "key-revoked" and fault.left is None:
            if fault.options["path"] == "*":
                self._revoke(account)
        elif fault.kind.name == "reset":
            self._reset(fault)
        return fault

    def _reset(self, fault: Fault) -> None:
        """Every account back to its beginning; their keys stay, as on Testnet."""
        fault.left, fault.struck = 0, 1
        for account in list(self.exchange.accounts):
            if fault.concerns(account):
                self.exchange.reset(account, {"USDT": to_e8(fault.options["usdt"])})

    def disarm(self, number: int | None) -> int:
        """Disarm one, or all. Returns how many."""
        out = self.faults.disarm(number)
        self._settle(out)
        return len(out)

    def told(self) -> dict[str, Any]:
        """What is armed, what has struck, what there is."""
        return {
            "seed": self.faults.seed,
            "armed": [fault.told() for fault in self.faults.armed],
            "struck": self.faults.log[-LOG_SHOWN:],
            "catalogue": {kind.name: kind.says for kind in CATALOGUE.values()},
        }

    def _settle(self, over: Sequence[Fault]) -> None:
        for fault in over:
            self.user.release(fault)
        self.market.take_out()

    # -- the admin API ----------------------------------------------------------------------------

    async def show(self, body: dict[str, Any]) -> dict[str, Any]:
        """GET /paper-admin/faults"""
        self.expire()
        return self.told()

    async def add(self, body: dict[str, Any]) -> dict[str, Any]:
        """POST /paper-admin/faults {"fault": "NAME:option=value"}"""
        text = body.get("fault")
        if not isinstance(text, str):
            raise BadFault('fault must be a text like "drop-reply:next=1".')
        return self.arm(text).told()

    async def remove(self, body: dict[str, Any]) -> dict[str, Any]:
        """DELETE /paper-admin/faults, all or {"id": 3}"""
        number = body.get("id")
        if number is not None and type(number) is not int:
            raise BadFault("id must be the number of an armed fault.")
        return {"disarmed": self.disarm(number)}
