"""The exchange port over Binance's REST API by python-binance. Paper is the same code, other URLs.

python-binance is wrapped thinly (docs/decisions): its URLs are class attributes, so a subclass
points it at a venue; it stamps and signs at call time with a recvWindow of its own, so `_generate_
signature` sets the timestamp of the claim and the window is 2 s (R5: a worker that wakes late is
refused by the exchange itself). It never retries, which is what an order needs.
"""

import math
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import requests
from binance.client import Client
from binance.exceptions import BinanceAPIException, BinanceRequestException
from requests.adapters import BaseAdapter, HTTPAdapter

from risk.costs import discounted
from risk.listing import read_asset_limits
from testudo import clock
from trading.exchange.binance_wire import leg_fields, plain, read_answer, read_order, read_trade
from trading.exchange.outcomes import refusal
from trading.exchange.port import (
    Accepted,
    AssetLimits,
    BalanceReport,
    Bracket,
    Commission,
    ExchangeRefused,
    ExchangeUnavailable,
    ExitPair,
    KeyRights,
    LegInstruction,
    OrderReport,
    Outcome,
    TradeReport,
    Unknown,
)
from trading.exchange.venues import VenueUrls

CONNECT_TIMEOUT, READ_TIMEOUT = 3, 10  # seconds; DESIGN section 4
RECV_WINDOW = 2_000  # ms
ABSENT = (-2013, -2011)  # "Order does not exist.", "Unknown order sent."
STALE_CLOCK = -1021
RESYNC_SECONDS, CLOCK_SAMPLES = 30, 5  # R20

_transport = HTTPAdapter(pool_connections=4, pool_maxsize=16, max_retries=0)  # shared, no retries


class VenueClient(Client):
    """python-binance's client, pointed at one venue and signing with the moment it is given."""

    REQUEST_RECVWINDOW = RECV_WINDOW

    def __init__(self, urls: VenueUrls, key: str, secret: str) -> None:
        self.API_URL = f"{urls.rest}/api"
        self.MARGIN_API_URL = f"{urls.rest}/sapi"
        self.WS_API_URL = urls.ws_api
        self.signed_at_ms: int | None = None
        timeouts = {"timeout": (CONNECT_TIMEOUT, READ_TIMEOUT)}
        super().__init__(key, secret, requests_params=timeouts, ping=False)

    def _init_session(self) -> requests.Session:
        session = super()._init_session()
        session.mount("http://", _transport)
        session.mount("https://", _transport)
        return session

    def _generate_signature(self, data: dict[str, Any], uri_encode: bool = True) -> str:
        moment = clock.now_ms() if self.signed_at_ms is None else self.signed_at_ms
        data["timestamp"] = moment + self.timestamp_offset
        return super()._generate_signature(data, uri_encode)


