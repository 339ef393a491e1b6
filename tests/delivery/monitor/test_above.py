"""What stands above the list: its numbers, what a week ago was, what is marked, and who sees it."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audit.models import AuditEvent
from audit.record import record
from delivery.failures import failure
from delivery.filters import Filters
from delivery.monitor.cards import Asked, cards, percentiles, standing
from delivery.monitor.marks import marks
from delivery.monitor.outcomes import counts
from delivery.monitor.overview import overview
from delivery.monitor.span import span_of
from delivery.monitor.tables import Standing
from delivery.queries import Scope
from delivery.states import State
from mapping.models import TemplateVersion
from portal.models import ApiKey, OAuthGrant
from portal.queries.expiries import expiries
from tests.cast import NORTH_FIELDS
from tests.delivery.rows import make_delivery

pytestmark = pytest.mark.django_db
WEEK = timedelta(days=7)


@pytest.fixture
def scope(cast) -> Scope:
    return Scope((cast.north, cast.south))


def cards_of(scope: Scope, range: str = "24h") -> dict:
    now, chosen = timezone.now(), Filters(range=range)
    span = span_of(chosen, scope.zone, now)
    made = cards(Asked(scope, span, chosen, now), counts(scope, span), counts(scope, span.a_week_earlier()))
    return {card.label: card for card in made}


def test_each_card_says_what_was_a_week_ago(cast, scope):
    now = timezone.now()
    for back, states in ((timedelta(0), [State.VERIFIED] * 3 + [State.HELD]), (WEEK, [State.VERIFIED, State.HELD])):
        for state in states:
            make_delivery(cast, state, received_at=now - back - timedelta(minutes=20))
    Standing.objects.create(
        location=cast.north, at=now - WEEK - timedelta(minutes=4), waiting=5, oldest_seconds=9, attention=7
    )
    shown = cards_of(scope)
    assert (shown["Received"].value, shown["Received"].change) == ("4", "2 more than a week ago")
    assert (shown["Verified in chart"].unit, shown["Verified in chart"].change) == ("75 %", "50 % a week ago")
    assert shown["Waiting"].change == "5 fewer than a week ago"
    assert shown["Needs attention"].change == "5 fewer than a week ago"
    assert shown["Scribe to verified"].change == "6.0 s a week ago"


def test_what_nobody_noted_is_not_claimed(cast, scope):
    shown = cards_of(scope)
    assert shown["Waiting"].change == "not counted a week ago"
    assert shown["Verified in chart"].change == "nothing came a week ago"
    assert standing(scope, timezone.now()) is None


@pytest.mark.parametrize("number", [1, 2, 19, 20, 21, 100])
def test_percentiles_are_by_nearest_rank(number):
    lengths = [timedelta(seconds=second) for second in range(1, number + 1)]
    assert percentiles(lengths, 50, 95) == [
        timedelta(seconds=-(-number // 2)),
        timedelta(seconds=-(-number * 95 // 100)),
    ]


def test_the_nearest_end_is_named_and_a_refused_sign_in_before_it(cast, scope):
    assert cards_of(scope)["Tokens & certificates"].value == "–"
    ApiKey.objects.create(
        scribe=cast.scribe,
        prefix="sk_1",
        mac="x",
        environment="sandbox",
        expires_at=timezone.now() + timedelta(days=9.5),
    )
    card = cards_of(scope)["Tokens & certificates"]
    assert (card.value, card.note, card.tone) == ("9 d", "until the end of the key sk_1 of a scribe", "act")
    ApiKey.objects.update(expires_at=timezone.now() - timedelta(days=1))
    assert cards_of(scope)["Tokens & certificates"].value == "Ended"
    OAuthGrant.objects.create(connection=cast.reader, trouble="invalid_grant")
    card = cards_of(scope)["Tokens & certificates"]
    assert (card.value, card.note) == ("Refused", "sign-in of eCW sandbox Open API: a person must connect")
    ApiKey.objects.update(revoked_at=timezone.now())
    assert [one.what for one in expiries(scope.locations)] == ["sign-in of eCW sandbox Open API"]


def test_the_chart_marks_mappings_templates_and_connections_and_nobody_elses(cast, scope):
    TemplateVersion.objects.create(
        template=cast.north_mapping.template, number=2, fingerprint="1" * 64, source=str(len(NORTH_FIELDS))
    )
    for state, pk, practice in (
        ("open", cast.hl7.pk, "lakeside"),
        ("closed", cast.hl7.pk, "lakeside"),
        ("open", 1, "x"),
    ):
        record(
            "connection.breaker",
            practice=practice,
            object_type="connection",
            object_id=str(pk),
            detail={"connection": pk, "state": state, "reason_code": "connection_refused"},
        )
    span = span_of(Filters(range="1h"), scope.zone, timezone.now() + timedelta(seconds=1))
    found = {(mark.kind, mark.words) for mark in marks(scope, span)}
    why = failure("connection_refused").title.lower()
    assert found == {
        ("published", "NORTH: mapping 1 of FM-PROGRESS"),
        ("published", "SOUTH: mapping 1 of SM-VISIT"),
        ("drift", "NORTH: template FM-PROGRESS changed"),
        ("stopped", f"eCW sandbox HL7 cannot be reached ({why})"),
        ("restored", "eCW sandbox HL7 works again"),
    }


def test_the_figures_cost_the_same_queries_however_many_rows(cast, scope):
    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            overview(scope, Filters(range="24h"), scope.zone)
        return len(queries)

    first = asked()
    for _ in range(5):
        make_delivery(cast, State.HELD)
    assert asked() == first <= 22


def test_above_shows_no_patient_and_records_nothing(cast, client):
    make_delivery(cast)
    client.force_login(cast.dana)
    before = AuditEvent.objects.count()
    shown = client.get("/deliveries/above/?range=7d").content.decode()
    assert "Verified in chart" in shown
    assert "L.O." not in shown
    assert AuditEvent.objects.count() == before


def test_a_search_for_few_rows_has_nothing_above_it(cast, client):
    one = make_delivery(cast)
    client.force_login(cast.dana)
    assert 'id="above"' in client.get("/deliveries/").content.decode()
    assert 'id="above"' not in client.get(f"/deliveries/?patient={one.note_version.patient_bidx}").content.decode()


@pytest.mark.parametrize("way, said", [("site", "EST|EDT"), ("utc", "UTC"), ("relative", "ago")])
def test_times_are_shown_as_chosen_and_the_choice_is_kept(cast, client, way, said):
    make_delivery(cast, received_at=timezone.now() - timedelta(minutes=5))
    client.force_login(cast.dana)
    client.get(f"/deliveries/?times={way}")
    row = client.get("/deliveries/rows/").content.decode().split('data-label="Received"')[1].split("</td>")[0]
    assert any(word in row for word in said.split("|"))
    assert client.get("/deliveries/?times=nonsense").status_code == 200


def test_the_next_try_and_the_next_look_stand_on_the_row(cast, client):
    waiting = make_delivery(cast, State.READY, tries=["unavailable"])
    accepted = make_delivery(cast, State.ACCEPTED)
    later = timezone.now() + timedelta(minutes=10)
    type(waiting).objects.filter(pk=waiting.pk).update(not_before=later)
    type(waiting).objects.filter(pk=accepted.pk).update(read_at=later)
    client.force_login(cast.dana)
    shown = client.get("/deliveries/?times=utc").content.decode()
    assert f"next try {later:%H:%M:%S}" in shown
    assert f"chart read {later:%H:%M:%S}" in shown


def test_a_reason_code_is_found_by_search_and_stands_as_a_chip(cast, client):
    held = make_delivery(cast, State.HELD, reason_code="no_route")
    make_delivery(cast, State.REJECTED, reason_code="ae")
    client.force_login(cast.dana)
    answer = client.post("/deliveries/search/", {"q": "NO_ROUTE"})
    assert answer.url == "/deliveries/?reason=no_route"
    shown = client.get(answer.url).content.decode()
    assert f'id="d{held.pk}"' in shown
    assert shown.count('data-label="Status"') == 1
    assert f"Remove: {failure('no_route').title}" in shown


def test_an_hour_chosen_in_the_chart_narrows_the_list_to_it(cast, client):
    now = timezone.now()
    inside = make_delivery(cast, received_at=now - timedelta(hours=3))
    outside = make_delivery(cast, received_at=now - timedelta(hours=6))
    client.force_login(cast.dana)
    zone = Scope((cast.north,)).zone
    since, until = (f"{(now - timedelta(hours=back)).astimezone(zone):%Y-%m-%dT%H:%M}" for back in (4, 2))
    shown = client.get(f"/deliveries/?location=NORTH&since={since}&until={until}").content.decode()
    assert f'id="d{inside.pk}"' in shown
    assert f'id="d{outside.pk}"' not in shown
