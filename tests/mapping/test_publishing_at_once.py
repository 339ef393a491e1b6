"""Several people at one template at the same moment: one draft, one mapping in force, no change lost without a word."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.db.utils import IntegrityError

from audit.models import AuditEvent
from audit.record import Actor, acting
from mapping.going_live import DraftGone, NotRehearsed, keep_rehearsal
from mapping.importers.base import ImportedField, ImportedTemplate
from mapping.imports import save_all
from mapping.models import MappingState, MappingVersion, Rehearsal, TemplateVersion
from mapping.note import RuleSpec
from mapping.publishing import (
    CannotPublish,
    DraftChanged,
    NotADraft,
    discard_draft,
    fingerprint,
    publish,
    save_rules,
    start_copy,
    start_draft,
)
from mapping.queries import draft_of, field_specs, published_of, published_spec, spec_of
from mapping.transfer import transfer
from tests.mapping.rehearsing import rehearsed

pytestmark = pytest.mark.django_db(transaction=True)
REASON = "Reviewed with the clinic"


def at_once(*deeds: Callable[[], Any]) -> list[Any]:
    """Carry them out in threads that begin together; each one's answer, or the error it met."""
    gate, answers = threading.Barrier(len(deeds)), [None] * len(deeds)

    def run(place: int, deed: Callable[[], Any]) -> None:
        try:
            with acting(Actor("user", str(place), f"person{place}")):
                gate.wait(10)
                answers[place] = deed()
        except Exception as error:
            answers[place] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=item) for item in enumerate(deeds)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not any(thread.is_alive() for thread in threads)
    return answers


def test_two_who_begin_a_draft_get_the_same_one(cast):
    template = cast.north_mapping.template
    one, other = at_once(lambda: start_draft(template, cast.mel), lambda: start_draft(template, cast.dana))
    assert one.pk == other.pk
    assert MappingVersion.objects.filter(template=template, state=MappingState.DRAFT).count() == 1
    assert one.rules.count() == cast.north_mapping.rules.count(), "copied once, not twice"


def test_of_two_who_save_what_they_saw_the_second_is_told(cast):
    draft = start_draft(cast.north_mapping.template, cast.mel)
    seen = fingerprint(spec_of(draft))
    answers = at_once(
        lambda: save_rules(draft, [RuleSpec("plan", "NF-06")], "", cast.mel, seen),
        lambda: save_rules(draft, [RuleSpec("goals", "NF-07")], "", cast.dana, seen),
    )
    assert sorted(type(answer).__name__ for answer in answers) == ["DraftChanged", "MappingVersion"]
    assert sum(isinstance(answer, DraftChanged) for answer in answers) == 1
    saved = spec_of(draft_of(draft.template)).rules
    assert len(saved) == 1, "the winner's rules, whole"


def test_a_draft_is_published_once(cast):
    draft = rehearsed(start_draft(cast.north_mapping.template, cast.mel), cast.mel)
    answers = at_once(*[lambda: publish(draft, cast.mel, REASON)] * 3)
    assert sum(isinstance(answer, MappingVersion) for answer in answers) == 1, answers
    assert sum(isinstance(answer, NotADraft) for answer in answers) == 2
    assert AuditEvent.objects.filter(event="mapping.publish").count() == 1


def test_what_is_published_cannot_be_discarded_at_the_same_moment(cast):
    draft = rehearsed(start_draft(cast.north_mapping.template, cast.mel), cast.mel)
    published, discarded = at_once(lambda: publish(draft, cast.mel, REASON), lambda: discard_draft(draft))
    in_force = published_of(draft.template)
    if isinstance(published, NotADraft):
        assert in_force == cast.north_mapping
        assert discarded is None
    else:
        assert isinstance(discarded, NotADraft)
        assert in_force.pk == draft.pk
    assert draft_of(draft.template) is None


def test_a_save_that_meets_the_publication_makes_it_void_or_is_refused(cast):
    draft = rehearsed(start_draft(cast.north_mapping.template, cast.mel), cast.mel)
    rules = [*spec_of(draft).rules, RuleSpec("goals", "NF-07", position=9)]
    published, saved = at_once(
        lambda: publish(draft, cast.mel, REASON), lambda: save_rules(draft, rules, "", cast.dana)
    )
    if isinstance(published, NotRehearsed):  # the save came first: nobody rehearsed what it made
        assert isinstance(saved, MappingVersion)
        assert published_of(draft.template) == cast.north_mapping
    else:
        assert isinstance(saved, NotADraft)
        assert "goals" not in {rule.section_code for rule in spec_of(published_of(draft.template)).rules}


