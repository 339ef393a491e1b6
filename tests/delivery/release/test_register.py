"""The register of requests and its forms by themselves: order, limits, days, odd text; and the files of one note."""

import json
from datetime import date, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from audit.models import AuditEvent
from delivery.models import NoteVersion
from delivery.posted import read
from delivery.release import contents
from delivery.release.contents import File, LeftOut
from delivery.release.exceptions import ALL
from delivery.release.forms import AnswerForm, ReleaseForm, RequestForm
from delivery.release.job import EhiExport
from delivery.release.register import Answered, Entered, NotInForce, answer, enter, rows, written_by
from delivery.release.tables import EhiRequest
from portal import crypto
from portal.access import WrongRole
from portal.exports.asking import begin
from portal.exports.tables import ExportJob
from portal.models import Membership, Role, User
from tests.delivery.rows import LENA, make_delivery, note_version

REGISTER = "/deliveries/requests/"
DAY = date(2026, 5, 20)
ODD = ["Łucja 黒", "=cmd()", "<b>x</b>", "O’Neil & Söhne", "😀", '"quoted"']


def entered(cast, days: int = 3, **changes) -> EhiRequest:
    what = {"asker": "patient", "requester": "Lena Okafor", "asked": "My notes", "patient": "P1001", **changes}
    return enter(cast.practice, Entered(received_on=DAY - timedelta(days=days), **what), cast.dana)


# --- the register -----------------------------------------------------------------------------------------------------


def test_the_last_answered_stands_first_among_the_answered(cast):
    old, new, still_open = entered(cast), entered(cast), entered(cast)
    answer(new, Answered("provided", DAY - timedelta(days=1)))
    answer(old, Answered("provided", DAY - timedelta(days=2)))
    assert [row.request.pk for row in rows(cast.practice, DAY)] == [still_open.pk, new.pk, old.pk]


def test_of_the_open_ones_the_last_entered_stands_first(cast):
    one, two = entered(cast), entered(cast)
    assert [row.request.pk for row in rows(cast.practice, DAY)] == [two.pk, one.pk]


@pytest.mark.parametrize("days, late", [(0, False), (13, False), (14, False), (15, True), (300, True)])
def test_an_open_one_is_late_after_ten_business_days(cast, days, late):
    entered(cast, days)  # a Wednesday: two weeks hold ten
    (row,) = rows(cast.practice, DAY)
    assert row.late is late
    assert row.written_by == written_by(DAY - timedelta(days=days))


@pytest.mark.parametrize("weekday", range(7))
def test_the_last_day_is_never_of_a_weekend_and_always_ten_business_days_on(weekday):
    received = date(2026, 6, 1) + timedelta(days=weekday)
    last = written_by(received)
    between = [received + timedelta(days=one) for one in range(1, (last - received).days + 1)]
    assert last.weekday() < 5
    assert sum(day.weekday() < 5 for day in between) == 10


@pytest.mark.parametrize("text", ODD)
def test_odd_text_comes_back_as_it_was_written_and_is_nowhere_in_clear(cast, text):
    one = entered(cast, requester=text, asked=text)
    answer(one, Answered("refused", DAY, "171.204", text))
    (row,) = rows(cast.practice, DAY)
    assert (row.requester, row.asked, row.conditions) == (text, text, text)
    assert text.encode() not in bytes(EhiRequest.objects.get().sealed_words)


def test_a_request_of_nobody_in_particular_has_no_blind_index(cast):
    one = entered(cast, patient="", asker="payer")
    assert one.patient_bidx == ""
    assert AuditEvent.objects.get(event="ehi.request").subject_bidx == ""


def test_entering_and_answering_are_recorded_without_a_word_of_it(cast):
    one = entered(cast)
    answer(one, Answered("partly", DAY, "171.201", "Harm to Lena"))
    events = list(AuditEvent.objects.filter(event__startswith="ehi.").order_by("at"))
    assert [event.event for event in events] == ["ehi.request", "ehi.answer"]
    for event in events:
        assert (event.object_type, event.object_id, event.practice) == ("ehi_request", str(one.pk), "lakeside")
        assert event.subject_bidx == crypto.blind_index("patient", "P1001")
        assert "Lena" not in json.dumps(event.detail) + event.reason
    assert events[1].detail == {"answer": "partly", "exception": "171.201"}


