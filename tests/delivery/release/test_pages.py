"""The pages of letting notes go: the export by a director of the whole practice, and the register of requests."""

import io
import zipfile
from datetime import date, timedelta

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from audit.models import AuditEvent
from delivery.release.register import Answered, BeforeReceipt, Entered, NotInForce, answer, enter, rows
from delivery.release.tables import EhiRequest
from portal import crypto
from portal.exports.running import run_due
from portal.exports.tables import ExportJob, ExportPiece
from portal.models import Membership, Role, User
from tests.delivery.rows import LENA, make_delivery, note_version

EXPORTS, REGISTER = "/deliveries/exports/", "/deliveries/requests/"
TODAY = timezone.now().date()
ASKED = {"asker": "patient", "requester": "Lena Okafor", "patient": "P1001", "asked": "My notes of March"}


def entered(cast, **changes) -> EhiRequest:
    what = {"received_on": TODAY - timedelta(days=3), **ASKED, **changes}
    return enter(cast.practice, Entered(**what), cast.dana)


def said(answer_) -> str:
    return " ".join(str(message) for message in answer_.context["messages"])


def write_down(client, one: EhiRequest, **data):
    given = {"answer": "provided", "on": str(TODAY), "exception": "", "conditions": "", **data}
    return client.post(reverse("delivery:ehi-answer", args=[one.pk]), given, follow=True)


# --- the export ---------------------------------------------------------------------------------------------------------


def fetched(client, job: ExportJob) -> zipfile.ZipFile:
    answer_ = client.get(reverse("portal:export-file", args=[job.pk]))
    return zipfile.ZipFile(io.BytesIO(b"".join(answer_.streaming_content)))


def approved(client_class, cast) -> ExportJob:
    """The newest export, once the auditor of the whole practice has agreed."""
    job = ExportJob.objects.latest("pk")
    second = client_class()
    second.force_login(cast.ava)
    second.post(reverse("portal:export-decide", args=[job.pk, "approve"]))
    return job


def test_a_director_exports_one_patient_by_the_typed_id(client, cast):
    make_delivery(cast)
    note_version(cast, patient={**LENA, "id": "P2002"})
    client.force_login(cast.dana)
    answer_ = client.post(EXPORTS, {"patient": " P1001 "})
    job = ExportJob.objects.get()
    assert answer_.url == f"/exports/{job.pk}/"
    assert job.asked == {"format": "zip", "patient": crypto.blind_index("patient", "P1001")}
    assert run_due() == 1
    archive = fetched(client, job)
    assert archive.testzip() is None
    recorded = AuditEvent.objects.get(event="data.export")
    assert recorded.subject_bidx == job.asked["patient"]
    assert recorded.detail["notes"] == 1
    assert len(recorded.detail["sha256"]) == 64


def test_and_everything(client, cast):
    make_delivery(cast)
    note_version(cast, patient={**LENA, "id": "P2002"})
    client.force_login(cast.dana)
    client.post(EXPORTS, {"patient": ""})
    approved(type(client), cast)
    run_due()
    job = ExportJob.objects.get()
    assert (job.state, job.done, job.total) == ("done", 2, 2)
    assert AuditEvent.objects.get(event="ehi.export").detail["notes"] == 2
    page = client.get(EXPORTS).content.decode()
    assert "every note of the practice" in page
    assert "Ready" in page


def test_the_archive_is_encrypted_at_rest(client, cast):
    make_delivery(cast)
    client.force_login(cast.dana)
    client.post(EXPORTS, {"patient": ""})
    approved(type(client), cast)
    run_due()
    held = b"".join(bytes(piece.sealed_body) for piece in ExportPiece.objects.all())
    assert held
    assert b"PK\x03\x04" not in held
    assert b"Okafor" not in held


@pytest.mark.parametrize("typed", ["x" * 81, "P\x001"])
def test_what_is_no_patient_is_not_exported(client, cast, typed):
    client.force_login(cast.dana)
    assert client.post(EXPORTS, {"patient": typed}).status_code == 200
    assert not ExportJob.objects.exists()


