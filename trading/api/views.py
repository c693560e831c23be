"""The API's doors to plans and trades. Each reads, calls one service, and answers."""

from typing import Any
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from risk.costs import PlanImpossible
from risk.rules import may_proceed
from testudo.web.idempotency import idempotent
from testudo.web.problems import Problem, invalid, not_found
from testudo.web.serializers import read_query
from testudo.web.tenancy import get_account
from trading import orders, previews, story
from trading.api import present, schema
from trading.api.forms import DrawingForm, TradeForm, TradesQuery
from trading.book import QuoteOf
from trading.fixes import WayOut, ways_out
from trading.market import prices
from trading.models import ExchangeAccount, Trade
from trading.order_states import FINISHED
from trading.plans import Drawing, Judged, NoMarket

KEY = OpenApiParameter(
    "Idempotency-Key", OpenApiTypes.STR, OpenApiParameter.HEADER, required=True,
    description="A fresh random value for each new order; the same one for a retry of it.",
)  # fmt: skip


def read_drawing(kind: type[DrawingForm], request: Request) -> tuple[UUID, Drawing]:
    """The account that is named, whoever's it may be, and the lines."""
    form = kind(data=request.data, context={"request": request})
    form.is_valid(raise_exception=True)
    return form.validated_data["account"], form.drawing()


def impossible(error: PlanImpossible, drawing: Drawing) -> Problem:
    field = "entry" if error.field == "worst_entry" else error.field
    return invalid(field, getattr(drawing, field, None), str(error), code="plan_impossible")


def no_market(error: NoMarket) -> Problem:
    return Problem(
        409, "market_data", "No live price", str(error),
        extra={"verdicts": [{"code": "market_data", "ok": False, "message": str(error)}]},
    )  # fmt: skip


class PreviewView(APIView):
    """Sizes a plan and runs every rule on it, while the trader drags. Writes nothing."""

    quote_of: QuoteOf = staticmethod(prices.latest)

    @extend_schema(request=DrawingForm, responses={200: schema.PREVIEW, **schema.REFUSALS})
    def post(self, request: Request) -> Response:
        account_id, drawing = read_drawing(DrawingForm, request)
        quote_of = prices.remembered(self.quote_of)
        try:
            account, judged = previews.preview(request.user, account_id, drawing, quote_of=quote_of)
            fixes = _ways_out(account, drawing, judged, quote_of=quote_of)
            return Response(present.preview(account, judged, drawing, fixes=fixes))
        except PlanImpossible as error:
            raise impossible(error, drawing) from error
        except NoMarket as error:
            raise no_market(error) from error


def _ways_out(
    account: ExchangeAccount, drawing: Drawing, judged: Judged, *, quote_of: QuoteOf
) -> tuple[WayOut, ...]:
    """Nothing is looked for where the plan passes: a drag asks many times a second."""
    if may_proceed(judged.verdicts, acknowledged=drawing.acknowledged):
        return ()
    return ways_out(account, drawing, judged, quote_of=quote_of)


class TradesView(APIView):
    """The trades of an account, and the door for a new one."""

    @extend_schema(
        operation_id="trades_list",
        parameters=[TradesQuery],
        responses={200: schema.TRADES, **schema.REFUSALS},
    )
    def get(self, request: Request) -> Response:
        asked = read_query(TradesQuery, request)
        account = get_account(request.user, asked["account"])
        rows = (
            Trade.objects.filter(account=account)
            .select_related("open_move")
            .prefetch_related("orders", "fills__order")
        )
        if asked.get("state") == "open":
            rows = rows.exclude(state__in=FINISHED)
        elif asked.get("state") == "closed":
            rows = rows.filter(state__in=FINISHED)
        if "cursor" in asked:  # ids sort by time: the page goes on below the last one shown
            rows = rows.filter(pk__lt=asked["cursor"])
        page = list(rows.order_by("-pk")[: asked["limit"] + 1])
        more = len(page) > asked["limit"]
        page = page[: asked["limit"]]
        following = str(page[-1].pk) if more else None
        return Response({"results": [present.trade(row) for row in page], "next": following})

    @extend_schema(
        request=TradeForm, parameters=[KEY], responses={201: schema.TRADE, **schema.REFUSALS}
    )
    @idempotent
    def post(self, request: Request) -> Response:
        account_id, drawing = read_drawing(TradeForm, request)
        account = get_account(request.user, account_id)
        try:
            trade = orders.place_trade(account, drawing)
        except PlanImpossible as error:
            raise impossible(error, drawing) from error
        except NoMarket as error:
            raise no_market(error) from error
        except orders.PlanRefused as refused:
            raise Problem(
                409,
                "plan_refused",
                "The plan is refused",
                str(refused),
                extra={
                    "verdicts": present.verdicts(refused.verdicts),
                    "fixes": present.ways_out(
                        _ways_out(account, drawing, refused.judged, quote_of=prices.latest)
                    ),
                },
            ) from refused
        return Response(present.trade_in_full(trade), status=201)


def get_trade(request: Request, trade_id: UUID) -> Trade:
    """The trader's own trade; another's is as absent as none."""
    own = ExchangeAccount.objects.for_principal(request.user)
    trade = Trade.objects.filter(account__in=own, pk=trade_id).select_related("decision").first()
    if trade is None:
        raise not_found("trade")
    return trade


class TradeView(APIView):
    """One trade with its legs, fills, steps, incidents, the exchange's answers and its decision."""

    @extend_schema(responses={200: schema.TRADE, **schema.REFUSALS})
    def get(self, request: Request, trade_id: UUID) -> Response:
        trade = get_trade(request, trade_id)
        return Response({**present.trade_in_full(trade), **story.on_the_wire(trade)})


class CloseView(APIView):
    """Leave the trade at the market. Asking twice changes nothing."""

    @extend_schema(request=None, responses={202: schema.TRADE, **schema.REFUSALS})
    def post(self, request: Request, trade_id: UUID) -> Response:
        trade = get_trade(request, trade_id)
        try:
            orders.request_close(trade.pk)
        except orders.TradeOver as over:
            raise Problem(409, "trade_over", "Nothing left to close", str(over)) from over
        return _accepted(trade)


class CancelView(APIView):
    """Withdraw an entry that waits: here for its line, or at the exchange. What was bought of it
    before that stays, with its stop."""

    @extend_schema(request=None, responses={202: schema.TRADE, **schema.REFUSALS})
    def post(self, request: Request, trade_id: UUID) -> Response:
        trade = get_trade(request, trade_id)
        try:
            orders.request_cancel(trade.pk)
        except orders.TradeOver as over:
            raise Problem(409, "trade_over", "Nothing left to withdraw", str(over)) from over
        except orders.AlreadySent as sent:
            raise Problem(409, "entry_sent", "Too late to withdraw", str(sent)) from sent
        return _accepted(trade)


def _accepted(trade: Trade) -> Response:
    trade.refresh_from_db()
    answer: dict[str, Any] = present.trade_in_full(trade)
    return Response(answer, status=202)
