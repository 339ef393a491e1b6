"""A clinician and a held note: seen beside its fields, changed by its author, let go or rejected."""

from datetime import date

import pytest
from django.urls import reverse

from audit.models import AuditEvent
from delivery import actions, contents, reviewing
from delivery.models import Delivery, NoteVersion
from delivery.reviewing import CannotReview
from delivery.states import State
from portal import agreements, keys, locations
from portal.agreements import Terms
from portal.models import Location, Membership, Role, User
from tests.browsing import assert_accessible, assert_fits, photograph
from tests.delivery.conftest import NOTE, Scribe, a_note
from tests.delivery.rows import make_delivery


@pytest.fixture
def cleo(cast):
    """A clinician at NORTH."""
    user = User.objects.create_user("cleo", first_name="Cleo")
    Membership.objects.create(user=user, practice=cast.practice, location=cast.north, role=Role.CLINICIAN)
    return user


@pytest.fixture
def held(cast):
    return make_delivery(cast, State.HELD, reason_code="awaits_review")


@pytest.fixture
def page(client, cleo, held):
    client.force_login(cleo)
    return reverse("delivery:review", args=[held.pk])


def texts(delivery):
    return [section["text"] for section in contents.body(delivery.note_version)["sections"]]


def state(delivery):
    return Delivery.objects.get(pk=delivery.pk).state


def newest(delivery):
    return Delivery.objects.filter(note=delivery.note_id, part="note").latest("pk")


def events(name):
    return AuditEvent.objects.filter(event=name)


def test_the_note_stands_beside_its_fields_and_looking_is_recorded(client, page, held, cleo):
    text = client.get(page).content.decode()
    assert "Cough for nine days." in text
    assert "Chief Complaint (NF-01)" in text
    assert "Okafor, Lena" in text
    event = events("note.view").get()
    assert (event.actor_id, event.detail) == (str(cleo.pk), {"delivery_id": held.pk, "what": "review"})


def test_a_section_no_rule_maps_says_so(client, cleo, cast):
    sections = [("social_history", "SOCIAL", "Lives alone.", "", "")]
    other = make_delivery(cast, State.HELD, sections=sections)
    client.force_login(cleo)
    assert "Goes to no field" in client.get(reverse("delivery:review", args=[other.pk])).content.decode()


def test_S18_S19_text_is_text_and_hidden_characters_are_told(client, cleo, cast):
    sections = [("plan", "PLAN", "</textarea><script>alert(1)</script>\u202eabc", "", "")]
    other = make_delivery(cast, State.HELD, sections=sections)
    client.force_login(cleo)
    text = client.get(reverse("delivery:review", args=[other.pk])).content.decode()
    assert "<script>alert" not in text
    assert "Holds characters that cannot be seen" in text


def test_a_change_is_a_further_version_by_its_author_and_still_held(client, page, held, cleo):
    answer = client.post(page, {"deed": "save", "text-0": "Cough for ten days."})
    made = newest(held)
    assert answer.url == reverse("delivery:review", args=[made.pk])
    assert (made.state, made.reason_code, made.note_version.number) == ("held", "awaits_review", 2)
    assert made.note_version.edited_by == cleo
    assert texts(made)[0] == "Cough for ten days."
    assert texts(made)[1:] == texts(held)[1:]
    assert state(held) == "superseded"
    assert "changed by cleo" in client.get(answer.url).content.decode()


def test_what_the_scribe_posted_stays_as_it_came(client, page, held):
    before = contents.body(held.note_version)
    client.post(page, {"deed": "save", "text-0": "Other."})
    first = NoteVersion.objects.get(pk=held.note_version_id)
    assert contents.body(first) == before
    assert first.edited_by is None


def test_a_change_is_recorded_without_a_word_of_it(client, page, held, cleo):
    client.post(page, {"deed": "save", "text-0": "Xylophonic rales.", "text-1": "Changed too."})
    event = events("note.edit").get()
    assert (event.actor_id, event.practice, event.location) == (str(cleo.pk), "lakeside", "NORTH")
    assert event.detail == {"delivery_id": newest(held).pk, "version": 2, "sections": 2, "replaces": held.pk}
    assert event.subject_bidx == held.note_version.patient_bidx
    assert "Xylophonic" not in str(list(AuditEvent.objects.values()))


