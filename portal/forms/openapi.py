"""The settings of an Open API connection, as assumed in docs/channels/openapi.md."""

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from portal.forms.tls import CLIENT, TLS_FIELDS, TlsForm
from portal.forms.widgets import SecretInput
from portal.models import ConnectionKind
from portal.targets import check_url


def plain_token(value: str) -> None:
    """A token that may stand in an HTTP header."""
    if not re.fullmatch(r"[\x21-\x7e]+", value):
        raise ValidationError("A token has no spaces, line ends or special characters.")


class OpenApiForm(TlsForm):
    """Notes are written through it, field by field, and charts read back."""

    kind = ConnectionKind.OPENAPI
    assumed = frozenset({"base_url", "practice_code", "facility", "calls_per_minute", "texts_choose_template"})
    wide = frozenset({"name", "base_url", "token", "ca_pem"})
    secret_fields = ("token", *CLIENT)
    sections = (
        ("", "", ("name", "environment", "enabled")),
        ("Where it answers", "", ("base_url", "practice_code", "facility")),
        ("What is written", "", ("texts_choose_template",)),
        ("Pace", "", ("read_seconds", "calls_per_minute")),
        ("Credentials", "", ("token",)),
        ("Encryption", "TLS 1.2 or newer; the certificate and its name are always checked.", TLS_FIELDS),
    )

    base_url = forms.CharField(label="Base address", max_length=500, help_text="Begins with https:// in production.")
    practice_code = forms.RegexField(r"^[A-Za-z0-9]{2,20}$", help_text="The practice's code at eCW, often six letters.")
    facility = forms.CharField(max_length=180, help_text="The location's name at eCW, as in MSH-6.")
    texts_choose_template = forms.BooleanField(
        label="Do not fill the visit's template first",
        required=False,
        help_text="Else a call of its own makes the visit's note of the practice's template, and the texts follow. "
        "Tick it where eCW lets the texts choose the template.",
    )
    read_seconds = forms.IntegerField(
        label="Wait for an answer", min_value=1, max_value=60, initial=15, help_text="Seconds."
    )
    calls_per_minute = forms.IntegerField(
        label="Calls a minute",
        min_value=1,
        max_value=10_000,
        required=False,
        help_text="At most so many per practice code; eCW is said to allow 250. Empty: no limit.",
    )
    token = forms.CharField(
        label="Access token", required=False, max_length=4000, widget=SecretInput, validators=[plain_token]
    )

    def clean_base_url(self) -> str:
        address: str = self.cleaned_data["base_url"].strip().rstrip("/")
        return address

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if "base_url" in cleaned:
            self.check_reachable("base_url", lambda: check_url(cleaned["base_url"], tls_required=self.production))
        if not cleaned.get("token") and not (self.connection and "token" in self.connection.secrets()):
            self.add_error("token", "A token is needed to write notes and to read charts.")
        return cleaned
