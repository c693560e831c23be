"""The database engine, `ENGINE = "testudo.db"`: PostgreSQL or TimescaleDB, pooled, on psycopg2.

The same migrations run on both servers. On plain PostgreSQL a `time_bucket` of our own stands in
a schema of its own at the end of the search path, so a later extension takes precedence.
"""

import logging
from typing import Any

from dj_db_conn_pool.backends.postgresql.mixins import PGDatabaseWrapperMixin
from django.db.backends.base.base import NO_DB_ALIAS
from django.db.backends.postgresql.base import DatabaseWrapper as PostgresWrapper
from django.utils.functional import cached_property
from sqlalchemy.exc import TimeoutError as PoolExhausted
from timescale.db.backends.postgresql.base import DatabaseWrapper as TimescaleWrapper

from testudo.db import pool
from testudo.db.schema import SchemaEditor

log = logging.getLogger(__name__)

DEFAULT_POOL = {"pool_size": 10, "max_overflow": 10, "timeout": 3, "recycle": 900}

# TimescaleDB counts its buckets from a Monday; `date_bin` gives the same ones, months excepted.
SHIM = """
    CREATE SCHEMA IF NOT EXISTS tsshim;
    CREATE OR REPLACE FUNCTION tsshim.time_bucket(bucket_width interval, ts timestamptz)
    RETURNS timestamptz LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$ SELECT date_bin(bucket_width, ts, timestamptz '2000-01-03 00:00:00+00') $$;
"""
SHIM_LOCK = 7_216_401  # a constant of our own: two migrations at once must not race


class DatabaseCreation(PostgresWrapper.creation_class):
    """Test databases, dropped even where a thread of a test still holds a connection."""

    def _destroy_test_db(self, test_database_name: str, verbosity: int) -> None:
        self.connection.close_pool()
        with self._nodb_cursor() as cursor:
            name = self.connection.ops.quote_name(test_database_name)
            cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")


class DatabaseWrapper(PGDatabaseWrapperMixin, TimescaleWrapper):
    """One thread's way to the database; the connections themselves are pooled per process."""

    SchemaEditorClass = SchemaEditor
    creation_class = DatabaseCreation

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Borrow a connection from the pool of this process.

        Raises: OperationalError, if none becomes free in the pool's time-out.
        """
        if self.alias == NO_DB_ALIAS:  # creates and drops databases: its own, and no time-outs
            conn_params = {k: v for k, v in conn_params.items() if k != "options"}
            return PostgresWrapper.get_new_connection(self, conn_params)
        lender = pool.pool_for(
            (self.alias, *(str(conn_params.get(k)) for k in ("host", "port", "dbname", "user"))),
            connect=lambda: PostgresWrapper.get_new_connection(self, conn_params),
            options={**DEFAULT_POOL, **self.settings_dict.get("POOL", {})},
        )
        try:
            connection = lender.connect()
        except PoolExhausted as full:
            raise self.Database.OperationalError(
                f"No database connection became free: {full}. Something holds connections for "
                f"long, or POOL in settings.DATABASES is too small."
            ) from full
        connection.info = connection.driver_connection.info  # Django asks it for server facts
        return connection

    def close_pool(self) -> None:
        """Close what lies idle; Django asks before it drops or copies a test database."""
        pool.dispose()

    def _set_dbapi_autocommit(self, autocommit: bool) -> None:
        getattr(self.connection, "driver_connection", self.connection).autocommit = autocommit

    def prepare_database(self) -> None:
        """Enable TimescaleDB where the server offers and has loaded it, else our stand-in."""
        if self._offers_timescaledb():
            super().prepare_database()
        else:
            PostgresWrapper.prepare_database(self)
            with self.cursor() as cursor:
                cursor.execute("SELECT to_regproc('tsshim.time_bucket') IS NULL")
                if cursor.fetchone()[0]:
                    cursor.execute(f"SELECT pg_advisory_xact_lock({SHIM_LOCK}); {SHIM}")
        self.__dict__.pop("has_timescaledb", None)

    def _offers_timescaledb(self) -> bool:
        # CREATE EXTENSION fails where the files are missing, and closes the connection where the
        # library was not preloaded: ask first.
        with self.cursor() as cursor:
            cursor.execute(
                "SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'timescaledb')"
                " AND current_setting('shared_preload_libraries') LIKE '%timescaledb%'"
            )
            return cursor.fetchone()[0]

    @cached_property
    def has_timescaledb(self) -> bool:
        """Whether this database has the TimescaleDB extension enabled."""
        with self.cursor() as cursor:
            cursor.execute("SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb')")
            return cursor.fetchone()[0]
