from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class EventsConfig(AppConfig):
    name = "testudo.events"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Facts first, then who listens to them: a relay in any process then knows both.
        autodiscover_modules("events")
        autodiscover_modules("subscribers")
