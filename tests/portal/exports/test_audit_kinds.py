"""The export of the audit log: its names and words, whose it is, its progress, and the pages around it."""

import io
import json

import pytest
from django.http import Http404, QueryDict
from django.urls import reverse
from django.utils import timezone

from audit.context import Actor, acting
from audit.models import AuditEvent
from audit.record import record
from portal.access import WrongRole
from portal.exports import audit_files
from portal.exports.asking import begin
from portal.exports.audit_files import ENDINGS, FORMATS, AuditExport
from portal.exports.running import run_due
from portal.exports.tables import ExportJob, ExportState
from portal.models import Membership, Role, User
from portal.views.exports import BACK, SHOWN, TONES, TROUBLES

PATIENT = "0123456789abcdef" * 2
LIST = "/audit/exports/"


def job_of(cast, *, state: str = "waiting", **asked) -> ExportJob:
    return ExportJob.objects.create(
        practice=cast.practice,
        created_by=cast.dana,
        kind="audit",
        asked={"format": "csv", "query": "", "location": "", **asked},
        state=state,
        created_at=timezone.now(),
    )


def some(count: int, event: str = "note.view", location: str = "NORTH") -> None:
    with acting(Actor("user", "7", "dana")):
        for _ in range(count):
            record(event, practice="lakeside", location=location)


def said(answer) -> str:
    return " ".join(str(message) for message in answer.context["messages"])


# --- names and words --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", sorted(FORMATS))
def test_a_files_name_tells_the_practice_and_the_form_and_no_patient(cast, kind):
    name = AuditExport().name(job_of(cast, format=kind, query=f"subject={PATIENT}"))
    assert name.startswith("audit-lakeside-20")
    assert name.endswith(f".{ENDINGS[kind]}")
    assert PATIENT not in name
    assert not set(name) & set('/\\" :')


@pytest.mark.parametrize(
    "query, location, words",
    [
        ("", "", "everything"),
        ("event=note.", "", "event note."),
        ("event=note.&outcome=denied", "", "event note., outcome denied"),
        ("", "NORTH", "location NORTH"),
        ("who=7", "NORTH", "who 7, location NORTH"),
    ],
)
def test_the_page_says_what_is_in_it(cast, query, location, words):
    assert AuditExport().says(job_of(cast, query=query, location=location)) == words


@pytest.mark.parametrize(
    "query, subject", [("", ""), (f"subject={PATIENT}", PATIENT), (f"who=7&subject={PATIENT}", PATIENT)]
)
def test_its_event_names_the_patient_by_blind_index_and_the_location(cast, query, subject):
    event, columns = AuditExport().event(job_of(cast, query=query, location="NORTH"))
    assert (event, columns) == ("audit.export", {"location": "NORTH", "subject_bidx": subject})


def test_every_form_has_an_ending_and_every_state_a_tone():
    assert set(FORMATS) == set(ENDINGS)
    assert set(TONES) == set(ExportState)


def test_every_kind_that_can_be_asked_for_has_a_page_to_go_back_to(settings):
    assert set(BACK) == set(settings.EXPORTS)
    assert all(reverse(name) for name in BACK.values())


# --- whose ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "who, location, refused",
    [
        ("dana", "", None),
        ("dana", "SOUTH", None),
        ("ava", "NORTH", None),
        ("sam", "NORTH", None),  # his own practice's location of this code
        ("sam", "SOUTH", Http404),
        ("dana", "EAST", Http404),
        ("mel", "", WrongRole),
        ("mel", "NORTH", WrongRole),
        ("mel", "SOUTH", Http404),
        ("omar", "", WrongRole),
    ],
)
def test_who_may_export_which_location(cast, who, location, refused):
    asked = {"format": "csv", "query": "", "location": location}
    if refused is None:
        assert begin(getattr(cast, who), "audit", asked).asked == asked
        return
    with pytest.raises(refused):
        begin(getattr(cast, who), "audit", asked)
    assert not ExportJob.objects.exists()


