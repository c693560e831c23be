"""Every setting, read once from the environment and `.env`; `.env.example` explains them."""

import os
import sys
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path

import environ
from csp.constants import NONCE, NONE, SELF, STRICT_DYNAMIC
from redis.backoff import NoBackoff
from redis.retry import Retry

from testudo.observability import logs, sentry
from testudo.stack import addresses

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
env.read_env(os.environ.get("TESTUDO_DOTENV", BASE_DIR / ".env"))

TESTUDO_HOME = Path(env("TESTUDO_HOME", default=str(BASE_DIR / "var")))
# What the environment leaves open comes from the embedded stack of this checkout, if it has one.
addresses.fill(os.environ, TESTUDO_HOME)
LIVE = env.bool("TESTUDO_LIVE", default=False)  # permits the venue `binance`, nothing else
DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env("SECRET_KEY", default="insecure-development-key")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
ADMIN_PATH = env("ADMIN_PATH", default="admin/")
# Who scrapes /metrics sends it as a bearer token; without one only signed-in staff may look.
METRICS_TOKEN = env("METRICS_TOKEN", default="")

# Versioned master keys for the exchange credentials: "1:base64,2:base64"; the highest one seals.
MASTER_KEYS = env("MASTER_KEYS", default="")
# Versioned keys of the decision log's keyed chain, written alike; the highest one signs.
DECISION_KEYS = env("DECISION_KEYS", default="")

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
    # Only the tests' packages hold it.
    *(["django_migration_linter"] if find_spec("django_migration_linter") else []),
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
    "testudo.observability.middleware.CorrelationMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "testudo.web.middleware.EdgeMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
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
DATABASES["default"]["CONN_MAX_AGE"] = 0  # back to the pool after each request and task
DATABASES["default"]["POOL"] = {
    "pool_size": env.int("DATABASE_POOL_SIZE", default=10),  # kept open, per process
    "max_overflow": env.int("DATABASE_POOL_OVERFLOW", default=10),  # opened in a rush, then closed
    "timeout": 3,  # seconds to wait for a free one
    "recycle": 900,  # seconds a connection lives
}
DATABASES["default"].setdefault("OPTIONS", {})
DATABASES["default"]["OPTIONS"] = {
    "connect_timeout": 3,
    "tcp_user_timeout": 10_000,  # milliseconds until a silent server counts as gone
    "application_name": "testudo",
    "options": " ".join(
        [
            f"-c statement_timeout={env.int('DATABASE_STATEMENT_TIMEOUT_MS', default=5000)}",
            "-c lock_timeout=2000",
            "-c idle_in_transaction_session_timeout=10000",
            "-c TimeZone=UTC",
            '-c search_path="$user",public,tsshim',  # tsshim: see testudo/db/base.py
        ]
    ),
    **DATABASES["default"]["OPTIONS"],
}
# bin/test migrates one database and lets every test worker copy it.
if env("TEST_DATABASE_TEMPLATE", default=""):
    DATABASES["default"]["TEST"] = {"TEMPLATE": env("TEST_DATABASE_TEMPLATE")}

REDIS_URL = env("REDIS_URL", default="redis://127.0.0.1:6379/0")
_REDIS_AT_ONCE = {
    "socket_timeout": 0.5,
    "socket_connect_timeout": 0.5,
    "retry": Retry(NoBackoff(), 0),  # redis-py 8 would try for seconds
}
CACHES = {
    "default": {
        "BACKEND": "testudo.web.cache.ForgivingRedisCache",
        "LOCATION": REDIS_URL,
        "OPTIONS": _REDIS_AT_ONCE,
    },
    "sessions": {
        "BACKEND": "testudo.web.cache.SessionCache",
        "LOCATION": REDIS_URL,
        "OPTIONS": _REDIS_AT_ONCE,
    },
}
SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"
SESSION_CACHE_ALIAS = "sessions"
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "testudo.redis_clients.ImpatientChannelLayer",
        # redis-py 8 times out blocking reads after 5 s by default, which would kill every consumer.
        # What is sent has the layer's own time-out.
        "CONFIG": {
            "hosts": [{"address": REDIS_URL, "socket_timeout": None, "socket_connect_timeout": 0.5}]
        },
    }
}

