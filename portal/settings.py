"""Every setting of the product, read from the environment; embedded by default, strict in production.

Each secret may come as NAME or as NAME_FILE (a path). `docs/operations.md` lists them all.
"""

import contextlib
import os
import secrets
from pathlib import Path

import environ
from csp import constants as csp
from django.core.exceptions import ImproperlyConfigured

from portal.logging import logging_settings

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.FileAwareEnv()

PRODUCTION = env.bool("SCRIBEPORT_PRODUCTION", default=False)
DATA_DIR = Path(env.str("SCRIBEPORT_DATA", default=str(BASE_DIR / "data"))).resolve()
KEY_DIR = Path(env.str("SCRIBEPORT_KEY_DIR", default=str(DATA_DIR / "keys"))).resolve()
DEBUG = False


def own_secret(name: str) -> str:
    """A secret from the environment; in the embedded set-up one made once and kept, mode 0600, in KEY_DIR."""
    given = env.str(name, default="")
    if given:
        return given
    if PRODUCTION:
        raise ImproperlyConfigured(f"Production needs {name} or {name}_FILE; see docs/operations.md.")
    path = KEY_DIR / name.lower()
    if not path.exists():
        KEY_DIR.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = path.with_suffix(f".{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_hex(32))
        # link() refuses to replace: of two processes starting at once, one file wins for both.
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    return path.read_text().strip()


SECRET_KEY = own_secret("SCRIBEPORT_SECRET_KEY")
# 64 hex digits: the AES-256 key that encrypts notes and secrets (portal/crypto.py derives from it).
MASTER_KEY = own_secret("SCRIBEPORT_MASTER_KEY")
# Master keys that were replaced, newest first: they unwrap data keys until `manage.py rotate_keys --master` is through.
OLD_MASTER_KEYS = env.list("SCRIBEPORT_OLD_MASTER_KEYS", default=[])
# Who wraps data keys: a class like portal/keyring.py's KeyStore, for a key service.
KEY_STORE = env.str("SCRIBEPORT_KEY_STORE", default="portal.keyring.MasterKeys")
# The key of audit/record.py's row MACs; a different secret, so that one theft does not open both.
AUDIT_MAC_KEY = own_secret("SCRIBEPORT_AUDIT_MAC_KEY")

# The sealer's Ed25519 seed, 64 hex digits: in production only the process `manage.py seal_audit` is given it; the
# others get the public keys (comma-separated, 64 hex digits each; old ones stay as long as their checkpoints matter).
AUDIT_SIGNING_KEY = env.str("SCRIBEPORT_AUDIT_SIGNING_KEY", default="")
AUDIT_PUBLIC_KEYS = env.list("SCRIBEPORT_AUDIT_PUBLIC_KEYS", default=[])
if not PRODUCTION:
    AUDIT_SIGNING_KEY = own_secret("SCRIBEPORT_AUDIT_SIGNING_KEY")
# How checkpoints name this installation's log, where its checkpoints go (audit/anchors.py), how often it is sealed.
AUDIT_ORIGIN = env.str("SCRIBEPORT_AUDIT_ORIGIN", default="scribeport/audit")
AUDIT_ANCHORS = env.list(
    "SCRIBEPORT_AUDIT_ANCHORS", default=[] if PRODUCTION else [f"file://{DATA_DIR / 'anchors' / 'audit.jsonl'}"]
)
AUDIT_SEAL_SECONDS = env.float("SCRIBEPORT_AUDIT_SEAL_SECONDS", default=5.0)

ALLOWED_HOSTS = env.list("SCRIBEPORT_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("SCRIBEPORT_ORIGINS", default=[])

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.forms",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_htmx",
    "heroicons",
    "audit",  # before auditlog, whose command that deletes every entry it replaces
    "auditlog",
    "portal",
    "mapping",
    "delivery",
]

MIDDLEWARE = [
    "portal.proxies.ClientAddressMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "portal.api_way.ApiMiddleware",  # the scribe's API goes by API_MIDDLEWARE from here
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "audit.middleware.AuditContextMiddleware",
    "portal.idle.IdleMiddleware",
    "portal.middleware.EmergencyMiddleware",
    # Closed unless a view says otherwise (login_not_required); the scribe's API authenticates by key.
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "portal.middleware.PrivatePagesMiddleware",
    "portal.middleware.NoNulMiddleware",
    "portal.middleware.OneTimePasswordMiddleware",
    "portal.middleware.SecondFactorMiddleware",
    "portal.middleware.SelectionMiddleware",
    "portal.middleware.KeysAwayMiddleware",
]

API_PATHS = ("/api/v1/notes", "/api/v1/deliveries")
API_MIDDLEWARE = [
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "portal.middleware.PrivatePagesMiddleware",
    "portal.middleware.NoNulMiddleware",
]

ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"

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
                "portal.context.shell",
            ],
        },
    },
]

