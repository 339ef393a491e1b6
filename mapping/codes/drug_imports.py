"""Keeps drugs in a practice's crosswalk: what saving a file would do, and doing it, each row recorded."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from django.core import signing
from django.db import transaction
from django.utils import timezone

from audit.record import record
from mapping.codes.drug_files import DrugRow
from mapping.importers.base import ImportRefused
from mapping.models import CrosswalkDrug
from portal.models import Practice, User

SALT = "mapping.codes.crosswalk"
MAX_AGE = 2 * 3600
MAX_CHARACTERS = 1_000_000
COLUMNS = ("ndc11", "rxcui", "name", "ecw_id", "strength", "formulation")


class CannotCarry(Exception):
    """The preview is too old, was altered, or is another person's or practice's."""


@dataclass(frozen=True)
class Change:
    """What saving one row would do: "new", "changed" (from `before`) or "same"."""

    row: DrugRow
    kind: str
    before: str = ""


def changes(practice: Practice, rows: Sequence[DrugRow]) -> list[Change]:
    """Each row against the crosswalk as it is."""
    known = {row.key: row for row in CrosswalkDrug.objects.filter(practice=practice)}
    return [_change(row, known.get(row.key)) for row in rows]


def _change(row: DrugRow, before: CrosswalkDrug | None) -> Change:
    if before is None:
        return Change(row, "new")
    same = all(getattr(before, name) == getattr(row, name) for name in COLUMNS)
    return Change(row, "same") if same else Change(row, "changed", f"{before.name} · {before.ecw_id}")


def packed(rows: Sequence[DrugRow], source: str, practice: Practice, user: User) -> str:
    """What was read, signed, from the preview to the save. Drugs are no patient data. Raises ImportRefused."""
    content = {"by": user.pk, "to": practice.pk, "source": source, "rows": [list(asdict(row).values()) for row in rows]}
    token = signing.dumps(content, salt=SALT, compress=True)
    if len(token) > MAX_CHARACTERS:
        raise ImportRefused("The file holds too much to be shown at once. Split it.")
    return token


def unpacked(token: str, practice: Practice, user: User) -> tuple[list[DrugRow], str]:
    """The rows and the file's name; raises CannotCarry."""
    try:
        content: dict[str, Any] = signing.loads(token, salt=SALT, max_age=MAX_AGE)
    except signing.BadSignature:
        raise CannotCarry from None
    if (content["by"], content["to"]) != (user.pk, practice.pk):
        raise CannotCarry
    return [DrugRow(*row) for row in content["rows"]], content["source"]


@transaction.atomic
def save_all(practice: Practice, rows: Sequence[DrugRow], user: User, source: str) -> tuple[int, int]:
    """Keep every new and changed row, verified by whoever saves them; how many were new and changed."""
    Practice.objects.select_for_update(no_key=True).get(pk=practice.pk)
    done = [change for change in changes(practice, rows) if change.kind != "same"]
    for change in done:
        keep(practice, change.row, user, source)
    new = sum(change.kind == "new" for change in done)
    record(
        "crosswalk.import",
        practice=practice.code,
        object_type="crosswalk",
        object_id=str(practice.pk),
        detail={"new": new, "changed": len(done) - new, "unchanged": len(rows) - len(done)},
    )
    return new, len(done) - new


def keep(practice: Practice, row: DrugRow, user: User, source: str) -> CrosswalkDrug:
    """Keep one drug under its key, verified now by this person."""
    kept, _ = CrosswalkDrug.objects.update_or_create(
        practice=practice,
        key=row.key,
        defaults={
            "ndc_written": row.ndc,
            **{name: getattr(row, name) for name in COLUMNS},
            "verified_by": user,
            "verified_at": timezone.now(),
            "source": source[:200],
        },
    )
    return kept
