"""What an auditor looks for, read from the address of the page."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from itertools import groupby
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django import forms

from audit.actions import ACTIONS
from audit.queries import Scope, Search
from audit.sentences import WITHOUT_ACCOUNT
from portal.forms.days import DayField

FAMILIES = {
    "auth": "Signing in",
    "authz": "Rights",
    "note": "Notes",
    "pilot": "Pilots",
    "ecw": "Changes of eCW",
    "template": "Templates",
    "mapping": "Mappings",
    "crosswalk": "Drug codes",
    "delivery": "Deliveries",
    "issue": "Issues",
    "alert": "Alerts",
    "visit": "Visits without a note",
    "report": "Reports",
    "job": "Jobs over many deliveries",
    "event": "Events of visits",
    "capture": "Captures started",
    "endpoint": "Webhooks to scribes",
    "chart": "Reading charts",
    "disclosure": "Disclosures",
    "certification": "Certification",
    "course": "Practice mode",
    "connection": "Connections",
    "practice": "Practices",
    "location": "Locations",
    "route": "Routes",
    "agreement": "Agreements",
    "partner": "Partner registration",
    "scribe": "Scribes",
    "key": "Scribes’ keys",
    "config": "Configuration",
    "audit": "The audit log",
    "data": "A patient’s notes, exported",
    "ehi": "Requests for information, and everything exported",
    "export": "Exports",
    "second": "Told to a second person",
    "encryption": "Encryption keys",
    "system": "The system",
}
OWN, INSTALLATION = "", "installation"
OUTCOMES = [("", "Any outcome"), ("ok", "Done"), ("denied", "Refused"), ("error", "Failed")]


def event_choices() -> list[tuple[str, Any]]:
    """Every action, by family; "note." stands for the whole family."""
    choices: list[tuple[str, Any]] = [("", "Anything done")]
    for family, names in groupby(sorted(ACTIONS), key=lambda name: name.partition(".")[0]):
        label = FAMILIES.get(family, family.capitalize())
        actions = [(name, f"{ACTIONS[name].sentence[0].upper()}{ACTIONS[name].sentence[1:]}") for name in names]
        choices.append((label, [(f"{family}.", f"{label}: everything"), *actions]))
    return choices


class AuditSearchForm(forms.Form):
    """All of it optional; `people` are (id, name) of those who may have acted.

    `installation`: whether this reader may search what belongs to no practice (portal.trail.reads_installation).
    """

    event = forms.ChoiceField(label="What was done", choices=event_choices, required=False)
    outcome = forms.ChoiceField(label="Outcome", choices=OUTCOMES, required=False)
    since = DayField("From")
    until = DayField("To")
    object_type = forms.SlugField(max_length=40, required=False)
    object_id = forms.CharField(max_length=64, required=False)
    trace = forms.CharField(max_length=64, required=False)
    subject = forms.RegexField(r"\A[0-9a-f]{32}\Z", required=False)

    def __init__(self, data: Mapping[str, Any], people: Sequence[tuple[str, str]], installation: bool = False) -> None:
        super().__init__(data)
        choices = [(OWN, "The practice"), *([(INSTALLATION, "The installation itself")] if installation else [])]
        self.fields["of"] = forms.ChoiceField(label="Of", choices=choices, required=False)
        self.installation = installation
        others = ("Without an account", list(WITHOUT_ACCOUNT.items()))
        self.fields["who"] = forms.ChoiceField(
            label="Who did it", choices=[("", "Anybody"), ("People", list(people)), others], required=False
        )
        for name in ("event", "who", "outcome", "since", "until", "of"):
            self.fields[name].widget.attrs["class"] = "input"

    def given(self) -> dict[str, str]:
        """The filters in force, as they stand in the address."""
        return {name: str(value) for name, value in self.cleaned_data.items() if value}

    def query(self, *without: str) -> str:
        """The filters as a query string, these left out."""
        return urlencode({name: value for name, value in self.given().items() if name not in without})

    def search(self, scope: Scope, zone: ZoneInfo) -> Search:
        """The search; days begin and end at midnight in `zone`."""
        asked = self.cleaned_data
        person = asked["who"].isdigit()
        last = asked["until"]
        return Search(
            Scope("") if asked["of"] == INSTALLATION else scope,
            event=asked["event"],
            outcome=asked["outcome"],
            actor_type="user" if person else asked["who"],
            actor_id=asked["who"] if person else "",
            object_type=asked["object_type"],
            object_id=asked["object_id"],
            correlation_id=asked["trace"],
            subject=asked["subject"],
            since=_midnight(asked["since"], zone) if asked["since"] else None,
            until=_midnight(last + timedelta(days=1), zone) if last else None,
        )


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone)


class PatientForm(forms.Form):
    """A patient's id as the chart has it: posted, made a blind index at once, and never kept or put into an address."""

    patient = forms.CharField(label="Patient id", max_length=80, strip=True)

    def clean_patient(self) -> str:
        typed: str = self.cleaned_data["patient"]
        if not typed.isprintable():
            raise forms.ValidationError("No patient id has a control character.")
        return typed
