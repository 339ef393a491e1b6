"""The forms of the delivery pages."""

from typing import Any

from django import forms


class ReasonForm(forms.Form):
    """Why somebody does something to a delivery; stands in the audit log."""

    reason = forms.CharField(min_length=5, max_length=200)


class BulkForm(forms.Form):
    """Why somebody does something to many deliveries, and whether it is only looked at."""

    reason = forms.CharField(min_length=5, max_length=200, help_text="Goes into the audit log. No names or ids here.")
    dry = forms.BooleanField(required=False)


class WhyForm(forms.Form):
    """What somebody knows of a note that they miss in the chart."""

    patient = forms.CharField(label="Patient id", max_length=200, required=False)
    encounter = forms.CharField(label="Visit (encounter) id", max_length=200, required=False)
    provider = forms.CharField(label="Provider", max_length=200, required=False, help_text="Id or part of the name.")
    day = forms.DateField(
        label="Day of the visit", required=False, widget=forms.DateInput(attrs={"type": "date"}), help_text="Optional."
    )

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
