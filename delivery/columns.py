"""Which columns of the delivery list a person sees: all, but for those they put away; kept with the person."""

from collections.abc import Iterable

from django.db import models

from portal.models import User

# What may be put away. Status and time of receipt always stand there: the row is opened by them.
COLUMNS = {
    "patient": "Patient",
    "provider": "Provider",
    "template": "Template",
    "sections": "Sections",
    "attempts": "Attempts",
    "reason": "Reason",
    "age": "Age",
}


class PutAway(models.Model):
    """The columns one person has put away."""

    user = models.OneToOneField("portal.User", on_delete=models.CASCADE, primary_key=True, related_name="+")
    columns = models.JSONField(default=list)  # keys of COLUMNS

    def __str__(self) -> str:
        return f"{self.user_id}: {', '.join(self.columns)}"


def put_away(user: User) -> tuple[str, ...]:
    """In the table's order; what a later version no longer has is left out."""
    kept = PutAway.objects.filter(user=user).values_list("columns", flat=True).first() or ()
    return tuple(name for name in COLUMNS if name in kept)


def show_only(user: User, wanted: Iterable[str]) -> None:
    """Put the others away."""
    shown = set(wanted)
    PutAway.objects.update_or_create(user=user, defaults={"columns": [name for name in COLUMNS if name not in shown]})
