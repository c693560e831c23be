"""Trading's addresses: the desk, and the API under /api/v1/."""

from django.urls import path

from trading.api import accounts, views

api = [
    path("accounts", accounts.AccountsView.as_view()),
    path("accounts/<uuid:account_id>/risk", accounts.AccountRiskView.as_view()),
    path("exchange-accounts", accounts.NewAccountView.as_view()),
    path("exchange-accounts/<uuid:account_id>", accounts.RemoveAccountView.as_view()),
    path("symbols", accounts.SymbolsView.as_view()),
    path("candles", accounts.CandlesView.as_view()),
    path("plans/preview", views.PreviewView.as_view()),
    path("trades", views.TradesView.as_view()),
    path("trades/<uuid:trade_id>", views.TradeView.as_view()),
    path("trades/<uuid:trade_id>/close", views.CloseView.as_view()),
    path("trades/<uuid:trade_id>/cancel", views.CancelView.as_view()),
]