@pytest.mark.parametrize("who, status", [("ava", 403), ("omar", 403), ("mel", 403), ("nobody", 302)])
def test_nobody_else_exports_notes(client, cast, who, status):
    if who != "nobody":
        client.force_login(getattr(cast, who))
    assert client.get(EXPORTS).status_code == status
    assert client.post(EXPORTS, {"patient": ""}).status_code == status
    assert not ExportJob.objects.exists()


def test_a_director_of_one_location_does_not_export_the_others(client, cast):
    only = User.objects.create_user("only-north")
    Membership.objects.create(user=only, practice=cast.practice, location=cast.north, role=Role.DIRECTOR)
    client.force_login(only)
    assert client.post(EXPORTS, {"patient": ""}).status_code == 403


def test_whoever_is_no_director_any_more_gets_no_file(client, cast):
    make_delivery(cast)
    client.force_login(cast.dana)
    client.post(EXPORTS, {"patient": ""})
    approved(type(client), cast)
    Membership.objects.filter(user=cast.dana).update(role=Role.AUDITOR)
    run_due()
    job = ExportJob.objects.get()
    assert (job.state, job.trouble) == ("failed", "not_allowed")


# --- the register -------------------------------------------------------------------------------------------------------


def test_a_request_is_entered_sealed_and_recorded(client, cast):
    client.force_login(cast.dana)
    assert client.post(REGISTER, {**ASKED, "received_on": str(TODAY)}).status_code == 302
    one = EhiRequest.objects.get()
    assert one.patient_bidx == crypto.blind_index("patient", "P1001")
    assert b"Okafor" not in bytes(one.sealed_words)
    assert AuditEvent.objects.get(event="ehi.request").detail == {"asker": "patient"}
    page = client.get(REGISTER).content.decode()
    assert "Lena Okafor" in page
    assert "My notes of March" in page
    assert AuditEvent.objects.filter(event="ehi.view").count() == 1


@pytest.mark.parametrize(
    "change",
    [
        {"asker": "nobody"},
        {"requester": ""},
        {"asked": ""},
        {"received_on": ""},
        {"received_on": str(TODAY + timedelta(days=2))},  # (the suite may run past midnight)
    ],
)
def test_a_request_without_its_facts_is_not_entered(client, cast, change):
    client.force_login(cast.dana)
    assert client.post(REGISTER, {**ASKED, "received_on": str(TODAY), **change}).status_code == 200
    assert not EhiRequest.objects.exists()


def test_it_is_answered(client, cast):
    one = entered(cast)
    client.force_login(cast.dana)
    assert "stands in the register" in said(write_down(client, one))
    one.refresh_from_db()
    assert (one.answer, one.answered_on, one.exception) == ("provided", TODAY, "")
    assert "Provided" in client.get(REGISTER).content.decode()


def test_a_refusal_names_its_exception_and_its_conditions(client, cast):
    one = entered(cast)
    client.force_login(cast.dana)
    assert "names its exception" in said(write_down(client, one, answer="refused"))
    assert "names its exception" in said(write_down(client, one, answer="partly", exception="171.204"))
    write_down(client, one, answer="refused", exception="171.204", conditions="(a)(1), told in writing")
    one.refresh_from_db()
    assert (one.answer, one.exception) == ("refused", "171.204")
    assert "(a)(1), told in writing" in client.get(REGISTER).content.decode()
    assert AuditEvent.objects.get(event="ehi.answer").detail == {"answer": "refused", "exception": "171.204"}


def test_nobody_answered_before_the_request_came_in(client, cast):
    one = entered(cast, received_on=TODAY)
    client.force_login(cast.dana)
    told = said(write_down(client, one, on=str(TODAY - timedelta(days=1))))
    assert f"Nothing was written down: the request came in on {TODAY}" in told
    one.refresh_from_db()
    assert (one.answer, one.answered_on) == ("", None)
    assert f'min="{TODAY}"' in client.get(REGISTER).content.decode()


