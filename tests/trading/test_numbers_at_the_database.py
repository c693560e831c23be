"""NaN and infinity at the database: every amount column of ours is guarded by a constraint."""

import pytest
from django.apps import apps
from django.db import DataError, IntegrityError, connection, transaction
from django.db.models import DecimalField

OURS = ("accounts", "billing", "events", "journal", "risk", "trading")
AMOUNTS = sorted(
    (model._meta.db_table, field.column)
    for app in apps.get_app_configs()
    if app.name.split(".")[0] in {*OURS, "testudo"}
    for model in app.get_models()
    if model._meta.managed
    for field in model._meta.local_concrete_fields
    if isinstance(field, DecimalField)
)


def put(table: str, values: dict[str, str]) -> bool:
    """Whether a copy of the table with its CHECK constraints, but no NOT NULL, takes these."""
    quote = connection.ops.quote_name
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            names = ", ".join(map(quote, values))
            marks = ", ".join(["%s"] * len(values))
            statement = f"INSERT INTO copy_of_it ({names}) VALUES ({marks})"  # noqa: S608 - ours
            cursor.execute(statement, [*values.values()])
            transaction.set_rollback(True)
    except (IntegrityError, DataError):  # a column of limited digits holds no infinity
        return False
    return True


def copy_without_not_null(table: str) -> list[str]:
    """Make it, and return the table's other amounts."""
    quote = connection.ops.quote_name
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TEMPORARY TABLE copy_of_it (LIKE {quote(table)} INCLUDING CONSTRAINTS) "
            "ON COMMIT DROP"
        )
        cursor.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = 'copy_of_it'::regclass "
            "AND attnum > 0 AND attnotnull"
        )
        for (name,) in cursor.fetchall():
            cursor.execute(f"ALTER TABLE copy_of_it ALTER {quote(name)} DROP NOT NULL")
    return [column for owner, column in AMOUNTS if owner == table]


@pytest.mark.parametrize("figure", ["NaN", "Infinity", "-Infinity"])
@pytest.mark.parametrize(("table", "column"), AMOUNTS)
def test_what_is_no_number_is_refused_by_the_database_itself(db, table, column, figure):
    others = [each for each in copy_without_not_null(table) if each != column]
    taken = put(table, {column: figure})
    if taken:  # the constraint compares with other columns: give them a figure, as rows have
        halves = dict.fromkeys(others, "0.5")
        taken = put(table, {**halves, column: figure})
        assert taken or put(table, {**halves, column: "0.5"}), "refused for another reason"
    assert not taken, f"{table}.{column} takes {figure}: add a CHECK constraint"


def test_there_are_amounts_to_guard():
    assert len(AMOUNTS) > 30
