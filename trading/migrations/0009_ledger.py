"""The double-entry ledger, the exchange's clock of a claim, and bans that outlive a restart."""

from decimal import Decimal
from pathlib import Path

import django.db.models.deletion
from django.db import migrations, models

import testudo.clock
import testudo.db.ids


def numbers(field: str, *, nullable: bool = False) -> models.Q:
    bounds = models.Q((f"{field}__gt", Decimal("-1E+20")), (f"{field}__lt", Decimal("1E+20")))
    return models.Q(models.Q((field, None)) | bounds) if nullable else bounds


# The entries of one source cancel out for every asset. Deferred: they are written one by one.
BALANCED = """
CREATE FUNCTION trading_ledger_balanced() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE off numeric;
BEGIN
    SELECT sum(change) INTO off FROM trading_ledgerentry
    WHERE account_id = NEW.account_id AND source = NEW.source AND asset = NEW.asset;
    IF off <> 0 THEN
        RAISE EXCEPTION 'The entries of % do not sum to zero: % %', NEW.source, off, NEW.asset
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_sums_to_zero';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER ledger_sums_to_zero AFTER INSERT ON trading_ledgerentry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION trading_ledger_balanced();
CREATE TRIGGER ledger_append_only BEFORE UPDATE OR DELETE ON trading_ledgerentry
    FOR EACH ROW EXECUTE FUNCTION trading_append_only();
"""

NOT_ANY_MORE = """
DROP TRIGGER ledger_append_only ON trading_ledgerentry;
DROP TRIGGER ledger_sums_to_zero ON trading_ledgerentry;
DROP FUNCTION trading_ledger_balanced();
"""


class Migration(migrations.Migration):
    # Until the chain is fixed: behind whichever of 0006 to 0008 are there.
    dependencies = [("trading", "0008_moves")]

    operations = [
        migrations.AddField(
            model_name="order",
            name="signed_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.CreateModel(
            name="RequestBan",
            fields=[
                (
                    "venue",
                    models.CharField(
                        choices=[
                            ("paper", "Paper"),
                            ("binance-demo", "Binance Demo"),
                            ("binance", "Binance"),
                        ],
                        max_length=16,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("until", models.DateTimeField()),
                ("status", models.PositiveSmallIntegerField()),
                ("said", models.CharField(blank=True, db_default="", default="", max_length=200)),
                ("noted_at", models.DateTimeField(default=testudo.clock.now)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("status__in", [418, 429])), name="request_ban_is_one"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="LedgerBalance",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("asset", models.CharField(max_length=20)),
                ("total", models.DecimalField(decimal_places=18, default=0, max_digits=38)),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="ledger_balances",
                        to="trading.exchangeaccount",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("account", "asset"), name="ledger_balance_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("total__gt", Decimal("-1E+20")), ("total__lt", Decimal("1E+20"))
                        ),
                        name="ledger_balance_is_a_number",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="LedgerEntry",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=testudo.db.ids.new_id,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("source", models.CharField(max_length=150)),
                (
                    "book",
                    models.CharField(
                        choices=[
                            ("wallet", "Wallet"),
                            ("market", "Market"),
                            ("fees", "Fees"),
                            ("external", "External"),
                        ],
                        max_length=8,
                    ),
                ),
                ("asset", models.CharField(max_length=20)),
                ("change", models.DecimalField(decimal_places=18, max_digits=38)),
                ("at", models.DateTimeField()),
                ("booked_at", models.DateTimeField(default=testudo.clock.now)),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="ledger_entries",
                        to="trading.exchangeaccount",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("account", "source", "asset", "book"), name="ledger_entry_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("book__in", ["wallet", "market", "fees", "external"])
                        ),
                        name="ledger_book_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("change__gt", Decimal("-1E+20")),
                            ("change__lt", Decimal("1E+20")),
                            models.Q(("change", 0), _negated=True),
                        ),
                        name="ledger_change_is_a_number",
                    ),
                ],
                "indexes": [
                    models.Index(fields=["account", "asset", "at"], name="ledger_by_time")
                ],
            },
        ),
        migrations.CreateModel(
            name="ForeignOrder",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("symbol", models.CharField(max_length=20)),
                ("exchange_order_id", models.BigIntegerField()),
                ("client_order_id", models.CharField(blank=True, max_length=36)),
                ("side", models.CharField(max_length=4)),
                ("type", models.CharField(max_length=20)),
                (
                    "price",
                    models.DecimalField(blank=True, decimal_places=18, max_digits=38, null=True),
                ),
                (
                    "stop_price",
                    models.DecimalField(blank=True, decimal_places=18, max_digits=38, null=True),
                ),
                (
                    "quantity",
                    models.DecimalField(blank=True, decimal_places=18, max_digits=38, null=True),
                ),
                ("executed", models.DecimalField(decimal_places=18, default=0, max_digits=38)),
                ("status", models.CharField(max_length=20)),
                ("seen_at", models.DateTimeField(default=testudo.clock.now)),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="foreign_orders",
                        to="trading.exchangeaccount",
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="foreignorder",
            constraint=models.UniqueConstraint(
                fields=("account", "symbol", "exchange_order_id"), name="foreign_order_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="foreignorder",
            constraint=models.CheckConstraint(
                condition=numbers("price", nullable=True)
                & numbers("stop_price", nullable=True)
                & numbers("quantity", nullable=True)
                & numbers("executed"),
                name="foreign_order_numbers",
            ),
        ),
        migrations.RunSQL(BALANCED, NOT_ANY_MORE),
    ]
