"""What sending asks of the configuration: a change past this process counts with the next question, no restart between."""

import pytest
from django.db import connection

from delivery.asked import kept
from portal.models import Connection, Location
from portal.revision import revision

pytestmark = pytest.mark.django_db


def past_this_process(statement: str, *values) -> None:
    """As another process would: no model, no signal, nothing in memory that could notice."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def test_a_connection_disabled_elsewhere_is_read_anew_and_until_then_once(cast, django_assert_num_queries):
    before = kept.now()._connection(cast.hl7.pk)
    assert kept.now()._connection(cast.hl7.pk) is before
    past_this_process(f"UPDATE {Connection._meta.db_table} SET enabled = %s", not before.enabled)
    assert kept.now()._connection(cast.hl7.pk).enabled is not before.enabled
    with django_assert_num_queries(1):
        kept.now()._connection(cast.hl7.pk)


def test_a_location_changed_elsewhere_is_asked_for_again_with_all_that_hangs_on_it(cast):
    seen, token = kept.now()._location(cast.north.pk), revision()
    past_this_process(f"UPDATE {Location._meta.db_table} SET facility = 'ELSEWHERE'")
    assert revision() != token
    assert (seen.facility, kept.now()._location(cast.north.pk).facility) == (cast.north.facility, "ELSEWHERE")
