"""The list page: what each state says, who sees what, what is written down, and how much it asks of the database."""

import html
import json
import time
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.html import escape

from audit.models import AuditEvent
from delivery import patients
from delivery.failures import failure
from delivery.models import Delivery
from delivery.states import WORDS, State
from portal.models import Membership, Role, User
from tests.delivery.rows import LENA, make_delivery

pytestmark = pytest.mark.django_db

LIST = "/deliveries/"


@pytest.fixture(autouse=True)
def cold_masks():
    patients._masks.clear()


@pytest.fixture
def dana(cast, client):
    client.force_login(cast.dana)
    return client


def text(response) -> str:
    assert response.status_code == 200
    return response.content.decode()


@pytest.mark.parametrize("state", list(State))
def test_every_state_has_its_words_its_icon_and_its_reason_on_the_row(cast, dana, state):
    make_delivery(cast, state, reason_code="" if state is State.VERIFIED else "no_answer")
    shown = text(dana.get(LIST))
    pill = shown.split('<td data-label="Status">')[1].split("</td>")[0]
    assert WORDS[state].label in pill
    assert "<svg" in pill
    assert f"tone-{WORDS[state].tone}" in pill
    if state is not State.VERIFIED:
        assert escape(failure("no_answer").title) in shown


def test_patients_are_masked(cast, dana):
    make_delivery(cast)
    shown = text(dana.get(LIST))
    assert "L.O. ••01" in shown  # never more than half of the id
    assert "Okafor" not in shown
    assert "P1001" not in shown


def test_a_long_id_shows_its_last_four(cast, dana):
    make_delivery(cast, patient={**LENA, "id": "MRN-0099887766"})
    assert "L.O. ••7766" in text(dana.get(LIST))


def test_S18_nothing_a_scribe_posts_can_become_markup(cast, dana):
    evil = "<script>alert(1)</script>"
    sections = [("", evil, evil, "NF-01", evil)]
    make_delivery(
        cast,
        State.MISFILED,
        outcomes=["missing"],
        sections=sections,
        patient={**LENA, "family": "<b>", "given": "<i>", "id": "<<<<<<<<<<<<"},
        provider=("<img src=x>", "<img src=x> Lee"),
    )
    shown = text(dana.get(LIST))
    assert "<script>alert" not in shown
    assert "<img" not in shown
    assert escape(evil) in shown


def test_rows_are_grouped_by_the_day_of_the_location(cast, dana):
    late = timezone.now().replace(year=2026, month=3, day=19, hour=3, minute=30)
    make_delivery(cast, received_at=late)
    make_delivery(cast, received_at=late + timedelta(hours=6))
    shown = text(dana.get(LIST))
    assert shown.index("Thursday, 19 March 2026") < shown.index("Wednesday, 18 March 2026")
    assert "23:30:" in shown
    assert "EDT" in shown


def test_an_empty_list_says_so_and_a_filter_that_leaves_nothing_offers_to_clear(cast, dana):
    assert "Nothing has come in yet" in text(dana.get(LIST))
    shown = text(dana.get(LIST + "?state=held&found=none"))
    assert "No delivery matches" in shown
    assert "Clear filters" in shown


def test_filters_in_force_stand_as_chips_that_remove_them(cast, dana):
    make_delivery(cast)
    shown = text(dana.get(LIST + "?state=held&state=parked&range=24h&provider=DR7"))
    assert 'aria-label="Remove: Held"' in shown
    assert 'href="?state=parked&amp;provider=DR7&amp;range=24h"' in shown
    assert 'aria-label="Remove: Ann Lee"' in shown


@pytest.mark.parametrize("wild", ["provider=%07", "control=%07", "note=x", "after=x-1", "since=x", "part=x", "found=x"])
def test_an_address_nobody_can_mean_narrows_nothing(cast, dana, wild):
    delivery = make_delivery(cast)
    assert f'id="d{delivery.pk}"' in text(dana.get(f"{LIST}?{wild}"))


def test_strangers_see_nothing_and_foreign_locations_do_not_exist(cast, client):
    delivery = make_delivery(cast)
    client.force_login(cast.sam)
    shown = text(client.get(LIST))
    assert delivery.control_id not in shown
    assert f"/deliveries/{delivery.pk}/" not in shown
    assert client.get(LIST + "?location=SOUTH").status_code == 404


def test_an_operator_of_one_location_sees_only_it(cast, client):
    north, south = make_delivery(cast), make_delivery(cast, location=cast.south)
    client.force_login(cast.omar)
    shown = text(client.get(LIST))
    assert f'id="d{north.pk}"' in shown
    assert f'id="d{south.pk}"' not in shown


def test_a_mapping_editor_is_refused(cast, client):
    client.force_login(cast.mel)
    assert client.get(LIST).status_code == 403


def test_whoever_is_not_signed_in_is_sent_to_sign_in(cast, client):
    assert client.get(LIST).status_code == 302
    assert client.get(LIST + "rows/").status_code == 302


def test_metadata_only_sees_the_rows(cast, client):
    make_delivery(cast)
    user = User.objects.create_user("mo", password="correct-horse-battery")
    Membership.objects.create(user=user, practice=cast.practice, location=cast.north, role=Role.METADATA_ONLY)
    client.force_login(user)
    assert "Verified in the chart" in text(client.get(LIST))


