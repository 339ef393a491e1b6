"""What the pages of the release ask for."""

from datetime import date
from typing import Any

from django import forms
from django.utils import timezone

from delivery.release.exceptions import in_force
from delivery.release.register import Answered, Entered
from delivery.release.tables import Answer, Asker


def _past(day: date) -> date:
    if day > timezone.now().date():
        raise forms.ValidationError("This day is still to come.")
    return day


class ReleaseForm(forms.Form):
    """Everything, or one patient."""

    patient = forms.CharField(
        label="Patient id", max_length=80, required=False, help_text="Empty: every note of the practice."
    )

    def clean_patient(self) -> str:
        typed: str = self.cleaned_data["patient"]
        if not typed.isprintable():
            raise forms.ValidationError("No patient id has a control character.")
        return typed


class RequestForm(forms.Form):
    """A request as it came in."""

    asker = forms.ChoiceField(label="Who asks", choices=Asker)
    requester = forms.CharField(label="Name", max_length=200)
    patient = forms.CharField(label="Patient id", max_length=80, required=False)
    asked = forms.CharField(label="What is asked for", max_length=500)
    received_on = forms.DateField(label="Received on", widget=forms.DateInput(attrs={"type": "date"}))

    def clean_received_on(self) -> date:
        return _past(self.cleaned_data["received_on"])

    def entered(self) -> Entered:
        return Entered(**self.cleaned_data)


class AnswerForm(forms.Form):
    """The answer to one request."""

    answer = forms.ChoiceField(label="Answer", choices=[choice for choice in Answer.choices if choice[0]])
    on = forms.DateField(label="On", widget=forms.DateInput(attrs={"type": "date"}))
    exception = forms.ChoiceField(label="Exception", required=False)
    conditions = forms.CharField(label="Which of its conditions are met", max_length=500, required=False)

    def __init__(self, today: date, data: Any = None) -> None:
        super().__init__(data)
        choices = [(one.section, f"45 CFR {one.section} {one.name}") for one in in_force(today)]
        self.fields["exception"].choices = [("", "None: provided in full"), *choices]  # type: ignore[attr-defined]

    def clean_on(self) -> date:
        return _past(self.cleaned_data["on"])

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        refused = given.get("answer") in (Answer.PARTLY, Answer.REFUSED)
        if refused and not (given.get("exception") and given.get("conditions")):
            raise forms.ValidationError("A refusal, also in part, names its exception and the conditions that are met.")
        return given

    def answered(self) -> Answered:
        return Answered(**self.cleaned_data)
