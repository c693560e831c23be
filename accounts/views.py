"""In and out."""

from django.contrib.auth import views as auth
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_post_parameters

from accounts.forms import SignInForm


@method_decorator(sensitive_post_parameters("password"), name="dispatch")
class SignIn(auth.LoginView):
    """Sign in, and go on to `next` where that is a page of ours; else to the desk."""

    form_class = SignInForm
    template_name = "accounts/sign_in.html"
    redirect_authenticated_user = True

    def form_invalid(self, form: SignInForm):  # type: ignore[no-untyped-def, override]
        response = super().form_invalid(form)
        response.status_code = 400
        return response


class SignOut(auth.LogoutView):
    """Sign out. POST only: no link or image on another site can do it."""
