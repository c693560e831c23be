"""What the user-data stream tells, in the port's words."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from testudo import clock
from trading.exchange.binance_wire import amount
from trading.exchange.port import BalanceReport, OrderReport, TradeReport


class StreamLost(Exception):
    """The session ended or never began; `str()` says why. Connect again."""


@dataclass(frozen=True, slots=True)
class Subscribed:
    """The session is up and events are being buffered: match the books now, then go on."""


@dataclass(frozen=True, slots=True)
class OrderUpdate:
    """An order moved; `trade` where it did by an execution."""

    order: OrderReport
    trade: TradeReport | None


@dataclass(frozen=True, slots=True)
class BalanceUpdate:
    balances: tuple[BalanceReport, ...]


@dataclass(frozen=True, slots=True)
class FundsMoved:
    """A deposit, a withdrawal or a transfer: money from outside, or to outside."""

    asset: str
    change: Decimal
    at: datetime


@dataclass(frozen=True, slots=True)
class Alive:
    """The peer answered a ping: nothing happened, and that is known."""


@dataclass(frozen=True, slots=True)
class Ending:
    """The exchange says that it will end this connection: begin the next one now."""


@dataclass(frozen=True, slots=True)
class Burst:
    """What has come while the event before was taken in, in its order."""

    events: tuple[OrderUpdate | BalanceUpdate | FundsMoved | Alive, ...]


StreamEvent = Subscribed | OrderUpdate | BalanceUpdate | FundsMoved | Alive | Ending | Burst


def read_event(frame: dict[str, Any]) -> StreamEvent | None:
    """A user event in the port's words; None for what does not concern orders or balances.

    Raises: StreamLost, where the exchange ends the stream.
    """
    raw = frame.get("event", frame)
    kind = raw.get("e")
    if kind == "executionReport":
        return OrderUpdate(_order(raw), _trade(raw))
    if kind == "outboundAccountPosition":
        at = clock.from_ms(int(raw["u"]))
        return BalanceUpdate(
            tuple(
                BalanceReport(asset=b["a"], free=Decimal(b["f"]), locked=Decimal(b["l"]), at=at)
                for b in raw["B"]
            )
        )
    if kind == "balanceUpdate":
        return FundsMoved(raw["a"], Decimal(raw["d"]), clock.from_ms(int(raw["T"])))
    if kind == "serverShutdown":
        return Ending()
    if kind == "eventStreamTerminated":
        raise StreamLost(kind)
    return None  # listStatus repeats what the reports say


def _order(raw: dict[str, Any]) -> OrderReport:
    working = int(raw.get("W", -1) or -1)
    original = raw.get("C") or ""
    canceled = raw["x"] == "CANCELED" and original
    return OrderReport(
        symbol=raw["s"],
        client_order_id=original if canceled else raw["c"],
        exchange_order_id=int(raw["i"]),
        side=raw["S"],
        type=raw["o"],
        status=raw["X"],
        price=amount(raw.get("p")),
        stop_price=amount(raw.get("P")),
        quantity=amount(raw.get("q")),
        executed=Decimal(raw["z"]),
        at=clock.from_ms(int(raw["T"])),
        working_at=clock.from_ms(working) if working > 0 else None,
        reason=_reason(raw),
    )


def _reason(raw: dict[str, Any]) -> str:
    said = raw.get("eR") or raw.get("r") or ""
    return "" if said == "NONE" else str(said)


def _trade(raw: dict[str, Any]) -> TradeReport | None:
    if raw["x"] != "TRADE":
        return None
    return TradeReport(
        symbol=raw["s"],
        exchange_order_id=int(raw["i"]),
        client_order_id=raw["c"],
        trade_id=int(raw["t"]),
        price=Decimal(raw["L"]),
        quantity=Decimal(raw["l"]),
        quote_quantity=Decimal(raw["Y"]),
        commission=Decimal(raw["n"]),
        commission_asset=raw["N"] or "",
        at=clock.from_ms(int(raw["T"])),
    )
