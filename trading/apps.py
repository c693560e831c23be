from django.apps import AppConfig


class TradingConfig(AppConfig):
    name = "trading"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from testudo.observability import metrics
        from trading.metrics import collect

        metrics.register(self.name, collect)
