"""Which answers mean no, and that every other means: look it up (R3)."""

import ast
import pathlib

import pytest

from trading.exchange.outcomes import ABOUT_THE_REQUEST, CODES, HELD_BACK, refusal
from trading.exchange.paper import errors
from trading.exchange.port import Refused, Unknown

NO, LOOK = Refused, Unknown

# Every code of Binance's errors.md, with its name there, and what an order answered by it is. Then
# the codes its servers send that the page leaves out. Written down a second time on purpose:
# whoever changes a class changes it in two places, and sees this list.
LISTED = {
    -1000: ("UNKNOWN", LOOK),
    -1001: ("DISCONNECTED", LOOK),
    -1002: ("UNAUTHORIZED", NO),
    -1003: ("TOO_MANY_REQUESTS", NO),
    -1006: ("UNEXPECTED_RESP", LOOK),
    -1007: ("TIMEOUT", LOOK),
    -1008: ("SERVER_BUSY", LOOK),
    -1010: ("ERROR_MSG_RECEIVED", LOOK),
    -1013: ("INVALID_MESSAGE", NO),
    -1014: ("UNKNOWN_ORDER_COMPOSITION", NO),
    -1015: ("TOO_MANY_ORDERS", NO),
    -1016: ("SERVICE_SHUTTING_DOWN", LOOK),
    -1020: ("UNSUPPORTED_OPERATION", NO),
    -1021: ("INVALID_TIMESTAMP", NO),
    -1022: ("INVALID_SIGNATURE", NO),
    -1033: ("COMP_ID_IN_USE", LOOK),
    -1034: ("TOO_MANY_CONNECTIONS", NO),
    -1035: ("LOGGED_OUT", LOOK),
    -1100: ("ILLEGAL_CHARS", NO),
    -1101: ("TOO_MANY_PARAMETERS", NO),
    -1102: ("MANDATORY_PARAM_EMPTY_OR_MALFORMED", NO),
    -1103: ("UNKNOWN_PARAM", NO),
    -1104: ("UNREAD_PARAMETERS", NO),
    -1105: ("PARAM_EMPTY", NO),
    -1106: ("PARAM_NOT_REQUIRED", NO),
    -1108: ("PARAM_OVERFLOW", NO),
    -1111: ("BAD_PRECISION", NO),
    -1112: ("NO_DEPTH", NO),
    -1114: ("TIF_NOT_REQUIRED", NO),
    -1115: ("INVALID_TIF", NO),
    -1116: ("INVALID_ORDER_TYPE", NO),
    -1117: ("INVALID_SIDE", NO),
    -1118: ("EMPTY_NEW_CL_ORD_ID", NO),
    -1119: ("EMPTY_ORG_CL_ORD_ID", NO),
    -1120: ("BAD_INTERVAL", NO),
    -1121: ("BAD_SYMBOL", NO),
    -1122: ("INVALID_SYMBOLSTATUS", NO),
    -1125: ("INVALID_LISTEN_KEY", NO),
    -1127: ("MORE_THAN_XX_HOURS", NO),
    -1128: ("OPTIONAL_PARAMS_BAD_COMBO", NO),
    -1130: ("INVALID_PARAMETER", NO),
    -1134: ("BAD_STRATEGY_TYPE", NO),
    -1135: ("INVALID_JSON", NO),
    -1139: ("INVALID_TICKER_TYPE", NO),
    -1145: ("INVALID_CANCEL_RESTRICTIONS", NO),
    -1151: ("DUPLICATE_SYMBOLS", NO),
    -1152: ("INVALID_SBE_HEADER", NO),
    -1153: ("UNSUPPORTED_SCHEMA_ID", NO),
    -1155: ("SBE_DISABLED", NO),
    -1158: ("OCO_ORDER_TYPE_REJECTED", NO),
    -1160: ("OCO_ICEBERGQTY_TIMEINFORCE", NO),
    -1161: ("DEPRECATED_SCHEMA", LOOK),  # the answer could not be encoded: the order may be in
    -1165: ("BUY_OCO_LIMIT_MUST_BE_BELOW", NO),
    -1166: ("SELL_OCO_LIMIT_MUST_BE_ABOVE", NO),
    -1168: ("BOTH_OCO_ORDERS_CANNOT_BE_LIMIT", NO),
    -1169: ("INVALID_TAG_NUMBER", NO),
    -1170: ("TAG_NOT_DEFINED_IN_MESSAGE", NO),
    -1171: ("TAG_APPEARS_MORE_THAN_ONCE", NO),
    -1172: ("TAG_OUT_OF_ORDER", NO),
    -1173: ("GROUP_FIELDS_OUT_OF_ORDER", NO),
    -1174: ("INVALID_COMPONENT", NO),
    -1175: ("RESET_SEQ_NUM_SUPPORT", NO),
    -1176: ("ALREADY_LOGGED_IN", NO),
    -1177: ("GARBLED_MESSAGE", NO),
    -1178: ("BAD_SENDER_COMPID", NO),
    -1179: ("BAD_SEQ_NUM", NO),
    -1180: ("EXPECTED_LOGON", NO),
    -1181: ("TOO_MANY_MESSAGES", NO),
    -1182: ("PARAMS_BAD_COMBO", NO),
    -1183: ("NOT_ALLOWED_IN_DROP_COPY_SESSIONS", NO),
    -1184: ("DROP_COPY_SESSION_NOT_ALLOWED", NO),
    -1185: ("DROP_COPY_SESSION_REQUIRED", NO),
    -1186: ("NOT_ALLOWED_IN_ORDER_ENTRY_SESSIONS", NO),
    -1187: ("NOT_ALLOWED_IN_MARKET_DATA_SESSIONS", NO),
    -1188: ("INCORRECT_NUM_IN_GROUP_COUNT", NO),
    -1189: ("DUPLICATE_ENTRIES_IN_A_GROUP", NO),
    -1190: ("INVALID_REQUEST_ID", NO),
    -1191: ("TOO_MANY_SUBSCRIPTIONS", NO),
    -1194: ("INVALID_TIME_UNIT", NO),
    -1196: ("BUY_OCO_STOP_LOSS_MUST_BE_ABOVE", NO),
    -1197: ("SELL_OCO_STOP_LOSS_MUST_BE_BELOW", NO),
    -1198: ("BUY_OCO_TAKE_PROFIT_MUST_BE_BELOW", NO),
    -1199: ("SELL_OCO_TAKE_PROFIT_MUST_BE_ABOVE", NO),
    -1210: ("INVALID_PEG_PRICE_TYPE", NO),
    -1211: ("INVALID_PEG_OFFSET_TYPE", NO),
    -1220: ("SYMBOL_DOES_NOT_MATCH_STATUS", NO),
    -1221: ("INVALID_SBE_MESSAGE_FIELD", NO),
    -1222: ("OPO_WORKING_MUST_BE_BUY", NO),
    -1223: ("OPO_PENDING_MUST_BE_SELL", NO),
    -1224: ("WORKING_PARAM_REQUIRED", NO),
    -1225: ("PENDING_PARAM_NOT_REQUIRED", NO),
    -2010: ("NEW_ORDER_REJECTED", NO),  # "Duplicate order sent." apart
    -2011: ("CANCEL_REJECTED", LOOK),
    -2013: ("NO_SUCH_ORDER", LOOK),
    -2014: ("BAD_API_KEY_FMT", NO),
    -2015: ("REJECTED_MBX_KEY", NO),
    -2016: ("NO_TRADING_WINDOW", LOOK),
    -2021: ("Order cancel-replace partially failed", LOOK),
    -2022: ("Order cancel-replace failed", LOOK),
    -2026: ("ORDER_ARCHIVED", LOOK),
    -2035: ("SUBSCRIPTION_ACTIVE", LOOK),
    -2036: ("SUBSCRIPTION_INACTIVE", LOOK),
    -2038: ("ORDER_AMEND_REJECTED", LOOK),
    -2039: ("CLIENT_ORDER_ID_INVALID", LOOK),
    -2042: ("MAXIMUM_SUBSCRIPTION_IDS", LOOK),
    -2043: ("NO_REFERENCE_PRICE", LOOK),
    # Sent, not listed.
    -1131: ("recvWindow must be less than 60000", NO),
    -1136: ("Invalid newOrderRespType", NO),
    -2018: ("Order list does not exist.", LOOK),
    -4047: ("Time interval must be within 0-90 days", LOOK),
    -4056: ("HMAC_SHA256 API key is not supported.", LOOK),
}


