"""TLS for channels: a verifying context from settings, and the reason behind a failed handshake."""

import os
import ssl
import tempfile
from datetime import UTC, datetime
from typing import Protocol

from cryptography import x509

# X509_V_ERR_…, openssl/x509_vfy.h
_VERIFY_REASONS = {
    9: "tls_not_yet_valid",
    10: "tls_expired",
    18: "tls_unknown_ca",
    19: "tls_unknown_ca",
    20: "tls_unknown_ca",
    21: "tls_unknown_ca",
    23: "tls_revoked",
    62: "tls_wrong_host",
    64: "tls_wrong_host",
}
# Alerts of the other side, and what our own OpenSSL says of it, by part of SSLError.reason.
_ALERT_REASONS = (
    ("PROTOCOL_VERSION", "tls_version"),
    ("UNSUPPORTED_PROTOCOL", "tls_version"),
    ("WRONG_VERSION_NUMBER", "tls_not_spoken"),
    ("HTTP_REQUEST", "tls_not_spoken"),
    ("CERTIFICATE_REQUIRED", "tls_client_certificate"),
    ("BAD_CERTIFICATE", "tls_client_certificate"),
    ("ALERT_CERTIFICATE", "tls_client_certificate"),
    ("ALERT_UNKNOWN_CA", "tls_client_certificate"),
    ("ALERT_ACCESS_DENIED", "tls_client_certificate"),
)


class TlsSettings(Protocol):
    """What TLS needs of a connection's settings; PEM texts, "" for none."""

    @property
    def ca_pem(self) -> str: ...
    @property
    def relaxed_x509(self) -> bool: ...
    @property
    def client_cert_pem(self) -> str: ...
    @property
    def client_key_pem(self) -> str: ...


def context(settings: TlsSettings) -> ssl.SSLContext:
    """Host and chain verified, TLS 1.2 or newer. ValueError when a certificate or key of the settings is unreadable."""
    try:
        made = ssl.create_default_context(cadata=settings.ca_pem or None)
    except (ssl.SSLError, ValueError):
        raise ValueError("The CA certificate of this connection cannot be read.") from None
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    # Set here, so that every Python verifies alike (3.13 made both its default).
    made.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
    if settings.relaxed_x509:
        made.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if settings.client_cert_pem:
        _load_client_certificate(made, settings)
    return made


def _load_client_certificate(made: ssl.SSLContext, settings: TlsSettings) -> None:
    # OpenSSL reads a chain from a path only; the file is readable by us alone and gone at once.
    handle, path = tempfile.mkstemp(prefix="scribeport-")
    try:
        with os.fdopen(handle, "w") as file:
            file.write(f"{settings.client_cert_pem}\n{settings.client_key_pem}\n")
        made.load_cert_chain(path, password="")
    except (ssl.SSLError, ValueError):
        raise ValueError("The client certificate or its key cannot be read, or they do not belong together.") from None
    finally:
        os.unlink(path)


def client_certificate_expires(settings: TlsSettings) -> datetime | None:
    """When our own certificate ends; None without one. ValueError when it cannot be read."""
    if not settings.client_cert_pem:
        return None
    return x509.load_pem_x509_certificate(settings.client_cert_pem.encode()).not_valid_after_utc


def peer_certificate_expires(sock: ssl.SSLSocket) -> datetime | None:
    """When the receiver's certificate ends, for warnings in good time."""
    certificate = sock.getpeercert() or {}
    ends = certificate.get("notAfter")
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(ends), UTC) if isinstance(ends, str) else None


def reason(error: Exception) -> str:
    """The reason code of a failed TLS handshake: tls_expired, tls_wrong_host, tls_unknown_ca, tls_version …"""
    if isinstance(error, ssl.SSLCertVerificationError):
        # Whatever else verification finds is a certificate that breaks RFC 5280 in form.
        return _VERIFY_REASONS.get(error.verify_code, "tls_strict")
    said = (getattr(error, "reason", None) or "") if isinstance(error, ssl.SSLError) else ""
    for part, code in _ALERT_REASONS:
        if part in said:
            return code
    if isinstance(error, TimeoutError):
        return "connect_timeout"
    return "tls_other"
