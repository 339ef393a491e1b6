"""The forms of a location's event sources, one for each way; what eCW has not documented is marked assumed."""

from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError

from delivery.events.kinds import LABELS, MAY_START
from delivery.events.models import EventSource, Way
from delivery.events.settings import PATIENT_FIELDS, READ, SIGNED, Starting
from portal.models import Connection, ConnectionKind, Location

SIGNED_LABELS = {
    "body": "The body alone",
    "timestamp.body": "Timestamp, dot, body",
    "id.timestamp.body": "Id, dot, timestamp, dot, body (Standard Webhooks)",
}


class SourceForm(forms.Form):
    """What every way has: which events start capture, and for how long after."""

    way: ClassVar[Way]
    assumed: ClassVar[frozenset[str]] = frozenset()
    wide: ClassVar[frozenset[str]] = frozenset()

    starts_on = forms.MultipleChoiceField(
        label="Capture starts when",
        choices=[(kind, LABELS[kind]) for kind in MAY_START],
        widget=forms.CheckboxSelectMultiple,
        initial=list(MAY_START),
        required=False,
        help_text="The first of them to arrive for a visit starts it, once. None: events are recorded only.",
    )
    within_minutes = forms.IntegerField(
        label="At most so many minutes after it happened",
        min_value=1,
        max_value=2880,
        initial=720,
        help_text="An event that comes later than this is recorded and starts nothing.",
    )
    enabled = forms.BooleanField(label="On", required=False, initial=True, help_text="While off, nothing comes in.")

    def __init__(self, location: Location, source: EventSource | None, data: Any = None) -> None:
        initial = {**source.settings, "enabled": source.enabled, "connection": source.connection} if source else {}
        super().__init__(data, initial=initial)
        self.location, self.source = location, source

    def settings(self) -> dict[str, Any]:
        """As delivery/events/settings.py reads them."""
        return {name: value for name, value in self.cleaned_data.items() if name not in ("enabled", "connection")}

    def chosen_connection(self) -> Connection | None:
        return self.cleaned_data.get("connection")

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors:
            try:
                Starting.read(self.settings())
                READ[self.way](self.settings())
            except ValueError as wrong:
                raise ValidationError(str(wrong)) from None
        return cleaned


class WebhookSourceForm(SourceForm):
    """Header names, what is signed, where in the body each value stands: everything here is assumed of eCW."""

    way = Way.WEBHOOK
    PATHS = ("kind_path", "time_path", "encounter_path", "patient_path", "provider_path")
    assumed = frozenset({"signature_header", "timestamp_header", "id_header", "signed", *PATHS})

    signature_header = forms.CharField(initial="X-Signature", max_length=60)
    timestamp_header = forms.CharField(initial="X-Timestamp", max_length=60, help_text="Unix time in whole seconds.")
    id_header = forms.CharField(
        label="Header of the id",
        initial="X-Event-Id",
        max_length=60,
        help_text="May be absent from messages.",
    )
    signed = forms.ChoiceField(
        label="What is signed",
        choices=[(value, SIGNED_LABELS[value]) for value in SIGNED],
        help_text="HMAC-SHA256 in Base64, over the bytes as they come.",
    )
    kind_path = forms.CharField(label="Event's name stands at", initial="type", max_length=120)
    time_path = forms.CharField(label="Its time at", initial="occurred_at", max_length=120)
    encounter_path = forms.CharField(label="The encounter's id at", initial="encounter.id", max_length=120)
    patient_path = forms.CharField(label="The patient's id at", initial="patient.id", max_length=120)
    provider_path = forms.CharField(label="The provider's id at", initial="provider.id", max_length=120)


class PollSourceForm(SourceForm):
    """Whose encounters are asked for through which FHIR connection."""

    way = Way.POLL
    assumed = frozenset({"locations"})
    wide = frozenset({"practitioners", "locations"})

    connection = forms.ModelChoiceField(
        Connection.objects.none(),
        label="FHIR connection",
        help_text="Its limit of calls a minute is shared with sending and reading back.",
    )
    practitioners = forms.CharField(
        max_length=4000, help_text="FHIR ids of the providers who use the scribe, separated by spaces."
    )
    locations = forms.CharField(
        required=False,
        max_length=2000,
        help_text="FHIR ids of this location at eCW, separated by spaces. Needed where a provider works at several: "
        "visits elsewhere, and those that name no place, are not taken. Empty: all of them.",
    )
    every_minutes = forms.IntegerField(
        label="Look every … minutes",
        min_value=1,
        max_value=15,
        initial=2,
        help_text="One call for each provider. Beside a webhook or a feed, 15 is enough: it finds what they missed.",
    )

    def __init__(self, location: Location, source: EventSource | None, data: Any = None) -> None:
        super().__init__(location, source, data)
        field = self.fields["connection"]
        if isinstance(field, forms.ModelChoiceField):
            field.queryset = Connection.objects.filter(
                practice=location.practice_id, environment=location.environment, kind=ConnectionKind.FHIR
            )


class FeedSourceForm(SourceForm):
    """The port of this location's ADT and SIU feed."""

    way = Way.MLLP
    assumed = frozenset({"patient_field"})

    port = forms.IntegerField(
        min_value=1024, max_value=65535, help_text="One for each location: the port says whose feed it is."
    )
    peers = forms.CharField(
        label="May come from",
        max_length=500,
        initial="127.0.0.1/32",
        help_text="Networks, separated by spaces, as in 10.20.0.0/16. Anybody else is turned away.",
    )

    patient_field = forms.ChoiceField(
        label="The patient's id stands in",
        choices=[(name, name) for name in PATIENT_FIELDS],
        help_text="eCW has been seen to send its internal number in PID-2, and an account number in PID-4.",
    )

    def clean_port(self) -> int:
        port: int = self.cleaned_data["port"]
        taken = EventSource.objects.filter(way=Way.MLLP, settings__port=port)
        if taken.exclude(pk=self.source.pk if self.source else 0).exists():
            raise ValidationError("Another location's feed comes to this port.")
        return port


FORMS: dict[str, type[SourceForm]] = {
    form.way.value: form for form in (WebhookSourceForm, PollSourceForm, FeedSourceForm)
}
