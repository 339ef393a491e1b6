"""What clinicians say of a note: in two taps, on both pages, their words sealed and opened behind a recorded view."""

import pytest
from django.urls import reverse

from audit.models import AuditEvent
from audit.record import Actor, acting
from delivery.models import Delivery
from delivery.pilot import feedback
from delivery.pilot.feedback import Said, give, given, opened, text_of
from delivery.pilot.tables import Feedback
from delivery.states import State
from portal.models import Membership, Role, User
from tests.browsing import assert_accessible, assert_fits, photograph
from tests.delivery.fhir import words
from tests.delivery.rows import make_delivery

pytestmark = pytest.mark.django_db
SAID = "Lena Okafor never had a fever: the scribe made it up."


@pytest.fixture
def cleo(cast):
    """A clinician at NORTH."""
    user = User.objects.create_user("cleo", first_name="Cleo")
    Membership.objects.create(user=user, practice=cast.practice, location=cast.north, role=Role.CLINICIAN)
    return user


@pytest.fixture
def note(cast):
    return make_delivery(cast, State.VERIFIED)


@pytest.fixture
def as_cleo(client, cleo):
    client.force_login(cleo)
    return client


def tell(client, note, **said):
    return client.post(reverse("delivery:feedback", args=[note.pk]), said, follow=True)


def page_of(client, note) -> str:
    return client.get(reverse("delivery:delivery", args=[note.pk])).content.decode()


def test_one_tap_says_that_all_is_good(as_cleo, cleo, note):
    tell(as_cleo, note)
    row = Feedback.objects.get()
    assert (row.by, row.note_id, row.sealed_text) == (cleo, note.note_id, None)
    assert (row.accuracy, row.format, row.template_fit) == (True, True, True)


@pytest.mark.parametrize("aspect", feedback.ASPECTS)
def test_a_second_tap_says_what_is_poor(as_cleo, note, aspect):
    tell(as_cleo, note, **{f"poor_{aspect}": "on"})
    row = Feedback.objects.get()
    assert [name for name in feedback.ASPECTS if not getattr(row, name)] == [aspect]


def test_words_are_sealed_for_their_row_and_stand_nowhere_else(as_cleo, note):
    tell(as_cleo, note, poor_accuracy="on", text=SAID)
    row = Feedback.objects.get()
    assert b"Okafor" not in bytes(row.sealed_text)
    assert text_of(row) == SAID
    event = AuditEvent.objects.get(event="note.feedback")
    assert event.detail == {
        "delivery_id": note.pk, "accuracy": False, "format": True, "template_fit": True, "words": True,
    }  # fmt: skip


def test_another_row_cannot_be_read_by_moving_its_words(cast, cleo, note):
    with acting(Actor("user", "cleo")):
        one = give(note, cleo, Said(True, True, True, SAID))
        other = give(make_delivery(cast), cleo, Said(True, True, True, "Fine."))
    Feedback.objects.filter(pk=other.pk).update(sealed_text=one.sealed_text)
    other.refresh_from_db()
    with pytest.raises(feedback.crypto.CannotOpen):
        text_of(other)


def test_said_again_it_takes_the_place_of_what_was_said_words_included(as_cleo, note):
    tell(as_cleo, note, poor_format="on", text=SAID)
    tell(as_cleo, note)
    row = Feedback.objects.get()
    assert (row.format, row.sealed_text) == (True, None)
    assert AuditEvent.objects.filter(event="note.feedback").count() == 2


def test_two_clinicians_say_each_their_own(cast, cleo, note):
    with acting(Actor("user", "x")):
        give(note, cleo, Said(True, True, True))
        give(note, cast.dana, Said(False, True, True))
    assert [one.row.by for one in given(note)] == [cleo, cast.dana]


def test_without_its_event_nothing_is_kept(cast, cleo, note, monkeypatch):
    def refuse(*_args, **_kwargs):
        raise RuntimeError("the log is away")

    monkeypatch.setattr(feedback, "record", refuse)
    with pytest.raises(RuntimeError):
        give(note, cleo, Said(True, True, True))
    assert not Feedback.objects.exists()


def test_the_delivery_s_page_shows_the_answers_and_not_the_words(as_cleo, note):
    tell(as_cleo, note, poor_accuracy="on", text=SAID)
    page = page_of(as_cleo, note)
    assert "Accuracy poor" in words(page)
    assert "Template fit good" in words(page)
    assert "never had a fever" not in page


def test_the_words_are_shown_when_asked_for_and_that_is_recorded(as_cleo, note):
    tell(as_cleo, note, text=SAID)
    shown = as_cleo.post(reverse("delivery:feedback-read", args=[note.pk])).content.decode()
    assert "never had a fever" in shown
    event = AuditEvent.objects.filter(event="note.view").latest("at")
    assert (event.detail, event.actor_name) == ({"delivery_id": note.pk, "what": "feedback"}, "cleo")


