"""The forms of the delivery pages."""

from django import forms


class ReasonForm(forms.Form):
    """Why somebody does something to a delivery; stands in the audit log."""

    reason = forms.CharField(min_length=5, max_length=200)


class BulkForm(forms.Form):
    """Why somebody does something to many deliveries, and whether it is only looked at."""

    reason = forms.CharField(min_length=5, max_length=200, help_text="Goes into the audit log. No names or ids here.")
    dry = forms.BooleanField(required=False)


class RevealForm(forms.Form):
    """Why somebody needs to see who the patient is; stands in the audit log."""

    reason = forms.CharField(
        label="Why do you need to see the patient?",
        min_length=5,
        max_length=200,
        help_text="Goes into the audit log. No names or ids here.",
    )
