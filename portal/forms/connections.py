"""What the forms of every kind of connection share; what eCW has not documented is labelled "assumed"."""

from collections.abc import Callable
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError

from portal.connections import Draft
from portal.models import Connection, ConnectionKind, Environment, Practice
from portal.targets import TargetRefused


class ConnectionForm(forms.Form):
    """What every kind has. `connection` is None for a new one; its environment is fixed afterwards."""

    kind: ClassVar[ConnectionKind]
    assumed: ClassVar[frozenset[str]] = frozenset()
    wide: ClassVar[frozenset[str]] = frozenset({"name"})
    secret_fields: ClassVar[tuple[str, ...]] = ()
    sections: ClassVar[tuple[tuple[str, str, tuple[str, ...]], ...]]

    name = forms.CharField(max_length=100, help_text="As it will be called in routes and on the monitor.")
    environment = forms.ChoiceField(
        choices=Environment.choices,
        widget=forms.RadioSelect,
        initial=Environment.SANDBOX,
        help_text="Fixed once saved: sandbox and production never mix.",
    )
    enabled = forms.BooleanField(
        required=False, initial=True, help_text="While off, nothing is sent or read through it."
    )

    def __init__(self, practice: Practice, connection: Connection | None, data: Any = None) -> None:
        initial = {}
        if connection:
            initial = {**connection.settings, "name": connection.name, "enabled": connection.enabled}
        super().__init__(data, initial=initial)
        self.practice, self.connection = practice, connection
        if connection:
            del self.fields["environment"]
        for name in self.secret_fields:
            self.fields[name].help_text = self._secret_help(name)

    def _secret_help(self, name: str) -> str:
        set_at = self.connection.secrets_set_at.get(name, "") if self.connection else ""
        if set_at or (self.connection and name in self.connection.secrets()):
            return f"Set{f' on {set_at[:10]}' if set_at else ''}, and never shown again. Leave empty to keep it."
        return "Encrypted here, and never shown again."

    @property
    def production(self) -> bool:
        chosen = self.connection.environment if self.connection else self.cleaned_data.get("environment")
        return chosen == Environment.PRODUCTION

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        others = Connection.objects.filter(practice=self.practice, name=name)
        if others.exclude(pk=self.connection.pk if self.connection else 0).exists():
            raise ValidationError("Another connection already has this name.")
        return name

    def check_reachable(self, field: str, check: Callable[[], object]) -> None:
        """Put what is wrong with a target beside the field it was typed into."""
        try:
            check()
        except TargetRefused as refused:
            self.add_error(field, str(refused))
        except OSError:
            self.add_error(field, "The name server of this installation does not know this host.")

    def secrets(self) -> dict[str, str | None]:
        """Those that were typed; the others stay as they are."""
        return {name: self.cleaned_data[name] for name in self.secret_fields if self.cleaned_data.get(name)}

    def settings(self) -> dict[str, Any]:
        """The connection's settings as its channel reads them."""
        own = self.cleaned_data.keys() - {"name", "environment", "enabled"} - set(self.secret_fields)
        return {name: self.cleaned_data[name] for name in sorted(own)}

    def draft(self) -> Draft:
        return Draft(self.cleaned_data["name"], self.settings(), self.secrets(), self.cleaned_data["enabled"])

    def parts(self) -> list[tuple[str, str, list[forms.BoundField]]]:
        """The fields under their headings, for the page."""
        return [
            (head, text, [self[name] for name in names if name in self.fields]) for head, text, names in self.sections
        ]