class BinanceExchange:
    """One account at one venue that speaks Binance's wire. Not for sharing between threads."""

    # venue: (measured at, ms to add to our clock, half the round trip in ms)
    _offsets: dict[str, tuple[float, int, int | None]] = {}

    def __init__(self, urls: VenueUrls, key: str, secret: str) -> None:
        self.venue = urls.name
        self._client = VenueClient(urls, key, secret)

    def mount(self, transport: BaseAdapter) -> None:
        """Send requests through `transport` instead of the network."""
        self._client.session.mount("http://", transport)

    # Orders: sent once, three possible answers.

    def place_bracket(self, bracket: Bracket, *, signed_at: datetime) -> Outcome:
        fields = {
            "symbol": bracket.symbol,
            "listClientOrderId": bracket.list_client_order_id,
            "newOrderRespType": "RESULT",
            "pendingSide": bracket.above.side,
            **leg_fields("working", bracket.entry, with_side=True, with_quantity=True),
            **leg_fields("pendingAbove", bracket.above),
            **leg_fields("pendingBelow", bracket.below),
        }
        if bracket.kind == "OTOCO":
            fields["pendingQuantity"] = plain(bracket.above.quantity)
        return self._send("post", f"orderList/{bracket.kind.lower()}", fields, signed_at)

    def place_pair(self, pair: ExitPair, *, signed_at: datetime) -> Outcome:
        fields = {
            "symbol": pair.symbol,
            "listClientOrderId": pair.list_client_order_id,
            "newOrderRespType": "RESULT",
            "side": pair.above.side,
            "quantity": plain(pair.above.quantity),
            **leg_fields("above", pair.above),
            **leg_fields("below", pair.below),
        }
        return self._send("post", "orderList/oco", fields, signed_at)

    def place_order(self, symbol: str, order: LegInstruction, *, signed_at: datetime) -> Outcome:
        fields = {
            "symbol": symbol,
            "side": order.side,
            "type": order.type,
            "newClientOrderId": order.client_order_id,
            "quantity": plain(order.quantity),
            "price": plain(order.price),
            "stopPrice": plain(order.stop_price),
            "timeInForce": order.time_in_force or None,
            "newOrderRespType": "RESULT",
        }
        return self._send("post", "order", fields, signed_at)

    def cancel_list(self, symbol: str, list_client_order_id: str) -> Outcome:
        fields = {"symbol": symbol, "listClientOrderId": list_client_order_id}
        return self._send("delete", "orderList", fields, None)

    def cancel_order(self, symbol: str, client_order_id: str) -> Outcome:
        fields = {"symbol": symbol, "origClientOrderId": client_order_id}
        return self._send("delete", "order", fields, None)

    # Questions: may be asked again.

    def find_order(self, symbol: str, client_order_id: str) -> OrderReport | None:
        try:
            return read_order(self._ask("order", symbol=symbol, origClientOrderId=client_order_id))
        except ExchangeRefused as refused:
            if refused.code in ABSENT:
                return None
            raise

    def open_orders(self, symbol: str) -> list[OrderReport]:
        return [read_order(raw) for raw in self._ask("openOrders", symbol=symbol)]

    def trades(
        self, symbol: str, *, from_id: int | None = None, order_id: int | None = None
    ) -> list[TradeReport]:
        raw = self._ask("myTrades", symbol=symbol, fromId=from_id, orderId=order_id, limit=1000)
        return [read_trade(each) for each in raw]

    def balances(self) -> list[BalanceReport]:
        """As of the moment of asking, by the exchange's clock, or of a change after that. An older
        `updateTime` only says that nothing moved since, and it is not always kept up to date."""
        self._sync_clock()
        asked = clock.now_ms() + self._client.timestamp_offset
        answer = self._ask("account", omitZeroBalances="false")
        at = clock.from_ms(max(asked, int(answer["updateTime"])))
        return [
            BalanceReport(
                asset=each["asset"],
                free=Decimal(each["free"]),
                locked=Decimal(each["locked"]),
                at=at,
            )
            for each in answer["balances"]
        ]

    def commission(self, symbol: str) -> Commission:
        """Standard, special and tax commission of role and side, summed (BINANCE section 3)."""
        raw = self._ask("account/commission", symbol=symbol)
        kinds = ("standardCommission", "specialCommission", "taxCommission")

        def charged(role: str, kinds: Sequence[str] = kinds) -> Decimal:
            parts = [raw[kind] for kind in kinds if kind in raw]
            worst_side = max(
                sum(Decimal(part.get(side, "0")) for part in parts) for side in ("buyer", "seller")
            )
            return sum((Decimal(part[role]) for part in parts), Decimal(0)) + worst_side

        def in_bnb(role: str) -> Decimal | None:
            said = raw.get("discount") or {}
            if not (said.get("enabledForAccount") and said.get("enabledForSymbol")):
                return None
            if said.get("discountAsset") != "BNB":
                return None
            # Only the standard part is discounted: special and tax commission never are.
            standard = min(charged(role, kinds[:1]), charged(role))
            return discounted(charged(role), standard, Decimal(said["discount"]))

        return Commission(
            symbol=symbol,
            maker=charged("maker"),
            taker=charged("taker"),
            bnb_maker=in_bnb("maker"),
            bnb_taker=in_bnb("taker"),
        )

    def asset_limits(self, symbol: str, *, base: str, quote: str) -> AssetLimits:
        raw = self._ask("myFilters", symbol=symbol)
        named = read_asset_limits(raw, owner=symbol)
        return AssetLimits(base=named.get(base), quote=named.get(quote))

    def key_rights(self) -> KeyRights:
        raw = self._question(
            lambda: self._client._request_margin_api(
                "get", "account/apiRestrictions", True, data={}
            )
        )
        return KeyRights(
            can_read=bool(raw["enableReading"]),
            can_trade_spot=bool(raw["enableSpotAndMarginTrading"]),
            can_withdraw=bool(raw["enableWithdrawals"]),
            ip_restricted=bool(raw["ipRestrict"]),
        )

    # How it is done.

    def _send(
        self, method: str, path: str, fields: Mapping[str, Any], signed_at: datetime | None
    ) -> Outcome:
        """One attempt. Never raises once called: what is not a clear answer is Unknown."""
        self._sync_clock()
        self._client.signed_at_ms = clock.to_ms(signed_at) if signed_at else None
        call = self._client._post if method == "post" else self._client._delete
        data = {name: value for name, value in fields.items() if value is not None}
        try:
            answer = call(path, True, data=data)
            return Accepted(read_answer(answer))
        except BinanceAPIException as error:
            code = error.code if isinstance(error.code, int) and error.code else None
            if code == STALE_CLOCK:
                self._offsets.pop(self.venue, None)
            return refusal(status=error.status_code, code=code, message=str(error.message))
        except (requests.RequestException, BinanceRequestException, OSError) as error:
            return Unknown(f"{type(error).__name__} while sending")
        except (KeyError, TypeError, ValueError, ArithmeticError) as error:
            return Unknown(f"unreadable answer: {type(error).__name__}")
        finally:
            self._client.signed_at_ms = None

    def _ask(self, path: str, **fields: Any) -> Any:
        data = {name: value for name, value in fields.items() if value is not None}
        return self._question(lambda: self._client._get(path, True, data=dict(data)))

    def _question(self, ask: Any) -> Any:
        """Ask; once more after a clock refusal (BINANCE section 3, Time).

        Raises: ExchangeRefused with Binance's code; ExchangeUnavailable where there was no answer.
        """
        self._sync_clock()
        for last in (False, True):
            try:
                return ask()
            except BinanceAPIException as error:
                if error.code == STALE_CLOCK and not last:
                    self._offsets.pop(self.venue, None)
                    self._sync_clock()
                    continue
                if error.status_code >= 500 or error.status_code in (403, 418, 429):
                    raise ExchangeUnavailable(f"HTTP {error.status_code}") from error
                raise ExchangeRefused(int(error.code or 0), str(error.message)) from error
            except (requests.RequestException, BinanceRequestException, OSError) as error:
                raise ExchangeUnavailable(type(error).__name__) from error
        raise AssertionError("unreachable")

    def _sync_clock(self) -> None:
        """Keep the venue's clock offset fresh: the lowest round trip of five samples (R20)."""
        measured = self._offsets.get(self.venue)
        if measured is None or time.monotonic() - measured[0] > RESYNC_SECONDS:
            measured = (time.monotonic(), *self._measure_offset())
            self._offsets[self.venue] = measured
        self._client.timestamp_offset = measured[1]

    def clock_reading(self) -> tuple[int, int] | None:
        """(offset, uncertainty) of the venue's clock in ms, fresh; None where it did not answer."""
        self._sync_clock()
        _, offset, uncertainty = self._offsets[self.venue]
        return None if uncertainty is None else (offset, uncertainty)

    def _measure_offset(self) -> tuple[int, int | None]:
        samples = []
        for _ in range(CLOCK_SAMPLES):
            sent, started = clock.now_ms(), time.monotonic()
            try:
                server = int(self._client._get("time")["serverTime"])
            except (BinanceAPIException, BinanceRequestException, requests.RequestException):
                continue  # the order that follows will say what is wrong, in its own class
            trip = (time.monotonic() - started) * 1000
            samples.append((trip, round(server - (sent + trip / 2))))
        if not samples:
            return 0, None
        trip, offset = min(samples)
        return offset, math.ceil(trip / 2)
