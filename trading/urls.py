"""Trading's addresses: its pages (the desk itself is the root's), and the API under /api/v1/."""

from django.urls import path
from django.views.generic import RedirectView

from trading import risk_pages
from trading.api import (
    accounts,
    all_trading,
    decisions,
    holdings,
    moves,
    risk_profile,
    switches,
    views,
)

pages = [
    path("risk/", risk_pages.risk, name="risk"),
    path("risk/decisions/<uuid:decision_id>/", risk_pages.decision, name="decision"),
    path("settings/", RedirectView.as_view(pattern_name="risk-settings")),
    path("settings/risk/", risk_pages.risk_settings, name="risk-settings"),
]

api = [
    path("accounts", accounts.AccountsView.as_view()),
    path("accounts/<uuid:account_id>/risk", accounts.AccountRiskView.as_view()),
    path("accounts/<uuid:account_id>/risk/history", accounts.RiskHistoryView.as_view()),
    path("accounts/<uuid:account_id>/halt", switches.HaltView.as_view()),
    path("accounts/<uuid:account_id>/flatten", switches.FlattenView.as_view()),
    path("accounts/<uuid:account_id>/resume", switches.ResumeView.as_view()),
    path("accounts/<uuid:account_id>/holdings", holdings.HoldingsView.as_view()),
    path("accounts/<uuid:account_id>/holdings/<uuid:holding_id>", holdings.HoldingView.as_view()),
    path("halt", all_trading.HaltAllView.as_view()),
    path("resume", all_trading.ResumeAllView.as_view()),
    path("exchange-accounts", accounts.NewAccountView.as_view()),
    path("exchange-accounts/<uuid:account_id>", accounts.RemoveAccountView.as_view()),
    path("risk-profile", risk_profile.RiskProfileView.as_view()),
    path("risk-profile/changes/<uuid:change_id>", risk_profile.ChangeView.as_view()),
    path("decisions", decisions.DecisionsView.as_view()),
    path("decisions/export", decisions.ExportView.as_view()),
    path("decisions/<uuid:decision_id>", decisions.DecisionView.as_view()),
    path("symbols", accounts.SymbolsView.as_view()),
    path("candles", accounts.CandlesView.as_view()),
    path("plans/preview", views.PreviewView.as_view()),
    path("trades", views.TradesView.as_view()),
    path("trades/<uuid:trade_id>", moves.MovableTradeView.as_view()),
    path("trades/<uuid:trade_id>/close", views.CloseView.as_view()),
    path("trades/<uuid:trade_id>/cancel", views.CancelView.as_view()),
]
