"""Faults on command: what can go wrong between a client and Binance, armed by name and seeded.

A fault is text, `NAME:option=value,option=value`, given by `--fault` or to `/paper-admin/faults`.
Options every fault takes: `next=N` (strike so often, then be spent), `skip=N` (let so many pass
first), `p=0.3` (strike with that probability, from the seed), `for=SECONDS` (be spent after that),
`account=N`, and for requests `path=GLOB` (a REST path or a WS API method) and `method=POST`.
The same seed and the same requests give the same strikes, so a failure replays.

This module knows names, options and when to strike. What a strike does to answers is in
`faults_wire.py`, to user events in `faults_events.py`, to the market in `faults_market.py`.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Literal

Layer = Literal["request", "read", "events", "market", "subscribe"]
COMMON: dict[str, str] = {"next": "", "skip": "0", "p": "1", "for": "", "account": ""}
ASKED: dict[str, str] = COMMON | {"path": "*", "method": "*"}


@dataclass(frozen=True, slots=True)
class Kind:
    """One entry of the catalogue: where it acts, its options with their defaults, what it does."""

    name: str
    layer: Layer
    options: Mapping[str, str]
    says: str
    lasts: bool = False  # strikes until disarmed, where `next` is not given; else once


def _kinds(*kinds: Kind) -> dict[str, Kind]:
    return {kind.name: kind for kind in kinds}


CATALOGUE: dict[str, Kind] = _kinds(
    Kind("drop-reply", "request", ASKED, "carry it out, then reset the connection"),
    Kind("hang", "request", ASKED | {"seconds": "60", "accepted": "yes"}, "hold the answer back"),
    Kind(
        "error",
        "request",
        ASKED | {"code": "-1000", "status": "", "accepted": "random"},
        "answer with a Binance error; `accepted=yes|no|random`: whether it was carried out",
    ),
    Kind(
        "unknown",
        "request",
        ASKED | {"code": "-1007", "status": "", "visible_after": "5"},
        "carry it out, answer -1006 or -1007, and show it to reads only after that many seconds",
    ),
    Kind("truncate", "request", ASKED | {"bytes": "20"}, "cut the JSON off after so many bytes"),
    Kind("wrong-length", "request", ASKED | {"more": "10"}, "promise more bytes than are sent"),
    Kind(
        "html",
        "request",
        ASKED | {"status": "403", "accepted": "no"},
        "an HTML page, as a firewall (403) or a gateway (502) sends it",
    ),
    Kind("empty", "request", ASKED | {"accepted": "yes"}, "200 with nothing in it"),
    Kind("rate-limit", "request", ASKED | {"retry_after": "1"}, "429, -1003 with Retry-After"),
    Kind("order-limit", "request", ASKED | {"retry_after": "1"}, "429, -1015"),
    Kind("ban", "request", ASKED | {"seconds": "120"}, "418 until the time is over", lasts=True),
    Kind(
        "key-revoked",
        "request",
        ASKED,
        "-2015 to every signed request; without `path` and `next` user streams end too",
        lasts=True,
    ),
    Kind(
        "read-lag",
        "read",
        COMMON | {"seconds": "12"},
        "orders, lists and trades are shown to reads only that long after they came about",
        lasts=True,
    ),
    Kind("duplicate-events", "events", COMMON | {"copies": "3"}, "each so often", lasts=True),
    Kind(
        "reorder-events",
        "events",
        COMMON | {"seconds": "0.2"},
        "collect them that long, then send them shuffled",
        lasts=True,
    ),
    Kind("delay-events", "events", COMMON | {"seconds": "90"}, "send them late", lasts=True),
    Kind("silent-socket", "events", COMMON, "the socket is open and says nothing", lasts=True),
    Kind("lost-subscription", "events", COMMON, "forget the subscriptions, say nothing"),
    Kind(
        "event-at-subscribe",
        "subscribe",
        COMMON | {"when": "after", "what": "fill", "amount": "1"},
        "something happens to the account right after (or before) the answer to its subscribe: "
        "its oldest resting order is filled, or a deposit arrives",
    ),
    Kind("burst-events", "events", COMMON | {"count": "10000"}, "repeat an event so often"),
    Kind("clock-skew", "market", COMMON | {"ms": "1500"}, "the server's clock is off", lasts=True),
    Kind(
        "filters",
        "market",
        COMMON | {"symbol": "BTCUSDT", "tick": "", "step": "", "min_notional": ""},
        "other filters from now on",
        lasts=True,
    ),
    Kind(
        "symbol-status",
        "market",
        COMMON | {"symbol": "BTCUSDT", "status": "HALT"},
        "HALT, BREAK or CANCEL_ONLY instead of TRADING",
        lasts=True,
    ),
    Kind("reject-legs", "market", COMMON, "the legs of a list are REJECTED when it releases them"),
    Kind(
        "partial-entry",
        "market",
        COMMON | {"fraction": "0.4"},
        "a LIMIT GTC or a resting LIMIT_MAKER gets that part of its quantity, then nothing more",
    ),
    Kind(
        "reset",
        "market",
        COMMON | {"usdt": "10000"},
        "every account (or one) starts anew: nothing open, that much USDT",
    ),
    Kind(
        "thin-book",
        "market",
        COMMON | {"fraction": "0.4"},
        "a market order (a triggered stop too) gets that part, the rest expires",
    ),
)
NUMBERS = frozenset(
    {"next", "skip", "p", "for", "account", "seconds", "code", "visible_after", "bytes", "more",
     "retry_after", "usdt", "amount", "copies", "count", "ms", "tick", "step", "min_notional",
     "fraction"}
)  # fmt: skip
CHOICES = {
    "accepted": ("yes", "no", "random"),
    "when": ("before", "after"),
    "what": ("fill", "deposit"),
    "status": ("403", "502", "503", "504", "500", "400", "429", "HALT", "BREAK", "CANCEL_ONLY"),
}


class BadFault(ValueError):
    """No such fault, or an option it does not have; the sentence says what there is."""


@dataclass(slots=True)
class Fault:
    """One armed fault. `left` strikes remain (None: as many as come)."""

    id: int
    kind: Kind
    options: Mapping[str, str]
    armed_ms: int
    left: int | None
    skip: int
    struck: int = 0
    state: dict[str, Any] = field(default_factory=dict)

    def number(self, name: str) -> float:
        """An option as a number. Raises: KeyError, where the fault has none of that name."""
        return float(self.options[name] or 0)

    def concerns(self, account: int | None, path: str = "", method: str = "") -> bool:
        """Whether it is meant for such a request or event."""
        wanted = self.options
        return (
            (not wanted["account"] or str(account) == wanted["account"])
            and fnmatchcase(path, wanted.get("path", "*"))
            and fnmatchcase(method, wanted.get("method", "*"))
        )

    def is_over(self, now_ms: int) -> bool:
        """Spent: no strikes left, or its time has passed."""
        limit = self.options["for"]
        return self.left == 0 or (bool(limit) and now_ms > self.armed_ms + float(limit) * 1000)

    def told(self) -> dict[str, Any]:
        """How the admin API shows it."""
        said = {name: value for name, value in self.options.items() if value != ""}
        return {"id": self.id, "fault": self.kind.name, "options": said, "struck": self.struck}


def parse(text: str) -> tuple[Kind, dict[str, str]]:
    """`NAME:option=value,…` as kind and options. Raises: BadFault."""
    name, _, rest = text.strip().partition(":")
    kind = CATALOGUE.get(name)
    if kind is None:
        raise BadFault(f"There is no fault {name!r}. Choose from {', '.join(CATALOGUE)}.")
    options = dict(kind.options)
    for pair in filter(None, rest.split(",")):
        option, equals, value = pair.partition("=")
        option = option.strip()
        if not equals or option not in options:
            raise BadFault(f"{name} has no option {pair!r}. It has {', '.join(kind.options)}.")
        options[option] = _checked(name, option, value.strip())
    return kind, options


def _checked(name: str, option: str, value: str) -> str:
    if option in NUMBERS and value:
        try:
            finite = abs(float(value)) < 1e12
        except ValueError:
            finite = False
        if not finite:
            raise BadFault(f"{name}: {option} must be a number, not {value[:40]!r}.")
    if option in CHOICES and value and value not in CHOICES[option]:
        raise BadFault(f"{name}: {option} must be one of {', '.join(CHOICES[option])}.")
    return value


class Faults:
    """What is armed, and the dice. `armed` is empty most of the time: ask it before anything."""

    def __init__(self, seed: int = 1) -> None:
        self.seed = seed
        self.armed: list[Fault] = []
        self.log: list[dict[str, Any]] = []  # every strike, oldest first
        self._dice = random.Random(seed)  # noqa: S311  replayable, not secret
        self._last = 0

    def arm(self, text: str, now_ms: int) -> Fault:
        """Raises: BadFault."""
        kind, options = parse(text)
        self._last += 1
        given = options["next"]
        left = int(float(given)) if given else (None if kind.lasts else 1)
        fault = Fault(self._last, kind, options, now_ms, left, int(float(options["skip"])))
        self.armed.append(fault)
        return fault

    def spent(self, now_ms: int) -> list[Fault]:
        """Take out what is over. Returns it: what it changed must be put back."""
        over = [fault for fault in self.armed if fault.is_over(now_ms)]
        self.armed = [fault for fault in self.armed if fault not in over]
        return over

    def disarm(self, number: int | None = None) -> list[Fault]:
        """Take out one, or all. Returns what was taken out."""
        out = [fault for fault in self.armed if number is None or fault.id == number]
        self.armed = [fault for fault in self.armed if fault not in out]
        return out

    def strike(
        self,
        layer: Layer,
        now_ms: int,
        *,
        names: tuple[str, ...] = (),
        account: int | None = None,
        path: str = "",
        method: str = "",
    ) -> Fault | None:
        """The first armed fault of the layer that hits here, counted and logged; else None."""
        for fault in self.armed:
            if fault.kind.layer != layer or (names and fault.kind.name not in names):
                continue
            if fault.is_over(now_ms) or not fault.concerns(account, path, method):
                continue
            if fault.skip:
                fault.skip -= 1
                continue
            if fault.number("p") < 1 and self._dice.random() >= fault.number("p"):
                continue
            if fault.left is not None:
                fault.left -= 1
            fault.struck += 1
            self.log.append({"id": fault.id, "fault": fault.kind.name, "at": path or layer})
            return fault
        return None

    def flip(self) -> bool:
        """Heads or tails, from the seed."""
        return self._dice.random() < 0.5

    def shuffle(self, things: list[Any]) -> None:
        """Another order, from the seed."""
        self._dice.shuffle(things)
