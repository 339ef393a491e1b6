"""One row in each insert-only table: events, configuration entries, moves, and the tables of the seal."""

import uuid

import pytest
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction
from django.utils import timezone

from audit.anchors import anchor_all
from audit.models import (
    AnchorReceipt,
    AuditEvent,
    Checkpoint,
    ConfigurationEntry,
    HoldLift,
    Leaf,
    LegalHold,
    LostCheckpoint,
    PurgeCertificate,
    PurgeRequest,
    RetentionPolicy,
    Tree,
    Verification,
)
from audit.record import record
from audit.retention import Held, hold, lift
from audit.whole import nightly
from delivery.models import Delivery, Move, Note, NoteVersion
from delivery.ways.models import Attestation, CapabilityProbe
from tests.audit.log import seal_now


@pytest.fixture
def event(db) -> AuditEvent:
    with transaction.atomic():
        key = record(
            "mapping.publish",
            practice="lakeside",
            location="NORTH",
            object_type="mapping",
            object_id="12",
            reason="New physical exam field",
            data_category=("physical_exam",),
            detail={"template": "FM-PROGRESS", "version": 3, "warnings": 0},
        )
    return AuditEvent.objects.get(pk=key)


@pytest.fixture
def entry(cast) -> ConfigurationEntry:
    return ConfigurationEntry.objects.create(
        content_type=ContentType.objects.get_for_model(cast.north),
        object_pk=str(cast.north.pk),
        object_repr="NORTH",
        action=1,
        changes={"name": ["North Clinic", "North"]},
    )


@pytest.fixture
def move(cast) -> Move:
    now = timezone.now()
    note = Note.objects.create(
        id=uuid.uuid4(),
        practice=cast.practice,
        location=cast.north,
        scribe=cast.scribe,
        source_note_id="n-1",
        created_at=now,
    )
    version = NoteVersion.objects.create(
        id=uuid.uuid4(), note=note, number=1, received_at=now, sealed_body=b"", correlation_id="c"
    )
    delivery = Delivery.objects.create(
        note_version=version,
        note=note,
        practice=cast.practice,
        location=cast.north,
        part="note",
        state="ready",
        control_id="A" * 20,
        not_before=now,
        deadline=now,
        created_at=now,
        updated_at=now,
    )
    return Move.objects.create(delivery=delivery, to_state="ready", at=now, actor="tests")


@pytest.fixture
def attestation(cast, move) -> Attestation:
    return Attestation.objects.create(
        delivery=move.delivery, location=cast.north, connection=cast.hl7, wire_sha256="0" * 64, by="dana"
    )


@pytest.fixture
def capability_probe(cast) -> CapabilityProbe:
    return CapabilityProbe.objects.create(location=cast.north, by="dana", findings=[])


@pytest.fixture
def retention_policy(db) -> RetentionPolicy:
    return RetentionPolicy.objects.create(practice="lakeside", years=10, at=timezone.now(), by="7")


@pytest.fixture
def legal_hold(db) -> LegalHold:
    return hold("lakeside", Held("patient", "a" * 32), "Court order", "7")


@pytest.fixture
def hold_lift(legal_hold) -> HoldLift:
    return lift(legal_hold, "Settled", "7")


@pytest.fixture
def purge_certificate(db) -> PurgeCertificate:
    tree = Tree.objects.create(practice="lakeside", month="201501", size=1)
    asked = PurgeRequest.objects.create(tree=tree, reason="x", asked_by="7", asked_at=timezone.now(), approved_by="8")
    return PurgeCertificate.objects.create(tree=tree, request=asked, note="unsigned", kept=0, at=timezone.now())


# The sealer takes only what is committed: an event of the test's own open transaction never comes under its horizon.
COMMITTED = pytest.mark.django_db(transaction=True)
SEALED = ["leaf", "checkpoint", "receipt", "lost", "verification"]


AT_ONCE = ["event", "entry", "move", "attestation", "capability_probe"]
RETAINED = ["retention_policy", "legal_hold", "hold_lift", "purge_certificate"]


@pytest.fixture(params=[*AT_ONCE, *RETAINED, *(pytest.param(name, marks=COMMITTED) for name in SEALED)])
def row(request, db):
    """One row of each insert-only table in turn."""
    found = request.getfixturevalue(request.param)
    connection.check_constraints()  # or PostgreSQL refuses to truncate for the pending checks' sake
    return found


@pytest.fixture(autouse=True)
def anchor_file(settings, tmp_path):
    """Each test has an anchor of its own: another test's checkpoints are not in this one's database."""
    path = tmp_path / "anchors" / "audit.jsonl"
    settings.AUDIT_ANCHORS = [f"file://{path}"]
    return path


@pytest.fixture
def anchored_log(event):
    """One event, sealed, anchored, verified: a row in each table of the seal. For tests marked COMMITTED."""
    seal_now()
    anchor_all()
    nightly()
    LostCheckpoint.objects.create(origin="scribeport/audit/lakeside/202601", size=3, root="0" * 64, at=timezone.now())


@pytest.fixture
def leaf(anchored_log) -> Leaf:
    return Leaf.objects.latest("seq")


@pytest.fixture
def checkpoint(anchored_log) -> Checkpoint:
    return Checkpoint.objects.latest("pk")


@pytest.fixture
def receipt(anchored_log) -> AnchorReceipt:
    return AnchorReceipt.objects.latest("pk")


@pytest.fixture
def lost(anchored_log) -> LostCheckpoint:
    return LostCheckpoint.objects.get()


@pytest.fixture
def verification(anchored_log) -> Verification:
    return Verification.objects.get()
