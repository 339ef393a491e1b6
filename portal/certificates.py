"""Read certificates and keys in PEM, and say in plain words what is wrong with one."""

from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key


class Unusable(ValueError):
    """A certificate or key that cannot serve; the message is for the person who pasted it, without the key."""


def read(pem: str) -> list[x509.Certificate]:
    """All certificates of a PEM text; raises Unusable when there is none or one is damaged or has expired."""
    try:
        found = x509.load_pem_x509_certificates(pem.encode())
    except ValueError:
        raise Unusable("This is not a certificate in PEM (-----BEGIN CERTIFICATE-----).") from None
    for certificate in found:
        if certificate.not_valid_after_utc < datetime.now(UTC):
            raise Unusable(f"This certificate expired on {certificate.not_valid_after_utc:%d %b %Y}.")
    return found


def ends(pem: str) -> datetime | None:
    """When the first of these certificates ends; None for no text or one that cannot be read."""
    try:
        return min(each.not_valid_after_utc for each in x509.load_pem_x509_certificates(pem.encode()))
    except ValueError:
        return None


def _read_key(pem: str) -> PrivateKeyTypes:
    try:
        return load_pem_private_key(pem.encode(), password=None)
    except TypeError:
        raise Unusable("This key is protected by a passphrase; give it without one: it is encrypted here.") from None
    except ValueError:
        raise Unusable("This is not a private key in PEM (-----BEGIN PRIVATE KEY-----).") from None


def check_pair(certificate_pem: str, key_pem: str) -> None:
    """Raises Unusable unless the key is that of the (first) certificate."""
    certificate, key = read(certificate_pem)[0], _read_key(key_pem)
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if certificate.public_key().public_bytes(*form) != key.public_key().public_bytes(*form):
        raise Unusable("This key does not belong to the certificate above.")
