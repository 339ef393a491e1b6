"""The forms of alerts: a recipient, and from when on conditions count."""

from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from delivery.alerts.kinds import EMAIL, KINDS, WAYS
from delivery.alerts.models import AlertRecipient, AlertSettings
from delivery.alerts.recipients import Wanted
from portal.forms.locations import zones
from portal.models import Location, Practice
from portal.targets import TargetRefused, check_url

# Least and most of each limit.
LIMITS = {
    "uncertain_minutes": (5, 1440),
    "silence_minutes": (0, 1440),
    "escalate_minutes": (5, 1440),
    "near_days": (1, 90),
}
CLOCK = forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
KIND_CHOICES = [(kind.code, f"{kind.label}{' (urgent)' if kind.urgent else ''}") for kind in KINDS.values()]


class RecipientForm(forms.Form):
    """Who is told, of what, when. The way is fixed once saved."""

    wide = frozenset({"address"})

    way = forms.ChoiceField(choices=list(WAYS.items()), widget=forms.RadioSelect, initial=EMAIL)
    address = forms.CharField(
        max_length=500, help_text="An e-mail address, or the web address that messages are posted to."
    )
    level = forms.TypedChoiceField(label="Is told", choices=AlertRecipient.LEVELS, coerce=int, initial=1)
    location = forms.ModelChoiceField(
        Location.objects.none(), label="Of", required=False, empty_label="Every location, and the practice as a whole"
    )
    kinds = forms.MultipleChoiceField(
        label="Only of these",
        choices=KIND_CHOICES,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="None chosen: every kind.",
    )
    quiet_from = forms.TimeField(label="Quiet from", required=False, widget=CLOCK)
    quiet_until = forms.TimeField(label="Quiet until", required=False, widget=CLOCK)
    time_zone = forms.ChoiceField(label="By the clock of", choices=zones, initial="America/New_York")
    urgent_passes = forms.BooleanField(label="Urgent ones pass quiet hours", required=False, initial=True)
    enabled = forms.BooleanField(label="On", required=False, initial=True)

    def __init__(self, practice: Practice, row: AlertRecipient | None, data: Any = None) -> None:
        names = [name for name in self.base_fields if name != "location"]
        initial = {name: getattr(row, name) for name in names} | {"location": row.location_id} if row else None
        super().__init__(data, initial=initial)
        field = self.fields["location"]
        if isinstance(field, forms.ModelChoiceField):
            field.queryset = Location.objects.filter(practice=practice, for_learning=False)
        if row is not None:
            self.fields["way"].disabled = True

    def clean(self) -> dict[str, Any]:
        own = super().clean() or self.cleaned_data
        if "address" in own and "way" in own:
            try:
                own["address"] = _checked(own["way"], own["address"].strip())
            except ValidationError as wrong:
                self.add_error("address", wrong)
        if (own.get("quiet_from") is None) != (own.get("quiet_until") is None):
            self.add_error("quiet_until", "Name both ends of the quiet hours, or neither.")
        return own

    def wanted(self) -> Wanted:
        own = self.cleaned_data
        return Wanted(**{**own, "kinds": tuple(own["kinds"])})


def _checked(way: str, address: str) -> str:
    if way == EMAIL:
        validate_email(address)
        return address
    try:
        check_url(address, tls_required=settings.PRODUCTION)
    except TargetRefused as refused:
        raise ValidationError(str(refused)) from None
    except OSError:
        raise ValidationError("The name server of this installation does not know this host.") from None
    return address


class AlertSettingsForm(forms.ModelForm):
    """From when on conditions count for a practice."""

    class Meta:
        model = AlertSettings
        fields = ("uncertain_minutes", "silence_minutes", "escalate_minutes", "near_days")
        labels = {
            "uncertain_minutes": "Uncertain for minutes",
            "silence_minutes": "Silent for minutes",
            "escalate_minutes": "Escalate after minutes",
            "near_days": "Ends within days",
        }
        help_texts = {
            "uncertain_minutes": "An outcome unknown, or waiting for a decision, for longer than this.",
            "silence_minutes": "No note for so long, in hours in which notes usually come. 0: no alert.",
            "escalate_minutes": "So long without acknowledgement, and the next ones are told.",
            "near_days": "Certificates and keys that end within this time.",
        }

    def clean(self) -> dict[str, Any]:
        own = super().clean() or self.cleaned_data
        for name, (least, most) in LIMITS.items():
            value = own.get(name)
            if value is not None and not least <= value <= most:
                self.add_error(name, f"From {least} to {most}.")
        return own
