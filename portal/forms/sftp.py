"""The settings of a connection that leaves C-CDA documents on an SFTP server; docs/channels/ccda.md says how."""

import base64
import re
from typing import Any

from cryptography.hazmat.primitives import serialization
from django import forms
from django.core.exceptions import ValidationError

from portal.forms.folder import DropForm
from portal.forms.widgets import SecretInput, SecretTextarea
from portal.models import Connection, ConnectionKind, Practice
from portal.targets import check_target

SECRETS = ("password", "private_key")
FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")


def host_keys(typed: str) -> None:
    """One key a line: a line of known_hosts, a public key, or a fingerprint."""
    for line in filter(None, map(str.strip, typed.splitlines())):
        blob = next((word for word in line.split() if word.startswith("AAAA")), "")
        try:
            known = bool(FINGERPRINT.fullmatch(line) or (blob and base64.b64decode(blob, validate=True)))
        except ValueError:
            known = False
        if not known:
            raise ValidationError("One a line: a line of known_hosts, a public key, or a fingerprint (SHA256:…).")


def directory(typed: str) -> None:
    """A directory of the server that leads nowhere else."""
    if ".." in typed.split("/") or re.search(r"[\x00-\x1f\x7f\\]", typed):
        raise ValidationError("The directory must not contain .., \\ or control characters.")


class SftpForm(DropForm):
    """An SFTP server: known by its host key, signed in to with a key or a password."""

    kind = ConnectionKind.CCDA_SFTP
    wide = frozenset({"name", "host_key", "private_key"})
    secret_fields = SECRETS
    sections = (
        ("", "", ("name", "environment", "enabled")),
        ("Where it answers", "", ("host", "port", "host_key")),
        ("Signing in", "A private key is tried first, then the password.", ("user", *SECRETS)),
        ("Where documents are left", "Under a temporary name first; never over another file.", ("directory",)),
        ("Files", "", ("file_prefix", "taken_away")),
    )

    host = forms.CharField(max_length=253, help_text="Name or address of the server.")
    port = forms.IntegerField(label="Port", min_value=1, max_value=65535, initial=22)
    host_key = forms.CharField(
        label="Host key",
        max_length=8000,
        validators=[host_keys],
        widget=forms.Textarea(attrs={"rows": 3, "class": "mono", "spellcheck": "false"}),
        help_text="As the partner gave it to you by another way. A server with another key gets nothing. "
        "Two lines while it is being replaced.",
    )
    user = forms.RegexField(r"^[^\s:/@]{1,100}$", label="User")
    password = forms.CharField(required=False, max_length=1000, widget=SecretInput)
    private_key = forms.CharField(label="Private key", required=False, max_length=20_000, widget=SecretTextarea)
    directory = forms.CharField(
        required=False, max_length=500, validators=[directory], help_text="Empty: where a session begins."
    )

    def __init__(self, practice: Practice, connection: Connection | None, data: Any = None) -> None:
        super().__init__(practice, connection, data)
        self.fields["private_key"].help_text += " OpenSSH's form or PEM, without a passphrase."

    def clean_private_key(self) -> str:
        pem: str = self.cleaned_data["private_key"].strip()
        if pem:
            load = serialization.load_ssh_private_key if "OPENSSH" in pem[:40] else serialization.load_pem_private_key
            try:
                load((pem + "\n").encode(), password=None)
            except (ValueError, TypeError):
                raise ValidationError("No private key in OpenSSH's form or PEM, or one with a passphrase.") from None
        return pem

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if "host" in cleaned and "port" in cleaned:
            self.check_reachable("host", lambda: check_target(cleaned["host"], cleaned["port"]))
        known = self.connection.secrets() if self.connection else {}
        if not any(cleaned.get(name) or name in known for name in SECRETS) and not self.errors:
            self.add_error("password", "A password or a private key is needed to sign in.")
        return cleaned
