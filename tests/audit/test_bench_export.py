"""The measuring of a whole log measures the real thing: recorded, sealed, exported and verified by the shipped script."""

import json

import pytest

from audit.bench_export import AT_ONCE, PATIENTS, PRACTICE, exported
from audit.models import AuditEvent
from audit.sealed import Leaf

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def told(tmp_path):
    return exported(40, tmp_path)


def test_every_event_is_recorded_sealed_exported_and_verified(told):
    assert AuditEvent.objects.filter(practice=PRACTICE).count() >= 40
    assert Leaf.objects.count() >= 40
    assert (told["log"]["whole"], told["log"]["events"]) == (True, 40)
    assert told["log"]["bytes"] > 40 * 500


def test_a_patients_part_is_exported_and_verified_too(told):
    assert (told["patient"]["whole"], told["patient"]["events"]) == (True, 1)
    assert 0 < told["patient"]["bytes"] < told["log"]["bytes"]


def test_each_step_is_timed(told):
    assert set(told["seconds"]) == {"record", "seal", "count_patients", "export", "export_patient"}
    assert json.dumps(told)


def test_the_events_are_of_many_patients():
    assert PATIENTS > AT_ONCE
