"""The addresses of accounts alone, so that these tests need no other room."""

from django.contrib import admin
from django.http import HttpResponse
from django.urls import include, path

urlpatterns = [
    path("", lambda request: HttpResponse("desk")),
    path("", include("accounts.urls")),
    path("admin/", admin.site.urls),
]
