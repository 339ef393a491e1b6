"""A posting, and what stands of it in the database already: its Idempotency-Key, its note, the note's versions."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.db import connection

from audit import prepared
from audit.record import Actor
from delivery import sql
from delivery.models import IdempotencyKey, Note, NoteVersion
from delivery.places import Destination, Refusal
from delivery.posted import PostedNote, Wrong
from delivery.visits import VisitIndex
from portal.models import ApiKey
from portal.revision import Revision

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
    """What stands in the database of a round's keys and notes, by key hash or by the scribe's id; notes locked. And
    the configuration's revision."""

    revision: str
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


def look_up(postings: Sequence[Posting]) -> Known:
    """One statement where, as nearly always, nothing is known."""
    scribes, hashes, ids = zip(
        *((posting.key.scribe_id, posting.key_hash, posting.posted.source_note_id) for posting in postings), strict=True
    )
    words, values = _asked(scribes, hashes, ids)
    with prepared.cursor() as cursor:
        cursor.execute(words, values)
        rows = cursor.fetchall()
    keys = IdempotencyKey.objects.filter(pk__in=found) if (found := {row[1] for row in rows} - {None}) else ()
    notes = _locked(found) if (found := {row[2] for row in rows} - {None}) else {}
    versions: dict[Any, dict[int, VisitIndex]] = {note.pk: {} for note in notes.values()}
    if notes:
        of = NoteVersion.objects.filter(note__in=versions)
        for note_id, number, patient, encounter in of.values_list("note", "number", "patient_bidx", "encounter_bidx"):
            versions[note_id][number] = (patient, encounter)
    return Known(rows[0][0] or "", {(row.scribe_id, row.key_hash): row for row in keys}, notes, versions)


def _locked(ids: Collection[Any]) -> dict[tuple[int, str], Note]:
    """Locked, so that two versions that come in the same moment see each other, and the newer one wins; in one order
    everywhere, so that nobody waits in a circle."""
    notes = Note.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk")
    return {(note.scribe_id, note.source_note_id): note for note in notes}


def _asked(scribes: Sequence[int], hashes: Sequence[str], ids: Sequence[str]) -> tuple[str, list[Any]]:
    """Posting by posting, whatever the planner knows: it must not read a whole table for all of them together."""
    if connection.vendor == "postgresql":
        given, values = "SELECT * FROM unnest(%s::bigint[], %s::text[], %s::text[])", [[*scribes], [*hashes], [*ids]]
    else:
        rows = list(zip(scribes, hashes, ids, strict=True))
        given, values = f"VALUES {', '.join(['(%s, %s, %s)'] * len(rows))}", [value for row in rows for value in row]
    return _words(given), values


@cache
def _words(given: str) -> str:
    return (
        f"WITH given(scribe, hash, source) AS ({given}) SELECT "  # noqa: S608
        f"(SELECT token FROM {sql.table(Revision)}), "
        f"(SELECT id FROM {sql.table(IdempotencyKey)} WHERE scribe_id = scribe AND key_hash = hash), "
        f"(SELECT id FROM {sql.table(Note)} WHERE scribe_id = scribe AND source_note_id = source) FROM given"
    )