DATABASES = {"default": env.db_url("DATABASE_URL", default=f"sqlite:///{DATA_DIR / 'scribeport.sqlite3'}")}
DATABASE = DATABASES["default"]
DATABASE["CONN_MAX_AGE"] = None
DATABASE["CONN_HEALTH_CHECKS"] = True
if DATABASE["ENGINE"] == "django.db.backends.sqlite3":
    # IMMEDIATE: a deferred read-then-write transaction answers "database is locked" whatever the timeout.
    # FULL: an answered 201 survives a power cut.
    DATABASE["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
    }
    DATA_DIR.mkdir(parents=True, exist_ok=True, mode=0o700)
else:
    DATABASE["ENGINE"] = "portal.postgresql"
    # A writer that falls idle within its transaction holds its locks, and the sealer behind it: the server ends it.
    _SESSION = "-c idle_in_transaction_session_timeout=60000 -c plan_cache_mode=force_generic_plan"  # audit/prepared.py
    DATABASE.setdefault("OPTIONS", {}).setdefault("options", _SESSION)

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "portal.User"
AUDITLOG_LOGENTRY_MODEL = "audit.ConfigurationEntry"
AUDITLOG_DISABLE_REMOTE_ADDR = True

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
# What the sign-in page offers: "password" is its own form; any other entry becomes a button to `url_name`.
SIGN_IN_METHODS: list[dict[str, str]] = [{"kind": "password"}]
# Signing in by the practice's own OpenID Connect provider (portal/openid/); "" for no issuer: local accounts alone.
OPENID_ISSUER = env.str("SCRIBEPORT_OIDC_ISSUER", default="")
OPENID_CLIENT_ID = env.str("SCRIBEPORT_OIDC_CLIENT_ID", default="")
OPENID_CLIENT_SECRET = env.str("SCRIBEPORT_OIDC_CLIENT_SECRET", default="")
OPENID_SCOPES = env.str("SCRIBEPORT_OIDC_SCOPES", default="openid profile email")
OPENID_GROUPS_CLAIM = env.str("SCRIBEPORT_OIDC_GROUPS_CLAIM", default="groups")
# Whether local accounts open nothing but an hour of emergency access (portal/factors/emergency.py).
OPENID_REQUIRED = bool(OPENID_ISSUER) and env.bool("SCRIBEPORT_OIDC_REQUIRED", default=False)
# Which local accounts must have a second factor: "everybody", or roles by commas.
SECOND_FACTOR = env.list("SCRIBEPORT_SECOND_FACTOR", default=["everybody"] if PRODUCTION else [])
if OPENID_REQUIRED:
    SIGN_IN_METHODS.clear()
if OPENID_ISSUER:
    AUTHENTICATION_BACKENDS.append("portal.openid.backend.OpenIdBackend")
    SIGN_IN_METHODS.insert(
        0,
        {
            "kind": "redirect",
            "label": env.str("SCRIBEPORT_OIDC_LABEL", default="Sign in with your practice's account"),
            "url_name": "portal:openid",
        },
    )
LOGIN_URL = "portal:sign-in"
LOGIN_REDIRECT_URL = "portal:home"
LOGOUT_REDIRECT_URL = "portal:sign-in"

SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "portal.views.errors.stale_form"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# Networks of our own proxies: only they are believed about whom they speak for (X-Forwarded-For).
TRUSTED_PROXIES = env.list("SCRIBEPORT_TRUSTED_PROXIES", default=[])
if PRODUCTION:
    # __Host-: no other host, and no page without TLS, can plant these.
    SESSION_COOKIE_NAME = "__Host-session"
    CSRF_COOKIE_NAME = "__Host-csrf"
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
    SECURE_SSL_REDIRECT = env.bool("SCRIBEPORT_SSL_REDIRECT", default=True)
    SECURE_HSTS_SECONDS = 31536000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True

# A script runs because a page of ours names it, not because it lies on this origin: so neither does a text or a file
# that somebody made us keep. An answer without scripts allows none.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        **dict.fromkeys(("default-src", "frame-ancestors", "base-uri"), (csp.NONE,)),
        **dict.fromkeys(("style-src", "font-src", "connect-src", "form-action"), (csp.SELF,)),
        "img-src": [csp.SELF, "data:"],
        "script-src": [csp.NONCE],
    },
}

