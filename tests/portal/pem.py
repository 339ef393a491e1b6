"""Certificates for tests, made on the spot."""

from datetime import UTC, datetime, timedelta

import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)


class Papers:
    """A CA with one client certificate; another key; the same key under a passphrase; an expired certificate."""

    def __init__(self) -> None:
        ca = trustme.CA()
        leaf = ca.issue_cert("client.example")
        self.ca = ca.cert_pem.bytes().decode()
        self.certificate = leaf.cert_chain_pems[0].bytes().decode()
        self.key = leaf.private_key_pem.bytes().decode()
        self.other_key = trustme.CA().issue_cert("other.example").private_key_pem.bytes().decode()
        key = load_pem_private_key(self.key.encode(), None)
        locked = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
        self.locked_key = locked.decode()
        past = datetime.now(UTC) - timedelta(days=2)
        self.expired = ca.issue_cert("old.example", not_after=past).cert_chain_pems[0].bytes().decode()