# Celery only wakes work up; what is due stands in PostgreSQL (RELIABILITY R24). A message may be
# lost or come twice, and a task lost with its worker comes again after `visibility_timeout`.
CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_DEFAULT_QUEUE = "bulk"
CELERY_TASK_SERIALIZER = CELERY_RESULT_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 10
CELERY_WORKER_ENABLE_SOFT_SHUTDOWN_ON_IDLE = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
# Honoured by prefork workers only. In threads, as ours run, what a task waits for ends by itself: a
# statement after 5 s, a request to the exchange after 10 s, a turn after eight rounds.
CELERY_TASK_TIME_LIMIT = 30
CELERY_TASK_SOFT_TIME_LIMIT = 25
CELERY_VISIBILITY_TIMEOUT = 60  # Celery wants it in all three places
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 60,
    "socket_timeout": None,  # it blocks on reads by design
    "socket_connect_timeout": 0.5,
    "socket_keepalive": True,
    "health_check_interval": 20,
}
CELERY_RESULT_BACKEND_TRANSPORT_OPTIONS = {"visibility_timeout": 60}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
# A sender does not wait for a dead broker: the guard finds due work within a second anyway.
CELERY_TASK_PUBLISH_RETRY = False
CELERY_ENABLE_UTC = True
CELERY_TIMEZONE = "UTC"
# Housekeeping only: beat's messages die with Redis, so nothing that matters depends on them.
CELERY_BEAT_SCHEDULE = {
    "tidy-up": {"task": "testudo.web.tasks.tidy_up", "schedule": timedelta(hours=1)},
    "sign-in-tries": {
        "task": "accounts.tasks.forget_sign_in_tries",
        "schedule": timedelta(hours=1),
    },
    "equity-points": {"task": "trading.tasks.thin_points", "schedule": timedelta(hours=6)},
    "decision-heads": {"task": "trading.tasks.mail_heads", "schedule": timedelta(minutes=5)},
}

# Mail: files in $TESTUDO_HOME/mail unless EMAIL_URL names a server.
EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
EMAIL_FILE_PATH = TESTUDO_HOME.absolute() / "mail"
if env("EMAIL_URL", default=""):
    vars().update(env.email("EMAIL_URL"))
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env("MAIL_FROM", default="Testudo <testudo@localhost>")

AUTHENTICATION_BACKENDS = [
    "accounts.sign_in.CountedBackend",
    "axes.backends.AxesStandaloneBackend",
    "accounts.sign_in.PasswordBackend",
]
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_USERNAME_CALLABLE = "accounts.sign_in.name_of"  # one person, however the name is written
AXES_CLIENT_IP_CALLABLE = "accounts.sign_in.peer_of"  # the real peer, whatever headers claim
AXES_LOCKOUT_CALLABLE = "accounts.sign_in.locked_out"
AXES_VERBOSE = False
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "static_built"
STATICFILES_DIRS = [BASE_DIR / "static", BASE_DIR / "static_vendor"]  # the latter from npm
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["testudo.web.authentication.SessionAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["testudo.web.renderers.OurJSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["testudo.web.parsers.StrictJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "testudo.web.problems.exception_handler",
    "COERCE_DECIMAL_TO_STRING": True,
    "URL_FORMAT_OVERRIDE": None,  # `?format=` chooses nothing here
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Testudo",
    "DESCRIPTION": "Plans, trades and accounts. Amounts are strings; moments are UTC.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "persistAuthorization": False},
}

# What a page may load and whom it may talk to: us alone, and of scripts only those we name.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE, STRICT_DYNAMIC],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],  # WebSockets of our own host too (CSP 3)
        "manifest-src": [SELF],
        "worker-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
        "object-src": [NONE],
    }
}
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "testudo.web.errors.csrf_failure"
DATA_UPLOAD_MAX_MEMORY_SIZE = 256 * 1024  # bytes of a form; JSON has its own, smaller limit

# HTTPS=1 where browsers come by TLS: cookies that no other host can set, and no way back to http.
HTTPS = env.bool("HTTPS", default=LIVE)
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 60 * 60 * 24 * 7
if HTTPS:
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-session", "__Host-csrf"
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    SECURE_HSTS_SECONDS = 63072000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = True
    SECURE_SSL_REDIRECT = True
    SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]  # asked by the machine itself
# A proxy's word on TLS counts only where one stands in front and sets it: "HTTP_X_FORWARDED_PROTO".
if _proxy_header := env("TLS_PROXY_HEADER", default=""):
    SECURE_PROXY_SSL_HEADER = (_proxy_header, "https")

WATCHED_SYMBOLS = env.list("WATCHED_SYMBOLS", default=["BTCUSDT", "ETHUSDT"])

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
# Request weight a minute the paper exchange takes from one address, and we from it: Binance's own,
# or more where a benchmark or a drill opens accounts by the hundred.
PAPER_WEIGHT_LIMIT = env.int("PAPER_WEIGHT_LIMIT", default=6_000)
PAPER_CONNECTION_LIMIT = env.int("PAPER_CONNECTION_LIMIT", default=300)  # in five minutes; as above

# Lines for people at a terminal and in development, JSON wherever a machine collects them.
LOGGING = logs.config(
    as_json=not DEBUG and not sys.stderr.isatty(), level=env("LOG_LEVEL", default="INFO")
)
logs.configure()
sentry.start(env("SENTRY_DSN", default=""), release=env("RELEASE", default=""))
