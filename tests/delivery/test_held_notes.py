"""After a mapping was put right its held notes are counted by reason and released together, each mapped anew."""

import pytest

from audit.models import AuditEvent
from delivery import actions
from delivery.held_notes import BY_MAPPING, MappingChanged, release_waiting, waiting
from delivery.models import Delivery
from delivery.opening import open_channel
from delivery.outgoing import prepare
from delivery.states import State
from delivery.transition import tickets, transition
from mapping.drift_report import report_of
from mapping.models import Template
from mapping.note import RuleSpec
from mapping.publishing import start_copy
from mapping.queries import published_of
from tests.browsing import assert_accessible, assert_fits
from tests.delivery.conftest import a_note
from tests.delivery.rows import as_due
from tests.mapping.sharing import changed, live
from tests.mapping.test_drift_pages import GONE, imported

pytestmark = pytest.mark.django_db
DRIFT = "The template changed, and a field of this note with it"
UNMAPPED = "A section has no place in the template"


@pytest.fixture
def post(scribe):
    """Post a note with these sections to a location; the delivery of its note part."""

    def send(*codes: str, location: str = "NORTH") -> Delivery:
        number = scribe.posted + 1
        sections = [{"code": code, "title": code, "text": f"Text of {code}."} for code in codes]
        note = a_note(location=location, source_note_id=f"nt-{number}", sections=sections)
        assert scribe.post(note).status_code == 201
        return Delivery.objects.get(note__source_note_id=f"nt-{number}")

    return send


@pytest.fixture
def template(cast) -> Template:
    return cast.north_mapping.template


def repaired(cast, template):
    """The proposal after drift, in force."""
    return live(cast, start_copy(template, published_of(template), report_of(template).placed, cast.dana))


def states(*deliveries: Delivery) -> list[str]:
    return [Delivery.objects.get(pk=one.pk).state for one in deliveries]


def test_what_a_drift_held_is_counted_and_goes_once_the_new_mapping_is_in_force(cast, post, template):
    imported(cast, GONE)
    held = [post("chief_complaint", "plan"), post("plan")]
    assert waiting(template).since == ((DRIFT, 2),)
    assert waiting(template).releasable == 0
    mapping = repaired(cast, template)
    assert (waiting(template).before, waiting(template).since) == (((DRIFT, 2),), ())
    assert release_waiting(template, mapping.pk) == 2
    assert states(*held) == [State.READY, State.READY]
    assert waiting(template).releasable == 0


def test_what_was_held_by_the_mapping_as_it_is_stays(cast, post, template):
    before = post("goals")
    mapping = changed(cast, cast.north_mapping, RuleSpec("goals", "NF-07", position=9))
    since = post("problem_list")
    found = waiting(template)
    assert (found.before, found.since) == (((UNMAPPED, 1),), ((UNMAPPED, 1),))
    assert release_waiting(template, mapping.pk) == 1
    assert states(before, since) == [State.READY, State.HELD]


def test_each_is_mapped_anew_and_stopped_again_where_the_new_mapping_does_not_help(cast, post, template):
    helped, not_helped = post("goals"), post("problem_list")
    mapping = changed(cast, cast.north_mapping, RuleSpec("goals", "NF-07", position=9))
    assert release_waiting(template, mapping.pk) == 2
    assert states(helped, not_helped) == [State.READY, State.READY]
    rows = list(Delivery.objects.filter(pk__in=[helped.pk, not_helped.pk]).order_by("pk"))
    ready, stopped = prepare([as_due(row) for row in rows], open_channel(rows[0].connection))
    assert [one.delivery.pk for one in ready] == [helped.pk]
    assert [(one.delivery.pk, one.reason_code) for one in stopped] == [(not_helped.pk, "unmapped_section")]


def test_what_the_new_mapping_held_again_is_not_offered_a_second_time(cast, post, template):
    held = post("goals")
    mapping = changed(cast, cast.north_mapping, RuleSpec("plan", "NF-07", position=9))
    assert waiting(template).releasable == 1
    release_waiting(template, mapping.pk)
    transition(tickets([held.pk]), State.READY, State.HELD, reason_code="unmapped_section")
    assert (waiting(template).releasable, waiting(template).staying) == (0, 1)


def test_a_release_is_recorded_once_as_a_whole_and_once_for_each_note(cast, post, template):
    held = [post("goals"), post("goals")]
    mapping = changed(cast, cast.north_mapping, RuleSpec("goals", "NF-07", position=9))
    release_waiting(template, mapping.pk)
    (whole,) = AuditEvent.objects.filter(event="delivery.release_held")
    assert (whole.location, whole.object_id) == ("NORTH", str(template.pk))
    assert whole.detail == {"template": "FM-PROGRESS", "mapping_version": mapping.pk, "released": 2, "asked": 2}
    each = AuditEvent.objects.filter(event="delivery.released")
    assert {event.object_id for event in each} == {str(one.pk) for one in held}
    assert {event.reason for event in each} == {"Held for the mapping of FM-PROGRESS; mapping 2 is in force."}


