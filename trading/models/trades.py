"""Decisions, trades, their orders and fills."""

from decimal import Decimal

from django.db import models
from django.db.models import F, Q

from testudo import clock
from testudo.db.amounts import MOST, amount, is_number
from testudo.db.ids import new_id
from trading.models.accounts import ExchangeAccount
from trading.order_states import State, TradeState


class Direction(models.TextChoices):
    LONG = "long"
    SHORT = "short"


class Side(models.TextChoices):
    BUY = "BUY"
    SELL = "SELL"


class EntryKind(models.TextChoices):
    NOW = "now"  # at the market, whole or not at all
    PULLBACK = "pullback"  # rests at the exchange until the market comes to it
    BREAKOUT = "breakout"  # armed here; sent when the price reaches its line


class Leg(models.TextChoices):
    ENTRY = "entry"
    STOP = "stop"
    TARGET = "target"
    EXIT = "exit"


class Decision(models.Model):
    """One placement, refusal, limit change, holding, halt or resume with its inputs. Append-only.

    Two hashes bind each record to the one before: `digest`, which anyone can recompute from an
    export, and `hash`, keyed, which only this server can make. Holds ids and figures only. The
    database itself forbids changing, deleting or truncating. Written by `trading.decisions.record`.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    account = models.ForeignKey(ExchangeAccount, models.PROTECT, related_name="decisions")
    number = models.PositiveBigIntegerField()  # contiguous per account
    kind = models.CharField(max_length=20)  # see decisions.KINDS
    payload = models.TextField()  # canonical JSON: the bytes that were hashed
    # SHA-256 over the previous digest and the payload
    digest = models.CharField(max_length=64, db_default="")
    hash = models.CharField(max_length=64)  # HMAC over the previous hash and the payload
    key_id = models.CharField(max_length=24, blank=True, db_default="")  # which key made `hash`
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="decision_in_chain", fields=["account", "number"])
        ]
        ordering = ["account", "number"]

    def __str__(self) -> str:
        return f"decision {self.number} of {self.account_id}: {self.kind}"


class Trade(models.Model):
    """One trade: the plan as approved, frozen, and where it stands. Never deleted."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    account = models.ForeignKey(ExchangeAccount, models.PROTECT, related_name="trades")
    decision = models.OneToOneField(Decision, models.PROTECT, related_name="trade")
    version = models.PositiveIntegerField(default=1)
    symbol = models.CharField(max_length=20)
    base_asset = models.CharField(max_length=20)
    currency = models.CharField(max_length=12)  # quote asset; all money of the trade is in it
    side = models.CharField(max_length=5, choices=Direction)
    kind = models.CharField(max_length=10, choices=EntryKind, default=EntryKind.NOW)
    state = models.CharField(max_length=10, choices=TradeState, default=TradeState.APPROVED)
    state_reason = models.CharField(max_length=300, blank=True)
    correlation_id = models.CharField(max_length=64, blank=True)

    # The plan: frozen at approval.
    entry = amount()
    worst_entry = amount()  # the limit that is sent; the size comes from it
    stop = amount()
    target = amount()
    quantity = amount()  # base asset
    planned_risk = amount()  # worst planned loss at the stop, fees in
    risk_budget = amount()
    risk_fraction = amount()
    reward_to_risk = amount()  # net of fees
    fee_rate = amount()  # taker fraction the size was solved with
    dust = amount()  # below this quantity nothing can be sold: one step of the symbol
    reason = models.CharField(max_length=500, blank=True)
    setup = models.CharField(max_length=60, blank=True)
    management = models.JSONField(default=dict, db_default={})  # see `management.read`; frozen

    # Where stop and target rest since they were moved; None: where the plan has them. R0 stays.
    moved_stop = amount(null=True, blank=True)
    moved_target = amount(null=True, blank=True)
    open_move = models.ForeignKey(
        "trading.Move", models.PROTECT, null=True, blank=True, related_name="+"
    )

    # What became of it.
    initial_risk = amount(null=True, blank=True)  # R0: fixed when the entry completes
    held = amount(default=0)  # base asset still in the market
    placed_at = models.DateTimeField(default=clock.now)
    expires_at = models.DateTimeField()  # then an entry is not sent any more, or taken back
    # The entry is to be taken back wherever it is: nothing more is bought, what was bought stays.
    cancel_entry_at = models.DateTimeField(null=True, blank=True)
    cancel_entry_why = models.CharField(max_length=300, blank=True, default="", db_default="")
    # Of a breakout: when the price reached its line; when every rule had passed once more.
    crossed_at = models.DateTimeField(null=True, blank=True)
    released_at = models.DateTimeField(null=True, blank=True)
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    opened_at = models.DateTimeField(null=True, blank=True)
    protected_at = models.DateTimeField(null=True, blank=True)
    naked_since = models.DateTimeField(null=True, blank=True)
    naked_ms = models.PositiveBigIntegerField(default=0)
    close_requested_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    exit_reason = models.CharField(max_length=12, blank=True)
    profit = amount(null=True, blank=True)  # net of fees
    polled_at = models.DateTimeField(null=True, blank=True)
    counted_at = models.DateTimeField(null=True, blank=True)  # by the streak's breaker, once closed

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="trade_state_known", condition=Q(state__in=TradeState.values)
            ),
            models.CheckConstraint(
                name="trade_figures_are_numbers",
                condition=is_number(
                    "entry", "worst_entry", "stop", "target", "quantity", "planned_risk",
                    "risk_budget", "risk_fraction", "reward_to_risk", positive=True,
                ) & Q(held__gte=0, held__lt=MOST, fee_rate__gte=0, fee_rate__lt=1)
                & is_number("dust", positive=True),
            ),
            models.CheckConstraint(
                name="trade_outcome_is_a_number",
                condition=(Q(initial_risk=None) | is_number("initial_risk", positive=True))
                & (Q(profit=None) | Q(profit__gt=-MOST, profit__lt=MOST)),
            ),
            models.CheckConstraint(
                name="trade_stop_on_losing_side",
                condition=Q(side="long", stop__lt=F("entry"), target__gt=F("entry"))
                | Q(side="short", stop__gt=F("entry"), target__lt=F("entry")),
                violation_error_message="Put the stop below a long's entry, or above a short's.",
            ),
            models.CheckConstraint(
                name="trade_within_its_budget", condition=Q(planned_risk__lte=F("risk_budget"))
            ),
            models.CheckConstraint(
                name="trade_kind_known", condition=Q(kind__in=EntryKind.values)
            ),
            models.CheckConstraint(
                name="trade_released_once_crossed",
                condition=Q(released_at=None) | Q(crossed_at__isnull=False),
            ),
            models.CheckConstraint(
                name="trade_moved_prices_are_numbers",
                condition=(Q(moved_stop=None) | is_number("moved_stop", positive=True))
                & (Q(moved_target=None) | is_number("moved_target", positive=True)),
            ),
            models.CheckConstraint(
                name="trade_stop_only_tightens",
                condition=Q(moved_stop=None)
                | Q(side="long", moved_stop__gte=F("stop"))
                | Q(side="short", moved_stop__lte=F("stop")),
                violation_error_message="A stop only moves towards the price.",
            ),
            # The rule "one position per symbol" as the last wall behind the risk row's lock.
            models.UniqueConstraint(
                name="one_live_trade_per_symbol",
                fields=["account", "symbol"],
                condition=Q(state__in=["approved", "entering", "open", "closing"]),
            ),
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["account", "-placed_at"]),
            models.Index(fields=["account", "closed_at"]),
            models.Index(
                name="trade_live", fields=["account"],
                condition=Q(state__in=["approved", "entering", "open", "closing"]),
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.side} {self.quantity} {self.symbol} ({self.state})"

    @property
    def stop_now(self) -> Decimal:
        """Where the stop is now. Heat follows it; R0 is the plan's."""
        stop: Decimal = self.stop if self.moved_stop is None else self.moved_stop
        return stop

    @property
    def target_now(self) -> Decimal:
        target: Decimal = self.target if self.moved_target is None else self.moved_target
        return target


