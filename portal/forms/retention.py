"""What directors decide about keeping the log: years, legal holds, and which month may go."""

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms

from audit.retained import FLOOR_YEARS, MOST_YEARS, HoldKind
from audit.retention import Held
from portal import crypto
from portal.forms.days import DayField


class YearsForm(forms.Form):
    """The practice's rule."""

    years = forms.IntegerField(
        label="Keep the log, in years",
        min_value=FLOOR_YEARS,
        max_value=MOST_YEARS,
        help_text="HIPAA asks for six, ASTM E2147 for ten, or two after a minor comes of age.",
    )


class LiftForm(forms.Form):
    """Why a hold ends, or a month is to go."""

    reason = forms.CharField(label="Why", max_length=200)


class HoldForm(forms.Form):
    """A legal hold; `people` are (id, name), `locations` (code, name)."""

    kind = forms.ChoiceField(label="Hold", choices=HoldKind)
    patient = forms.CharField(label="Patient id", max_length=80, required=False)
    person = forms.ChoiceField(label="Person", required=False)
    location = forms.ChoiceField(label="Location", required=False)
    since = DayField("From")
    until = DayField("To")
    reason = forms.CharField(label="Why", max_length=200)

    def __init__(
        self, people: Sequence[tuple[str, str]], locations: Sequence[tuple[str, str]], zone: str, data: Any = None
    ) -> None:
        super().__init__(data, prefix="hold")
        self.fields["person"].choices = [("", "Choose"), *people]  # type: ignore[attr-defined]
        self.fields["location"].choices = [("", "Choose"), *locations]  # type: ignore[attr-defined]
        self.zone = ZoneInfo(zone)

    def clean(self) -> dict[str, Any]:
        asked = super().clean() or {}
        kind = asked.get("kind")
        if kind == HoldKind.PERIOD:
            since, until = asked.get("since"), asked.get("until")
            if not since or not until or until < since:
                raise forms.ValidationError("A period has a first day and a last day that is not before it.")
        elif kind and not asked.get(kind):
            raise forms.ValidationError("Say which patient, person or location is held.")
        return asked

    def held(self) -> Held:
        """What the hold keeps: a patient by blind index, days of a period in the practice's zone."""
        asked = self.cleaned_data
        kind = asked["kind"]
        if kind == HoldKind.PERIOD:
            first, last = asked["since"], asked["until"] + timedelta(days=1)
            return Held(kind, "", *(datetime.combine(day, time(), self.zone) for day in (first, last)))
        value = crypto.blind_index("patient", asked["patient"]) if kind == HoldKind.PATIENT else asked[kind]
        return Held(kind, value)