@pytest.mark.parametrize("role", sorted(Role.values))
def test_only_directors_and_auditors_of_the_practice_get_proofs(cast, role):
    somebody = User.objects.create_user("somebody")
    Membership.objects.create(user=somebody, practice=cast.practice, role=role)
    asked = {"format": "proved", "query": "", "location": ""}
    if role in (Role.DIRECTOR, Role.AUDITOR):
        assert begin(somebody, "audit", asked)
    else:
        with pytest.raises(WrongRole):
            begin(somebody, "audit", asked)


def test_a_strangers_export_of_a_location_of_the_same_code_holds_his_own_practice_only(cast):
    some(2)
    record("note.view", practice="harbor", location="NORTH")
    begin(cast.sam, "audit", {"format": "jsonl", "query": "event=note.view", "location": "NORTH"})
    run_due()
    event = AuditEvent.objects.get(event="audit.export")
    assert (event.practice, event.detail["rows"]) == ("harbor", 1)


def test_a_filter_by_somebody_who_has_left_fails_with_its_word(cast):
    begin(cast.dana, "audit", {"format": "csv", "query": f"who={cast.omar.pk}", "location": ""})
    Membership.objects.filter(user=cast.omar).delete()
    run_due()
    job = ExportJob.objects.get()
    assert (job.state, job.trouble) == ("failed", "filter")


def test_a_location_that_is_no_longer_the_readers_fails(cast):
    only = User.objects.create_user("only")
    mine = Membership.objects.create(user=only, practice=cast.practice, location=cast.north, role=Role.AUDITOR)
    begin(only, "audit", {"format": "csv", "query": "", "location": "NORTH"})
    mine.location = cast.south
    mine.save()
    run_due()
    assert ExportJob.objects.get().trouble == "not_allowed"


# --- what is written --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["csv", "jsonl", "fhir"])
@pytest.mark.parametrize("count", [0, 1, 4, 5])
def test_the_rows_told_are_the_rows_written_and_progress_never_falls(cast, monkeypatch, kind, count):
    monkeypatch.setattr(audit_files, "TOLD_EACH", 2)
    some(count)
    out, told = io.BytesIO(), []
    detail = AuditExport().write(
        job_of(cast, format=kind, query="event=note.view"), out, lambda done, total: told.append((done, total))
    )
    assert detail == {"rows": count, "filter": ["event=note.view"], "format": kind}
    assert len(out.getvalue().splitlines()) == count + (kind == "csv")
    assert told == sorted(told)
    assert all(done <= total for done, total in told)
    assert (told[0], told[-1]) == ((0, count), (count, count))


def test_the_filter_is_recorded_in_parts_that_the_log_can_hold(cast):
    begin(cast.dana, "audit", {"format": "csv", "query": f"object_id={'x' * 64}&event=note.view", "location": ""})
    run_due()
    detail = AuditEvent.objects.get(event="audit.export").detail
    assert detail["filter"] == [f"object_id={'x' * 64}", "event=note.view"]
    assert detail["rows"] == 0


def test_the_summary_counts_what_the_lines_count(cast):
    some(3)
    some(1, location="SOUTH")
    for kind in ("pdf", "jsonl"):
        begin(cast.dana, "audit", {"format": kind, "query": "event=note.view", "location": "NORTH"})
        run_due()
    assert [event.detail["rows"] for event in AuditEvent.objects.filter(event="audit.export")] == [3, 3]


def test_the_search_is_the_one_of_the_page(cast):
    search = AuditExport().search(job_of(cast, query="event=note.&outcome=denied&object_id=5&trace=t-1&who=worker"))
    assert (search.event, search.outcome, search.object_id, search.correlation_id) == ("note.", "denied", "5", "t-1")
    assert (search.actor_type, search.actor_id, search.scope.practice) == ("worker", "", "lakeside")
    assert search.scope.locations is None


def test_days_begin_where_the_chosen_location_is(cast):
    cast.south.time_zone = "America/Los_Angeles"
    cast.south.save()
    search = AuditExport().search(job_of(cast, query="since=2026-01-05&until=2026-01-05", location="SOUTH"))
    assert (search.until - search.since).total_seconds() == 86400
    assert search.since.utcoffset().total_seconds() == -8 * 3600


