"""What a group of the identity provider stands for."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from portal.forms.people import RoleForm
from portal.models import GroupRole, Practice


class GroupForm(RoleForm):
    """A group, spelled as the provider's claim spells it, and the role it stands for."""

    group = forms.CharField(
        max_length=200, help_text="Spelled exactly as the sign-in service sends it; with some services that is an id."
    )
    field_order = ("group", "role", "location")

    def __init__(self, practice: Practice, data: Any = None) -> None:
        super().__init__(practice, data)
        self.practice = practice

    def clean(self) -> dict[str, Any]:
        own: dict[str, Any] = super().clean() or {}
        if {"group", "role", "location"} <= own.keys() and GroupRole.objects.filter(
            practice=self.practice, **{name: own[name] for name in ("group", "role", "location")}
        ).exists():
            raise ValidationError("This group stands for this role already.")
        return own
