"""What an export of the audit log may be asked for."""

from typing import Any

from django import forms

from portal.exports.audit_files import FORMATS


class AuditExportForm(forms.Form):
    """`query` is the search's; `everywhere` whether this reader reads the whole practice."""

    format = forms.ChoiceField(label="As", choices=[*FORMATS.items()], widget=forms.RadioSelect, initial="csv")

    def __init__(self, query: str, everywhere: bool, data: Any = None) -> None:
        super().__init__(data)
        self.query, self.everywhere = query, everywhere

    def clean_format(self) -> str:
        chosen: str = self.cleaned_data["format"]
        if chosen != "proved":
            return chosen
        if not self.everywhere:
            raise forms.ValidationError("Proofs are of the whole practice’s log: they need a role at every location.")
        return chosen
