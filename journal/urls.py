"""The journal's addresses: its pages, and the API under /api/v1/."""

from django.urls import path

from journal import api, views

urlpatterns = [
    path("journal/", views.entries, name="journal"),
    path("journal/<uuid:trade_id>/", views.trade, name="journal-trade"),
    path("api/v1/journal/trades", api.EntriesView.as_view(), name="journal-api"),
]