def test_changed_and_released_in_one_press(client, page, held):
    client.post(page, {"deed": "release", "text-0": "Cough for ten days."})
    made = newest(held)
    assert (made.pk != held.pk, made.state) == (True, "ready")
    assert texts(made)[0] == "Cough for ten days."
    assert state(held) == "superseded"


def test_released_unchanged_it_is_the_same_note(client, page, held):
    data = {f"text-{index}": text.replace("\n", "\r\n") for index, text in enumerate(texts(held))}
    client.post(page, {"deed": "release", **data})
    assert (newest(held).pk, state(held)) == (held.pk, "ready")
    assert not events("note.edit").exists()


def test_rejected_it_does_not_go_and_the_reason_is_recorded(client, page, held):
    client.post(page, {"deed": "reject", "reason": "Dictated for another visit", "text-0": "ignored"})
    held.refresh_from_db()
    assert (held.state, held.reason_code) == ("cancelled", "rejected_by_clinician")
    assert events("delivery.cancelled").get().reason == "Dictated for another visit"
    assert not events("note.edit").exists()


@pytest.mark.parametrize("reason", ["", "no", "    no    "])
def test_rejecting_needs_a_reason_and_keeps_what_was_typed(client, page, held, reason):
    answer = client.post(page, {"deed": "reject", "reason": reason, "text-0": "Typed meanwhile."})
    assert answer.status_code == 422
    assert "Typed meanwhile." in answer.content.decode()
    assert state(held) == "held"


@pytest.mark.parametrize("text", ["a\x0bb", "a\x1cb", "a\x00b", "a\ufffeb", "x" * 1_000_001])
def test_what_no_chart_can_hold_is_refused_and_nothing_changes(client, page, held, text):
    assert client.post(page, {"deed": "release", "text-0": text}).status_code in (400, 422)
    assert (state(held), NoteVersion.objects.count()) == ("held", 1)


@pytest.mark.parametrize("more", [{"text-99": "New"}, {"text-x": "New"}, {"text--1": "New"}, {"text-0000000": "New"}])
def test_no_section_is_added(client, page, held, more):
    client.post(page, {"deed": "save", **more})
    assert NoteVersion.objects.count() == 1


def test_who_was_faster_has_won(held, cleo):
    reviewing.edit(held, {0: "First."}, cleo)
    with pytest.raises(CannotReview, match="moved on"):
        reviewing.edit(held, {0: "Second."}, cleo)
    assert NoteVersion.objects.count() == 2


def test_a_note_that_is_not_held_is_not_reviewed(client, cleo, cast):
    client.force_login(cleo)
    for each in (State.READY, State.VERIFIED, State.CANCELLED):
        other = make_delivery(cast, each)
        address = reverse("delivery:review", args=[other.pk])
        assert client.get(address).url == reverse("delivery:delivery", args=[other.pk])
        client.post(address, {"deed": "release", "text-0": "Changed"})
        assert (state(other), other.note.versions.count()) == (each.value, 1)


def test_only_a_clinician_of_the_location_reviews(client, held, cast, cleo):
    address = reverse("delivery:review", args=[held.pk])
    south = User.objects.create_user("sue")
    Membership.objects.create(user=south, practice=cast.practice, location=cast.south, role=Role.CLINICIAN)
    for user, status in ((cast.dana, 403), (cast.omar, 403), (cast.ava, 403), (cast.sam, 404), (south, 404)):
        client.force_login(user)
        assert client.get(address).status_code == status, user.username
        assert client.post(address, {"deed": "release"}).status_code == status
    assert state(held) == "held"
    assert not events("note.view").exists()


def test_the_way_there_is_shown_to_clinicians(client, held, cleo, cast):
    address = reverse("delivery:delivery", args=[held.pk])
    client.force_login(cleo)
    assert reverse("delivery:review", args=[held.pk]) in client.get(address).content.decode()
    client.force_login(cast.omar)
    page = client.get(address).content.decode()
    assert reverse("delivery:review", args=[held.pk]) not in page
    assert "act/release/" not in page


def test_nobody_else_releases_what_waits_for_a_clinician(client, held, cast):
    client.force_login(cast.omar)
    client.post(reverse("delivery:act", args=[held.pk, "release"]), {"reason": "In a hurry"})
    assert actions.release([held.pk]) == []
    assert state(held) == "held"


