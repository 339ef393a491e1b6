"""What the environment makes of the settings: strict in production, careful with secrets in the embedded set-up."""

import runpy
import stat
from pathlib import Path

import pytest
from csp.constants import NONCE
from django.core.exceptions import ImproperlyConfigured
from environ import FileAwareEnv
from environ.fileaware_mapping import FileAwareMapping

FILE = str(Path(__file__).resolve().parents[2] / "portal" / "settings.py")
SECRETS = {
    "SCRIBEPORT_SECRET_KEY": "s" * 64,
    "SCRIBEPORT_MASTER_KEY": "aa" * 32,
    "SCRIBEPORT_AUDIT_MAC_KEY": "m" * 64,
}
IN_PRODUCTION = {"SCRIBEPORT_PRODUCTION": "True", **SECRETS}


@pytest.fixture
def read(monkeypatch, tmp_path):
    """The settings as a process with this environment would have them."""

    def run(**variables: str) -> dict:
        with monkeypatch.context() as environment:
            for name in [*SECRETS, "SCRIBEPORT_PRODUCTION", "DATABASE_URL", "REDIS_URL"]:
                environment.delenv(name, raising=False)
                environment.delenv(f"{name}_FILE", raising=False)
            for name in ("SCRIBEPORT_AUDIT_SIGNING_KEY", "SCRIBEPORT_AUDIT_PUBLIC_KEYS", "SCRIBEPORT_AUDIT_ANCHORS"):
                environment.delenv(name, raising=False)
            environment.setenv("SCRIBEPORT_DATA", str(tmp_path / "data"))
            environment.setenv("SCRIBEPORT_KEY_DIR", str(tmp_path / "keys"))
            for name, value in variables.items():
                environment.setenv(name, value)
            environment.setattr(FileAwareEnv, "ENVIRON", FileAwareMapping())  # it remembers the files it has read
            return runpy.run_path(FILE)

    return run


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


class TestProduction:
    @pytest.mark.parametrize("name", sorted(SECRETS))
    def test_does_not_start_without_each_of_its_secrets(self, read, name):
        given = {other: value for other, value in IN_PRODUCTION.items() if other != name}
        with pytest.raises(ImproperlyConfigured) as caught:
            read(**given)
        assert str(caught.value) == f"Production needs {name} or {name}_FILE; see docs/operations.md."

    def test_makes_no_secret_of_its_own(self, read, tmp_path):
        read(**IN_PRODUCTION)
        assert not (tmp_path / "keys").exists()

    def test_takes_a_secret_from_a_file(self, read, tmp_path):
        path = tmp_path / "secret"
        path.write_text("from a file")
        given = {name: value for name, value in IN_PRODUCTION.items() if name != "SCRIBEPORT_SECRET_KEY"}
        assert read(**given, SCRIBEPORT_SECRET_KEY_FILE=str(path))["SECRET_KEY"] == "from a file"

    def test_names_its_cookies_so_that_no_other_host_can_plant_them(self, read):
        made = read(**IN_PRODUCTION)
        assert (made["SESSION_COOKIE_NAME"], made["CSRF_COOKIE_NAME"]) == ("__Host-session", "__Host-csrf")

    def test_sends_its_cookies_by_tls_alone(self, read):
        made = read(**IN_PRODUCTION)
        assert (made["SESSION_COOKIE_SECURE"], made["CSRF_COOKIE_SECURE"]) == (True, True)

    def test_tells_browsers_to_use_tls_for_a_year(self, read):
        made = read(**IN_PRODUCTION)
        assert made["SECURE_HSTS_SECONDS"] >= 365 * 24 * 3600
        assert made["SECURE_HSTS_INCLUDE_SUBDOMAINS"] is True

    def test_sends_to_tls_unless_the_proxy_does_that(self, read):
        assert read(**IN_PRODUCTION)["SECURE_SSL_REDIRECT"] is True
        assert read(**IN_PRODUCTION, SCRIBEPORT_SSL_REDIRECT="False")["SECURE_SSL_REDIRECT"] is False

    def test_answers_its_load_balancer_without_tls(self, read):
        assert read(**IN_PRODUCTION)["SECURE_REDIRECT_EXEMPT"] == [r"^healthz$", r"^readyz$"]

    def test_gives_the_sealers_key_to_no_process_that_does_not_name_it(self, read):
        """The web process can then neither sign a checkpoint nor name itself the sealer."""
        assert read(**IN_PRODUCTION)["AUDIT_SIGNING_KEY"] == ""
        assert read(**IN_PRODUCTION, SCRIBEPORT_AUDIT_SIGNING_KEY="bb" * 32)["AUDIT_SIGNING_KEY"] == "bb" * 32

    def test_has_no_anchor_unless_one_is_named(self, read):
        assert read(**IN_PRODUCTION)["AUDIT_ANCHORS"] == []
        named = read(**IN_PRODUCTION, SCRIBEPORT_AUDIT_ANCHORS="file:///mnt/worm/a.jsonl,syslog://log.example")
        assert named["AUDIT_ANCHORS"] == ["file:///mnt/worm/a.jsonl", "syslog://log.example"]

    def test_serves_files_with_names_made_of_their_content(self, read):
        made = read(**IN_PRODUCTION)
        assert made["STORAGES"]["staticfiles"]["BACKEND"] == "whitenoise.storage.CompressedManifestStaticFilesStorage"

    def test_logs_json(self, read):
        assert read(**IN_PRODUCTION)["LOGGING"]["formatters"]["line"]["form"] == "json"
        assert read()["LOGGING"]["formatters"]["line"]["form"] == "logfmt"

    def test_refuses_a_form_of_logging_it_does_not_know(self, read):
        with pytest.raises(ValueError, match="SCRIBEPORT_LOG_FORMAT is one of logfmt, json"):
            read(**IN_PRODUCTION, SCRIBEPORT_LOG_FORMAT="xml")