def test_there_is_always_exactly_one_mapping_in_force(cast):
    """Somebody reads while others publish: the notes that come in meanwhile find one mapping, never none or two."""
    template, seen, done = cast.north_mapping.template, [], threading.Event()

    def read() -> None:
        while not done.is_set():
            seen.append(MappingVersion.objects.filter(template=template, state=MappingState.PUBLISHED).count())

    def publish_three() -> None:
        try:
            for _ in range(3):
                publish(rehearsed(start_draft(template, cast.mel), cast.mel), cast.mel, REASON)
        finally:
            done.set()

    answers = at_once(publish_three, read)
    assert answers == [None, None]
    assert set(seen) == {1}
    assert published_of(template).number == 4


def test_two_imports_of_a_template_make_two_versions_with_numbers_of_their_own(cast):
    def imported(label: str) -> Callable[[], Any]:
        fields = (ImportedField("NF-01", label, 1),)
        return lambda: save_all(cast.north, [ImportedTemplate("Visit", "FM-PROGRESS", fields)], user=cast.mel)

    answers = at_once(imported("One"), imported("Two"))
    assert not [answer for answer in answers if isinstance(answer, Exception)]
    numbers = TemplateVersion.objects.filter(template__code="FM-PROGRESS").values_list("number", flat=True)
    assert sorted(numbers) == [1, 2, 3]


def test_a_publication_that_meets_a_new_import_is_for_a_version_that_is_named(cast):
    """Whichever came first, the mapping in force says which version it is for, and what the import broke is known."""
    template = cast.north_mapping.template
    draft = rehearsed(start_draft(template, cast.mel), cast.mel)
    made = ImportedTemplate("Visit", template.code, (ImportedField("NF-01", "Chief complaint", 1),))
    published, saved = at_once(
        lambda: publish(draft, cast.mel, REASON), lambda: save_all(cast.north, [made], user=cast.mel)
    )
    assert not isinstance(saved, Exception)
    assert TemplateVersion.objects.filter(template=template).count() == 2
    in_force = published_of(template)
    if isinstance(published, Exception):
        assert isinstance(published, CannotPublish), "the newer version was there first, and breaks it"
        assert in_force == cast.north_mapping
    else:
        assert in_force == draft
    assert in_force.template_version.number == 1
    assert {item.field_id for item in published_spec(template).drifted} >= {"NF-02", "NF-06"}


def test_two_who_copy_to_one_location_make_one_draft(cast):
    south = cast.south_mapping.template
    placed = transfer(spec_of(cast.north_mapping), field_specs(cast.south_mapping.template_version_id), {})
    answers = at_once(*[lambda: start_copy(south, cast.north_mapping, placed, cast.dana)] * 2)
    assert sorted(type(answer).__name__ for answer in answers) == ["MappingVersion", "NotADraft"]
    draft = draft_of(south)
    assert draft.rules.count() == len(placed.rules), "copied once, not twice"
    assert AuditEvent.objects.filter(event="mapping.copy").count() == 1


def test_a_rehearsal_that_meets_a_discarded_draft_keeps_nothing_or_goes_with_it(cast):
    draft = start_draft(cast.north_mapping.template, cast.mel)
    mark = fingerprint(spec_of(draft))
    kept, gone = at_once(lambda: keep_rehearsal(draft, mark, cast.mel, 1, []), lambda: discard_draft(draft))
    assert not isinstance(gone, Exception)
    assert not isinstance(kept, Exception) or isinstance(kept, DraftGone)
    assert draft_of(draft.template) is None
    assert not Rehearsal.objects.exists()


@pytest.mark.parametrize("state", [MappingState.DRAFT, MappingState.PUBLISHED])
def test_the_database_itself_allows_one_of_each(cast, state):
    """Whatever the code forgot to lock."""
    start_draft(cast.north_mapping.template, cast.mel)
    with pytest.raises(IntegrityError), transaction.atomic():
        MappingVersion.objects.create(
            template=cast.north_mapping.template,
            template_version=cast.north_mapping.template_version,
            number=77,
            state=state,
        )


def test_retired_mappings_may_be_many(cast):
    for number in (50, 51):
        MappingVersion.objects.create(
            template=cast.north_mapping.template,
            template_version=cast.north_mapping.template_version,
            number=number,
            state=MappingState.RETIRED,
        )
    assert connection.vendor in ("sqlite", "postgresql")


@pytest.mark.parametrize("turn", range(4))
def test_an_import_that_renames_a_template_and_its_publication_wait_for_each_other(cast, turn):
    template = cast.north_mapping.template
    draft = rehearsed(start_draft(template, cast.dana), cast.dana)
    imported = ImportedTemplate(template.code, f"Renamed {turn}", (ImportedField("NF-01", "CC", 1, "free_text"),))
    answers = at_once(
        lambda: save_all(cast.north, [imported], user=cast.mel, renamed=[template.code]),
        lambda: publish(draft, cast.dana, REASON),
    )
    assert not any(isinstance(answer, Exception) for answer in answers), answers
