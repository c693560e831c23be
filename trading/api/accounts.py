"""The API's doors to exchange accounts, what may be traded there, and what is at risk."""

from datetime import timedelta

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from risk.symbols import Symbol
from testudo import clock
from testudo.web.problems import Problem, invalid
from testudo.web.serializers import read_body, read_query
from testudo.web.tenancy import get_account
from trading import points
from trading.api import present, schema
from trading.api.forms import AccountQuery, CandlesQuery, HistoryQuery, NewAccountForm
from trading.api.risk_present import point, risk_facts
from trading.book import QuoteOf
from trading.connecting import AccountRefused, connect_account, remove_account
from trading.credentials import ApiKeys
from trading.exchange.port import ExchangeUnavailable
from trading.market import prices
from trading.market.candles import read_candles
from trading.market.symbols import listed
from trading.models import ExchangeAccount

__all__ = ["risk_facts"]


class AccountsView(APIView):
    """The trader's exchange accounts."""

    @extend_schema(responses={200: schema.ACCOUNTS, **schema.REFUSALS})
    def get(self, request: Request) -> Response:
        rows = ExchangeAccount.objects.for_principal(request.user).select_related("accountrisk")
        return Response({"results": [present.account(row) for row in rows.order_by("created_at")]})


class NewAccountView(APIView):
    """Connect an account. Keys are write-only; a paper account needs none."""

    @extend_schema(request=NewAccountForm, responses={201: schema.ACCOUNT, **schema.REFUSALS})
    def post(self, request: Request) -> Response:
        asked = read_body(NewAccountForm, request)
        if ("key" in asked) != ("secret" in asked):
            missing = "secret" if "key" in asked else "key"
            raise invalid(missing, None, "Send key and secret together, or neither.")
        keys = ApiKeys(asked["key"], asked["secret"]) if "key" in asked else None
        try:
            account = connect_account(
                request.user, venue=asked["venue"], name=asked["name"], keys=keys
            )
        except AccountRefused as refused:
            raise invalid(refused.field, None, str(refused), code="account_refused") from refused
        except ExchangeUnavailable as error:
            raise Problem(
                503, "exchange_unavailable", "The exchange does not answer", str(error)
            ) from error
        return Response(present.account(account), status=201)


class RemoveAccountView(APIView):
    """Take an account away: its keys are forgotten, its history stays."""

    @extend_schema(responses={204: None, **schema.REFUSALS})
    def delete(self, request: Request, account_id) -> Response:
        account = get_account(request.user, account_id)
        try:
            remove_account(account)
        except AccountRefused as refused:
            raise Problem(409, "account_in_use", "The account is in use", str(refused)) from refused
        return Response(status=204)


class AccountRiskView(APIView):
    """Equity, heat, the room under each limit, the breakers and the way back."""

    quote_of: QuoteOf = staticmethod(prices.latest)

    @extend_schema(responses={200: schema.RISK, **schema.REFUSALS})
    def get(self, request: Request, account_id) -> Response:
        account = get_account(request.user, account_id)
        return Response(risk_facts(account, quote_of=self.quote_of))


class RiskHistoryView(APIView):
    """Equity, exposure and drawdown over the last hours, at most 500 points."""

    @extend_schema(
        parameters=[HistoryQuery], responses={200: schema.RISK_HISTORY, **schema.REFUSALS}
    )
    def get(self, request: Request, account_id) -> Response:
        account = get_account(request.user, account_id)
        hours = read_query(HistoryQuery, request)["hours"]
        now = clock.now()
        found = points.history(account.pk, since=now - timedelta(hours=hours), until=now)
        return Response({"points": [point(each) for each in found]})


class SymbolsView(APIView):
    """What the account can trade, under which filters."""

    @extend_schema(parameters=[AccountQuery], responses={200: schema.SYMBOLS, **schema.REFUSALS})
    def get(self, request: Request) -> Response:
        account = get_account(request.user, read_query(AccountQuery, request)["account"])
        symbols = [each for each in listed(account.venue) if each.quote == account.currency]
        return Response({"results": [symbol_facts(each) for each in symbols]})


def symbol_facts(symbol: Symbol) -> dict[str, object]:
    return {
        "name": symbol.name,
        "base": symbol.base,
        "quote": symbol.quote,
        "status": symbol.status,
        "tick": present.money(symbol.tick),
        "step": present.money(symbol.step),
        "min_notional": present.money(symbol.min_notional),
    }


class CandlesView(APIView):
    """History of one symbol at the account's venue."""

    @extend_schema(parameters=[CandlesQuery], responses={200: schema.CANDLES, **schema.REFUSALS})
    def get(self, request: Request) -> Response:
        asked = read_query(CandlesQuery, request)
        account = get_account(request.user, asked["account"])
        names = {each.name for each in listed(account.venue)}
        if asked["symbol"] not in names:
            raise invalid(
                "symbol",
                asked["symbol"],
                f"Not listed there. Use one of: {', '.join(sorted(names))}.",
            )
        candles = read_candles(
            account.venue,
            asked["symbol"],
            asked["interval"],
            start=asked.get("start"),
            end=asked.get("end"),
            limit=asked["limit"],
        )
        return Response(
            {"symbol": asked["symbol"], "interval": asked["interval"], "candles": candles}
        )