FORM_RENDERER = "portal.forms.rendering.PortalRenderer"
# Panels that apps above the portal add to its pages, named by string: each is a callable (request, object) -> safe
# HTML, "" for nothing to show. The object is the location, the scribe or the connection (portal/panels.py).
HOME_PANELS: list[str] = ["delivery.panels.deliveries", "mapping.panels.templates"]
# The same for what takes the place of the overview's own "Still to be done".
PATH_PANELS: list[str] = ["delivery.path.panel.panel"]
# What can be exported as a job: kind, and who makes it (portal/exports/asking.py).
EXPORTS = {
    "audit": "portal.exports.audit_files.AuditExport", "ehi": "delivery.release.job.EhiExport",
    "deliveries": "delivery.list_file.DeliveryExport",
}  # fmt: skip
LOCATION_PANELS: list[str] = [
    "delivery.ways.panel.panel", "mapping.panels.defaults", "delivery.events.panel.panel",
    "delivery.certification.panel.panel", "delivery.pilot.panel.panel",
]  # fmt: skip
SCRIBE_PANELS: list[str] = ["delivery.webhooks.panel.panel"]
CONNECTION_PANELS: list[str] = [
    "delivery.test_panel.panel", "delivery.oauth_panel.panel", "delivery.connection_panel.panel",
]  # fmt: skip
# What must hold while a production location is released: each (location) -> what is lacking, in plain words.
RELEASE_CHECKS: list[str] = ["delivery.certification.standing.lacks"]
# Notices over every page of a signed-in person: each is a callable (request) -> safe HTML, "" for nothing to say.
BANNERS: list[str] = [
    "portal.factors.emergency.banner", "portal.exports.approving.banner", "delivery.connection_panel.recovery_banner",
    "delivery.learning.banner.banner",
]  # fmt: skip

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = Path(env.str("SCRIBEPORT_STATIC_ROOT", default=str(DATA_DIR / "static")))
# Embedded: files are served from the packages themselves, no collectstatic.
WHITENOISE_USE_FINDERS = not PRODUCTION
if not PRODUCTION:
    STATIC_ROOT.mkdir(parents=True, exist_ok=True)
if PRODUCTION:
    STORAGES = {
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
        "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
    }

# Who may read /metrics: a bearer token, networks of ours, or both; nobody by default.
METRICS_TOKEN = env.str("SCRIBEPORT_METRICS_TOKEN", default="")
METRICS_NETWORKS = env.list("SCRIBEPORT_METRICS_NETWORKS", default=[])

# Where connections may lead: networks, or one port of a network (10.20.0.0/16:6661). Default: this host and private
# ranges. portal/targets.py says what is refused in any case.
ALLOWED_NETWORKS = env.list(
    "SCRIBEPORT_ALLOWED_NETWORKS",
    default=["127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"],
)

# The simulated eCW on which practice mode's courses are held (docs/practice-mode.md); "": there are none.
PRACTICE_ECW = env.str("SCRIBEPORT_PRACTICE_ECW", default="")

# Folders below which a C-CDA connection may leave documents, by colons. Default: one of the data folder; in production
# none until the operator names one.
_DOCUMENTS = "" if PRODUCTION else str(DATA_DIR / "documents")
ALLOWED_FOLDERS = [each for each in env.str("SCRIBEPORT_ALLOWED_FOLDERS", default=_DOCUMENTS).split(":") if each]

# Mail for alerts: no host, no mail. SITE_URL begins the links in it.
SITE_URL = env.str("SCRIBEPORT_URL", default=(CSRF_TRUSTED_ORIGINS or ["http://localhost:8000"])[0])
EMAIL_HOST, EMAIL_PORT = env.str("SCRIBEPORT_SMTP_HOST", default=""), env.int("SCRIBEPORT_SMTP_PORT", default=587)
EMAIL_HOST_USER, EMAIL_TIMEOUT = env.str("SCRIBEPORT_SMTP_USER", default=""), 15
EMAIL_HOST_PASSWORD = env.str("SCRIBEPORT_SMTP_PASSWORD", default="")
SMTP_SECURITY = {"starttls": (True, False), "tls": (False, True), "none": (False, False)}  # another stops the start
EMAIL_USE_TLS, EMAIL_USE_SSL = SMTP_SECURITY[env.str("SCRIBEPORT_SMTP_SECURITY", default="starttls")]
DEFAULT_FROM_EMAIL = env.str("SCRIBEPORT_MAIL_FROM", default="scribeport@localhost")

# The scribe's API: JSON in, JSON out, no browsable pages.
MAX_NOTE_BYTES = env.int("SCRIBEPORT_MAX_NOTE_BYTES", default=5 * 1024 * 1024)
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_NOTE_BYTES + 1024
REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Scribeport API",
    "DESCRIPTION": "A scribe posts notes and reads back what became of them.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
}

