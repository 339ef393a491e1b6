"""The scribes (vendors or products) that post notes for a practice."""

from django.db import transaction

from audit.record import record
from portal.models import Practice, Scribe


def add(practice: Practice, name: str) -> Scribe:
    """A scribe that may be given keys."""
    with transaction.atomic():
        scribe = Scribe.objects.create(practice=practice, name=name)
        record("scribe.create", practice=practice.code, object_type="scribe", object_id=str(scribe.pk))
    return scribe