class TestEmbedded:
    def test_makes_its_secrets_once_and_keeps_them(self, read):
        first, second = read(), read()
        for name in ("SECRET_KEY", "MASTER_KEY", "AUDIT_MAC_KEY", "AUDIT_SIGNING_KEY"):
            assert first[name] == second[name]
            assert len(bytes.fromhex(first[name])) == 32

    def test_makes_each_secret_anew(self, read):
        made = read()
        assert len({made[name] for name in ("SECRET_KEY", "MASTER_KEY", "AUDIT_MAC_KEY", "AUDIT_SIGNING_KEY")}) == 4

    def test_lets_nobody_else_read_them(self, read, tmp_path):
        read()
        assert mode(tmp_path / "keys") == 0o700
        assert {mode(path) for path in (tmp_path / "keys").iterdir()} == {0o600}
        assert sorted(path.name for path in (tmp_path / "keys").iterdir()) == [
            "scribeport_audit_mac_key",
            "scribeport_audit_signing_key",
            "scribeport_master_key",
            "scribeport_secret_key",
        ]

    def test_takes_a_secret_that_is_given_and_keeps_none(self, read, tmp_path):
        assert read(SCRIBEPORT_MASTER_KEY="cc" * 32)["MASTER_KEY"] == "cc" * 32
        assert not (tmp_path / "keys" / "scribeport_master_key").exists()

    def test_lets_nobody_else_into_its_data(self, read, tmp_path):
        read()
        assert mode(tmp_path / "data") == 0o700
        assert mode(tmp_path / "data" / "broker") == 0o700

    def test_writes_every_commit_to_the_disk(self, read):
        options = read()["DATABASES"]["default"]["OPTIONS"]
        assert options["transaction_mode"] == "IMMEDIATE"
        assert options["init_command"] == "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"

    def test_anchors_beside_its_data(self, read, tmp_path):
        assert read()["AUDIT_ANCHORS"] == [f"file://{tmp_path}/data/anchors/audit.jsonl"]

    def test_listens_to_this_machine_alone(self, read):
        assert read()["ALLOWED_HOSTS"] == ["localhost", "127.0.0.1", "[::1]"]

    def test_needs_no_broker_but_a_folder(self, read, tmp_path):
        made = read()
        assert made["CELERY_BROKER_URL"] == "files://"
        assert made["CELERY_BROKER_TRANSPORT_OPTIONS"]["data_folder_in"] == f"{tmp_path}/data/broker"


