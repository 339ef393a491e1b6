"""The key by which a connection proves who it is to an authorization server (private_key_jwt)."""

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

BITS = 3072  # NIST SP 800-57: good beyond 2030


def new_key() -> str:
    """A fresh RSA key as PKCS #8 PEM; only its public half ever leaves (delivery/oauth/exchange.py)."""
    return (
        rsa.generate_private_key(65537, BITS)
        .private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        .decode()
    )
