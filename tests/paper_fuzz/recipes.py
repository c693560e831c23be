"""Orders and lists that an exchange would take, for the generator to send whole or spoilt."""

from __future__ import annotations

import random

Recipe = tuple[str, str, dict[str, str]]  # method, path, parameters


def recipe(dice: random.Random, last: dict[str, float], number: int) -> Recipe:
    """One sensible trading request. `number` makes client ids, some of them used before."""
    symbol = dice.choice(sorted(last))
    price = last[symbol]
    quantity = f"{dice.uniform(60, 600) / price:.4f}"
    name = f"r{dice.choice((number, number, number, dice.randint(0, number)))}"
    side = dice.choice(("BUY", "SELL"))
    away = dice.uniform(0.002, 0.08) * (-1 if side == "BUY" else 1)

    def at(factor: float) -> str:
        return f"{price * factor:.2f}"

    order = {"symbol": symbol, "side": side, "quantity": quantity, "newClientOrderId": name}
    in_force = dice.choice(("GTC", "GTC", "IOC", "FOK"))
    limit = order | {"type": "LIMIT", "timeInForce": in_force, "price": at(1 + away)}
    stop = order | {"type": "STOP_LOSS", "stopPrice": at(1 - away)}
    exits = {
        "aboveType": dice.choice(("LIMIT_MAKER", "TAKE_PROFIT")), "abovePrice": at(1.03),
        "aboveStopPrice": at(1.03), "belowType": "STOP_LOSS", "belowStopPrice": at(0.97),
    }  # fmt: skip
    exits.pop("abovePrice" if exits["aboveType"] == "TAKE_PROFIT" else "aboveStopPrice")
    pending = {f"pending{key[0].upper()}{key[1:]}": value for key, value in exits.items()}
    entry = {
        "symbol": symbol, "workingType": "LIMIT", "workingSide": "BUY", "workingQuantity": quantity,
        "workingPrice": at(dice.choice((0.99, 1.01))), "workingTimeInForce": in_force,
        "pendingSide": "SELL", "listClientOrderId": f"L{name}",
    }  # fmt: skip
    one = {"symbol": symbol, "origClientOrderId": f"r{dice.randint(0, number)}"}
    single = {"pendingType": "LIMIT_MAKER", "pendingPrice": at(1.05)}
    fixed = {"pendingQuantity": quantity}
    replace = limit | {"cancelReplaceMode": "ALLOW_FAILURE",
                       "cancelOrigClientOrderId": one["origClientOrderId"]}  # fmt: skip
    return dice.choice(
        (
            ("POST", "order", limit),
            ("POST", "order", limit | {"price": at(1 - away), "timeInForce": "GTC"}),
            ("POST", "order", order | {"type": "MARKET"}),
            ("POST", "order", stop),
            ("POST", "order", stop | {"type": "TAKE_PROFIT", "stopPrice": at(1 + away)}),
            ("POST", "order", order | {"type": "STOP_LOSS", "trailingDelta": "150"}),
            ("POST", "order", limit | {"timeInForce": "GTC", "icebergQty": quantity}),
            ("POST", "order/cancelReplace", replace),
            ("PUT", "order/amend/keepPriority", one | {"newQty": f"{30 / price:.4f}"}),
            ("DELETE", "order", one),
            ("GET", "order", one),
            ("DELETE", "openOrders", {"symbol": symbol}),
            ("POST", "orderList/oco", {**exits, "symbol": symbol, "side": "SELL",
                                       "quantity": quantity, "listClientOrderId": f"L{name}"}),
            ("POST", "orderList/oto", entry | single | fixed),
            ("POST", "orderList/otoco", entry | pending | fixed),
            ("POST", "orderList/opo", entry | single),
            ("POST", "orderList/opoco", entry | pending),
            ("DELETE", "orderList", {"symbol": symbol,
                                     "listClientOrderId": f"Lr{dice.randint(0, number)}"}),
        )
    )  # fmt: skip
