"""A posting, and what stands of it in the database already: its Idempotency-Key, its note, the note's versions."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.db.models import QuerySet

from audit.record import Actor
from delivery.models import IdempotencyKey, Note, NoteVersion
from delivery.places import Destination, Refusal
from delivery.posted import PostedNote, Wrong
from delivery.visits import VisitIndex
from portal.compiled import Compiled
from portal.models import ApiKey

MOST_TOGETHER = 32  # notes in one transaction
Answer = dict[str, Any]


@dataclass(frozen=True)
class Posting:
    """A validated note as it came to the door."""

    key: ApiKey
    actor: Actor
    posted: PostedNote
    body: bytes
    key_hash: str
    body_sha256: str

    @property
    def names(self) -> frozenset[str]:
        """What no two postings of one round may share: the scribe's key and the scribe's id of the note."""
        scribe = self.key.scribe_id
        return frozenset((f"{scribe} key {self.key_hash}", f"{scribe} note {self.posted.source_note_id}"))


@dataclass(frozen=True)
class Known:
    """What stands in the database of a round's keys and notes, by key hash or by the scribe's id; notes locked."""

    keys: dict[tuple[int, str], IdempotencyKey]
    notes: dict[tuple[int, str], Note]
    versions: dict[Any, dict[int, VisitIndex]]

    def answer(self, posting: Posting) -> Answer | None:
        """What was answered to this Idempotency-Key before, if the body is the same."""
        row = self.keys.get((posting.key.scribe_id, posting.key_hash))
        if row is None:
            return None
        if row.body_sha256 != posting.body_sha256:
            words = "This Idempotency-Key came with another body before. A changed note needs a new key (and version)."
            raise Refusal(422, [Wrong("", words)])
        answer: Answer = row.answer
        return answer

    def note(self, posting: Posting, to: Destination) -> Note | None:
        found = self.notes.get((posting.key.scribe_id, posting.posted.source_note_id))
        if found is not None and found.location_id != to.location.pk:
            words = "An earlier version of this note went to another location; a note does not change its location."
            raise Refusal(422, [Wrong("/location", words)])
        return found


@cache
def _keys_among(size: int) -> Compiled[IdempotencyKey]:
    def build(scribe: int, *hashes: str) -> QuerySet[IdempotencyKey]:
        return IdempotencyKey.objects.filter(scribe=scribe, key_hash__in=hashes)

    return Compiled(build, int, *[str] * size)


@cache
def _notes_among(size: int) -> Compiled[Note]:
    def build(scribe: int, *ids: str) -> QuerySet[Note]:
        # Locked, so that two versions that come in the same moment see each other, and the newer one wins.
        return Note.objects.select_for_update(no_key=True).filter(scribe=scribe, source_note_id__in=ids).order_by("pk")

    return Compiled(build, int, *[str] * size)


def look_up(postings: Sequence[Posting]) -> Known:
    by_scribe: dict[int, list[Posting]] = defaultdict(list)
    for posting in postings:
        by_scribe[posting.key.scribe_id].append(posting)
    keys: list[IdempotencyKey] = []
    notes: list[Note] = []
    for scribe, own in sorted(by_scribe.items()):  # in one order everywhere, as notes are locked
        # Filled up with the last one, so that there are few statements, each built once.
        size = next(size for size in (1, 8, MOST_TOGETHER, len(own)) if size >= len(own))
        filled = [*own, *[own[-1]] * (size - len(own))]
        keys += _keys_among(size)(scribe, *[posting.key_hash for posting in filled])
        notes += _notes_among(size)(scribe, *[posting.posted.source_note_id for posting in filled])
    found = {(note.scribe_id, note.source_note_id): note for note in notes}
    versions: dict[Any, dict[int, VisitIndex]] = {note.pk: {} for note in found.values()}
    if found:
        rows = NoteVersion.objects.filter(note__in=versions)
        for note_id, number, patient, encounter in rows.values_list("note", "number", "patient_bidx", "encounter_bidx"):
            versions[note_id][number] = (patient, encounter)
    return Known({(row.scribe_id, row.key_hash): row for row in keys}, found, versions)