@pytest.mark.parametrize(("code", "name", "kind"), [(c, n, k) for c, (n, k) in LISTED.items()])
def test_every_code_of_binances_errors_has_its_class(code, name, kind):
    assert isinstance(refusal(status=400, code=code, message=name), kind)


def test_the_table_in_the_code_lists_the_same_codes_and_says_why_for_each():
    assert CODES.keys() == LISTED.keys()
    assert all(code.why for code in CODES.values())


def test_every_code_the_paper_exchange_can_answer_is_in_the_table():
    folder = pathlib.Path(errors.__file__).parent
    sent = set()
    for source in folder.glob("*.py"):
        for node in ast.walk(ast.parse(source.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "BinanceError":
                sent |= {int(ast.unparse(each)) for each in _numbers(node.args[0])}
    assert len(sent) > 50, "the search finds them"
    assert sent <= CODES.keys()


def _numbers(node):
    """The code, or both of `a if … else b`."""
    if isinstance(node, ast.IfExp):
        return [node.body, node.orelse]
    return [node] if isinstance(node, ast.UnaryOp) else []


@pytest.mark.parametrize("code", [-1, -999, -1004, -1009, -1107, -1200, -1226, -2012, -9999, 0, 7])
def test_a_code_nobody_has_listed_is_looked_up(code):
    assert code not in CODES
    assert isinstance(refusal(status=400, code=code, message="new"), Unknown)


@pytest.mark.parametrize(("status", "code"), [(429, -1003), (418, -1003), (429, -1015), (429, 0)])
def test_too_many_requests_are_not_taken_in(status, code):
    assert isinstance(refusal(status=status, code=code, message="Too much"), Refused)


@pytest.mark.parametrize("status", [418, 429])
def test_a_page_of_html_with_a_rate_limits_status_is_a_no(status):
    assert refusal(status=status, code=None, message="<html>") == Refused(-1003, "<html>")


@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize("code", [None, -1000, -1013, -1021, -2010, -9999])
def test_a_server_error_is_no_answer_whatever_its_code(status, code):
    assert isinstance(refusal(status=status, code=code, message="x"), Unknown)


@pytest.mark.parametrize("code", [None, -2015])
def test_f13_a_firewalls_page_is_no_answer(code):
    assert isinstance(refusal(status=403, code=code, message="<html>WAF</html>"), Unknown)


@pytest.mark.parametrize("message", ["Duplicate order sent.", "duplicate order sent"])
def test_a_duplicate_means_that_something_of_ours_is_there(message):
    assert isinstance(refusal(status=400, code=-2010, message=message), Unknown)


def test_no_code_at_all_is_no_answer():
    assert isinstance(refusal(status=400, code=None, message="no code at all"), Unknown)


def test_what_concerns_the_request_alone_is_a_no_to_the_request():
    assert all(CODES[code].definite_no for code in ABOUT_THE_REQUEST - {HELD_BACK})