# Celery is the bell and the hands; the rows are the queue. No results, no ETA, ids only (delivery/bell.py).
REDIS_URL = env.str("REDIS_URL", default="")
CELERY_TASK_IGNORE_RESULT = True
CELERY_RESULT_BACKEND = None
CELERY_TASK_ACKS_LATE = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# Two installations that share a Redis need a name each.
CELERY_TASK_DEFAULT_QUEUE = env.str("SCRIBEPORT_QUEUE", default="scribeport")
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_DB_REUSE_MAX = 1_000_000
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, object]
if REDIS_URL:
    CELERY_BROKER_URL = REDIS_URL
    CELERY_BROKER_TRANSPORT_OPTIONS = {"unacked_restore_interval": 2, "unacked_restore_throttle": 1}
    CELERY_BROKER_TRANSPORT_OPTIONS |= {"socket_timeout": 5, "socket_connect_timeout": 2, "max_retries": 1}
else:
    BROKER_DIR = DATA_DIR / "broker"
    BROKER_DIR.mkdir(parents=True, exist_ok=True, mode=0o700)
    CELERY_BROKER_URL = "files://"  # portal/embedded_broker.py
    CELERY_BROKER_TRANSPORT_OPTIONS = {"data_folder_in": str(BROKER_DIR), "data_folder_out": str(BROKER_DIR)}
    CELERY_BROKER_TRANSPORT_OPTIONS |= {"control_folder": str(BROKER_DIR / "control"), "polling_interval": 0.05}

# Tells a restored database from the live one; in production on another volume than the database.
INCARNATION_FILE = Path(env.str("SCRIBEPORT_INCARNATION_FILE", default=str(DATA_DIR / "incarnation")))

# The times of delivery, in seconds (delivery/lanes.py, delivery/verification.py say what each guards).
LEASE_SECONDS = env.float("SCRIBEPORT_LEASE_SECONDS", default=90.0)
POLL_SECONDS = env.float("SCRIBEPORT_POLL_SECONDS", default=1.0)
ACK_SECONDS = env.float("SCRIBEPORT_ACK_SECONDS", default=30.0)
SETTLE_SECONDS = env.float("SCRIBEPORT_SETTLE_SECONDS", default=2.0)
# What is not in the chart so long after a doubt, and again so long after that, is sent again: longer than any filing.
DOUBT_SETTLE_SECONDS = env.float("SCRIBEPORT_DOUBT_SETTLE_SECONDS", default=60.0)
# How long a drained lane keeps its socket and waits for the bell before it gives the lease back.
LINGER_SECONDS = env.float("SCRIBEPORT_LINGER_SECONDS", default=1.0)
# Where HL7 feeds of events are listened for (manage.py listen_events); empty: nowhere. Files of PEM for TLS.
LISTEN_ADDRESS = env.str("SCRIBEPORT_LISTEN_ADDRESS", default="")
LISTEN_CERT = env.str("SCRIBEPORT_LISTEN_CERT", default="")
LISTEN_KEY = env.str("SCRIBEPORT_LISTEN_KEY", default="")
LISTEN_CLIENT_CA = env.str("SCRIBEPORT_LISTEN_CLIENT_CA", default="")
# Webhooks of one event source that a web process takes in a second, on the average.
EVENTS_PER_SECOND = env.float("SCRIBEPORT_EVENTS_PER_SECOND", default=20.0)
# Events of visits are kept for so many days; 0: for ever.
EVENT_DAYS = env.int("SCRIBEPORT_EVENT_DAYS", default=400)
# A sandbox location that was probed once is probed again after so many hours; 0: by people alone.
CANARY_HOURS = env.float("SCRIBEPORT_CANARY_HOURS", default=24.0)
WEB_PROCESSES = env.int("SCRIBEPORT_WEB_PROCESSES", default=1)
WEB_THREADS = env.int("SCRIBEPORT_WEB_THREADS", default=16)
WORKER_THREADS = env.int("SCRIBEPORT_WORKER_THREADS", default=8)
LANE_THREADS = env.int("SCRIBEPORT_LANE_THREADS", default=16)
BATCH_SIZE = env.int("SCRIBEPORT_BATCH_SIZE", default=32)

# One scrubbed line per event on standard error (portal/logging.py).
LOGGING_CONFIG = "portal.logging.configure"
LOGGING = logging_settings(
    level=env.str("SCRIBEPORT_LOG_LEVEL", default="WARNING").upper(),
    form=env.str("SCRIBEPORT_LOG_FORMAT", default="json" if PRODUCTION else "logfmt"),
)
