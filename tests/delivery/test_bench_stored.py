"""What the measurement stores beside its own notes: copies that are whole, older, and another's in everything unique."""

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.db.models import Max, Min

from audit.models import AuditEvent
from audit.record import Entry, record_many
from delivery.bench.stored import AT_ONCE, COPIED, NothingToCopy, multiply
from delivery.due import lanes_with_work
from delivery.models import Delivery, IdempotencyKey, Move, Note, NoteVersion
from delivery.states import State
from tests.delivery.rows import make_delivery

KEPT = AT_ONCE + 2  # notes wanted: more copies than go into one transaction


@pytest.fixture
def original(transactional_db, cast, postgres_only):
    """A verified note of the run "run", with its answer and its events; beside it one that is not of that run."""
    delivery = make_delivery(cast, State.VERIFIED, encounter="E1")
    Note.objects.filter(pk=delivery.note_id).update(source_note_id="run-0000001")
    IdempotencyKey.objects.create(
        scribe=delivery.note.scribe, key_hash="a" * 64, body_sha256="b" * 64, answer={}, created_at=delivery.created_at
    )
    version = delivery.note_version
    told = {"subject_bidx": version.patient_bidx, "encounter_bidx": version.encounter_bidx}
    with transaction.atomic():
        record_many(
            [
                Entry("delivery.verified", object_type="delivery", object_id=str(delivery.pk), **told),
                Entry("note.ingest", object_type="note", object_id=str(delivery.note_id), **told),
            ]
        )
    make_delivery(cast, State.VERIFIED, encounter="E2")
    return delivery


def counted() -> dict:
    return {model: model._default_manager.count() for model, _, _ in COPIED}


def test_every_row_of_a_note_is_copied_and_the_others_stay_as_they_are(original):
    before = counted()
    assert multiply("run", KEPT, lambda _: None) == KEPT
    copies = KEPT - 2
    others = {Note: 1, NoteVersion: 1, Delivery: 1}
    for model, count in counted().items():
        mine = model._default_manager.filter(delivery=original).count() if hasattr(model, "delivery") else None
        each = mine if mine is not None else before[model] - others.get(model, 0)
        if model is AuditEvent:
            each = AuditEvent.objects.filter(encounter_bidx=original.encounter_bidx).count()
        assert each > 0, model
        assert count == before[model] + copies * each, model


def test_a_copy_is_older_and_of_another_visit_and_nothing_of_it_is_due(original):
    newest = Move.objects.aggregate(newest=Max("pk"))["newest"]
    multiply("run", KEPT, lambda _: None)
    copies = Delivery.objects.filter(pk__lt=0)
    assert copies.filter(state=State.VERIFIED, created_at__lt=original.created_at).count() == KEPT - 2
    assert len(set(copies.values_list("encounter_bidx", flat=True)) | {original.encounter_bidx}) == KEPT - 1
    assert Move.objects.aggregate(newest=Max("pk"))["newest"] == newest, "the monitor counts none of them"
    assert lanes_with_work() == []
    named = AuditEvent.objects.filter(object_type="delivery", encounter_bidx__in=copies.values("encounter_bidx"))
    assert {int(each) for each in named.values_list("object_id", flat=True)} == set(copies.values_list("pk", flat=True))
    assert Delivery.objects.aggregate(least=Min("pk"))["least"] < 0


def test_where_enough_are_stored_nothing_is_copied(original):
    before = counted()
    assert multiply("run", 2, lambda _: None) == 2
    assert counted() == before


def test_without_a_verified_note_of_the_run_it_says_so(original):
    with pytest.raises(NothingToCopy, match="nothing to copy"):
        multiply("other", KEPT, lambda _: None)
    assert multiply("run", KEPT, lambda _: None) == KEPT, "and what it asked is no hindrance to the next"


def test_on_sqlite_it_is_refused_before_anything_is_made():
    with pytest.raises(CommandError, match="leave --database sqlite out"):
        call_command("bench", "--stored", "1000", "--database", "sqlite")