class TestEverywhere:
    @pytest.fixture(params=[{}, IN_PRODUCTION], ids=["embedded", "production"])
    def made(self, request, read):
        return read(**request.param)

    def test_nobody_sees_djangos_pages_for_programmers(self, read):
        assert read(DEBUG="True", DJANGO_DEBUG="1", SCRIBEPORT_DEBUG="1")["DEBUG"] is False

    def test_no_script_reads_a_session_or_a_forms_token(self, made):
        assert (made["SESSION_COOKIE_HTTPONLY"], made["CSRF_COOKIE_HTTPONLY"]) == (True, True)
        assert made["SESSION_COOKIE_SAMESITE"] == "Lax"

    def test_no_session_outlives_twelve_hours(self, made):
        assert made["SESSION_COOKIE_AGE"] == 43200

    def test_a_password_has_twelve_characters(self, made):
        by_name = {each["NAME"].rpartition(".")[2]: each for each in made["AUTH_PASSWORD_VALIDATORS"]}
        assert by_name["MinimumLengthValidator"]["OPTIONS"] == {"min_length": 12}
        assert set(by_name) == {
            "UserAttributeSimilarityValidator",
            "MinimumLengthValidator",
            "CommonPasswordValidator",
            "NumericPasswordValidator",
        }

    def test_a_page_takes_nothing_from_elsewhere_and_nothing_inline(self, made):
        said = {name: list(values) for name, values in made["CONTENT_SECURITY_POLICY"]["DIRECTIVES"].items()}
        assert said == {
            "default-src": ["'none'"],
            "script-src": [NONCE],
            "style-src": ["'self'"],
            "img-src": ["'self'", "data:"],
            "font-src": ["'self'"],
            "connect-src": ["'self'"],
            "form-action": ["'self'"],
            "frame-ancestors": ["'none'"],
            "base-uri": ["'none'"],
        }

    def test_no_framework_administration_is_installed(self, made):
        assert "django.contrib.admin" not in made["INSTALLED_APPS"]

    def test_the_api_lets_nobody_in_by_default_and_has_no_pages(self, made):
        api = made["REST_FRAMEWORK"]
        assert api["DEFAULT_PERMISSION_CLASSES"] == ["rest_framework.permissions.IsAuthenticated"]
        assert api["DEFAULT_RENDERER_CLASSES"] == ["rest_framework.renderers.JSONRenderer"]

    def test_the_broker_carries_no_results_and_no_pickles(self, made):
        """reliability: ids only, ignore_result, early ack, no result back end."""
        assert (made["CELERY_TASK_IGNORE_RESULT"], made["CELERY_RESULT_BACKEND"]) == (True, None)
        assert (made["CELERY_TASK_ACKS_LATE"], made["CELERY_WORKER_PREFETCH_MULTIPLIER"]) == (False, 1)
        assert made["CELERY_ACCEPT_CONTENT"] == ["json"]

    def test_no_proxy_is_trusted_unless_it_is_named(self, made):
        assert made["TRUSTED_PROXIES"] == []

    def test_time_is_utc(self, made):
        assert (made["TIME_ZONE"], made["USE_TZ"]) == ("UTC", True)

    def test_connections_lead_to_this_host_and_private_networks(self, made):
        assert made["ALLOWED_NETWORKS"] == [
            "127.0.0.0/8",
            "::1/128",
            "10.0.0.0/8",
            "172.16.0.0/12",
            "192.168.0.0/16",
            "fc00::/7",
        ]

    def test_a_note_may_have_five_megabytes(self, made):
        assert made["MAX_NOTE_BYTES"] == 5_242_880
        assert made["DATA_UPLOAD_MAX_MEMORY_SIZE"] > made["MAX_NOTE_BYTES"]

    def test_the_answer_is_waited_for_well_within_a_lease(self, made):
        """reliability: deadline and margin under 0.6 of the lease."""
        assert made["ACK_SECONDS"] < 0.6 * made["LEASE_SECONDS"]

    def test_a_lock_file_of_the_audit_library_has_no_address(self, made):
        assert made["AUDITLOG_DISABLE_REMOTE_ADDR"] is True
        assert made["AUDITLOG_LOGENTRY_MODEL"] == "audit.ConfigurationEntry"

    @pytest.mark.parametrize("before, after", [
        ("SecurityMiddleware", "SessionMiddleware"),
        ("SessionMiddleware", "AuthenticationMiddleware"),
        ("AuthenticationMiddleware", "AuditContextMiddleware"),
        ("AuditContextMiddleware", "IdleMiddleware"),
        ("IdleMiddleware", "LoginRequiredMiddleware"),
        ("ClientAddressMiddleware", "SecurityMiddleware"),
        ("LoginRequiredMiddleware", "SelectionMiddleware"),
        ("NoNulMiddleware", "SelectionMiddleware"),
    ])  # fmt: skip
    def test_each_layer_stands_before_the_one_that_needs_it(self, made, before, after):
        names = [each.rpartition(".")[2] for each in made["MIDDLEWARE"]]
        assert names.index(before) < names.index(after)


class TestDatabases:
    def test_postgresql_is_chosen_by_its_address(self, read):
        made = read(DATABASE_URL="postgres://app:secret@db.example:5433/scribeport")["DATABASES"]["default"]
        assert made["ENGINE"] == "portal.postgresql"
        assert (made["HOST"], made["PORT"], made["NAME"]) == ("db.example", 5433, "scribeport")

    def test_a_connection_is_kept_and_looked_at_before_it_is_used_again(self, read):
        made = read()["DATABASES"]["default"]
        assert (made["CONN_MAX_AGE"], made["CONN_HEALTH_CHECKS"]) == (None, True)

    def test_a_redis_becomes_the_bell(self, read):
        made = read(REDIS_URL="redis://bell.example:6379/2")
        assert made["CELERY_BROKER_URL"] == "redis://bell.example:6379/2"
        assert made["CELERY_BROKER_TRANSPORT_OPTIONS"]["socket_connect_timeout"] == 2
