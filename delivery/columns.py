"""How a person sees the delivery list: the columns they put away and how close its rows stand; kept with the person."""

from collections.abc import Iterable
from dataclasses import dataclass

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
    compact = models.BooleanField(default=False)  # rows close together; else comfortable

    def __str__(self) -> str:
        return f"{self.user_id}: {', '.join(self.columns)}"


@dataclass(frozen=True)
class Look:
    """How the list looks: the columns that are put away, in the table's order, and the density."""

    put_away: tuple[str, ...] = ()
    compact: bool = False


def look_of(user: User) -> Look:
    """What a later version no longer has is left out."""
    kept = PutAway.objects.filter(user=user).first()
    return Look(tuple(name for name in COLUMNS if name in kept.columns), kept.compact) if kept else Look()


def keep(user: User, wanted: Iterable[str], compact: bool) -> None:
    """Put the others away."""
    shown = set(wanted)
    away = [name for name in COLUMNS if name not in shown]
    PutAway.objects.update_or_create(user=user, defaults={"columns": away, "compact": compact})
