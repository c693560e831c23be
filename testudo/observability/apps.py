from django.apps import AppConfig


class ObservabilityConfig(AppConfig):
    name = "testudo.observability"

    def ready(self) -> None:
        from testudo.observability import celery  # noqa: F401 (connects its signals)
