"""Scribes, their keys, and agreements."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from portal.agreements import Terms, sha256_of
from portal.models import Agreement, AgreementKind, ApiKey, Environment, Location, Practice, Scribe

LARGEST_DOCUMENT = 25 * 1024 * 1024
SCOPE_LABELS = {"notes:write": "Post notes", "notes:read": "Read what became of them"}


class ScribeForm(forms.Form):
    """A vendor's name, once per practice."""

    name = forms.CharField(label="Vendor or product", max_length=100)

    def __init__(self, practice: Practice, data: Any = None) -> None:
        super().__init__(data)
        self.practice = practice

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if self.practice.scribes.filter(name__iexact=name).exists():
            raise ValidationError("This scribe is listed already.")
        return name


def in_a_year() -> date:
    return timezone.now().date() + timedelta(days=365)


class LocationsField(forms.ModelMultipleChoiceField):
    def label_from_instance(self, obj: Location) -> str:
        return f"{obj.name} ({obj.get_environment_display()})"


class KeyForm(forms.Form):
    """What a key may do, where, and for how long."""

    environment = forms.ChoiceField(
        choices=Environment.choices, widget=forms.RadioSelect, initial=Environment.SANDBOX, help_text="Fixed once made."
    )
    scopes = forms.MultipleChoiceField(
        label="May",
        choices=list(SCOPE_LABELS.items()),
        widget=forms.CheckboxSelectMultiple,
        initial=list(ApiKey.SCOPES),
    )
    locations = LocationsField(
        Location.objects.none(),
        label="At",
        widget=forms.CheckboxSelectMultiple,
        required=False,
        help_text="None chosen: every location of that environment, later ones included.",
    )
    expires_on = forms.DateField(
        label="Last day", initial=in_a_year, widget=forms.DateInput(attrs={"type": "date"}), help_text="In UTC."
    )

    def __init__(self, practice: Practice, data: Any = None) -> None:
        super().__init__(data)
        field = self.fields["locations"]
        if isinstance(field, forms.ModelMultipleChoiceField):
            field.queryset = practice.locations.filter(for_learning=False)

    def clean_expires_on(self) -> date:
        last: date = self.cleaned_data["expires_on"]
        today = timezone.now().date()
        if not today <= last <= today + timedelta(days=731):
            raise ValidationError("A day from today to two years ahead.")
        return last

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        chosen = cleaned.get("locations") or ()
        if any(each.environment != cleaned.get("environment") for each in chosen):
            self.add_error("locations", "A key works in one environment only: choose locations of that one.")
        return cleaned

    def expires_at(self) -> datetime:
        """The end of the last day."""
        return datetime.combine(self.cleaned_data["expires_on"] + timedelta(days=1), datetime.min.time(), UTC)


class AgreementForm(forms.ModelForm):
    """A signed agreement. The document is fingerprinted, not kept."""

    kind = forms.ChoiceField(choices=AgreementKind.choices)
    document = forms.FileField(
        required=False,
        help_text="Its SHA-256 is recorded, so that it can be proven later; the file itself is not kept.",
    )

    class Meta:
        model = Agreement
        fields = ("kind", "scribe", "party", "signed_on", "expires_on")
        widgets = {
            "signed_on": forms.DateInput(attrs={"type": "date"}),
            "expires_on": forms.DateInput(attrs={"type": "date"}),
        }
        labels = {"party": "Signed with", "expires_on": "Last day", "signed_on": "In force since"}
        help_texts = {
            "scribe": "For an agreement with a scribe vendor.",
            "party": "The company's name in the agreement.",
            "expires_on": "Empty: it runs until it is ended.",
        }

    def __init__(self, practice: Practice, data: Any = None, files: Any = None) -> None:
        super().__init__(data, files)
        field = self.fields["scribe"]
        if isinstance(field, forms.ModelChoiceField):
            field.empty_label = "None"
            field.queryset = Scribe.objects.filter(practice=practice, synthetic=False)

    def clean_document(self) -> Any:
        document = self.cleaned_data["document"]
        if document and document.size > LARGEST_DOCUMENT:
            raise ValidationError("At most 25 MB.")
        return document

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        vendor = cleaned.get("kind") == AgreementKind.BAA_SCRIBE
        if vendor and not cleaned.get("scribe"):
            self.add_error("scribe", "Name the scribe this agreement is with.")
        if cleaned.get("kind") == AgreementKind.BAA_ECW:
            cleaned["scribe"] = None
        signed, ends = cleaned.get("signed_on"), cleaned.get("expires_on")
        if signed and ends and ends < signed:
            self.add_error("expires_on", "It cannot end before it begins.")
        return cleaned

    def terms(self) -> Terms:
        own = self.cleaned_data
        document = own.get("document")
        digest = sha256_of(document) if document else ""
        return Terms(own["kind"], own["party"], own["signed_on"], own["expires_on"], digest)
