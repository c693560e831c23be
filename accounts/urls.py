from django.urls import path

from accounts import api, views

urlpatterns = [
    path("sign-in/", views.SignIn.as_view(), name="sign-in"),
    path("sign-out/", views.SignOut.as_view(), name="sign-out"),
    path("api/v1/me", api.Me.as_view(), name="me"),
]
