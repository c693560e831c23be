from django.apps import AppConfig


class DatabaseConfig(AppConfig):
    """The database engine (`ENGINE = "testudo.db"`) and what every model shares.

    As the first app of ours it also refuses a start with unsafe settings.
    """

    name = "testudo.db"
    label = "testudo_db"
    verbose_name = "Database"

    def ready(self) -> None:
        from testudo import checks

        checks.refuse_unsafe_start()
