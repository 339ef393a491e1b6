"""What is answered to a posting that came before, and which postings may not be taken in together."""

from types import SimpleNamespace

import pytest

from delivery.known import Known, Posting, look_up
from delivery.models import IdempotencyKey, Note, NoteVersion
from delivery.places import Destination, Refusal
from tests.delivery.rows import make_delivery

FIRST = {"id": "n1", "version": 1}


def posting(scribe: int = 1, key: str = "k1", body: str = "b1", note: str = "nt-1") -> Posting:
    """As the door makes it, with what is read of it here."""
    made = SimpleNamespace(scribe_id=scribe), None, SimpleNamespace(source_note_id=note), b"{}", key, body
    return Posting(*made)


def known(*, keys=(), notes=()) -> Known:
    return Known(
        "",
        {(row.scribe_id, row.key_hash): row for row in keys},
        {(row.scribe_id, row.source_note_id): row for row in notes},
        {},
    )


def answered(scribe: int = 1, key: str = "k1", body: str = "b1") -> IdempotencyKey:
    return IdempotencyKey(scribe_id=scribe, key_hash=key, body_sha256=body, answer=FIRST)


def to(location: int) -> Destination:
    return Destination(SimpleNamespace(pk=location), None)


class TestAKey:
    def test_with_the_same_body_has_the_first_answer_again(self):
        assert known(keys=[answered()]).answer(posting()) == FIRST

    def test_never_seen_has_none(self):
        assert known().answer(posting()) is None
        assert known(keys=[answered(key="k2")]).answer(posting()) is None

    def test_of_another_scribe_is_another_key(self):
        assert known(keys=[answered(scribe=2)]).answer(posting()) is None

    def test_with_another_body_is_refused_and_told_what_to_do(self):
        with pytest.raises(Refusal) as caught:
            known(keys=[answered(body="b2")]).answer(posting())
        (wrong,) = caught.value.problems
        assert (caught.value.status, wrong.pointer) == (422, "")
        assert "new key" in wrong.message

    def test_with_another_body_of_another_scribe_is_not_refused(self):
        assert known(keys=[answered(scribe=2, body="b2")]).answer(posting()) is None


class TestANote:
    def note(self, scribe: int = 1, name: str = "nt-1", location: int = 7) -> Note:
        return Note(scribe_id=scribe, source_note_id=name, location_id=location)

    def test_that_came_before_is_found_by_the_scribes_own_id(self):
        mine = self.note()
        assert known(notes=[mine]).note(posting(), to(7)) is mine

    @pytest.mark.parametrize("changes", [{"scribe": 2}, {"name": "nt-2"}])
    def test_of_another_scribe_or_id_is_another_note(self, changes):
        assert known(notes=[self.note(**changes)]).note(posting(), to(7)) is None

    def test_does_not_change_its_location(self):
        with pytest.raises(Refusal) as caught:
            known(notes=[self.note(location=8)]).note(posting(), to(7))
        (wrong,) = caught.value.problems
        assert (caught.value.status, wrong.pointer) == (422, "/location")

    def test_is_not_named_in_the_refusal(self):
        with pytest.raises(Refusal) as caught:
            known(notes=[self.note(location=8)]).note(posting(), to(7))
        assert "nt-1" not in f"{caught.value} {caught.value.problems}"


class TestPostingsOfOneRound:
    def test_share_no_name_where_nothing_of_them_is_the_same(self):
        assert posting().names.isdisjoint(posting(key="k2", note="nt-2").names)

    @pytest.mark.parametrize("second", [{"key": "k2"}, {"note": "nt-2"}, {"body": "b2"}])
    def test_share_one_where_key_or_note_is_the_same(self, second):
        assert posting().names & posting(**second).names

    def test_of_two_scribes_share_none_though_both_names_are_the_same(self):
        assert posting().names.isdisjoint(posting(scribe=2).names)

    def test_are_not_taken_for_one_another_when_a_key_is_called_like_a_note(self):
        assert posting(key="same", note="other").names.isdisjoint(posting(key="another", note="same").names)


@pytest.mark.django_db
class TestLookingUp:
    def of(self, version: NoteVersion, **changes) -> Posting:
        note = version.note
        return posting(**{"scribe": note.scribe_id, "note": note.source_note_id, **changes})

    def test_finds_the_notes_and_their_versions(self, cast):
        version = make_delivery(cast).note_version
        found = look_up([self.of(version)])
        note = found.note(self.of(version), to(cast.north.pk))
        assert note == version.note
        assert found.versions[version.note_id] == {1: (version.patient_bidx, version.encounter_bidx)}

    @pytest.mark.parametrize("number", [1, 2, 8, 9, 33])
    def test_finds_nothing_of_notes_that_never_came_however_many_are_asked_for(self, cast, number):
        asked = [posting(scribe=cast.scribe.pk, key=f"k{at}", note=f"nt-{at}") for at in range(number)]
        found = look_up(asked)
        assert (found.keys, found.notes, found.versions) == ({}, {}, {})

    def test_finds_each_among_many(self, cast):
        versions = [make_delivery(cast, encounter=f"E{at}").note_version for at in range(3)]
        strangers = [posting(scribe=cast.scribe.pk, key=f"k{at}", note=f"x-{at}") for at in range(7)]
        found = look_up([*strangers, *map(self.of, versions)])
        assert set(found.versions) == {version.note_id for version in versions}

    def test_asks_a_constant_number_of_questions(self, cast, django_assert_num_queries):
        versions = [make_delivery(cast, encounter=f"E{at}").note_version for at in range(4)]
        with django_assert_num_queries(3):
            look_up([self.of(versions[0])])
        with django_assert_num_queries(3):
            look_up(list(map(self.of, versions)))
