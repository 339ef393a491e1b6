"""What a new version of a template changes, how grave each change is, and which fields a mapping can no longer use.

Pure. A field is the same field by its id, never by its label. eCW reads OBX segments in the order of its template and
drops those it does not expect, so a field that changed places is as broken as one that is gone.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from mapping.note import Drifted, FieldSpec, Problem

BROKEN, LOOK, HARMLESS = "broken", "look", "harmless"
GRAVEST_FIRST = (BROKEN, LOOK, HARMLESS)


@dataclass(frozen=True)
class Change:
    """One change of one field. `kind` is added, removed, reordered, type, length, required, renamed or group."""

    kind: str
    severity: str
    field_id: str
    label: str
    message: str


def changes(old: Sequence[FieldSpec], new: Sequence[FieldSpec]) -> tuple[Change, ...]:
    """Every difference between two versions of a template (or the templates of two locations), the gravest first."""
    before, after = ({field.field_id: field for field in fields} for fields in (old, new))
    found = [
        *(_removed(field) for field in old if field.field_id not in after),
        *(_added(field) for field in new if field.field_id not in before),
        *(_moved(after[field_id]) for field_id in reordered(old, new)),
    ]
    for field_id in (field.field_id for field in new if field.field_id in before):
        found.extend(_altered(before[field_id], after[field_id]))
    return tuple(sorted(found, key=lambda change: GRAVEST_FIRST.index(change.severity)))


def reordered(old: Sequence[FieldSpec], new: Sequence[FieldSpec]) -> tuple[str, ...]:
    """The fewest fields that, taken away, leave the others in the order they had; in their new order."""
    places = {field.field_id: place for place, field in enumerate(sorted(old, key=_position))}
    common = [field.field_id for field in sorted(new, key=_position) if field.field_id in places]
    kept = _longest_rising([places[field_id] for field_id in common])
    return tuple(field_id for at, field_id in enumerate(common) if at not in kept)


def _position(field: FieldSpec) -> int:
    return field.position


def _longest_rising(numbers: Sequence[int]) -> set[int]:
    """The indexes of a longest rising subsequence."""
    best: list[tuple[int, int]] = []  # (length, index before) per index
    for at, number in enumerate(numbers):
        before = max((place for place in range(at) if numbers[place] < number), key=lambda i: best[i][0], default=-1)
        best.append((best[before][0] + 1 if before >= 0 else 1, before))
    at = max(range(len(best)), key=lambda i: best[i][0], default=-1)
    kept = set()
    while at >= 0:
        kept.add(at)
        at = best[at][1]
    return kept


def newly_required(old: Sequence[FieldSpec], new: Sequence[FieldSpec]) -> tuple[FieldSpec, ...]:
    """The fields of dictated text that `new` requires and `old` does not have, or does not require."""
    before = {field.field_id for field in old if field.required}
    return tuple(
        field for field in new if field.required and field.kind != "structured" and field.field_id not in before
    )


def _removed(field: FieldSpec) -> Change:
    return Change("removed", BROKEN, field.field_id, field.label, f"{field.label} is no longer in the template.")


def _added(field: FieldSpec) -> Change:
    if field.required and field.kind != "structured":
        said = f"{field.label} is new and required: without a rule for it every note would be held."
        return Change("added", LOOK, field.field_id, field.label, said)
    return Change("added", HARMLESS, field.field_id, field.label, f"{field.label} is new.")


def _moved(field: FieldSpec) -> Change:
    said = f"{field.label} changed places and is now at {field.position}: in the old order eCW may drop or misfile it."
    return Change("reordered", BROKEN, field.field_id, field.label, said)


def _altered(old: FieldSpec, new: FieldSpec) -> Iterator[Change]:
    of = (new.field_id, new.label)
    if old.kind != new.kind:
        coded = new.kind == "structured"
        takes = "takes coded entries now, and no dictated text" if coded else "takes free text now"
        yield Change("type", BROKEN if coded else HARMLESS, *of, f"{new.label} {takes}.")
    if old.max_length != new.max_length:
        yield _length(old, new)
    if new.required and not old.required:
        yield Change("required", LOOK, *of, f"{new.label} is required now.")
    if old.required and not new.required:
        yield Change("required", HARMLESS, *of, f"{new.label} is no longer required.")
    if old.label != new.label:
        said = (
            f"{new.label} was named {old.label} before. It is the same field: make sure that it still means the same."
        )
        yield Change("renamed", LOOK, *of, said)
    if old.group != new.group:
        yield Change("group", HARMLESS, *of, f"{new.label} stands under another heading of the template.")


def _length(old: FieldSpec, new: FieldSpec) -> Change:
    was, now = (f"{field.max_length} characters" if field.max_length else "any length" for field in (old, new))
    shorter = new.max_length is not None and (old.max_length is None or new.max_length < old.max_length)
    said = f"{new.label} takes {now} now, {was} before."
    if shorter:
        said += " Notes with a longer text there are held."
    return Change("length", LOOK if shorter else HARMLESS, new.field_id, new.label, said)


def drifted(old: Sequence[FieldSpec], new: Sequence[FieldSpec]) -> tuple[Drifted, ...]:
    """The fields of `old` that a note may not be filed in any more as if `new` had not come."""
    broken = {change.field_id: change.message for change in changes(old, new) if change.severity == BROKEN}
    shorter = [change.field_id for change in changes(old, new) if change.kind == "length" and change.severity == LOOK]
    limits = {field.field_id: field.max_length for field in new}
    return (
        *(Drifted(field_id, message) for field_id, message in broken.items() if message),
        *(Drifted(field_id, max_length=limits[field_id]) for field_id in shorter if field_id not in broken),
    )


def drift_problems(found: Collection[Drifted], texts: Mapping[str, str]) -> Iterator[Problem]:
    """Why a note that fills `texts` (field id to text) waits. Fields it leaves alone do not hold it."""
    for item in found:
        text = texts.get(item.field_id, "")
        if not text or (not item.message and len(text) <= (item.max_length or 0)):
            continue
        said = item.message or f"The field takes {item.max_length} characters now, and the text has {len(text)}."
        yield Problem(
            "template_drift",
            f"The template was imported again and differs: {said} "
            "Whoever edits the mapping: carry it to the newest version and publish.",
            f"/fields/{item.field_id}",
            field_id=item.field_id,
        )
