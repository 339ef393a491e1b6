"""Inviting people, and giving them roles."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from portal.models import Location, Practice, Role, User
from portal.people import Person

EVERYWHERE = "Every location of the practice"


class RoleForm(forms.Form):
    """A role and where it holds."""

    role = forms.ChoiceField(choices=Role.choices)
    location = forms.ModelChoiceField(Location.objects.none(), label="At", required=False, empty_label=EVERYWHERE)

    def __init__(self, practice: Practice, data: Any = None) -> None:
        super().__init__(data)
        field = self.fields["location"]
        if isinstance(field, forms.ModelChoiceField):
            field.queryset = Location.objects.filter(practice=practice, for_learning=False)


class InviteForm(RoleForm):
    """A new local account with its first role."""

    username = forms.CharField(
        label="User name", max_length=150, validators=User._meta.get_field("username").validators
    )
    email = forms.EmailField(required=False, max_length=254)
    first_name = forms.CharField(required=False, max_length=150)
    last_name = forms.CharField(required=False, max_length=150)

    field_order = ("username", "email", "first_name", "last_name", "role", "location")

    def clean_username(self) -> str:
        name: str = User.normalize_username(self.cleaned_data["username"])
        if User.objects.filter(username__iexact=name).exists():
            raise ValidationError("This user name is taken.")
        return name

    def person(self) -> Person:
        own = self.cleaned_data
        return Person(own["username"], own["email"], own["first_name"], own["last_name"])