def test_words_are_text_and_not_markup(as_cleo, note):
    tell(as_cleo, note, text="<script>alert(1)</script>")
    shown = as_cleo.post(reverse("delivery:feedback-read", args=[note.pk])).content.decode()
    assert "<script>alert(1)" not in shown
    assert "&lt;script&gt;alert(1)" in shown


def test_words_that_another_key_sealed_are_said_to_be_shut(as_cleo, note):
    tell(as_cleo, note, text=SAID)
    Feedback.objects.update(sealed_text=b"1" + b"0" * 60)
    shown = as_cleo.post(reverse("delivery:feedback-read", args=[note.pk])).content.decode()
    assert "cannot be opened here" in shown


def test_who_reads_no_content_sees_the_answers_alone(client, cast, cleo, note):
    with acting(Actor("user", "cleo")):
        give(note, cleo, Said(True, True, True, SAID))
    client.force_login(cast.ava)
    page = page_of(client, note)
    assert "With words that your role does not show" in words(page)
    assert client.post(reverse("delivery:feedback-read", args=[note.pk])).status_code == 403


@pytest.mark.parametrize("who", ["dana", "omar", "ava"])
def test_only_a_clinician_is_asked(client, cast, note, who):
    client.force_login(getattr(cast, who))
    assert "Is it a good note?" not in page_of(client, note)
    assert tell(client, note).status_code == 403
    assert not Feedback.objects.exists()


def test_other_parts_are_not_asked_of(as_cleo, cast):
    codes = make_delivery(cast, part="diagnoses")
    assert "Is it a good note?" not in page_of(as_cleo, codes)
    tell(as_cleo, codes)
    assert not Feedback.objects.exists()


@pytest.mark.parametrize("text", ["x" * 2001, "a\x00b"])
def test_what_cannot_be_kept_is_refused_and_said(as_cleo, note, text):
    answer = tell(as_cleo, note, text=text)
    assert "Nothing was kept" in words(answer.content.decode())
    assert not Feedback.objects.exists()


def test_said_while_it_is_reviewed_it_comes_back_to_the_review(as_cleo, cast):
    held = make_delivery(cast, State.HELD, reason_code="awaits_review")
    answer = as_cleo.post(reverse("delivery:feedback", args=[held.pk]), {"from": "review"})
    assert answer.url == reverse("delivery:review", args=[held.pk])
    assert "Is it a good note?" in as_cleo.get(answer.url).content.decode()


def test_it_stays_with_the_note_over_its_versions(as_cleo, cast):
    held = make_delivery(cast, State.HELD, reason_code="awaits_review")
    tell(as_cleo, held, poor_format="on")
    as_cleo.post(reverse("delivery:review", args=[held.pk]), {"deed": "save", "text-0": "Cough for ten days."})
    newest = Delivery.objects.filter(note=held.note_id).latest("pk")
    assert newest.pk != held.pk
    assert [one.row.format for one in given(newest)] == [False]


def test_opened_they_are_in_the_order_they_were_said(cast, cleo, note):
    with acting(Actor("user", "x")):
        give(note, cast.dana, Said(True, True, True, "First."))
        give(note, cleo, Said(True, True, True, ""))
    assert [one.text for one in opened(given(note))] == ["First.", ""]


def test_a_release_is_signed_off_by_name_with_its_version(as_cleo, cast, scribe):
    held = make_delivery(cast, State.HELD, reason_code="awaits_review")
    as_cleo.post(reverse("delivery:review", args=[held.pk]), {"deed": "release", "text-0": "Cough for ten days."})
    newest = Delivery.objects.filter(note=held.note_id).latest("pk")
    signed = AuditEvent.objects.filter(event="note.sign_off")
    if newest.state == State.READY:
        assert [(one.actor_name, one.detail["version"]) for one in signed] == [("cleo", 2)]
    else:
        assert not signed.exists()


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_it_is_two_taps_on_a_telephone(page, sign_in, cast, cleo):
    note = make_delivery(cast, State.VERIFIED)
    page.set_viewport_size({"width": 390, "height": 844})
    sign_in(cleo)
    page.goto(reverse("delivery:delivery", args=[note.pk]))
    assert_fits(page)
    assert_accessible(page)
    page.get_by_label("Accuracy poor").check()
    page.get_by_role("button", name="Send").click()
    page.get_by_text("Thank you").wait_for()
    photograph(page, "feedback-390")
    assert not Feedback.objects.get().accuracy
