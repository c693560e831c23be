"""What Binance does not document, decided once each: the switches, their defaults, the reasons.

Every one is tested both ways (`tests/paper/test_switches.py`) and listed in
`docs/paper-exchange.md`. The command sets them with `--switch NAME=VALUE`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class Switches:
    """Immutable; an exchange holds one at `engine.switches`."""

    # filters.md names only MARKET orders; a stop that ends as one could not exit otherwise.
    market_lot_on_triggers: bool = True
    # faqs/opo.md: free holdings pay the fee where enough; off, the coin bought always pays.
    opo_fee_from_free: bool = True
    # opo.md says only that an OPO needs no funds for its legs; of a plain OTO nothing is said.
    oto_locks_legs: bool = False
    # price_range_execution_rules.md says which symbols have the rule; off, none has it.
    price_range: bool = True
    # user-data-stream.md does not say whether a list or its orders are told of first.
    list_before_orders: bool = False
    # web-socket-api.md wants Ed25519 for session.logon; clients in the field send HMAC.
    logon_takes_hmac: bool = True
    # errors.md gives -1006 and -1007 no HTTP status; rest-api.md: 5xx, execution unknown.
    unknown_status: int = 504
    # errors.md gives -2014 and -2015 no HTTP status over REST; the WS API's 401 is documented.
    rejected_key_status: int = 401
    # Ping and pong frames a second that a WS API socket takes; 0: any number. Documented for
    # market streams (5, messages included) and for futures, not for Spot's WS API.
    ws_control_frames: int = 5
    # Requests a second that a WS API socket takes; 0: any number, only weights and orders count.
    ws_messages: int = 0


def named(texts: list[str], base: Switches | None = None) -> Switches:
    """Switches from `NAME=VALUE` texts: on, off, or a whole number. Raises: ValueError."""
    base = base or Switches()
    known = {one.name: getattr(base, one.name) for one in fields(Switches)}
    changed: dict[str, Any] = {}
    for text in texts:
        name, _, value = text.partition("=")
        if name not in known:
            raise ValueError(f"There is no switch {name!r}. Choose from {', '.join(known)}.")
        changed[name] = _value(name, value, known)
    return replace(base, **changed)


def _value(name: str, text: str, known: Mapping[str, Any]) -> bool | int:
    if isinstance(known[name], bool):
        if text not in ("on", "off"):
            raise ValueError(f"The switch {name} is on or off, not {text!r}.")
        return text == "on"
    least, most = (400, 599) if name.endswith("_status") else (0, 1_000_000)
    if not (text.isascii() and text.isdigit() and least <= int(text[:9]) <= most):
        raise ValueError(f"The switch {name} is a whole number from {least} to {most}.")
    return int(text)
