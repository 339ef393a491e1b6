"""How attempts and readings name themselves in what is sealed for them, for sealing it anew under another key."""

from collections.abc import Iterable

from delivery.models import Attempt, Reading


def attempt(row: Attempt) -> Iterable[object]:
    return (f"{row.delivery_id}:{row.number}",)


def reading(row: Reading) -> Iterable[object]:
    """A reading does not carry its number (delivery/contents.py): each that it can have had, the likeliest first."""
    looks = Reading.objects.filter(delivery=row.delivery_id).count()
    return (f"{row.delivery_id}:{number}" for number in range(max(looks, row.delivery.readings_made), 0, -1))
