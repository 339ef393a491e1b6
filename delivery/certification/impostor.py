"""A TLS server on this machine with the right name and a certificate that it signed itself: nobody may trust it."""

import os
import socket
import ssl
import tempfile
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

NAME = "localhost"
SECONDS = 8.0


class Impostor:
    """Serves one caller and ends."""

    def __init__(self) -> None:
        self.context = context_of(self_signed())
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        threading.Thread(target=self._serve, name="impostor", daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            line, _ = self.listener.accept()
            line.settimeout(SECONDS)
            with line, self.context.wrap_socket(line, server_side=True):
                time.sleep(0.1)

    def close(self) -> None:
        with suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits for a caller
        self.listener.close()


def context_of(pem: bytes) -> ssl.SSLContext:
    """OpenSSL reads a chain from a path only; the file is readable by us alone and gone at once."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    handle, path = tempfile.mkstemp(prefix="scribeport-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(pem)
        context.load_cert_chain(path)
    finally:
        os.unlink(path)
    return context


def self_signed() -> bytes:
    """A certificate of its own making, good for an hour, and its key: PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return private + certificate.public_bytes(Encoding.PEM)
