"""What the API takes, field by field. Unknown fields are refused by name."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any, get_args

from rest_framework import serializers

from risk.costs import PlanImpossible
from risk.manage_rules import MOST_MINUTES, NONE, Management, ratchets_of
from risk.part_targets import MOST_NEARER, PartTarget
from risk.protocol import CAPS
from risk.size_models import MOST_PERIOD, CeilingName, SizeModel
from risk.sizing import Model
from testudo import clock
from testudo.web.fields import (
    AmountField,
    CountField,
    LimitField,
    MomentField,
    SwitchField,
    SymbolField,
)
from testudo.web.serializers import StrictSerializer
from trading.entries import LONGEST
from trading.market.candles import INTERVALS
from trading.models import EntryKind
from trading.plans import Drawing

MOST_YEARS = 20  # of candles in one question
MOST_MILLISECONDS = MOST_YEARS * 366 * 86_400_000


class SizeModelForm(StrictSerializer):
    """A size model and its figures; which figures it needs, the model itself says."""

    model = serializers.ChoiceField(get_args(Model))
    money = AmountField(required=False)
    sum = AmountField(required=False)
    unit = AmountField(required=False)
    units = CountField(least=1, most=10_000, required=False)
    volatility_fraction = AmountField(required=False)
    atr_multiple = AmountField(required=False)
    atr_period = CountField(least=1, most=MOST_PERIOD, required=False)
    atr_interval = serializers.ChoiceField(list(INTERVALS), required=False)
    ceiling = serializers.ChoiceField(get_args(CeilingName), required=False)

    def validate(self, values: dict[str, Any]) -> SizeModel:
        try:
            return SizeModel(name=values.pop("model"), **values)
        except PlanImpossible as refused:
            raise serializers.ValidationError(str(refused)) from refused


class RatchetForm(StrictSerializer):
    at = AmountField()
    to = AmountField(zero=True)


class ManagementForm(StrictSerializer):
    """The rules for the open position; each may be left out. R counts from the plan's entry."""

    break_even = SwitchField(required=False)
    break_even_r = AmountField(required=False)
    trail_r = AmountField(required=False)
    trail_percent = AmountField(required=False)
    trail_atr = AmountField(required=False)
    atr_period = CountField(least=1, most=MOST_PERIOD, required=False)
    atr_interval = serializers.ChoiceField(list(INTERVALS), required=False)
    ratchets = RatchetForm(many=True, required=False)
    close_after_minutes = CountField(least=1, most=MOST_MINUTES, required=False)

    def validate(self, values: dict[str, Any]) -> Management:
        steps = values.pop("ratchets", ())
        try:
            return Management(**values, ratchets=ratchets_of(steps))
        except PlanImpossible as refused:
            raise serializers.ValidationError(str(refused)) from refused


class PartTargetForm(StrictSerializer):
    """A nearer target and the share of the position, 0 to 1, that is sold there."""

    price = AmountField()
    share = AmountField()

    def validate_share(self, value: Decimal) -> Decimal:
        if value >= 1:
            raise serializers.ValidationError(
                "A nearer target takes a share below 1: 0.5 is half. The last takes the rest."
            )
        return value


class DrawingForm(StrictSerializer):
    account = serializers.UUIDField()
    symbol = SymbolField()
    side = serializers.ChoiceField(["long", "short"])
    entry = AmountField()
    stop = AmountField()
    target = AmountField()
    risk_fraction = AmountField(required=False)
    size_model = SizeModelForm(required=False)
    slippage = AmountField(required=False, zero=True)
    management = ManagementForm(required=False)
    targets = PartTargetForm(many=True, required=False, max_length=MOST_NEARER)
    expires_at = MomentField(required=False)

    def validate_expires_at(self, value: datetime) -> datetime:
        """An entry that waits does so until then; one at the market never waits."""
        now = clock.now()
        if not now < value <= now + LONGEST:
            raise serializers.ValidationError(
                f"Choose a moment from now to {LONGEST.days} days on, or leave it out: then the "
                "entry waits until the end of the next day."
            )
        return value

    def validate_risk_fraction(self, value: Decimal) -> Decimal:
        """Nobody may ask beyond the protocol's cap; the trader's own limit is a rule's verdict."""
        most = CAPS["max_risk"][1]
        if value > most:
            raise serializers.ValidationError(
                f"The protocol allows at most {most} of equity on one trade. Give a fraction: 0.01 "
                "is 1 %."
            )
        return value

    def drawing(self) -> Drawing:
        values = {**self.validated_data}
        values.pop("account")
        acknowledged = frozenset(values.pop("acknowledged", ()))
        if parts := values.pop("targets", ()):
            nearer = tuple(PartTarget(part["price"], part["share"]) for part in parts)
            values["management"] = replace(values.get("management", NONE), targets=nearer)
        return Drawing(acknowledged=acknowledged, **values)


class TradeForm(DrawingForm):
    quoted_price = AmountField()
    quoted_at = MomentField()
    acknowledged = serializers.ListField(
        child=serializers.RegexField(r"^[a-z_]{1,40}$"), required=False, max_length=40
    )
    kind = serializers.ChoiceField(EntryKind.values, required=False)
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

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        start, end = values.get("start"), values.get("end")
        if start is not None and end is not None:
            if end < start:
                raise serializers.ValidationError({"end": "It lies before the start. Swap them."})
            if end - start > MOST_MILLISECONDS:
                raise serializers.ValidationError(
                    {"end": f"Ask for at most {MOST_YEARS} years at once: move the start closer."}
                )
        return values


class AccountQuery(serializers.Serializer):
    account = serializers.UUIDField()


class NewAccountForm(StrictSerializer):
    venue = serializers.ChoiceField(["paper", "binance-demo", "binance"])
    name = serializers.CharField(max_length=60, min_length=1)
    key = serializers.RegexField(r"^[A-Za-z0-9]{16,128}$", required=False)
    secret = serializers.RegexField(r"^[A-Za-z0-9]{16,128}$", required=False)


class HistoryQuery(StrictSerializer):
    hours = CountField(least=1, most=24 * 92, default=24)
