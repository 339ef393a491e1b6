"""The forms of a pilot: its plan with its thresholds, the reason of a step, and a clinician's feedback."""

from collections.abc import Sequence
from typing import Any

from django import forms

from delivery.pilot.feedback import LONGEST, Said
from delivery.pilot.steps import MOST_NAMED, SETTINGS, Plan
from delivery.pilot.tables import Pilot, Window

MOST_SHARES = 5


class PlanForm(forms.Form):
    """Who begins, the shares that follow, and the numbers that must hold."""

    providers = forms.MultipleChoiceField(
        label="Who begins", widget=forms.CheckboxSelectMultiple, required=False,
        help_text=f"Two or three providers, {MOST_NAMED} at most. Everybody else’s notes are taken in and wait.",
    )  # fmt: skip
    others = forms.CharField(
        label="Others, by the scribe’s provider id", required=False, max_length=200, widget=forms.Textarea({"rows": 2}),
        help_text="Of whom no note has come yet; each on a line of its own. A comma belongs to the id.",
    )  # fmt: skip
    percents = forms.CharField(
        label="Then so many of a hundred providers", required=False, max_length=40, initial="25, 50",
        help_text="Rising, commas between them. After the last one everybody is in.",
    )  # fmt: skip
    review = forms.BooleanField(label="Hold every note of the pilot until a clinician has looked at it", required=False)
    fresh_days = forms.IntegerField(
        label="Notes that waited longer need a person (days)", min_value=1, max_value=90,
        help_text="When their provider joins. Shorter, they go by themselves.",
    )  # fmt: skip
    window = forms.ChoiceField(label="Numbers are taken over the last", choices=Window.choices)
    window_size = forms.IntegerField(label="So many", min_value=1, max_value=10_000)
    least_notes = forms.IntegerField(label="Notes, at least", min_value=1, max_value=10_000)
    least_verified = forms.IntegerField(label="Verified in the chart, at least (%)", min_value=1, max_value=100)
    most_misfiled = forms.IntegerField(label="Not as sent, at most", min_value=0, max_value=1000)
    most_edits = forms.IntegerField(label="Edits and rejections for 100 notes, at most", min_value=0, max_value=10_000)
    most_p50_seconds = forms.IntegerField(
        label="Half in the chart within (seconds)", min_value=1, max_value=86_400,
        help_text="From when a note may go (came, was signed off, or its provider joined) until it is read back.",
    )  # fmt: skip
    most_p95_seconds = forms.IntegerField(label="95 of 100 within (seconds)", min_value=1, max_value=86_400)
    least_feedback = forms.IntegerField(label="Notes with feedback, at least (%)", min_value=0, max_value=100)
    least_good = forms.IntegerField(label="Answers that say good, at least (%)", min_value=0, max_value=100)

    def __init__(self, *args: Any, known: Sequence[tuple[str, str]] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["providers"].choices = [(pk, f"{name} ({pk})" if name else pk) for pk, name in known]  # type: ignore[attr-defined]
        if not known:  # nobody to choose from: they are named by their ids alone
            self.fields["providers"].widget = forms.MultipleHiddenInput()
            self.fields["others"].label = "Who begins, by the scribe’s provider id"
            self.fields["others"].help_text = (
                f"Two or three providers, {MOST_NAMED} at most, each on a line of its own. Everybody else’s notes are "
                "taken in and wait."
            )

    @classmethod
    def of(cls, pilot: Pilot | None, known: Sequence[tuple[str, str]]) -> "PlanForm":
        """Filled with what is in force; with the usual values where there is no pilot yet."""
        row = pilot or Pilot()
        ids = {pk for pk, _ in known}
        initial: dict[str, Any] = {name: getattr(row, name) for name in SETTINGS}
        if pilot:
            initial["percents"] = ", ".join(map(str, row.percents))
            initial["providers"] = [one for one in row.providers if one in ids]
            initial["others"] = "\n".join(one for one in row.providers if one not in ids)
        return cls(initial=initial, known=known)

    def clean_percents(self) -> tuple[int, ...]:
        words = [word.strip() for word in self.cleaned_data["percents"].split(",") if word.strip()]
        if len(words) > MOST_SHARES or not all(word.isascii() and word.isdecimal() for word in words):
            raise forms.ValidationError(f"At most {MOST_SHARES} whole numbers with commas between them.")
        return tuple(int(word) for word in words)

    def plan(self) -> Plan:
        """Of a form that is valid."""
        others = [one.strip() for one in self.cleaned_data["others"].splitlines() if one.strip()]
        named = tuple(dict.fromkeys([*self.cleaned_data["providers"], *others]))
        settings = {name: self.cleaned_data[name] for name in SETTINGS}
        return Plan(named, self.cleaned_data["percents"], settings)


class StepForm(forms.Form):
    """Which step was looked at, and why it changes: in the audit log."""

    step = forms.IntegerField(min_value=0, max_value=100, widget=forms.HiddenInput)
    reason = forms.CharField(max_length=200, required=False)


class FeedbackForm(forms.Form):
    """What is poor of a note; what is not marked is good."""

    poor_accuracy = forms.BooleanField(label="Accuracy poor", required=False)
    poor_format = forms.BooleanField(label="Format poor", required=False)
    poor_template_fit = forms.BooleanField(label="Template fit poor", required=False)
    text = forms.CharField(label="In words", max_length=LONGEST, required=False, widget=forms.Textarea({"rows": 2}))

    def said(self) -> Said:
        """Of a form that is valid."""
        data = self.cleaned_data
        return Said(
            not data["poor_accuracy"], not data["poor_format"], not data["poor_template_fit"], data["text"].strip()
        )
