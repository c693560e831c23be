"""Hypertables where TimescaleDB is there, plain tables where it is not: the same migrations."""

from django.db import models
from timescale.db.backends.postgresql.schema import TimescaleSchemaEditor


class SchemaEditor(TimescaleSchemaEditor):
    """django-timescaledb's editor, made harmless on plain PostgreSQL and on composite keys."""

    def _create_hypertable(self, model, field, should_migrate=False):
        if self.connection.has_timescaledb:
            super()._create_hypertable(model, field, should_migrate)

    def _set_chunk_time_interval(self, model, field):
        if self.connection.has_timescaledb:
            super()._set_chunk_time_interval(model, field)

    def _drop_primary_key(self, model):
        # A composite key that holds the time column may stay; dropping it would let the same
        # row be inserted twice and break upserts.
        if not isinstance(model._meta.pk, models.CompositePrimaryKey):
            super()._drop_primary_key(model)
