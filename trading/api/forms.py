"""What the API takes, field by field. Unknown fields are refused by name."""

from rest_framework import serializers

from testudo.web.fields import AmountField, LimitField, MomentField, SymbolField
from testudo.web.serializers import StrictSerializer
from trading.market.candles import INTERVALS
from trading.plans import Drawing


class DrawingForm(StrictSerializer):
    account = serializers.UUIDField()
    symbol = SymbolField()
    side = serializers.ChoiceField(["long", "short"])
    entry = AmountField()
    stop = AmountField()
    target = AmountField()
    risk_fraction = AmountField(required=False)

    def drawing(self) -> Drawing:
        values = {**self.validated_data}
        values.pop("account")
        acknowledged = frozenset(values.pop("acknowledged", ()))
        return Drawing(acknowledged=acknowledged, **values)


class TradeForm(DrawingForm):
    quoted_price = AmountField()
    quoted_at = MomentField()
    acknowledged = serializers.ListField(
        child=serializers.RegexField(r"^[a-z_]{1,40}$"), required=False, max_length=40
    )
    reason = serializers.CharField(required=False, max_length=500, allow_blank=True)
    setup = serializers.CharField(required=False, max_length=60, allow_blank=True)


class TradesQuery(serializers.Serializer):
    account = serializers.UUIDField()
    state = serializers.ChoiceField(["open", "closed"], required=False)
    limit = LimitField(most=100)
    cursor = serializers.UUIDField(required=False)


class CandlesQuery(serializers.Serializer):
    account = serializers.UUIDField()
    symbol = SymbolField()
    interval = serializers.ChoiceField(list(INTERVALS))
    limit = LimitField(most=1000)
    start = serializers.IntegerField(required=False, min_value=0, max_value=4_102_444_800_000)
    end = serializers.IntegerField(required=False, min_value=0, max_value=4_102_444_800_000)


class AccountQuery(serializers.Serializer):
    account = serializers.UUIDField()


class NewAccountForm(StrictSerializer):
    venue = serializers.ChoiceField(["paper", "binance-demo", "binance"])
    name = serializers.CharField(max_length=60, min_length=1)
    key = serializers.RegexField(r"^[A-Za-z0-9]{16,128}$", required=False)
    secret = serializers.RegexField(r"^[A-Za-z0-9]{16,128}$", required=False)
