"""The forms of the delivery pages."""

from collections.abc import Sequence
from typing import Any, cast

from django import forms

from delivery.other_way import words_of
from delivery.workbench import Candidate, UnknownDrug, row_for
from mapping.codes.drug_files import LONGEST, DrugRow
from portal.models import Connection, Route


class ReasonForm(forms.Form):
    """Why somebody does something to a delivery; stands in the audit log."""

    reason = forms.CharField(min_length=5, max_length=200)


class ActForm(ReasonForm):
    """Why somebody does something to a delivery, and by which of its other ways where one was chosen."""

    way = forms.TypedChoiceField(required=False, coerce=int, empty_value=None)

    def offer(self, routes: Sequence[Route]) -> None:
        cast(forms.ChoiceField, self.fields["way"]).choices = [
            (one.connection_id, words_of(one.connection)) for one in routes
        ]


class BulkForm(forms.Form):
    """Why somebody does something to many deliveries, and whether it is only looked at."""

    reason = forms.CharField(min_length=5, max_length=200, help_text="Goes into the audit log. No names or ids here.")
    dry = forms.BooleanField(required=False)
    way = forms.TypedChoiceField(label="By which way", required=False, coerce=int, empty_value=None)

    def offer(self, ways: Sequence[Connection]) -> None:
        """These to choose from; with fewer than two there is nothing to choose, but what was chosen must be there."""
        if len(ways) < 2 and not self.data.get("way"):
            del self.fields["way"]
            return
        first = ("", "Each location’s first other way")
        cast(forms.ChoiceField, self.fields["way"]).choices = [first, *((one.pk, words_of(one)) for one in ways)]


class WhyForm(forms.Form):
    """What somebody knows of a note that they miss in the chart."""

    patient = forms.CharField(label="Patient id", max_length=200, required=False)
    encounter = forms.CharField(label="Visit (encounter) id", max_length=200, required=False)
    provider = forms.CharField(label="Provider", max_length=200, required=False, help_text="Id or part of the name.")
    day = forms.DateField(label="Day of the visit", required=False, widget=forms.DateInput(attrs={"type": "date"}))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not cleaned.get("patient") and not cleaned.get("encounter"):
            raise forms.ValidationError("Name the patient’s or the visit’s id.")
        return cleaned


class RevealForm(forms.Form):
    """Why somebody needs to see who the patient is; stands in the audit log."""

    reason = forms.CharField(
        label="Why do you need to see the patient?",
        min_length=5,
        max_length=200,
        help_text="Goes into the audit log. No names or ids here.",
    )


class DecisionForm(forms.Form):
    """Which drug of eCW an unknown code is: a candidate, or another that is named. Nothing is chosen before."""

    OTHER = "other"
    reading = forms.ChoiceField(label="Which NDC is it?", widget=forms.RadioSelect, required=False)
    drug = forms.ChoiceField(label="Which drug of eCW is it?", widget=forms.RadioSelect)
    name = forms.CharField(label="Drug", max_length=LONGEST["name"], required=False)
    ecw_id = forms.CharField(label="eCW drug ID", max_length=LONGEST["ecw_id"], required=False)
    strength = forms.CharField(label="Strength", max_length=LONGEST["strength"], required=False)
    formulation = forms.CharField(label="Formulation", max_length=LONGEST["formulation"], required=False)

    def __init__(self, unknown: UnknownDrug, candidates: Sequence[Candidate], data: Any = None) -> None:
        super().__init__(data)
        self.unknown = unknown
        self.candidates = {str(one.row.pk): one for one in candidates}
        drug, reading = self.fields["drug"], self.fields["reading"]
        if isinstance(drug, forms.ChoiceField) and isinstance(reading, forms.ChoiceField):
            drug.choices = [*((key, _label(one)) for key, one in self.candidates.items()), (self.OTHER, "Another drug")]
            reading.choices = [(one, one) for one in unknown.readings]
        if unknown.readings:
            reading.required = True
        else:
            del self.fields["reading"]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("drug") == self.OTHER:
            for name, what in (("name", "the drug's name"), ("ecw_id", "eCW's id of the drug")):
                if not cleaned.get(name, "").strip():
                    self.add_error(name, f"Give {what}.")
        return cleaned

    def row(self) -> DrugRow:
        """The decision of a valid form as a row of the crosswalk."""
        chosen = self.candidates.get(self.cleaned_data["drug"])
        return row_for(
            self.unknown, chosen.row if chosen else None, self.cleaned_data, self.cleaned_data.get("reading", "")
        )


def _label(one: Candidate) -> str:
    row = one.row
    parts = ", ".join(part for part in (row.strength, row.formulation) if part)
    return f"{row.name}{f' ({parts})' if parts else ''}: eCW {row.ecw_id}, {one.why}"
