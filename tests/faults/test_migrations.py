"""Old and new workers run side by side while a release rolls out (F56): schemas only grow."""

from importlib import import_module

import pytest
from django.db import models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations import (
    AddField,
    CreateModel,
    DeleteModel,
    RemoveField,
    RenameField,
    RenameModel,
)  # fmt: skip
from django.db.models import NOT_PROVIDED

RELEASED = {"accounts", "billing", "events", "journal", "risk", "trading", "web"}
BREAKS = (RemoveField, RenameField, DeleteModel, RenameModel)


def migrations() -> list[tuple[str, str]]:
    loader = MigrationLoader(None)
    return sorted(
        (app, name)
        for app, name in loader.disk_migrations
        if app in RELEASED and not name.startswith("0001")
    )


@pytest.mark.parametrize(("app", "name"), migrations())
def test_f56_a_migration_leaves_what_runs_already_able_to_write(app, name):
    """Whoever knows nothing of a new column must still be able to insert a row: it may be empty,
    or the database itself fills it. What old code reads is not taken away in the same release."""
    loader = MigrationLoader(None)
    operations = loader.disk_migrations[app, name].operations
    made_here = {each.name.lower() for each in operations if isinstance(each, CreateModel)}
    for operation in operations:
        assert not isinstance(operation, BREAKS), f"{app}.{name}: {operation.describe()}"
        if not isinstance(operation, AddField) or operation.model_name.lower() in made_here:
            continue  # nobody writes yet to a table that comes with it
        field = operation.field
        filled = field.null or field.db_default is not NOT_PROVIDED
        assert filled or isinstance(field, models.ManyToManyField), (
            f"{app}.{name}: give {operation.model_name}.{operation.name} a db_default"
        )


def test_f56_there_is_a_migration_to_look_at():
    assert migrations()
    assert import_module("trading.migrations")