# --- the pages --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "query", ["since=garbage", "subject=P1001", "event=nothing.such", "who=999999", "outcome=good", "of=installation"]
)
def test_a_filter_that_is_none_is_no_export_of_everything(client, cast, query):
    client.force_login(cast.dana)
    answer = client.post(
        f"{LIST}?event=note.&{query}" if "event" not in query else f"{LIST}?{query}", {"format": "csv"}
    )
    assert not ExportJob.objects.exists()
    assert (answer.status_code, answer.url.partition("?")[0]) == (302, "/audit/")
    assert QueryDict(answer.url.partition("?")[2]) == QueryDict(query if "event" in query else f"event=note.&{query}")


@pytest.mark.parametrize("data", [{}, {"format": ""}, {"format": "docx"}, {"format": "csv\0"}])
def test_a_form_of_file_that_is_none_is_not_asked_for(client, cast, data):
    client.force_login(cast.dana)
    assert client.post(LIST, data).status_code == 200
    assert not ExportJob.objects.exists()


def test_the_list_ends_after_the_newest_twenty(client, cast):
    for _ in range(SHOWN + 1):
        job_of(cast, state="cancelled")
    client.force_login(cast.dana)
    jobs = client.get(LIST).context["jobs"]
    assert len(jobs) == SHOWN
    assert jobs[0]["job"].pk == ExportJob.objects.latest("pk").pk


@pytest.mark.parametrize("code", [*sorted(TROUBLES), "of another version"])
def test_each_trouble_has_words_and_no_code_on_the_page(client, cast, code):
    job = job_of(cast, state="failed")
    ExportJob.objects.update(trouble=code)
    client.force_login(cast.dana)
    answer = client.get(reverse("portal:export", args=[job.pk]))
    assert answer.context["row"]["trouble"] == TROUBLES.get(code, TROUBLES["error"])
    assert "of another version" not in answer.content.decode()


@pytest.mark.parametrize("state", [state.value for state in ExportState])
def test_each_state_has_its_page_and_only_what_goes_on_is_asked_again(client, cast, state):
    job = job_of(cast, state=state)
    client.force_login(cast.dana)
    row = client.get(reverse("portal:export", args=[job.pk])).context["row"]
    assert row["goes_on"] is (state in ("asked", "waiting", "running"))
    assert row["fetchable"] is False, "done, but without a day to stand"
    assert client.get(reverse("portal:export-file", args=[job.pk])).status_code == 404


def test_cancelling_what_has_ended_says_so(client, cast):
    job = job_of(cast)
    client.force_login(cast.dana)
    address = reverse("portal:export-cancel", args=[job.pk])
    assert "nothing of it is kept" in said(client.post(address, follow=True))
    assert "ended already" in said(client.post(address, follow=True))


@pytest.mark.parametrize("name, method", [("export-cancel", "get"), ("export", "post"), ("export-file", "post")])
def test_each_address_is_for_its_method(client, cast, name, method):
    job = job_of(cast)
    client.force_login(cast.dana)
    assert getattr(client, method)(reverse(f"portal:{name}", args=[job.pk])).status_code == 405
    job.refresh_from_db()
    assert job.state == "waiting"


@pytest.mark.parametrize("name, method", [("export", "get"), ("export-file", "get"), ("export-cancel", "post")])
@pytest.mark.parametrize("who", ["ava", "omar", "mel", "sam", ""])
def test_nobody_else_follows_fetches_or_cancels_it(client, cast, who, name, method):
    job = job_of(cast)
    if who:
        client.force_login(getattr(cast, who))
    answer = getattr(client, method)(reverse(f"portal:{name}", args=[job.pk]))
    assert answer.status_code == (404 if who else 302)
    job.refresh_from_db()
    assert job.state == "waiting"
    assert not AuditEvent.objects.filter(event__in=["export.end", "export.fetch"]).exists()


def test_no_page_of_it_is_kept_by_a_browser_with_the_file(client, cast):
    some(1)
    begin(cast.dana, "audit", {"format": "jsonl", "query": "event=note.view", "location": ""})
    run_due()
    client.force_login(cast.dana)
    file = client.get(reverse("portal:export-file", args=[ExportJob.objects.get().pk]))
    (line,) = b"".join(file.streaming_content).splitlines()
    assert json.loads(line)["event"] == "note.view"
    assert file["Cache-Control"] == "no-store"
    assert file["Content-Type"] == "application/octet-stream"
    assert file["Content-Disposition"].endswith('.jsonl"')
