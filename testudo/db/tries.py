"""How often a secret was tried: counted exactly, however many try at once."""

from datetime import timedelta

from django.db import connection, models


class TryCount(models.Model):
    """Tries of one key since its window began. Subclass it for each door that counts.

    A row, not a cache entry: the count is exact however many try at once, and outlives Redis.
    """

    key = models.CharField(max_length=64, primary_key=True)  # a digest: names no one
    tried = models.PositiveIntegerField()
    began_at = models.DateTimeField()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.tried} since {self.began_at}"

    @classmethod
    def count(cls, key: str, *, window: timedelta) -> int:
        """Count one more try, in one statement, and return how many the window now has."""
        return cls.count_and_wait(key, window=window)[0]

    @classmethod
    def count_and_wait(cls, key: str, *, window: timedelta) -> tuple[int, timedelta]:
        """The same, with how long the window still lasts."""
        table = connection.ops.quote_name(cls._meta.db_table)
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO {table} AS c (key, tried, began_at) "  # noqa: S608
                "VALUES (%(key)s, 1, now()) ON CONFLICT (key) DO UPDATE SET "
                "tried = CASE WHEN c.began_at < now() - %(window)s::interval THEN 1 "
                "ELSE c.tried + 1 END, "
                "began_at = CASE WHEN c.began_at < now() - %(window)s::interval THEN now() "
                "ELSE c.began_at END "
                "RETURNING tried, began_at + %(window)s::interval - now()",
                {"key": key, "window": f"{window.total_seconds()} seconds"},
            )
            tried, wait = cursor.fetchone()
        return int(tried), wait