@pytest.mark.parametrize("word", ["partly", "refused"])
@pytest.mark.parametrize("section", ["", "171.999", "171.20"])
def test_a_refusal_under_no_exception_changes_and_records_nothing(cast, word, section):
    one = entered(cast)
    with pytest.raises(NotInForce):
        answer(one, Answered(word, DAY, section, "x"))
    one.refresh_from_db()
    assert (one.answer, one.answered_on, one.exception) == ("", None, "")
    assert not AuditEvent.objects.filter(event="ehi.answer").exists()


@pytest.mark.parametrize("exception", ALL, ids=lambda one: one.section)
def test_each_exception_excuses_from_its_first_day_and_not_before(cast, exception):
    one = entered(cast, days=(DAY - exception.since).days + 1)
    with pytest.raises(NotInForce):
        answer(one, Answered("refused", exception.since - timedelta(days=1), exception.section, "x"))
    answer(one, Answered("refused", exception.since, exception.section, "x"))
    one.refresh_from_db()
    assert one.exception == exception.section


def test_an_answer_is_corrected_and_each_is_recorded(cast):
    one = entered(cast)
    for word, section in (("provided", ""), ("refused", "171.202"), ("provided", "")):
        answer(one, Answered(word, DAY, section, "x" if section else ""))
    assert [event.detail["answer"] for event in AuditEvent.objects.filter(event="ehi.answer").order_by("at")] == [
        "provided", "refused", "provided",
    ]  # fmt: skip
    (row,) = rows(cast.practice, DAY)
    assert (row.request.exception, row.conditions, row.requester) == ("", "", "Lena Okafor")


def test_looking_at_the_register_is_recorded_each_time(client, cast):
    entered(cast)
    for who in (cast.dana, cast.ava):
        client.force_login(who)
        assert client.get(REGISTER).status_code == 200
    assert sorted(AuditEvent.objects.filter(event="ehi.view").values_list("actor_id", flat=True)) == sorted(
        [str(cast.dana.pk), str(cast.ava.pk)]
    )


@pytest.mark.parametrize("method", ["get", "put", "delete"])
def test_an_answer_is_posted(client, cast, method):
    one = entered(cast)
    client.force_login(cast.dana)
    assert getattr(client, method)(reverse("delivery:ehi-answer", args=[one.pk])).status_code == 405


def test_an_auditor_of_one_location_does_not_read_it(client, cast):
    only = User.objects.create_user("only")
    Membership.objects.create(user=only, practice=cast.practice, location=cast.north, role=Role.AUDITOR)
    client.force_login(only)
    assert client.get(REGISTER).status_code == 403
    assert not AuditEvent.objects.filter(event="ehi.view").exists()


# --- the forms --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "typed, valid",
    [
        ("", True),
        ("P1001", True),
        ("Łó", True),
        ("x" * 80, True),
        ("x" * 81, False),
        ("a\tb", False),
        ("a\u202eb", False),
    ],
)
def test_a_patient_to_export(typed, valid):
    assert ReleaseForm({"patient": typed}).is_valid() is valid


GIVEN = {"asker": "proxy", "requester": "A", "asked": "All", "received_on": "2026-01-05"}


@pytest.mark.parametrize(
    "change, field",
    [
        ({"requester": "x" * 201}, "requester"),
        ({"asked": "x" * 501}, "asked"),
        ({"patient": "x" * 81}, "patient"),
        ({"received_on": "2026-02-30"}, "received_on"),
        ({"received_on": "2999-01-01"}, "received_on"),
        ({"asker": "PATIENT"}, "asker"),
    ],
)
def test_a_request_names_the_field_that_is_wrong(change, field):
    assert RequestForm(GIVEN).is_valid()
    assert list(RequestForm(GIVEN | change).errors) == [field]


@pytest.mark.parametrize(
    "given, valid",
    [
        ({"answer": "provided", "on": "2026-01-05"}, True),
        ({"answer": "provided", "on": "2999-01-05"}, False),
        ({"answer": "refused", "on": "2026-01-05"}, False),
        ({"answer": "refused", "on": "2026-01-05", "exception": "171.204"}, False),
        ({"answer": "refused", "on": "2026-01-05", "conditions": "x"}, False),
        ({"answer": "partly", "on": "2026-01-05", "exception": "171.204", "conditions": "x"}, True),
        ({"answer": "partly", "on": "2026-01-05", "exception": "171.204", "conditions": "x" * 501}, False),
        ({"answer": "", "on": "2026-01-05"}, False),
    ],
)
def test_an_answer_is_whole_or_none(given, valid):
    assert AnswerForm(DAY, given).is_valid() is valid


