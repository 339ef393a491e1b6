"""Search: whatever is typed is found by exact identity at one's own locations, and never reaches an address."""

import pytest
from django.http import QueryDict
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from audit.models import AuditEvent
from delivery import filters, queries
from delivery.search import search
from portal import crypto
from tests.delivery.rows import LENA, make_delivery

pytestmark = pytest.mark.django_db


@pytest.fixture
def scope(cast):
    return queries.Scope((cast.north, cast.south))


@pytest.fixture
def both(cast):
    lena = make_delivery(cast)
    other = make_delivery(cast, patient={**LENA, "id": "P2002"}, encounter="E6002", provider=("DR9", "Bo Ray"))
    return lena, other


def hits(scope, typed: str) -> list[int]:
    return [delivery.pk for delivery in queries.matching(scope, search(typed, scope).filters)]


def test_everything_that_names_a_delivery_finds_it(scope, both):
    lena, other = both
    for typed in ("P1001", " p1001 ", "E5001", lena.control_id, lena.control_id.lower(), str(lena.note_id)):
        assert hits(scope, typed) == [lena.pk], typed
    for typed in ("P2002", other.note.source_note_id, "DR9", "ray", str(other.pk)):
        assert hits(scope, typed) == [other.pk], typed


def test_a_visit_is_told_from_its_patient(scope, both):
    assert search("E5001", scope).kinds == ("encounter",)
    assert search("P1001", scope).kinds == ("patient",)
    assert search("P1001", scope).patient_bidx == crypto.blind_index("patient", "P1001")


def test_a_part_of_an_id_or_a_patients_name_finds_nothing(scope, both):
    for typed in ("P10", "Okafor", "Lena", "1001"):
        assert search(typed, scope).filters == filters.Filters(found="none"), typed


def test_another_practices_note_is_not_found_by_any_of_its_names(cast, scope):
    foreign = make_delivery(cast, location=cast.elsewhere, patient={**LENA, "id": "P7777"}, provider=("DX", "Di Xu"))
    for typed in ("P7777", foreign.control_id, str(foreign.pk), str(foreign.note_id), "DX", "Xu"):
        assert search(typed, scope).filters.found == "none", typed


def test_nothing_typed_stands_in_the_address_that_follows(cast, client, both):
    client.force_login(cast.dana)
    for typed in ("P1001", "E5001", "Okafor", "nobody at all"):
        answer = client.post("/deliveries/search/", {"q": typed})
        assert answer.status_code == 302
        assert typed not in answer["Location"]
        assert typed.split()[0] not in answer["Location"]
    assert client.get(answer["Location"]).status_code == 200


def test_a_search_is_recorded_with_the_blind_index_and_the_number_of_hits(cast, client, both):
    client.force_login(cast.dana)
    client.post("/deliveries/search/", {"q": "P1001"})
    client.post("/deliveries/search/", {"q": "nobody"})
    first, second = AuditEvent.objects.filter(event="note.search").order_by("at")
    assert first.detail == {"shown": 1, "fields": ["patient"]}
    assert first.subject_bidx == crypto.blind_index("patient", "P1001")
    assert second.detail == {"shown": 0, "fields": []}


def test_an_empty_search_shows_everything(cast, client, both):
    client.force_login(cast.dana)
    assert client.post("/deliveries/search/", {"q": "  "})["Location"] == "/deliveries/?"
    assert client.get("/deliveries/search/").status_code == 405


@hypothesis_settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(typed=st.text(max_size=250))
def test_whatever_is_typed_gives_an_address_that_can_be_read(scope, typed):
    found = search(typed, scope).filters
    assert filters.read(QueryDict(found.query())) == found