def test_what_a_person_holds_or_another_location_waits_for_is_not_touched(cast, post, template):
    mine, south = post("plan"), post("goals", location="SOUTH")
    actions.hold([mine.pk], "Wait for the clinic")
    mapping = changed(cast, cast.north_mapping, RuleSpec("goals", "NF-07", position=9))
    assert waiting(template).releasable == 0
    assert release_waiting(template, mapping.pk) == 0
    assert states(mine, south) == [State.HELD, State.HELD]


def test_under_another_mapping_than_the_one_looked_at_nothing_goes(cast, post, template):
    held = post("goals")
    changed(cast, cast.north_mapping, RuleSpec("goals", "NF-07", position=9))
    with pytest.raises(MappingChanged):
        release_waiting(template, cast.north_mapping.pk)
    assert states(held) == [State.HELD]


def test_while_the_template_is_adrift_nothing_goes(cast, post, template):
    held = post("goals")
    imported(cast, GONE)
    with pytest.raises(MappingChanged):
        release_waiting(template, cast.north_mapping.pk)
    assert states(held) == [State.HELD]


def test_only_reasons_that_a_mapping_can_put_right_are_meant():
    assert {"template_drift", "unmapped_section", "no_mapping"} <= BY_MAPPING
    assert not {"held_by_person", "no_route", "breaker_open", "agreement_missing"} & BY_MAPPING


class TestPages:
    @pytest.fixture
    def held(self, cast, post):
        found = [post("goals"), post("goals")]
        changed(cast, cast.north_mapping, RuleSpec("goals", "NF-07", position=9))
        post("problem_list")
        return found

    def test_the_page_counts_by_reason_and_one_press_releases(self, cast, client, held, template):
        client.force_login(cast.omar)
        page = client.get(f"/deliveries/held/{template.pk}/").content.decode()
        assert "Release 2 notes" in page
        assert page.count(UNMAPPED) == 2, "those that may go, and the one that is held by the mapping as it is"
        answer = client.post(
            f"/deliveries/held/{template.pk}/", {"mapping": published_of(template).pk}, follow=True
        ).content.decode()
        assert "Released: 2." in answer
        assert states(*held) == [State.READY, State.READY]

    @pytest.mark.parametrize("posted", [{}, {"mapping": "x"}, {"mapping": "0"}, {"mapping": "9" * 5000}])
    def test_a_form_without_the_mapping_in_force_releases_nothing(self, cast, client, held, template, posted):
        client.force_login(cast.omar)
        answer = client.post(f"/deliveries/held/{template.pk}/", posted, follow=True).content.decode()
        assert "Nothing was released" in answer
        assert states(*held) == [State.HELD, State.HELD]

    def test_the_mapping_the_drift_page_and_the_held_note_lead_there(self, cast, client, held, template):
        client.force_login(cast.dana)
        addresses = (
            f"/mapping/templates/{template.pk}/mapping/",
            f"/mapping/templates/{template.pk}/drift/",
            f"/deliveries/{held[0].pk}/",
        )
        for address in addresses:
            assert f'href="/deliveries/held/{template.pk}/"' in client.get(address).content.decode(), address
        release_waiting(template, published_of(template).pk)
        for address in addresses:
            assert f'href="/deliveries/held/{template.pk}/"' not in client.get(address).content.decode(), address

    def test_who_may_not_release_is_not_led_there(self, cast, client, held, template):
        for person in (cast.mel, cast.ava):
            client.force_login(person)
            assert client.get(f"/deliveries/held/{template.pk}/").status_code == 403
            page = client.get(f"/mapping/templates/{template.pk}/mapping/").content.decode()
            assert "/deliveries/held/" not in page
        client.force_login(cast.sam)
        assert client.get(f"/deliveries/held/{template.pk}/").status_code == 404

    def test_where_none_waits_the_page_says_so(self, cast, client, template):
        client.force_login(cast.omar)
        assert "No note waits for this mapping" in client.get(f"/deliveries/held/{template.pk}/").content.decode()


@pytest.mark.browser
@pytest.mark.parametrize("theme, width", [("light", 390), ("dark", 1440)])
def test_the_page_is_accessible_on_every_width(
    cast, scribe, post, page, sign_in, browsing, live_portal, template, theme, width
):
    post("goals")
    changed(cast, cast.north_mapping, RuleSpec("goals", "NF-07", position=9))
    browsing.add_cookies([{"name": "appearance", "value": theme, "url": live_portal}])
    sign_in(cast.omar)
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"/deliveries/held/{template.pk}/")
    assert_accessible(page)
    assert_fits(page)
    page.get_by_role("button", name="Release 1 note").click()
    page.get_by_text("Released: 1.").wait_for()
