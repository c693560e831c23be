"""What people type to come in."""

from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm

from accounts.names import EMAIL_LENGTH


class SignInForm(AuthenticationForm):
    """One answer for an unknown name, a wrong password and a closed sign-in."""

    username = forms.CharField(
        label="User name or e-mail",
        max_length=EMAIL_LENGTH,
        widget=forms.TextInput(
            attrs={"autofocus": True, "autocomplete": "username", "autocapitalize": "none"}
        ),
    )
    password = forms.CharField(
        label="Password",
        max_length=1024,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    error_messages = {
        "invalid_login": (
            "This name and password do not belong together. Check both; "
            "capital letters count in the password."
        ),
        "inactive": "This name and password do not belong together.",
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Django takes the length of the column for the field; an address may be longer.
        self.fields["username"].widget.attrs["maxlength"] = EMAIL_LENGTH
