"""binance-sdk-spot 13.x, unchanged, over REST: every endpoint it has that concerns us."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from binance_common.errors import BadRequestError, UnauthorizedError

from tests.clients.conftest import BTC, Keys
from tests.clients.sdk import read, spot

Read = Callable[..., Any]


@pytest.fixture
def ask(keys: Keys, caplog: pytest.LogCaptureFixture) -> Read:
    """`ask("new_order", symbol=…)`: call and read strictly."""
    api = spot(keys).rest_api

    def asked(name: str, **parameters: Any) -> Any:
        return read(caplog, getattr(api, name), **parameters)

    return asked


BOTH = [BTC, "ETHUSDT"]
MARKET_READS: list[tuple[str, dict[str, Any]]] = [
    ("ping", {}),
    ("time", {}),
    ("exchange_info", {}),
    ("exchange_info", {"symbol": BTC, "show_permission_sets": True}),
    ("exchange_info", {"symbols": BOTH}),
    ("execution_rules", {"symbol": BTC}),
    ("depth", {"symbol": BTC, "limit": 20}),
    ("get_trades", {"symbol": BTC, "limit": 5}),
    ("historical_trades", {"symbol": BTC, "limit": 5}),
    ("agg_trades", {"symbol": BTC, "limit": 5}),
    ("klines", {"symbol": BTC, "interval": "1m", "limit": 5}),
    ("klines", {"symbol": BTC, "interval": "1d", "limit": 2, "time_zone": "+02:00"}),
    ("ui_klines", {"symbol": BTC, "interval": "1h", "limit": 5}),
    ("avg_price", {"symbol": BTC}),
    ("ticker24hr", {"symbol": BTC}),
    ("ticker24hr", {"symbol": BTC, "type": "MINI"}),
    ("ticker24hr", {"symbols": BOTH}),
    ("ticker_trading_day", {"symbol": BTC}),
    ("ticker_trading_day", {"symbols": BOTH, "type": "MINI"}),
    ("ticker_price", {"symbol": BTC}),
    ("ticker_price", {}),
    ("ticker_book_ticker", {"symbol": BTC}),
    ("ticker_book_ticker", {"symbols": BOTH}),
    ("ticker", {"symbol": BTC, "window_size": "1h"}),
    ("ticker", {"symbols": BOTH, "type": "MINI"}),
    ("reference_price", {"symbol": BTC}),
    ("reference_price_calculation", {"symbol": BTC}),
]


@pytest.mark.parametrize(("name", "parameters"), MARKET_READS)
def test_the_sdk_reads_the_market(ask: Read, name: str, parameters: dict[str, Any]) -> None:
    assert ask(name, **parameters) is not None


ACCOUNT_READS: list[tuple[str, dict[str, Any]]] = [
    ("get_account", {}),
    ("get_account", {"omit_zero_balances": True}),
    ("account_commission", {"symbol": BTC}),
    ("my_filters", {"symbol": BTC}),
    ("rate_limit_order", {}),
    ("get_open_orders", {}),
    ("all_orders", {"symbol": BTC}),
    ("open_order_list", {}),
    ("all_order_list", {}),
    ("my_trades", {"symbol": BTC}),
    ("my_prevented_matches", {"symbol": BTC, "order_id": 1}),
    ("my_allocations", {"symbol": BTC}),
]


@pytest.mark.parametrize(("name", "parameters"), ACCOUNT_READS)
def test_the_sdk_reads_the_account(ask: Read, name: str, parameters: dict[str, Any]) -> None:
    assert ask(name, **parameters) is not None


LIMIT = {"symbol": BTC, "side": "BUY", "type": "LIMIT", "time_in_force": "GTC", "quantity": 0.01}


@pytest.mark.parametrize("response", ["ACK", "RESULT", "FULL"])
def test_the_sdk_places_reads_and_cancels_an_order(keys: Keys, ask: Read, response: str) -> None:
    low = float(keys.at(0.9))
    placed = ask(
        "new_order", **LIMIT, price=low, new_order_resp_type=response, new_client_order_id="one"
    )
    assert placed.client_order_id == "one"
    found = ask("get_order", symbol=BTC, orig_client_order_id="one")
    assert (found.order_id, found.status) == (placed.order_id, "NEW")
    assert [one.order_id for one in ask("get_open_orders", symbol=BTC)] == [placed.order_id]
    assert ask("delete_order", symbol=BTC, order_id=placed.order_id).status == "CANCELED"
    assert [one.status for one in ask("all_orders", symbol=BTC)] == ["CANCELED"]


def test_the_sdk_buys_at_market_and_reads_its_fills(ask: Read) -> None:
    bought = ask("new_order", symbol=BTC, side="BUY", type="MARKET", quantity=0.01)
    assert bought.status == "FILLED"
    assert sum(float(fill.qty) for fill in bought.fills) == pytest.approx(0.01)
    mine = ask("my_trades", symbol=BTC, order_id=bought.order_id)
    assert [one.id for one in mine] == [fill.trade_id for fill in bought.fills]
    assert ask("new_order", symbol=BTC, side="BUY", type="MARKET", quote_order_qty=50).status == (
        "FILLED"
    )


def test_the_sdk_tests_an_order_without_placing_it(keys: Keys, ask: Read) -> None:
    low = float(keys.at(0.9))
    ask("order_test", **LIMIT, price=low)
    rates = ask("order_test", **LIMIT, price=low, compute_commission_rates=True)
    assert rates.standard_commission_for_order.taker == "0.00100000"
    assert ask("all_orders", symbol=BTC) == []


@pytest.mark.parametrize(
    ("kind", "factor", "extra"),
    [
        ("STOP_LOSS", 0.9, {}),
        ("TAKE_PROFIT", 1.1, {}),
        ("STOP_LOSS_LIMIT", 0.9, {"time_in_force": "GTC", "price": 0.89}),
        ("TAKE_PROFIT_LIMIT", 1.1, {"time_in_force": "GTC", "price": 1.1}),
        ("LIMIT_MAKER", None, {"price": 1.1}),
    ],
)
def test_the_sdk_places_every_kind_of_resting_exit(
    keys: Keys, ask: Read, kind: str, factor: float | None, extra: dict[str, Any]
) -> None:
    order = {"symbol": BTC, "side": "SELL", "type": kind, "quantity": 0.01} | extra
    if factor:
        order["stop_price"] = float(keys.at(factor))
    if "price" in extra:
        order["price"] = float(keys.at(extra["price"]))
    placed = ask("new_order", **order)
    assert ask("get_order", symbol=BTC, order_id=placed.order_id).type == kind
    ask("delete_open_orders", symbol=BTC)


def test_the_sdk_trails_a_stop_and_hides_an_iceberg(keys: Keys, ask: Read) -> None:
    trailing = ask(
        "new_order", symbol=BTC, side="SELL", type="STOP_LOSS", quantity=0.01, trailing_delta=100
    )
    assert ask("get_order", symbol=BTC, order_id=trailing.order_id).trailing_delta == 100
    iceberg = ask("new_order", **LIMIT, price=float(keys.at(0.9)), iceberg_qty=0.002)
    assert ask("get_order", symbol=BTC, order_id=iceberg.order_id).iceberg_qty == "0.00200000"
    assert len(ask("delete_open_orders", symbol=BTC)) == 2


def test_the_sdk_replaces_and_amends(keys: Keys, ask: Read) -> None:
    low = float(keys.at(0.9))
    first = ask("new_order", **LIMIT, price=low)
    done = ask(
        "order_cancel_replace",
        **LIMIT | {"quantity": 0.02},
        price=low,
        cancel_replace_mode="STOP_ON_FAILURE",
        cancel_order_id=first.order_id,
    )
    assert (done.cancel_result, done.new_order_result) == ("SUCCESS", "SUCCESS")
    second = done.new_order_response.order_id
    amended = ask("order_amend_keep_priority", symbol=BTC, order_id=second, new_qty=0.015)
    assert amended.amended_order.qty == "0.01500000"
    history = ask("order_amendments", symbol=BTC, order_id=second)
    assert [(one.orig_qty, one.new_qty) for one in history] == [("0.02000000", "0.01500000")]


EXITS = {"above_type": "LIMIT_MAKER", "below_type": "STOP_LOSS"}


def exits(keys: Keys, prefix: str = "") -> dict[str, Any]:
    """The two legs of a long exit."""
    return {
        f"{prefix}above_type": "TAKE_PROFIT",
        f"{prefix}above_stop_price": float(keys.at(1.1)),
        f"{prefix}below_type": "STOP_LOSS_LIMIT",
        f"{prefix}below_stop_price": float(keys.at(0.9)),
        f"{prefix}below_price": float(keys.at(0.89)),
        f"{prefix}below_time_in_force": "GTC",
    }


def entry(keys: Keys, factor: float = 0.95) -> dict[str, Any]:
    """A limit entry to buy."""
    return {
        "symbol": BTC,
        "working_type": "LIMIT",
        "working_side": "BUY",
        "working_time_in_force": "GTC",
        "working_price": float(keys.at(factor)),
        "working_quantity": 0.01,
    }


def leg(keys: Keys) -> dict[str, Any]:
    return {
        "pending_type": "STOP_LOSS",
        "pending_side": "SELL",
        "pending_stop_price": float(keys.at(0.9)),
    }


LISTS: dict[str, Callable[[Keys], dict[str, Any]]] = {
    "order_list_oco": lambda keys: {
        "symbol": BTC, "side": "SELL", "quantity": 0.01, **exits(keys)
    },
    "order_list_oto": lambda keys: entry(keys) | leg(keys) | {"pending_quantity": 0.009},
    "order_list_otoco": lambda keys: (
        entry(keys) | exits(keys, "pending_") | {"pending_side": "SELL", "pending_quantity": 0.009}
    ),
    "order_list_opo": lambda keys: entry(keys) | leg(keys),
    "order_list_opoco": lambda keys: (
        entry(keys) | exits(keys, "pending_") | {"pending_side": "SELL"}
    ),
    "order_oco": lambda keys: {
        "symbol": BTC, "side": "SELL", "quantity": 0.01,
        "price": float(keys.at(1.1)), "stop_price": float(keys.at(0.9)),
    },
}  # fmt: skip


@pytest.mark.parametrize("name", LISTS)
def test_the_sdk_places_reads_and_cancels_every_kind_of_list(
    keys: Keys, ask: Read, name: str
) -> None:
    placed = ask(name, **LISTS[name](keys), list_client_order_id="L")
    expected = 3 if name.endswith(("otoco", "opoco")) else 2
    assert len(placed.orders) == len(placed.order_reports) == expected
    found = ask("get_order_list", orig_client_order_id="L")
    assert (found.order_list_id, found.list_order_status) == (placed.order_list_id, "EXECUTING")
    assert [one.order_list_id for one in ask("open_order_list")] == [placed.order_list_id]
    for order in placed.orders:
        assert ask("get_order", symbol=BTC, order_id=order.order_id).order_list_id == (
            placed.order_list_id
        )
    ended = ask("delete_order_list", symbol=BTC, order_list_id=placed.order_list_id)
    assert (ended.list_order_status, len(ended.order_reports)) == ("ALL_DONE", expected)
    assert len(ask("all_order_list")) == 1


def test_the_sdk_cancels_orders_and_lists_in_one_go(keys: Keys, ask: Read) -> None:
    ask("new_order", **LIMIT, price=float(keys.at(0.9)))
    ask("order_list_oco", **LISTS["order_list_oco"](keys))
    assert len(ask("delete_open_orders", symbol=BTC)) == 2
    assert ask("get_open_orders") == []


def test_the_sdk_hears_the_documented_refusals(keys: Keys) -> None:
    api = spot(keys).rest_api
    with pytest.raises(BadRequestError) as refused:
        api.get_order(symbol=BTC, order_id=999999999)
    assert (refused.value.status_code, refused.value.error_message) == (
        -2013,
        "Order does not exist.",
    )
    with pytest.raises(BadRequestError) as refused:
        api.sor_order(symbol=BTC, side="BUY", type="MARKET", quantity=0.01)
    assert refused.value.status_code is not None
    with pytest.raises(UnauthorizedError) as denied:
        spot(Keys(keys.server, "k" * 64, keys.secret)).rest_api.get_account()
    assert denied.value.status_code == -2015
    with pytest.raises(BadRequestError) as refused:
        spot(Keys(keys.server, keys.key, "s" * 64)).rest_api.get_account()
    assert refused.value.status_code == -1022
