"""Which answers to an order mean it certainly did not reach the book (R3). All others: look it up.

Source: Binance's errors.md, every code of it, plus the few that its servers send and the page does
not list. A code that is not here is Unknown: an order wrongly taken for refused may be bought a
second time, and a needless look-up costs a query.
"""

from dataclasses import dataclass

from trading.exchange.port import Refused, Unknown

DUPLICATE = "Duplicate order sent."  # -2010: something of ours rests under this id
HTTP_BANNED, HTTP_TOO_MANY = 418, 429


@dataclass(frozen=True, slots=True)
class Code:
    """One of Binance's codes: whether an order it answers is certainly not in the book, and why."""

    definite_no: bool
    why: str


_BEFORE = "Checked before the matching engine."
_SESSION = "Of a FIX or WebSocket session: no answer to an order sent by REST."
_READ = "Answers a question, not an order."


def _no(*codes: int, why: str = _BEFORE) -> dict[int, Code]:
    return {code: Code(True, why) for code in codes}


def _unknown(*codes: int, why: str) -> dict[int, Code]:
    return {code: Code(False, why) for code in codes}


CODES: dict[int, Code] = {
    **_unknown(-1000, -1001, why="An error inside the exchange: it may have come after the book."),
    **_no(-1002, why="The key may not do this: refused at the door."),
    **_no(-1003, why="Too many requests (429, 418): not taken in."),
    **_unknown(-1006, -1007, why="The exchange itself says that the outcome is unknown."),
    **_unknown(-1008, why="Overloaded: it does not say where the order was dropped."),
    **_unknown(-1010, why="An error of the engine without a class of its own."),
    **_no(-1013, why="A filter: it did not reach the engine."),
    **_no(-1014, -1020, why="No such combination, or no such operation."),
    **_no(-1015, why="Too many orders: not taken in."),
    **_unknown(-1016, why="Shutting down: what was under way may have passed."),
    **_no(-1021, why="Outside recvWindow: the fence of R5 at work."),
    **_no(-1022, why="The signature is wrong."),
    **_unknown(-1033, -1035, why=_SESSION),
    **_no(-1034, why="Too many connections: not taken in."),
    # 11xx, issues of the request.
    **_no(
        -1100, -1101, -1102, -1103, -1104, -1105, -1106, -1108, -1111, -1112, -1114, -1115, -1116,
        -1117, -1118, -1119, -1120, -1121, -1122, -1125, -1127, -1128, -1130, -1131, -1134, -1135,
        -1136, -1139, -1145, -1151, -1152, -1153, -1155, -1158, -1160, -1165, -1166, -1168, -1169,
        -1170, -1171, -1172, -1173, -1174, -1175, -1176, -1177, -1178, -1179, -1180, -1181, -1182,
        -1183, -1184, -1185, -1186, -1187, -1188, -1189, -1190, -1191, -1194, -1196, -1197, -1198,
        -1199,
    ),
    **_unknown(-1161, why="The *answer* could not be encoded: the order may well have passed."),
    # 12xx, rules of pegged orders, symbol states and order lists.
    **_no(-1210, -1211, -1220, -1221, -1222, -1223, -1224, -1225),
    # 20xx, from the engine and the keys.
    **_no(-2010, why="The engine refused it: it does not rest. Not so a duplicate, see `refusal`."),
    **_unknown(-2011, why="A cancel was refused: the order may have filled or ended (X12)."),
    **_unknown(-2013, -2018, why="Not known by this id, or not yet: reads lag behind the engine."),
    **_no(-2014, -2015, why="The key was refused."),
    **_unknown(-2016, -2026, -2043, why=_READ),
    **_unknown(-2021, -2022, why="One half of a cancel-replace, or neither: ask which."),
    **_unknown(-2035, -2036, -2042, why=_SESSION),
    **_unknown(-2038, -2039, why="An amendment was refused: the order stands as it was."),
    **_unknown(-4047, why=_READ),
    **_unknown(-4056, why=_SESSION),
}  # fmt: skip

# Refusals that concern the request (its moment, its number, its key), not the order: the same order
# may pass a moment later, so nothing follows from them about the position.
HELD_BACK = 1  # our own: not sent, because of the budget of requests or a ban
ABOUT_THE_REQUEST = frozenset({HELD_BACK, -1002, -1003, -1015, -1021, -1022, -1034, -2014, -2015})

TROUBLE = frozenset({-1000, -1001, -1006, -1007, -1008, -1016})  # the exchange's own


def refusal(*, status: int, code: int | None, message: str) -> Refused | Unknown:
    """Class a non-2xx answer to an order."""
    if status >= 500 or status == 403 or code is None:
        # A 5xx "must NOT be treated as a failure" (rest-api.md); a 403 is a firewall's page.
        if status in (HTTP_BANNED, HTTP_TOO_MANY):
            return Refused(-1003, message)  # a page instead of JSON, but the status says it
        return Unknown(f"HTTP {status}, code {code}: {message}")
    if code == -2010 and DUPLICATE.lower().rstrip(".") in message.lower():
        return Unknown("The exchange already holds an order of ours by this id.", answered=True)
    known = CODES.get(code)
    if status in (HTTP_BANNED, HTTP_TOO_MANY) or (known is not None and known.definite_no):
        return Refused(code, message)
    clear = known is not None and code not in TROUBLE
    return Unknown(f"HTTP {status}, code {code}: {message}", answered=clear)
