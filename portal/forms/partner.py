"""What a director writes down of one step of the partner registration."""

from datetime import date
from pathlib import PurePosixPath
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from portal.models import PartnerState
from portal.partner import LARGEST_FILE, Facts, File

DAY = {"type": "date"}


class PartnerForm(forms.Form):
    """State, dates, owner and document of one step."""

    state = forms.ChoiceField(label="State", choices=PartnerState)
    owner = forms.CharField(label="Who looks after it", max_length=200, required=False)
    sent_on = forms.DateField(label="Sent on", required=False, widget=forms.DateInput(attrs=DAY))
    decided_on = forms.DateField(label="Decided on", required=False, widget=forms.DateInput(attrs=DAY))
    valid_until = forms.DateField(label="Valid until", required=False, widget=forms.DateInput(attrs=DAY))
    file = forms.FileField(label="Document", required=False, help_text="Kept encrypted, with its SHA-256. To 10 MB.")

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file and file.size > LARGEST_FILE:
            raise ValidationError("At most 10 MB.")
        return file

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or self.cleaned_data
        sent: date | None = given.get("sent_on")
        decided: date | None = given.get("decided_on")
        if sent and decided and decided < sent:
            self.add_error("decided_on", "It cannot be decided before it was sent.")
        if given.get("state") in (PartnerState.ACCEPTED, PartnerState.REFUSED) and not decided:
            self.add_error("decided_on", "Say when it was decided.")
        return given

    def facts(self) -> Facts:
        return Facts(**{name: value for name, value in self.cleaned_data.items() if name != "file"})

    def document(self) -> File | None:
        """The uploaded file; of its name the last part, shortened."""
        file = self.cleaned_data["file"]
        return File(PurePosixPath(file.name.replace("\\", "/")).name[-120:], file.read()) if file else None