class TestWhatIsWrittenDown:
    def events(self) -> list[AuditEvent]:
        return list(AuditEvent.objects.filter(event="note.list").order_by("at"))

    def test_each_page_opened_is_recorded_with_its_filter_and_count(self, cast, dana):
        make_delivery(cast)
        dana.get(LIST + "?range=24h")
        (event,) = self.events()
        assert event.actor_name == "dana"
        assert event.detail == {"shown": 1, "filter": ["range=24h"]}
        assert event.practice == "lakeside"

    def test_however_long_the_filter_is(self, cast, dana):
        dana.get(LIST + "?" + "&".join(f"provider=DR-with-a-long-id-{number}" for number in range(50)))
        (event,) = self.events()
        assert event.detail["filter"][0] == "provider=DR-with-a-long-id-0"

    def poll(self, client, shown: str, address: str = ""):
        return client.get(LIST + "rows/" + address, headers={"X-Recorded": header(shown, "X-Recorded")})

    def test_a_page_that_stays_open_is_not_recorded_with_every_poll(self, cast, dana):
        make_delivery(cast)
        shown = text(dana.get(LIST))
        for _ in range(3):
            make_delivery(cast)
            shown = text(self.poll(dana, shown))
        assert len(self.events()) == 1

    def test_but_once_a_minute(self, cast, dana, monkeypatch):
        make_delivery(cast)
        shown = text(dana.get(LIST))
        monkeypatch.setattr("delivery.views.listing.AGAIN_AFTER", 0.01)
        time.sleep(0.02)
        self.poll(dana, shown)
        assert len(self.events()) == 2

    def test_the_word_for_one_list_or_person_is_none_for_another(self, cast, dana, client):
        shown = text(dana.get(LIST))
        self.poll(dana, shown, "?state=held")
        assert len(self.events()) == 2
        client.force_login(cast.ava)
        self.poll(client, shown)
        client.get(LIST + "rows/", headers={"X-Recorded": "forged:1:abc"})
        assert len(self.events()) == 4


def header(shown: str, name: str) -> str:
    """A header that the page's next poll will carry."""
    headers = html.unescape(shown.split("hx-headers='")[-1].split("' class")[0])
    return json.loads(headers)[name]


class TestLiveUpdate:
    def etag(self, client, address: str = "") -> str:
        return header(text(client.get(LIST + "rows/" + address)), "If-None-Match")

    def test_while_nothing_changes_the_answer_is_304_and_empty(self, cast, dana):
        make_delivery(cast)
        again = dana.get(LIST + "rows/", headers={"If-None-Match": self.etag(dana)})
        assert again.status_code == 304
        assert again.content == b""

    def test_a_changed_state_is_sent(self, cast, dana):
        delivery = make_delivery(cast, State.READY)
        etag = self.etag(dana)
        Delivery.objects.filter(pk=delivery.pk).update(state="held", updated_at=timezone.now())
        again = dana.get(LIST + "rows/", headers={"If-None-Match": etag})
        assert again.status_code == 200
        assert "Held" in again.content.decode()

    def test_a_version_of_one_address_is_none_of_another(self, cast, dana):
        make_delivery(cast)
        assert self.etag(dana) != self.etag(dana, "?range=24h")

    def test_an_unchanged_poll_opens_no_note_and_asks_little(self, cast, dana):
        for _ in range(10):
            make_delivery(cast)
        etag = self.etag(dana)
        patients._masks.clear()
        with CaptureQueriesContext(connection) as asked:
            assert dana.get(LIST + "rows/", headers={"If-None-Match": etag}).status_code == 304
        assert len(asked) <= 7
        assert len([query for query in asked if "delivery_delivery" in query["sql"]]) == 1
        assert not any(query["sql"].startswith(("INSERT", "UPDATE", "DELETE")) for query in asked)
        assert not any("sealed_body" in query["sql"] for query in asked)

    @pytest.mark.parametrize(
        "query", ["", "state=held", "range=30d", "provider=DR7", "failed=1", "part=note", "tries=2"]
    )
    def test_an_unchanged_poll_asks_the_deliveries_once_whatever_is_narrowed_by(self, cast, dana, query):
        for state in (State.HELD, State.VERIFIED, State.READY):
            make_delivery(cast, state, tries=["unavailable", "unavailable"])
        address = f"{LIST}rows/?{query}"
        version = self.etag(dana, f"?{query}" if query else "")
        with CaptureQueriesContext(connection) as asked:
            assert dana.get(address, headers={"If-None-Match": version, "X-Poll": "1"}).status_code == 304
        of_deliveries = [one["sql"] for one in asked if 'FROM "delivery_' in one["sql"]]
        assert len(of_deliveries) == 1, of_deliveries
        assert not [one for one in asked if one["sql"].startswith(("INSERT", "UPDATE", "DELETE"))]

    def test_first_paint_and_live_update_are_one_text(self, cast, dana):
        make_delivery(cast)
        whole, part = text(dana.get(LIST)), text(dana.get(LIST + "rows/"))
        signed = header(part, "X-Recorded")
        assert part.strip().replace(signed, header(whole, "X-Recorded")) in whole


def test_fifty_rows_and_the_figures_take_at_most_thirty_two_queries(cast, dana):
    for number in range(51):
        make_delivery(cast, State.MISFILED, location=cast.south if number % 2 else cast.north)
    dana.get(LIST)  # certificates are opened once a revision, and a session is noted once in a while
    with CaptureQueriesContext(connection) as asked:
        shown = text(dana.get(LIST))
    assert shown.count('data-label="Status"') == 50
    assert "after=" in shown
    statements = [query["sql"] for query in asked if "SAVEPOINT" not in query["sql"]]
    assert len(statements) <= 32, "\n".join(statement[:150] for statement in statements)
