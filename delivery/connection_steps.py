"""Test a connection step by step, from its settings to an answer, and name the first step that fails.

Nothing of a patient is asked for and nothing is written: what a receiver does with a note is found by the probe.
"""

import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlsplit

from django.db import transaction
from django.utils import timezone

from audit.record import record
from delivery import rate
from delivery.breaker import state_of
from delivery.channels import tls
from delivery.channels.base import Unavailable
from delivery.channels.fhir_search import FhirClient
from delivery.channels.fhir_settings import FhirSettings
from delivery.channels.network import NotConnected, dial, left, reason
from delivery.channels.openapi import OpenApiReader, OpenApiSettings, open_reader
from delivery.channels.registry import channel_for
from delivery.oauth import scopes
from delivery.opening import Credentials, settings_of
from portal.models import Connection, ConnectionKind, OAuthGrant
from portal.targets import TargetRefused, check_target

SECONDS = 8.0  # for each step: a person waits for the page
STEPS = {
    "settings": "Settings",
    "name": "Name and address",
    "network": "Network",
    "tls": "Encryption",
    "sign_in": "Sign-in",
    "scope": "Rights",
    "rate": "Rate limit",
    "content": "Answer",
}
OF_REASON = {
    "connection_misconfigured": "settings",
    "dns": "name",
    "target_not_allowed": "name",
    "read_unauthorized": "sign_in",
    "unauthorized": "sign_in",
    "read_forbidden": "scope",
    "folder_denied": "scope",
    "scope_refused": "scope",
    "rate_limited": "rate",
}
PASSED, FAILED, NOT_REACHED, DOES_NOT_APPLY = "passed", "failed", "not_reached", "does_not_apply"


@dataclass(frozen=True)
class Step:
    """One step: its key in STEPS, its outcome, what was seen, and the reason code of a failure."""

    key: str
    outcome: str
    says: str = ""
    reason_code: str = ""


class Stopped(Exception):
    """A step failed; those after it are not reached."""

    def __init__(self, key: str, reason_code: str, says: str = "") -> None:
        super().__init__(f"{key} {reason_code}")
        self.step = Step(key, FAILED, says, reason_code)


class Passage:
    """The steps of one test, in order; what a step says of itself is kept as it passes."""

    def __init__(self) -> None:
        self.done: dict[str, Step] = {}

    def passed(self, key: str, says: str) -> None:
        self.done[key] = Step(key, PASSED, says)

    def skipped(self, key: str, says: str) -> None:
        self.done[key] = Step(key, DOES_NOT_APPLY, says)

    def steps(self, stopped: Step | None = None) -> list[Step]:
        """Every step in order; a failure hides nothing that passed before it."""
        rows = self.done | ({stopped.key: stopped} if stopped else {})
        return [rows.get(key) or Step(key, NOT_REACHED) for key in STEPS]


def examine(connection: Connection) -> list[Step]:
    """Run the test, keep it with its date, and record it. Takes at most about half a minute."""
    passage, failed = Passage(), None
    try:
        WAYS[connection.kind](connection, passage)
    except Stopped as stopped:
        failed = stopped.step
    steps = passage.steps(failed)
    keep(connection, steps)
    return steps


def keep(connection: Connection, steps: list[Step]) -> None:
    failed = next((step for step in steps if step.outcome == FAILED), None)
    with transaction.atomic():
        state = state_of(connection.pk)
        state.tested_at, state.test_steps = timezone.now(), [asdict(step) for step in steps]
        state.save(update_fields=["tested_at", "test_steps"])
        record(
            "connection.test",
            practice=connection.practice.code,
            object_type="connection",
            object_id=str(connection.pk),
            outcome="error" if failed else "ok",
            detail={
                "connection": connection.pk,
                "step": failed.key if failed else "all",
                "outcome": failed.reason_code if failed else PASSED,
            },
        )


def quick(connection: Connection) -> dict[str, Any]:
    """The connection's settings with deadlines that a person waiting for a page can bear."""
    own = settings_of(connection)
    waits = ("connect_seconds", "read_seconds", "call_seconds")
    return own | {name: min(own[name], SECONDS) for name in waits if isinstance(own.get(name), int | float)}


def usable(passage: Passage, read: Callable[[], Any]) -> Any:
    """The settings, or the first step failed."""
    try:
        settings = read()
    except ValueError as error:
        raise Stopped("settings", "connection_misconfigured", str(error)) from None
    passage.passed("settings", "They can be used.")
    return settings


