"""/metrics: closed by default, opened by a token or a network, true to the rows, and without a patient."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from delivery import metrics
from delivery.models import ConnectionState, Delivery, Heartbeat
from delivery.monitor.counting import catch_up
from delivery.states import State
from tests.delivery.rows import make_delivery

pytestmark = pytest.mark.django_db
TOKEN = "a-token-of-thirty-two-characters!"


def figures(text: str) -> dict[str, float]:
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


@pytest.fixture
def open_door(settings):
    settings.METRICS_TOKEN = TOKEN


def scrape(client) -> str:
    answer = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200
    return answer.content.decode()


class TestTheDoor:
    def test_by_default_there_is_no_such_page(self, client, db):
        assert client.get("/metrics").status_code == 404
        assert client.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 404

    @pytest.mark.parametrize("given", ["", "Bearer", "Bearer wrong", TOKEN, f"bearer {TOKEN}", f"Bearer {TOKEN} "])
    def test_only_the_very_token_opens(self, client, open_door, given):
        expected = 200 if given.strip() == f"Bearer {TOKEN}" else 404
        assert client.get("/metrics", headers={"Authorization": given}).status_code in (expected, 404)

    def test_the_token_opens(self, client, open_door):
        assert client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200

    @pytest.mark.parametrize("address, status", [("10.1.2.3", 200), ("10.2.0.1", 404), ("nonsense", 404)])
    def test_a_named_network_opens(self, client, settings, address, status):
        settings.METRICS_NETWORKS = ["10.1.0.0/16", "::1/128"]
        assert client.get("/metrics", REMOTE_ADDR=address).status_code == status

    def test_a_director_who_is_signed_in_has_no_more_right_than_others(self, cast, client, open_door):
        client.force_login(cast.dana)
        assert client.get("/metrics").status_code == 404

    def test_nothing_can_be_posted(self, client, open_door):
        assert client.post("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).status_code in (403, 405)


def test_the_figures_are_those_of_the_rows(cast, client, open_door):
    now = timezone.now()
    make_delivery(cast, State.READY, received_at=now - timedelta(minutes=10))
    earlier = now - timedelta(minutes=1)
    make_delivery(cast, State.HELD, reason_code="no_route", location=cast.south, received_at=earlier)
    make_delivery(cast, State.VERIFIED)
    Heartbeat.objects.create(worker="w1", started_at=now, beat_at=now - timedelta(seconds=5))
    Heartbeat.objects.create(worker="gone", started_at=now, beat_at=now - timedelta(hours=5))
    ConnectionState.objects.create(connection=cast.hl7, breaker="open")
    catch_up()
    shown = figures(scrape(client))
    north = 'practice="lakeside"'
    assert shown[f'scribeport_waiting{{location="NORTH",{north}}}'] == 1
    assert 599 < shown[f'scribeport_waiting_oldest_seconds{{location="NORTH",{north}}}'] < 660
    assert shown[f'scribeport_needs_attention{{location="SOUTH",{north},state="held"}}'] == 1
    assert shown[f'scribeport_deliveries{{location="NORTH",{north},state="verified"}}'] == 1
    assert shown[f'scribeport_issues{{location="SOUTH",method="hl7",{north},state="new"}}'] == 1
    assert shown["scribeport_workers_alive"] == 1
    assert 5 <= shown["scribeport_worker_beat_age_seconds"] < 60
    assert shown['scribeport_connections_stopped{breaker="open",method="hl7"}'] == 1
    assert shown["scribeport_recovery_mode"] == 0
    assert shown["scribeport_jobs_running"] == 0


def test_what_needs_a_person_is_as_many_as_the_card_says(cast, client, open_door):
    now = timezone.now()
    make_delivery(cast, State.HELD)
    withdrawn, unread = make_delivery(cast, State.VERIFIED), make_delivery(cast, State.ACCEPTED)
    both = make_delivery(cast, State.ACCEPTED)
    make_delivery(cast, State.VERIFIED)
    Delivery.objects.filter(pk__in=[withdrawn.pk, both.pk]).update(withdrawn_at=now)
    Delivery.objects.filter(pk__in=[unread.pk, both.pk]).update(read_at=now, accepted_at=now - timedelta(hours=1))
    shown = figures(scrape(client))
    found = {name: number for name, number in shown.items() if name.startswith("scribeport_needs_attention{")}
    assert {re.search('state="([a-z]+)"', name)[1]: number for name, number in found.items()} == {
        "held": 1,
        "verified": 1,
        "accepted": 2,
    }
    client.force_login(cast.dana)
    card = client.get("/deliveries/above/").content.decode().split('id="card-4"')[1]
    assert f'stat-value">{sum(found.values()):.0f}<' in card


def test_before_anything_ran_the_figures_say_so(client, open_door, cast):
    shown = figures(scrape(client))
    assert (shown["scribeport_workers_alive"], shown["scribeport_worker_beat_age_seconds"]) == (0, -1)
    assert shown["scribeport_counting_lag_seconds"] == -1


def test_no_patient_and_no_id_of_a_note_stands_in_them(cast, client, open_door):
    one = make_delivery(cast, State.HELD, reason_code="no_route")
    shown = scrape(client)
    for secret in ("Okafor", "P1001", "E5001", one.control_id, str(one.note_id), one.note_version.patient_bidx):
        assert secret not in shown
    assert set(re.findall(r"([a-z_]+)=\"", shown)) <= metrics.LABELS


def test_a_label_beyond_the_list_is_refused():
    with pytest.raises(metrics.UnknownLabel):
        metrics.gauge("patients", "No.", ("patient",), {})
