"""What PostgreSQL itself refuses, whoever asks: nonsense figures and rewritten ledgers."""

from decimal import Decimal

import pytest
from django.db import Error, IntegrityError, connection, transaction

from trading import decisions, orders
from trading.models import Balance, Decision, Fill, Order, Trade

NAN = Decimal("NaN")


@pytest.fixture
def traded(floor, account, draw):
    trade = orders.place_trade(account, draw(), quote_of=floor.quote_of)
    floor.turn(account)
    return trade


def set_raw(model, column, value, pk):
    table = connection.ops.quote_name(model._meta.db_table)
    with transaction.atomic(), connection.cursor() as cursor:
        update = f"UPDATE {table} SET {column} = %s WHERE id = %s"  # noqa: S608
        cursor.execute(update, [value, pk])


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "-1"])
@pytest.mark.parametrize("column", ["quantity", "planned_risk", "entry", "stop", "held"])
def test_a_trade_holds_no_nonsense(traded, column, value):
    with pytest.raises(Error):
        set_raw(Trade, column, value, traded.pk)


@pytest.mark.parametrize("column", ["quantity", "filled", "price"])
def test_an_order_holds_no_nan(traded, column):
    entry = traded.orders.get(leg="entry")
    with pytest.raises(Error):
        set_raw(Order, column, "NaN", entry.pk)


def test_an_order_is_never_filled_beyond_its_quantity(traded):
    entry = traded.orders.get(leg="entry")
    with pytest.raises(IntegrityError, match="order_never_overfilled"):
        set_raw(Order, "filled", entry.quantity + 1, entry.pk)


def test_a_balance_is_never_negative_nor_nan(traded):
    row = Balance.objects.first()
    for value in ("NaN", "-0.1"):
        with pytest.raises(Error):
            set_raw(Balance, "free", value, row.pk)


@pytest.mark.parametrize("model", [Fill, Decision], ids=["fill", "decision"])
def test_a_ledger_row_can_be_neither_changed_nor_deleted(traded, model):
    row = model.objects.first()
    table = connection.ops.quote_name(model._meta.db_table)
    delete = pytest.raises(IntegrityError, match="append-only")
    with delete, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {table} WHERE id = %s", [row.pk])  # noqa: S608
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        model.objects.filter(pk=row.pk).update(account_id=row.account_id)


def test_a_fill_is_unique_by_account_symbol_and_trade_id(traded):
    fill = Fill.objects.first()
    fill.pk = None
    fill.id = Trade._meta.get_field("id").get_default()
    fill._state.adding = True
    with pytest.raises(IntegrityError, match="fill_once"), transaction.atomic():
        fill.save()


def test_two_live_trades_in_one_symbol_cannot_exist(traded):
    with pytest.raises(IntegrityError, match="one_live_trade_per_symbol"), transaction.atomic():
        Trade.objects.create(
            **{
                field.attname: getattr(traded, field.attname)
                for field in Trade._meta.concrete_fields
                if field.name not in ("id", "decision")
            },
            decision=decisions.record(traded.account_id, "placed", {}),
        )


def test_the_decision_chain_is_whole_and_a_change_would_show(traded, account):
    decisions.record(account.pk, "refused", {"why": "test"})
    assert list(decisions.breaks(account.pk)) == []
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE trading_decision DISABLE TRIGGER decision_append_only")
        cursor.execute("UPDATE trading_decision SET payload = '{}' WHERE number = 1")
        cursor.execute("ALTER TABLE trading_decision ENABLE TRIGGER decision_append_only")
    assert [each.number for each in decisions.breaks(account.pk)] == [1]
