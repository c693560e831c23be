"""WS API sessions in this process, for tests that need no socket."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

from trading.exchange.paper.ws_api import Session

from .scripted import Bench, Trader


def signed(trader: Trader, **params: Any) -> dict[str, Any]:
    """Parameters with key, time and signature, as the WS API wants them."""
    params |= {"apiKey": trader.key.key, "timestamp": trader.bench.now_ms}
    payload = "&".join(f"{name}={params[name]}" for name in sorted(params))
    made = hmac.new(trader.key.secret.encode(), payload.encode(), hashlib.sha256).hexdigest()
    return params | {"signature": made}


def answer(session: Session, method: str, **params: Any) -> Any:
    """The whole frame that answers a request."""
    return session.answer(json.dumps({"id": "x", "method": method, "params": params}))


def ask(session: Session, method: str, **params: Any) -> Any:
    """The result of a request, or the error where it was refused."""
    frame = answer(session, method, **params)
    return frame.get("result", frame.get("error"))


def logged_on(bench: Bench, trader: Trader, **how: Any) -> Session:
    """A session that logged on with the trader's key."""
    session = Session(bench.exchange, bench.now_ms, **how)
    ask(session, "session.logon", **signed(trader))
    return session
