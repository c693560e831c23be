"""Every setting, read once from the environment (`.env` where present); `.env.example` explains them."""

from datetime import timedelta
from pathlib import Path

import environ

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
env.read_env(BASE_DIR / ".env")

TESTUDO_HOME = Path(env("TESTUDO_HOME", default=str(BASE_DIR / "var")))
LIVE = env.bool("TESTUDO_LIVE", default=False)  # permits the venue `binance`, nothing else
DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env("SECRET_KEY", default="insecure-development-key")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
ADMIN_PATH = env("ADMIN_PATH", default="admin/")

# Versioned master keys for the exchange credentials: "1:base64,2:base64"; the highest one seals.
MASTER_KEYS = env("MASTER_KEYS", default="")

INSTALLED_APPS = [
    "daphne",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "channels",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "csp",
    "axes",
    "django_htmx",
    "django_migration_linter",
    "timescale",
    "testudo.db",
    "testudo.events",
    "testudo.web",
    "testudo.observability",
    "accounts",
    "risk",
    "trading",
    "journal",
    "billing",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "testudo.urls"
ASGI_APPLICATION = "testudo.asgi.application"
AUTH_USER_MODEL = "accounts.User"
LOGIN_URL = "/sign-in/"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/"
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
            ]
        },
    }
]

DATABASES = {"default": env.db("DATABASE_URL", default="postgres://testudo@127.0.0.1:5432/testudo")}
DATABASES["default"]["ENGINE"] = "testudo.db"

REDIS_URL = env("REDIS_URL", default="redis://127.0.0.1:6379/0")
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "OPTIONS": {"socket_timeout": 0.5, "socket_connect_timeout": 0.5},
    }
}
SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        # redis-py 8 times out blocking reads after 5 s by default, which would kill every consumer.
        "CONFIG": {"hosts": [{"address": REDIS_URL, "socket_timeout": None}]},
    }
}

AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "static_built"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.SessionAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["testudo.web.parsers.StrictJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "testudo.web.problems.exception_handler",
    "COERCE_DECIMAL_TO_STRING": True,
}

# Venues: each has its own URLs; a key never reaches another venue than its own.
VENUES = {
    "paper": {
        "rest": env("PAPER_REST_URL", default="http://127.0.0.1:9700"),
        "ws_api": env("PAPER_WS_API_URL", default="ws://127.0.0.1:9700/ws-api/v3"),
        "streams": env("PAPER_STREAM_URL", default="ws://127.0.0.1:9700"),
    },
    "binance-demo": {
        "rest": "https://demo-api.binance.com",
        "ws_api": "wss://demo-ws-api.binance.com/ws-api/v3",
        "streams": "wss://demo-stream.binance.com:9443",
    },
    "binance": {
        "rest": "https://api.binance.com",
        "ws_api": "wss://ws-api.binance.com/ws-api/v3",
        "streams": "wss://stream.binance.com:9443",
    },
}
# The paper exchange's own loopback door: opens practice accounts, deposits, moves its market.
PAPER_ADMIN_URL = env("PAPER_ADMIN_URL", default="http://127.0.0.1:9700/paper-admin")
PAPER_ADMIN_TOKEN = env("PAPER_ADMIN_TOKEN", default="")