@pytest.mark.parametrize("today, count", [(date(2020, 1, 1), 1), (date(2022, 1, 1), 9), (DAY, 11)])
def test_the_form_offers_the_exceptions_of_its_day(today, count):
    assert len(AnswerForm(today).fields["exception"].choices) == count


# --- the job ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("patient, what, event", [("", "all", "ehi.export"), ("a" * 32, "patient", "data.export")])
def test_a_files_name_tells_how_much_and_no_patient(cast, patient, what, event):
    job = ExportJob(practice=cast.practice, asked={"patient": patient}, created_at=timezone.now())
    name = EhiExport().name(job)
    assert name.startswith(f"ehi-lakeside-{what}-20")
    assert name.endswith(".zip")
    assert patient == "" or patient not in name
    assert EhiExport().event(job) == (event, {"subject_bidx": patient, "recipient": "the practice"})


@pytest.mark.parametrize("role", sorted(Role.values))
def test_only_a_director_of_every_location_exports_notes(cast, role):
    somebody = User.objects.create_user("somebody")
    mine = Membership.objects.create(user=somebody, practice=cast.practice, role=role)
    asked = {"format": "zip", "patient": ""}
    if role == Role.DIRECTOR:
        assert begin(somebody, "ehi", asked)
        mine.location = cast.north
        mine.save()
    with pytest.raises(WrongRole):
        begin(somebody, "ehi", asked)


# --- the files of one note --------------------------------------------------------------------------------------------


def files(version: NoteVersion) -> dict[str, bytes]:
    made = contents.files(version, contents.messages_of([version])[version.pk])
    return {one.path: one.content for one in made if isinstance(one, File)}


def test_sections_without_a_title_stand_under_their_code_and_empty_ones_nowhere(cast):
    version = note_version(cast, sections=[("plan", "", "Rest.", "", ""), ("assessment", "A", "  ", "", "")])
    note = contents.note_of(version, read(contents.body_of(version)))
    assert [(value.label, value.text, value.position) for value in note.values] == [("plan", "Rest.", 1)]


def test_a_later_version_is_a_correction_in_a_folder_of_its_own(cast):
    version = note_version(cast)
    first = contents.document_resource(version, read(contents.body_of(version)))
    version.number = 2
    later = contents.document_resource(version, read(contents.body_of(version)))
    assert (first["docStatus"], later["docStatus"]) == ("final", "amended")
    assert contents.folder(version) == f"notes/{version.note_id}/v2"
    assert contents.note_of(version, read(contents.body_of(version))).correction


@pytest.mark.parametrize(
    "sex, gender", [("M", "male"), ("F", "female"), ("O", "other"), ("U", "unknown"), ("", "unknown")]
)
def test_a_patients_sex_in_fhirs_words(cast, sex, gender):
    version = note_version(cast, patient={**LENA, "sex": sex})
    assert contents.patient_resource(read(contents.body_of(version)))["gender"] == gender


@pytest.mark.parametrize("change, left", [({"birth_date": ""}, "birthDate"), ({"family": ""}, "name")])
def test_what_a_note_does_not_say_of_the_patient_is_left_out(cast, change, left):
    version = note_version(cast, patient={**LENA, **change})
    assert left not in contents.patient_resource(read(contents.body_of(version)))


def test_a_note_that_does_not_open_is_one_gap_and_no_file(cast):
    version = note_version(cast)
    version.sealed_body = b"1garbage"
    assert list(contents.files(version)) == [LeftOut(contents.folder(version), "cannot_open")]


def test_another_notes_body_does_not_open_in_this_one(cast):
    one, two = note_version(cast), note_version(cast)
    one.sealed_body = two.sealed_body
    with pytest.raises(crypto.CannotOpen):
        contents.body_of(one)


def test_a_message_is_named_by_what_it_is(cast):
    version = make_delivery(cast).note_version
    (name,) = [path for path in files(version) if "/messages/" in path]
    assert name.endswith(".hl7")
    assert files(version)[name].startswith(b"MSH|")


@pytest.mark.parametrize(
    "content_type, ending", [("application/pdf", "pdf"), ("image/png", "png"), ("x/unheard-of", "bin"), ("", "bin")]
)
def test_an_attached_document_has_the_ending_of_its_type(content_type, ending):
    assert contents._ending(content_type) == ending
