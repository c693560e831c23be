"""The exchange port over Binance's REST API by python-binance. Paper is the same code, other URLs.

An order is sent once, and has one of three answers; a question may be asked again.
"""

from datetime import datetime
from decimal import Decimal

from risk.listing import read_asset_limits
from testudo import clock
from trading.exchange.binance_calls import BinanceCalls
from trading.exchange.binance_wire import (
    leg_fields,
    plain,
    read_commission,
    read_list,
    read_order,
    read_trade,
)
from trading.exchange.port import (
    AssetLimits,
    BalanceReport,
    Bracket,
    Commission,
    ExchangeRefused,
    ExitPair,
    KeyRights,
    LegInstruction,
    ListReport,
    OrderReport,
    Outcome,
    TradeReport,
)

ABSENT = (-2013, -2011, -2018)  # "Order does not exist.", "Unknown order sent.", the list


class BinanceExchange(BinanceCalls):
    """One account at one venue that speaks Binance's wire. Not for sharing between threads."""

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
        return read_commission(symbol, self._ask("account/commission", symbol=symbol))

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