def resolved(passage: Passage, host: str, port: int) -> tuple[str, int]:
    """The checked address behind a name."""
    try:
        address = check_target(host, port)
    except TargetRefused as error:
        raise Stopped("name", "target_not_allowed", str(error)) from None
    except OSError:
        raise Stopped("name", "dns") from None
    known = host if host == address[0] else f"{host}, which is {address[0]}"
    passage.passed("name", f"This installation may connect to {known}.")
    return address


def reach(passage: Passage, settings: FhirSettings | OpenApiSettings, url: str) -> None:
    """Name, network and TLS of a web service."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    deadline = time.monotonic() + SECONDS
    with connected(passage, host, port) as sock:
        if parts.scheme != "https":
            passage.skipped("tls", "None: http:// is allowed for a sandbox only.")
            return
        try:
            sock.settimeout(left(deadline))
            with tls.context(settings).wrap_socket(sock, server_hostname=host) as secured:
                passage.passed("tls", secured_words(secured))
        except (OSError, TimeoutError) as error:
            raise Stopped("tls", reason(error)) from None


def connected(passage: Passage, host: str, port: int) -> socket.socket:
    """A connection to the checked address behind a name."""
    address = resolved(passage, host, port)
    try:
        sock = dial(lambda *_: address, host, port, time.monotonic() + SECONDS)
    except (NotConnected, TimeoutError) as error:
        raise Stopped("network", getattr(error, "reason", "connect_timeout")) from None
    passage.passed("network", f"Port {port} answers.")
    return sock


def secured_words(sock: ssl.SSLSocket) -> str:
    ends = tls.peer_certificate_expires(sock)
    until = f", its certificate is good until {ends:%Y-%m-%d}" if ends else ""
    return f"{sock.version()}, host and chain verified{until}."


def by_hl7(connection: Connection, passage: Passage) -> None:
    """Connecting and opening the channel is the test: an MLLP receiver says nothing before it gets a message."""
    own = usable(passage, lambda: channel_for(
        "hl7", quick(connection), connection.secrets(), connection.environment, resolve=check_target
    ))  # fmt: skip
    connected(passage, own.settings.host, own.settings.port).close()
    secure = own.settings.tls
    try:
        own.open()
    except Unavailable as error:
        # The port has answered: what fails now behind TLS is TLS, also where the receiver is silent or hangs up.
        step = "tls" if secure else OF_REASON.get(error.reason_code, "network")
        raise Stopped(step, error.reason_code) from None
    finally:
        own.close()
    if secure:
        passage.passed("tls", "TLS 1.2 or newer, host and chain verified.")
    else:
        passage.skipped("tls", "None: a sandbox, or a line that is protected otherwise.")
    passage.skipped("sign_in", "HL7 v2 has none; where the receiver asks for a client certificate, it was shown.")
    passage.skipped("scope", "HL7 v2 knows no rights: the interface takes what it was set up for.")
    within_rate(connection, passage)
    passage.skipped("content", "A receiver answers to messages only. “Probe now” sends one for nobody's chart.")


def within_rate(connection: Connection, passage: Passage) -> None:
    limit = connection.settings.get("calls_per_minute")
    if not rate.granted(connection):
        raise Stopped("rate", "rate_limited", f"This minute's {limit} calls are used up. Test again in a minute.")
    passage.passed("rate", f"Room within {limit} calls a minute." if limit else "No limit is set on this connection.")


def by_openapi(connection: Connection, passage: Passage) -> None:
    """Asks for the location's templates: no patient's data, and whatever may be wrong shows."""
    own = usable(passage, lambda: OpenApiSettings.read(
        quick(connection), connection.secrets(), connection.environment
    ))  # fmt: skip
    reach(passage, own, own.base_url)
    within_rate(connection, passage)
    reader: OpenApiReader = open_reader(own, check_target)
    answer = asked(lambda: reader.templates(own.facility), reader.close)
    passage.passed("sign_in", "The token is accepted.")
    passage.passed("scope", "Reading is allowed. Writing shows with the first note, or with a probe.")
    passage.passed("content", f"{own.facility} is known, and its templates can be read ({len(answer):,} bytes).")


def by_fhir(connection: Connection, passage: Passage) -> None:
    """Signs in, holds the scopes against what the routes need, and asks for the capability statement."""
    own = usable(passage, lambda: FhirSettings.read(
        quick(connection), connection.secrets(), connection.environment
    ))  # fmt: skip
    reach(passage, own, own.base_url)
    credentials = Credentials(connection)
    try:
        credentials.token(own.call_seconds)
    except Unavailable as error:
        key = OF_REASON.get(error.reason_code, "sign_in")
        raise Stopped(key if key in ("scope", "rate") else "sign_in", error.reason_code) from None
    passage.passed("sign_in", "The authorization server gave a token.")
    enough_scopes(connection, passage)
    within_rate(connection, passage)
    client = FhirClient(own, credentials, check_target)
    said = asked(client.capability, client.close)
    version = str(said.get("fhirVersion", ""))
    if said.get("resourceType") != "CapabilityStatement" or not version.startswith("4."):
        raise Stopped("content", "read_unreadable", "The base does not say that it speaks FHIR R4.")
    passage.passed("content", f"The base says that it speaks FHIR {version[:10]}.")


def enough_scopes(connection: Connection, passage: Passage) -> None:
    grant = OAuthGrant.objects.filter(connection=connection).first()
    rows = scopes.rows(connection, grant.scopes if grant else [])
    missing = [row.scope for row in rows if not row.granted]
    if missing:
        raise Stopped("scope", "scope_refused", f"Missing: {', '.join(missing)}.")
    passage.passed("scope", "All that the routes need." if rows else "Nothing is needed yet: no location uses it.")


def asked(ask: Callable[[], Any], close: Callable[[], None]) -> Any:
    """The answer, or the step that its refusal belongs to."""
    try:
        return ask()
    except Unavailable as error:
        raise Stopped(OF_REASON.get(error.reason_code, "content"), error.reason_code) from None
    finally:
        close()


def by_folder(connection: Connection, passage: Passage) -> None:
    """Opens the folder and asks whether it may be written to. Nothing is left there."""
    own = usable(passage, lambda: channel_for(
        connection.kind, settings_of(connection), {}, connection.environment, resolve=check_target
    ))  # fmt: skip
    try:
        own.open()
    except Unavailable as error:
        raise Stopped(OF_REASON.get(error.reason_code, "name"), error.reason_code) from None
    finally:
        own.close()
    passage.passed("name", "The folder is there, below one that this installation may write to.")
    for key in ("network", "tls", "sign_in"):
        passage.skipped(key, "A folder of this machine, or of a share that it has mounted.")
    passage.passed("scope", "Files may be made in it.")
    within_rate(connection, passage)
    passage.skipped("content", "Nothing answers: the partner takes a document when it likes.")


def by_sftp(connection: Connection, passage: Passage) -> None:
    """Connects, compares the host key, signs in and looks for the directory. Nothing is left there."""
    own = usable(passage, lambda: channel_for(
        connection.kind, quick(connection), connection.secrets(), connection.environment, resolve=check_target
    ))  # fmt: skip
    resolved(passage, own.settings.host, own.settings.port)
    try:
        own.open()
        failed = ""
    except Unavailable as error:
        failed = error.reason_code
    finally:
        own.close()
    said = {
        "network": f"Port {own.settings.port} answers.",
        "tls": "SSH; the server's host key is the one on this connection.",
        "sign_in": "The server takes the user and its key or password.",
        "scope": "SFTP is enabled for it.",
        "content": "The directory is there. Whether files may be made in it shows with the first, or with a probe.",
    }
    stops = SFTP_STEPS.get(failed, "network") if failed else ""
    for key, words in said.items():
        if key == stops:
            raise Stopped(key, failed)
        if key == "content":
            within_rate(connection, passage)
        passage.passed(key, words)


# Which step an SFTP session that did not come about has failed at; anything else is the network.
SFTP_STEPS = {
    "sftp_no_ssh": "tls",
    "sftp_host_key": "tls",
    "sftp_denied": "sign_in",
    "sftp_no_sftp": "scope",
    "folder_missing": "content",
    "folder_denied": "content",
    "sftp_write_failed": "content",
}

WAYS: dict[str, Callable[[Connection, Passage], None]] = {
    ConnectionKind.HL7_MLLP: by_hl7,
    ConnectionKind.OPENAPI: by_openapi,
    ConnectionKind.FHIR: by_fhir,
    ConnectionKind.CCDA_FOLDER: by_folder,
    ConnectionKind.CCDA_SFTP: by_sftp,
}