class Order(models.Model):
    """One instruction to an exchange. Never deleted; its state follows `order_states.NEXT`."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    trade = models.ForeignKey(Trade, models.PROTECT, related_name="orders")
    account = models.ForeignKey(ExchangeAccount, models.PROTECT, related_name="orders")
    leg = models.CharField(max_length=6, choices=Leg)
    client_order_id = models.CharField(max_length=36, unique=True)  # ours; finds it again (R2)
    # Orders sent together share one list id and one claim; "" for an order sent alone.
    list_client_order_id = models.CharField(max_length=36, blank=True, db_index=True)
    list_kind = models.CharField(max_length=6, blank=True)  # "OPOCO", "OTOCO", "OCO"
    exchange_order_id = models.BigIntegerField(null=True, blank=True)
    symbol = models.CharField(max_length=20)
    side = models.CharField(max_length=4, choices=Side)
    type = models.CharField(max_length=20)  # Binance's own names: LIMIT, STOP_LOSS, ...
    time_in_force = models.CharField(max_length=3, blank=True)
    price = amount(null=True, blank=True)
    stop_price = amount(null=True, blank=True)
    trailing_delta = models.PositiveIntegerField(null=True, blank=True)  # basis points
    quantity = amount(null=True, blank=True)  # None: an OPO leg, sized by the exchange on the fill
    filled = amount(default=0)
    state = models.CharField(max_length=14, choices=State, default=State.PLANNED)
    state_reason = models.CharField(max_length=300, blank=True)
    fence = models.PositiveBigIntegerField(default=0)
    created_at = models.DateTimeField(default=clock.now)
    claimed_at = models.DateTimeField(null=True, blank=True)
    signed_at = models.DateTimeField(null=True, blank=True)  # the claim, by the exchange's clock
    working_at = models.DateTimeField(null=True, blank=True)  # the exchange's time
    # When it came to rest at the exchange and when it ended there, by the exchange's clock. A stop
    # rests long before it works: its `working_at` is when it was triggered.
    resting_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    # The move it was sent for, as a first try or as the way back.
    move = models.ForeignKey(
        "trading.Move", models.PROTECT, null=True, blank=True, related_name="orders"
    )
    # Which try of its move, see `decide_moves.Rung`; and which of several targets it belongs to,
    # counted from 1 (0: the whole position's only one).
    rung = models.PositiveSmallIntegerField(default=0, db_default=0)
    part = models.PositiveSmallIntegerField(default=0, db_default=0)
    next_look_at = models.DateTimeField(null=True, blank=True)
    looks = models.PositiveIntegerField(default=0)  # times an UNKNOWN order was not found

    class Meta:
        constraints = [
            models.CheckConstraint(name="order_state_known", condition=Q(state__in=State.values)),
            models.CheckConstraint(
                name="order_figures_are_numbers",
                # PostgreSQL sorts NaN above every number: the upper bounds keep it out.
                condition=(Q(price=None) | is_number("price", positive=True))
                & (Q(stop_price=None) | is_number("stop_price", positive=True))
                & (Q(quantity=None) | is_number("quantity", positive=True))
                & is_number("filled"),
            ),
            models.CheckConstraint(
                name="order_trails_within_bounds",  # Binance's TRAILING_DELTA counts to 100 %
                condition=Q(trailing_delta=None)
                | Q(trailing_delta__gt=0, trailing_delta__lt=10_000),
            ),
            models.CheckConstraint(
                name="order_never_overfilled",
                condition=Q(quantity=None) | Q(filled__lte=F("quantity")),
            ),
        ]
        indexes = [
            models.Index(
                name="order_unsettled", fields=["account"],
                condition=Q(state__in=["planned", "sending", "unknown"]),
            ),
            # How many orders were sent of late: the exchange counts them by windows.
            models.Index(name="order_sent", fields=["account", "claimed_at"]),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.leg} {self.client_order_id} ({self.state})"


class Fill(models.Model):
    """One execution, booked once: the exchange's trade id is its key (R12). Append-only."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    account = models.ForeignKey(ExchangeAccount, models.PROTECT, related_name="fills")
    order = models.ForeignKey(Order, models.PROTECT, related_name="fills")
    trade = models.ForeignKey(Trade, models.PROTECT, related_name="fills")
    symbol = models.CharField(max_length=20)
    exchange_trade_id = models.BigIntegerField()
    price = amount()
    quantity = amount()  # base asset, before a commission taken in it
    quote_quantity = amount()
    commission = amount()
    commission_asset = models.CharField(max_length=20)
    commission_quote = amount()  # valued at the time of the fill
    at = models.DateTimeField()  # the exchange's time
    booked_at = models.DateTimeField(default=clock.now)

    class Meta:
        indexes = [models.Index(name="fill_newest", fields=["account", "at"])]
        constraints = [
            models.UniqueConstraint(
                name="fill_once", fields=["account", "symbol", "exchange_trade_id"]
            ),
            models.CheckConstraint(
                name="fill_figures_are_numbers",
                condition=is_number("price", "quantity", "quote_quantity", positive=True)
                & is_number("commission", "commission_quote"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} {self.symbol} at {self.price}"
