"""Makes of one run's notes as many as a practice stores in years, each with all its rows, copied by PostgreSQL itself.

A copy has ids, keys and a visit of its own, its patient is one of twenty, and it happened an hour before the last copy.
Ids that are counted become negative: a copy is older than its original, and what is counted or sent goes by the newest.
Sealed texts are cut short: nothing reads them again. PostgreSQL only.
"""

from collections.abc import Callable
from functools import cache

from django.db import connection, models, transaction

from audit.event import AuditEvent
from delivery import sql
from delivery.models import Attempt, Delivery, IdempotencyKey, Move, Note, NoteVersion, Reading, Wire

APART = 10_000_000  # between the ids of two copies: more than a measurement counts
AT_ONCE = 10  # copies in one transaction
PATIENTS = 20
Expressions = dict[str, str]  # column -> what a copy has there; `old` is the row, `i` the copy's number

SHORT = "substr(old.{0}, 1, 60)"
COUNTED = f"-(i * {APART}::bigint + old.{{0}})"
NAMED = "md5(old.{0}::text || i)"
KEY = f"{NAMED}::uuid"
SEEN = f"CASE WHEN old.{{0}} = '' THEN '' ELSE md5(old.{{0}} || mod(i, {PATIENTS})) END"
VISIT = "CASE WHEN old.{0} = '' THEN '' ELSE md5(old.{0} || i) END"
OBJECT = (
    f"CASE WHEN old.object_type = 'delivery' THEN (-(i * {APART}::bigint + old.{{0}}::bigint))::text ELSE {NAMED} END"
)
OF_A_DELIVERY = {"delivery_id": COUNTED}
COPIED: tuple[tuple[type[models.Model], str, Expressions], ...] = (
    (Note, "old.id IN (SELECT note_id FROM base)", {"id": KEY, "source_note_id": NAMED}),
    (
        NoteVersion,
        "old.note_id IN (SELECT note_id FROM base)",
        {"id": KEY, "note_id": KEY, "sealed_body": SHORT, "patient_bidx": SEEN, "encounter_bidx": VISIT}
        | {"correlation_id": NAMED},
    ),
    (
        Delivery,
        "old.id IN (SELECT delivery_id FROM base)",
        {"id": COUNTED, "note_id": KEY, "note_version_id": KEY, "encounter_bidx": VISIT}
        | {"control_id": f"substr({NAMED}, 1, 20)"},
    ),
    (
        Wire,
        "old.delivery_id IN (SELECT delivery_id FROM base)",
        OF_A_DELIVERY | {"sealed_bytes": SHORT, "sealed_plan": SHORT},
    ),
    (Attempt, "old.delivery_id IN (SELECT delivery_id FROM base)", OF_A_DELIVERY | {"id": COUNTED}),
    (Move, "old.delivery_id IN (SELECT delivery_id FROM base)", OF_A_DELIVERY | {"id": COUNTED}),
    (
        Reading,
        "old.delivery_id IN (SELECT delivery_id FROM base)",
        OF_A_DELIVERY | {"id": COUNTED, "sealed_sections": SHORT},
    ),
    (IdempotencyKey, "old.id > 0", {"id": COUNTED, "key_hash": f"{NAMED} || {NAMED}"}),
    (
        AuditEvent,
        "old.encounter_bidx IN (SELECT encounter_bidx FROM base)",
        {"id": KEY, "subject_bidx": SEEN, "encounter_bidx": VISIT, "correlation_id": NAMED, "object_id": OBJECT},
    ),
)


class NothingToCopy(Exception):
    """The run that was to be multiplied left no note that is whole."""


def multiply(prefix: str, wanted: int, say: Callable[[str], None]) -> int:
    """Copy the verified notes of the run with this prefix until so many are stored; how many there are then.

    NothingToCopy where the run left none.
    """
    stored = Note.objects.count()
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMPORARY TABLE base AS SELECT d.note_id, d.id AS delivery_id, d.encounter_bidx "  # noqa: S608
            f"FROM {sql.table(Delivery)} d JOIN {sql.table(Note)} n ON n.id = d.note_id "
            "WHERE n.source_note_id LIKE %s AND d.state = 'verified'",
            [f"{prefix}-%"],
        )
        cursor.execute("SELECT count(*) FROM base")
        (size,) = cursor.fetchone()
        if not size:
            cursor.execute("DROP TABLE base")
            raise NothingToCopy(
                "No note of the first run is verified, so there is nothing to copy. Send more (--notes)."
            )
        copies = max(wanted - stored, 0) // size
        for first in range(1, copies + 1, AT_ONCE):
            last = min(first + AT_ONCE - 1, copies)
            with transaction.atomic():
                for model, where, own in COPIED:
                    cursor.execute(_copied(model, where, tuple(own.items())), [first, last])
            say(f"{stored + last * size:,} notes stored …")
        cursor.execute("DROP TABLE base")
        # As the server does by itself in the course of years.
        cursor.execute("VACUUM ANALYZE")
    return Note.objects.count()


@cache
def _copied(model: type[models.Model], where: str, own: tuple[tuple[str, str], ...]) -> str:
    expressions = dict(own)
    columns = [str(field.column) for field in model._meta.concrete_fields]
    values = [_value(field, expressions) for field in model._meta.concrete_fields]
    return (
        f"INSERT INTO {sql.table(model)} ({', '.join(columns)}) SELECT {', '.join(values)} "  # noqa: S608
        f"FROM {sql.table(model)} AS old CROSS JOIN generate_series(%s, %s) AS copy(i) WHERE {where}"
    )


def _value(field: models.Field, own: Expressions) -> str:
    column = str(field.column)
    if column in own:
        return own[column].format(column)
    return f"old.{column} - i * interval '1 hour'" if isinstance(field, models.DateTimeField) else f"old.{column}"
