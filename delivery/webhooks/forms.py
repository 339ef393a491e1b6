"""The form of a scribe's endpoint."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from delivery.webhooks.kinds import LABELS
from delivery.webhooks.models import ScribeEndpoint
from portal.models import Environment
from portal.targets import TargetRefused, check_url


class EndpointForm(forms.Form):
    """Where a scribe is told things in one environment, and which."""

    wide = frozenset({"url"})

    url = forms.CharField(
        label="Address",
        max_length=500,
        help_text="Begins with https:// in production; no ?, # or password in it.",
    )
    types = forms.MultipleChoiceField(
        label="Is told",
        choices=list(LABELS.items()),
        widget=forms.CheckboxSelectMultiple,
        initial=list(LABELS),
        help_text="Ids and states, never a word of a note. The rest the scribe reads with its key.",
    )
    enabled = forms.BooleanField(label="On", required=False, initial=True, help_text="While off, nothing is told.")

    def __init__(self, environment: str, endpoint: ScribeEndpoint | None, data: Any = None) -> None:
        initial = {"url": endpoint.url, "types": endpoint.types, "enabled": endpoint.enabled} if endpoint else {}
        super().__init__(data, initial=initial)
        self.environment = environment

    def clean_url(self) -> str:
        url: str = self.cleaned_data["url"].strip()
        try:
            check_url(url, tls_required=self.environment == Environment.PRODUCTION)
        except TargetRefused as refused:
            raise ValidationError(str(refused)) from None
        except OSError:
            raise ValidationError("The name server of this installation does not know this host.") from None
        return url
