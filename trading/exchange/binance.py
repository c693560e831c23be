"""The exchange port over Binance's REST API by python-binance. Paper is the same code, other URLs.

An order is sent once, and has one of three answers; a question may be asked again.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import requests
import structlog
from binance.exceptions import BinanceAPIException, BinanceRequestException
from requests.adapters import BaseAdapter

from risk.costs import discounted
from risk.listing import read_asset_limits
from testudo import clock
from trading.exchange.binance_wire import (
    leg_fields,
    plain,
    read_answer,
    read_list,
    read_order,
    read_trade,
)
from trading.exchange.outcomes import HELD_BACK, refusal
from trading.exchange.port import (
    Accepted,
    AssetLimits,
    BalanceReport,
    Bracket,
    Budget,
    Commission,
    ExchangeRefused,
    ExchangeUnavailable,
    ExitPair,
    KeyRights,
    LegInstruction,
    ListReport,
    OrderReport,
    Outcome,
    Refused,
    RequestsHeld,
    TradeReport,
    Unknown,
)
from trading.exchange.venue_client import VenueClient
from trading.exchange.venue_clock import (
    RESYNC_SECONDS,
    SEND_WITHOUT_LOOK_SECONDS,
    Reading,
    clock_of,
)
from trading.exchange.venues import VenueUrls
from trading.exchange.weights import WEIGHT_OF_ORDER

ABSENT = (-2013, -2011, -2018)  # "Order does not exist.", "Unknown order sent.", the list
STALE_CLOCK = -1021

log = structlog.get_logger(__name__)


class BinanceExchange:
    """One account at one venue that speaks Binance's wire. Not for sharing between threads."""

    def __init__(self, urls: VenueUrls, key: str, secret: str) -> None:
        self.venue = urls.name
        self._client = VenueClient(urls, key, secret)

    def keep_to(self, budget: Budget) -> None:
        """Ask `budget` before every request from now on."""
        self._client.budget = budget

    def ask_for_room(self) -> None:
        """Raises: RequestsHeld, where nothing may be asked or sent now."""
        if self._client.budget is not None:
            self._client.budget.take(WEIGHT_OF_ORDER, only_look=True)

    def mount(self, transport: BaseAdapter) -> None:
        """Send requests through `transport` instead of the network."""
        self._client.session.mount("http://", transport)

    def let_hear(self, listener: Callable[..., None]) -> None:
        """Hand every answer to `listener` as it came, before it is read."""
        self._client.session.hooks["response"].append(listener)

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

    def find_order_by_number(self, symbol: str, exchange_order_id: int) -> OrderReport | None:
        try:
            return read_order(self._ask("order", symbol=symbol, orderId=exchange_order_id))
        except ExchangeRefused as refused:
            if refused.code in ABSENT:
                return None
            raise

    def find_list(self, list_client_order_id: str) -> ListReport | None:
        try:
            return read_list(self._ask("orderList", origClientOrderId=list_client_order_id))
        except ExchangeRefused as refused:
            if refused.code in ABSENT:
                return None
            raise

    def open_orders(self, symbol: str | None) -> list[OrderReport]:
        return [read_order(raw) for raw in self._ask("openOrders", symbol=symbol)]

    def trades(
        self,
        symbol: str,
        *,
        from_id: int | None = None,
        order_id: int | None = None,
        since: datetime | None = None,
    ) -> list[TradeReport]:
        asked = {"fromId": from_id, "orderId": order_id, "limit": 1000}
        if since is not None:
            asked["startTime"] = clock.to_ms(since)
        raw = self._ask("myTrades", symbol=symbol, **asked)
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

    def try_orders(self, symbol: str) -> None:
        """Ask the door of orders with one that is only checked, never placed (`order/test`).

        Raises: ExchangeRefused, which is an answer too; ExchangeUnavailable.
        """
        data = {"symbol": symbol, "side": "BUY", "type": "MARKET", "quantity": "1"}
        self._question(lambda: self._client._post("order/test", True, data=dict(data)))

    # How it is done.

    def _send(
        self, method: str, path: str, fields: Mapping[str, Any], signed_at: datetime | None
    ) -> Outcome:
        """One attempt. Never raises once called: what is not a clear answer is Unknown."""
        call = self._client._post if method == "post" else self._client._delete
        data = {name: value for name, value in fields.items() if value is not None}
        try:
            self._sync_clock(good_for=SEND_WITHOUT_LOOK_SECONDS)
            self._client.signed_at_ms = clock.to_ms(signed_at) if signed_at else None
            answer = call(path, True, data=data)
            return Accepted(read_answer(answer))
        except RequestsHeld as held:
            return Refused(HELD_BACK, str(held))  # not a byte was sent
        except BinanceAPIException as error:
            code = error.code if isinstance(error.code, int) and error.code else None
            if code == STALE_CLOCK:
                clock_of(self.venue).doubt()
            return refusal(status=error.status_code, code=code, message=str(error.message))
        except (requests.RequestException, BinanceRequestException, OSError) as error:
            return Unknown(f"{type(error).__name__} while sending")
        except Exception as error:  # whatever it was, the order may have arrived
            log.warning("answer_unreadable", path=path, error=type(error).__name__)
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
                    clock_of(self.venue).doubt()
                    self._sync_clock()
                    continue
                if error.status_code >= 500 or error.status_code in (403, 418, 429):
                    raise ExchangeUnavailable(f"HTTP {error.status_code}") from error
                raise ExchangeRefused(int(error.code or 0), str(error.message)) from error
            except (requests.RequestException, BinanceRequestException, OSError) as error:
                raise ExchangeUnavailable(type(error).__name__) from error
        raise AssertionError("unreachable")

    def _sync_clock(self, *, good_for: float = RESYNC_SECONDS) -> Reading:
        """Keep the venue's clock offset fresh (R20)."""
        reading = clock_of(self.venue).reading(self._server_ms, good_for=good_for)
        self._client.timestamp_offset = reading.offset_ms
        return reading

    def _server_ms(self) -> int | None:
        try:
            return int(self._client._get("time")["serverTime"])
        except RequestsHeld:
            return None
        except (BinanceAPIException, BinanceRequestException, requests.RequestException):
            return None
        except (KeyError, TypeError, ValueError, AttributeError):
            return None  # an answer that is none

    def clock_offset(self) -> timedelta:
        """What to add to our clock for the exchange's, measured within the last 90 s."""
        reading = self._sync_clock(good_for=SEND_WITHOUT_LOOK_SECONDS)
        return timedelta(milliseconds=reading.offset_ms)

    def clock_reading(self) -> tuple[int, int] | None:
        """(offset, uncertainty) of the venue's clock in ms, fresh; None where it did not answer."""
        reading = self._sync_clock()
        if reading.uncertainty_ms is None:
            return None
        return reading.offset_ms, reading.uncertainty_ms
