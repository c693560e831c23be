"""The pages alone: real templates, static files and CSP, without database or platform."""

from testudo import settings as product

SECRET_KEY = "pages-only"
DEBUG = True
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
INSTALLED_APPS = ["django.contrib.staticfiles", "django.contrib.humanize"]
MIDDLEWARE = ["csp.middleware.CSPMiddleware"]
ROOT_URLCONF = "tests.desk.pages"
DATABASES: dict[str, dict[str, str]] = {}
USE_TZ = True
TIME_ZONE = "UTC"
CONTENT_SECURITY_POLICY = product.CONTENT_SECURITY_POLICY
STATIC_URL = product.STATIC_URL
STATICFILES_DIRS = product.STATICFILES_DIRS
FORM_RENDERER = "django.forms.renderers.DjangoTemplates"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": product.TEMPLATES[0]["DIRS"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": ["django.template.context_processors.request"],
            "libraries": {"figures": "testudo.web.templatetags.figures"},
        },
    }
]