def test_a_location_that_asks_for_it_holds_every_note(scribe, cast, cleo, client):
    cast.north.review_first = True
    cast.north.save()
    assert scribe.post(a_note()).status_code == 201
    waiting = Delivery.objects.get(part="note")
    assert (waiting.state, waiting.reason_code) == ("held", "awaits_review")
    client.force_login(cleo)
    client.post(reverse("delivery:review", args=[waiting.pk]), {"deed": "release", "text-0": "Cough for ten days."})
    assert newest(waiting).state == "ready"


@pytest.mark.parametrize("environment, locked", [("sandbox", ""), ("production", ""), ("production", "Not yet.")])
def test_it_is_a_setting_of_any_location_live_or_not(cast, cleo, client, environment, locked):
    Location.objects.filter(pk=cast.north.pk).update(environment=environment, locked_reason=locked)
    agreements.record_agreement(cast.practice, Terms("baa_ecw", "eCW", date(2026, 1, 1)))
    agreements.record_agreement(cast.practice, Terms("baa_scribe", "M", date(2026, 1, 1)), cast.scribe)
    client.force_login(cast.dana)
    data = {"name": "North Clinic", "time_zone": "America/New_York", "unmapped_policy": "hold", "idle_minutes": 15}
    client.post(reverse("portal:location", args=["NORTH"]), {**data, "fallback_minutes": 30, "review_first": "on"})
    scribe = Scribe(keys.create(cast.scribe, environment)[1])
    assert scribe.post(a_note()).status_code == 201
    waiting = Delivery.objects.get(part="note")
    assert (waiting.state, waiting.reason_code) == ("held", "awaits_review")
    client.force_login(cleo)
    page = client.get(reverse("delivery:review", args=[waiting.pk])).content.decode()
    assert "Cough for nine days." in page
    client.post(
        reverse("delivery:review", args=[waiting.pk]), {"deed": "reject", "reason": "Dictated for another visit"}
    )
    assert state(waiting) == "cancelled"


def test_switched_off_again_what_comes_goes_and_what_waits_still_waits(scribe, cast):
    Location.objects.filter(pk=cast.north.pk).update(review_first=True)
    scribe.post(a_note())
    locations.change(cast.north, {"review_first": False})
    scribe.post(a_note(source_note_id="another", encounter={**NOTE["encounter"], "id": "E5002"}))
    assert list(Delivery.objects.filter(part="note").order_by("pk").values_list("state", flat=True)) == [
        "held",
        "ready",
    ]


def test_a_version_of_the_scribe_supersedes_the_clinicians_under_a_higher_number_only(scribe, cast, cleo):
    cast.north.review_first = True
    cast.north.save()
    scribe.post(a_note())
    made = reviewing.edit(Delivery.objects.get(part="note"), {0: "By the clinician."}, cleo)
    assert scribe.post(a_note(version=2)).status_code == 422
    assert state(made) == "held"
    assert scribe.post(a_note(version=3)).status_code == 201
    assert state(made) == "superseded"


def test_a_director_sets_it_for_a_location(client, cast):
    client.force_login(cast.dana)
    data = {"name": "North Clinic", "time_zone": "America/New_York", "unmapped_policy": "hold", "idle_minutes": 15}
    client.post(reverse("portal:location", args=["NORTH"]), {**data, "fallback_minutes": 30, "review_first": "on"})
    cast.north.refresh_from_db()
    assert cast.north.review_first


def test_a_note_sealed_by_another_key_says_so(client, page, held):
    NoteVersion.objects.filter(pk=held.note_version_id).update(sealed_body=b"1" + b"0" * 60)
    assert "cannot be opened" in client.get(page).content.decode()
    assert client.post(page, {"deed": "release", "text-0": "x"}).status_code == 302
    assert state(held) == "held"


@pytest.mark.browser
def test_it_can_be_used_on_a_telephone(page, live_portal, browser, cleo, held, sign_in, browsing):
    opened = browsing.new_page()
    sign_in(cleo)
    for width in (1440, 390):
        opened.set_viewport_size({"width": width, "height": 900})
        opened.goto(page)
        assert_fits(opened)
        photograph(opened, f"review-{width}")
    assert_accessible(opened)
    opened.get_by_label("CHIEF COMPLAINT").fill("Cough for ten days.")
    opened.get_by_role("button", name="Release").click()
    opened.get_by_text("Released.").wait_for()
    opened.close()
    assert newest(held).state == "ready"
