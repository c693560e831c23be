"""Every address of Testudo."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path

from trading import urls as trading
from trading.consumers import AccountConsumer
from trading.market.consumers import MarketConsumer
from trading.views import home

handler400 = "testudo.web.errors.bad_request"
handler403 = "testudo.web.errors.permission_denied"
handler404 = "testudo.web.errors.page_not_found"
handler500 = "testudo.web.errors.server_error"

urlpatterns = [
    path("", home, name="home"),
    path("", include("testudo.web.urls")),
    path("", include("accounts.urls")),
    path("", include("journal.urls")),
    path("", include(trading.pages)),
    path(settings.ADMIN_PATH, admin.site.urls),
    path("api/v1/", include(trading.api)),
]

sockets = [
    path("ws/market/", MarketConsumer.as_asgi()),
    path("ws/account/", AccountConsumer.as_asgi()),
]
