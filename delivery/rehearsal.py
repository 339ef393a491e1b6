"""Replay a draft over the last stored notes of its location, beside the mapping in force; nothing is sent."""

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from delivery import contents, preview
from delivery.models import NoteVersion
from delivery.posted import note_of
from mapping.apply import apply
from mapping.going_live import keep_rehearsal
from mapping.models import MappingVersion, Rehearsal, Template
from mapping.note import Applied, MappingSpec
from mapping.publishing import fingerprint
from mapping.queries import published_spec, spec_of
from portal import crypto
from portal.models import User

COUNTS = (20, 50, 200)
USUAL = 50
UNTITLED = "untitled"
CANNOT_OPEN = "cannot_open"

Placed = dict[int, tuple[tuple[str, str], ...]]


@dataclass(frozen=True)
class Finding:
    """One note that would come out otherwise: section codes that change, that are lost, reason codes that hold it.

    `lost`: filed today and nowhere with the draft. `caught`: filed by a rule today, and left to the catch-all field by
    the draft; not counted as changed too. `freed`: held today and not with the draft.
    """

    note: str
    changed: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    caught: tuple[str, ...] = ()
    blocked: tuple[str, ...] = ()
    freed: bool = False

    def __bool__(self) -> bool:
        return bool(self.changed or self.lost or self.caught or self.blocked or self.freed)

    def row(self) -> dict[str, Any]:
        """As it is stored: ids and codes, no word of the note."""
        codes = {name: list(getattr(self, name)) for name in ("changed", "lost", "caught", "blocked")}
        return {"note": self.note, **codes, "freed": self.freed}


def rehearse(draft: MappingVersion, user: User, count: int = USUAL) -> Rehearsal:
    """Replay the newest `count` notes of the draft's template and keep what was found."""
    spec = spec_of(draft)
    before = published_spec(draft.template)
    found = [compared(draft.template, before, spec, version) for version in newest_notes(draft.template, count)]
    replayed = sum(one.blocked != (CANNOT_OPEN,) for one in found)
    return keep_rehearsal(draft, fingerprint(spec), user, replayed, [one.row() for one in found if one])


def newest_notes(template: Template, count: int) -> Iterator[NoteVersion]:
    """The last stored notes for a template at its location, the newest first."""
    stored = NoteVersion.objects.filter(template=template, note__location=template.location_id)
    return stored.select_related("note").order_by("-received_at", "-pk")[:count].iterator(chunk_size=20)


def compared(template: Template, before: MappingSpec | None, spec: MappingSpec, version: NoteVersion) -> Finding:
    """What the draft does to one stored note that the mapping in force does not."""
    note = str(version.pk)
    try:
        posted = note_of(contents.body(version))
    except crypto.CannotOpen:
        return Finding(note, blocked=(CANNOT_OPEN,))
    example = preview.Example(posted.visit, posted.sections, version)
    policy = template.location.unmapped_policy
    after = apply(spec, posted.sections, policy)
    problems = {problem.code for problem in after.problems} | _stopped(spec, after, example, template)
    if before is None:
        return Finding(note, blocked=tuple(sorted(problems)))
    now = apply(before, posted.sections, policy)
    held_now = {problem.code for problem in now.problems} | _stopped(before, now, example, template)
    names = {section.index: section.code or UNTITLED for section in posted.sections}
    was, becomes = placed(now), placed(after)
    falling = _caught(after) - _caught(now)
    return Finding(
        note,
        changed=_codes(names, [one for one in was.keys() & becomes.keys() - falling if was[one] != becomes[one]]),
        lost=_codes(names, was.keys() - becomes.keys()),
        caught=_codes(names, was.keys() & falling),
        blocked=tuple(sorted(problems - held_now)),
        freed=bool(held_now) and not problems,
    )


def _stopped(spec: MappingSpec, applied: Applied, example: preview.Example, template: Template) -> set[str]:
    """Why no message can be made of it at all, where the mapping itself finds nothing wrong."""
    if applied.problems:
        return set()
    _lines, stopped = preview.message(spec, applied, example, template.location)
    return {stopped.code} if stopped else set()


def _caught(applied: Applied) -> set[int]:
    """The sections that no rule takes and the catch-all field does; apply points at each by its index."""
    pointers = (problem.pointer for problem in applied.warnings if problem.code == "caught_section")
    return {int(pointer.rpartition("/")[2]) for pointer in pointers}


def placed(applied: Applied) -> Placed:
    """Per section of the note where its text stands: the field and the whole text of that field."""
    where: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for value in applied.values:
        for part in value.contributions:
            where[part.index].append((value.field_id, f"{part.text}\0{_around(value.text, part.text)}"))
    return {index: tuple(places) for index, places in where.items()}


def _around(whole: str, part: str) -> str:
    """What stands around a part in its field on the same line: prefixes belong to the section they introduce."""
    before, _, after = whole.partition(part)
    return f"{before.rpartition(chr(10))[2]}\0{after.partition(chr(10))[0]}"


def _codes(names: dict[int, str], indexes: Collection[int]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names[index] for index in sorted(indexes)))