def test_an_answer_of_the_same_day_is_one(client, cast):
    one = entered(cast, received_on=TODAY)
    client.force_login(cast.dana)
    assert "stands in the register" in said(write_down(client, one))


def test_a_correction_cannot_move_an_answer_before_its_request_either(cast):
    one = entered(cast)
    answer(one, Answered("provided", TODAY))
    with pytest.raises(BeforeReceipt):
        answer(one, Answered("provided", one.received_on - timedelta(days=1)))
    one.refresh_from_db()
    assert one.answered_on == TODAY
    assert AuditEvent.objects.filter(event="ehi.answer").count() == 1


@pytest.mark.parametrize(
    "data", [{"answer": ""}, {"answer": "burned"}, {"on": ""}, {"on": "2099-01-01"}, {"exception": "171.999"}]
)
def test_an_answer_that_is_none_is_not_written_down(client, cast, data):
    one = entered(cast)
    client.force_login(cast.dana)
    assert "Nothing was written down" in said(write_down(client, one, **data))
    one.refresh_from_db()
    assert one.answer == ""


def test_an_exception_of_a_later_day_excuses_nothing(cast):
    one = entered(cast, received_on=date(2024, 1, 2))
    with pytest.raises(NotInForce):
        answer(one, Answered("refused", date(2024, 1, 3), "171.403", "x"))
    answer(one, Answered("refused", date(2024, 3, 1), "171.403", "x"))


def test_a_full_answer_takes_an_earlier_exception_back(cast):
    one = entered(cast)
    answer(one, Answered("refused", TODAY, "171.204", "x"))
    answer(one, Answered("provided", TODAY, "171.204", "x"))
    assert (one.exception, rows(cast.practice, TODAY)[0].conditions) == ("", "")


def test_the_database_refuses_a_refusal_without_exception_and_an_answer_without_a_day(cast):
    one = entered(cast)
    for change in ({"answer": "refused", "answered_on": TODAY}, {"answer": "provided"}, {"answered_on": TODAY}):
        with pytest.raises(IntegrityError), transaction.atomic():
            EhiRequest.objects.filter(pk=one.pk).update(**change)


def test_open_ones_come_first_and_late_ones_are_marked(client, cast):
    done = entered(cast)
    answer(done, Answered("provided", TODAY))
    late = entered(cast, received_on=TODAY - timedelta(days=40), requester="Someone Late")
    found = rows(cast.practice, TODAY)
    assert [row.request.pk for row in found] == [late.pk, done.pk]
    assert [row.late for row in found] == [True, False]
    client.force_login(cast.ava)
    page = client.get(REGISTER).content.decode()
    assert "Late" in page
    assert "Enter a request" not in page  # an auditor reads


def test_words_of_another_row_do_not_open_here(cast):
    one, two = entered(cast), entered(cast, requester="Ravi Okonkwo")
    EhiRequest.objects.filter(pk=one.pk).update(sealed_words=two.sealed_words)
    assert [row.requester for row in rows(cast.practice, TODAY) if row.request.pk == one.pk] == [
        "cannot be opened here"
    ]


def test_the_page_says_how_many_exceptions_are_in_force_and_since_when(client, cast):
    client.force_login(cast.ava)
    page = client.get(REGISTER).content.decode()
    assert "10 exceptions are in force since 17 December 2024" in page
    assert "171.201" in page


@pytest.mark.parametrize("who, status", [("omar", 403), ("mel", 403)])
def test_others_neither_read_nor_write_it(client, cast, who, status):
    one = entered(cast)
    client.force_login(getattr(cast, who))
    assert client.get(REGISTER).status_code == status
    assert write_down(client, one).status_code == status


def test_an_auditor_writes_nothing(client, cast):
    one = entered(cast)
    client.force_login(cast.ava)
    assert client.post(REGISTER, {**ASKED, "received_on": str(TODAY)}).status_code == 403
    assert write_down(client, one).status_code == 403


def test_another_practice_finds_none_of_it(client, cast):
    one = entered(cast)
    client.force_login(cast.sam)
    assert "Okafor" not in client.get(REGISTER).content.decode()
    assert write_down(client, one).status_code == 404
