"""A location's settings and routes."""

import re
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.core.exceptions import ValidationError

from portal.connections import READS, able
from portal.forms.hl7 import header_text
from portal.models import Connection, Environment, Location, Part, Practice

US_ZONES = (
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Phoenix",
    "America/Los_Angeles",
    "America/Anchorage",
    "Pacific/Honolulu",
    "America/Puerto_Rico",
    "Pacific/Guam",
    "Pacific/Pago_Pago",
)
PLACES = ("first", "stand-by", "second stand-by")
STAND_BYS = 2  # how many routes a part may keep behind the one in use


def zones() -> list[tuple[str, Any]]:
    """The United States first, then the rest of the world."""
    others = sorted(zone for zone in available_timezones() if "/" in zone and zone not in US_ZONES)
    return [
        ("United States", [(zone, zone.replace("_", " ")) for zone in US_ZONES]),
        ("Elsewhere", [(zone, zone.replace("_", " ")) for zone in others]),
    ]


class NewLocationForm(forms.Form):
    """What is fixed for good (code, environment), and what every location needs."""

    name = forms.CharField(max_length=200, help_text="As the staff calls it.")
    code = forms.CharField(max_length=40, help_text="What the scribe sends as the note's location, such as NORTH.")
    environment = forms.ChoiceField(
        choices=Environment.choices,
        widget=forms.RadioSelect,
        initial=Environment.SANDBOX,
        help_text="Fixed once saved. A production location stays locked until it is released.",
    )
    time_zone = forms.ChoiceField(choices=zones, initial="America/New_York")

    def __init__(self, practice: Practice, data: Any = None) -> None:
        super().__init__(data)
        self.practice = practice

    def clean_code(self) -> str:
        code: str = self.cleaned_data["code"]
        if not re.fullmatch(r"[A-Za-z0-9_-]+", code):
            raise ValidationError("Letters, digits, - and _ only: it stands in addresses and messages.")
        if code.casefold() in ("all", "new"):
            raise ValidationError("This word has a meaning of its own here; choose another.")
        if self.practice.locations.filter(code__iexact=code).exists():
            raise ValidationError("Another location already has this code.")
        return code


class LocationForm(forms.ModelForm):
    """What can be changed. Only connections of the same practice and environment can read charts back."""

    wide = frozenset({"unmapped_policy", "fallback", "review_first"})
    facility = forms.CharField(
        label="Facility at eCW",
        required=False,
        max_length=180,
        validators=[header_text],
        help_text="MSH-6, and the facility whose charts are read. Empty: as the connection says. Set it where several "
        "locations share one connection.",
    )
    time_zone = forms.ChoiceField(choices=zones)

    class Meta:
        model = Location
        fields = (
            "name",
            "time_zone",
            "reading_connection",
            "facility",
            "unmapped_policy",
            "fallback",
            "fallback_minutes",
            "idle_minutes",
            "review_first",
        )
        widgets = {"unmapped_policy": forms.RadioSelect}
        labels = {
            "review_first": "Hold every note until a clinician has looked at it",
            "unmapped_policy": "A section that no rule maps",
            "idle_minutes": "Sign out after idle minutes",
            "fallback": "Fall back to the next route",
            "fallback_minutes": "Fall back after minutes",
        }
        help_texts = {
            "reading_connection": "Charts are read back through it. Without one, nothing can be verified.",
            "fallback": "A part that eCW refuses, or that could not leave for so long, goes by the next route. "
            "Never one that may have arrived.",
            "fallback_minutes": "5 to 720. How long a connection may be away before what waits for it goes elsewhere.",
            "idle_minutes": "2 to 30. For somebody of several locations the shortest time holds.",
        }

    def __init__(self, location: Location, data: Any = None) -> None:
        super().__init__(data, instance=location)
        field = self.fields["reading_connection"]
        if isinstance(field, forms.ModelChoiceField):
            own = Connection.objects.filter(practice=location.practice, environment=location.environment)
            field.queryset = own.filter(kind__in=READS)
            field.empty_label = "None: nothing is verified"

    def wanted(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in self.Meta.fields}


class RoutesForm(forms.Form):
    """By which connection one part travels, and which stands by."""

    def __init__(self, location: Location, part: str, data: Any = None) -> None:
        own = Connection.objects.filter(
            practice=location.practice, environment=location.environment, kind__in=able(part)
        )
        present = list(location.routes.filter(part=part).order_by("position").values_list("connection", flat=True))
        super().__init__(data, prefix=part)
        self.part, self.label = part, Part(part).label
        for place in range(1 + STAND_BYS):
            self.fields[f"route{place}"] = forms.ModelChoiceField(
                own,
                required=False,
                label=f"{self.label}: {PLACES[place]}",
                empty_label="Does not travel" if place == 0 else "None",
                initial=present[place] if place < len(present) else None,
            )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        chosen = self.chosen()
        if len(set(chosen)) != len(chosen):
            raise ValidationError("The same connection stands here twice.")
        return cleaned

    def chosen(self) -> list[Connection]:
        """The connections in order, gaps closed."""
        found = (self.cleaned_data.get(f"route{place}") for place in range(1 + STAND_BYS))
        return [connection for connection in found if connection]


class ReasonForm(forms.Form):
    """Why: it stands in the audit log."""

    reason = forms.CharField(max_length=200, help_text="Recorded in the audit log. No patient data.")
