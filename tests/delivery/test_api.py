"""The scribe's API: what it takes, what it refuses, and in which words."""

import json

import pytest
from django.test import Client
from django.utils import timezone

from audit.models import AuditEvent
from delivery.models import Delivery, IdempotencyKey, Move, Note, NoteVersion
from delivery.states import State
from mapping.models import MappingVersion
from portal import keys
from portal.agreements import today_at
from portal.models import Agreement, ApiKey, Environment
from tests.delivery.conftest import a_note

pytestmark = pytest.mark.django_db


def problems(answer):
    return {row["pointer"]: row["message"] for row in answer.json()["problems"]}


def test_a_good_note_is_answered_with_its_deliveries_after_the_commit(scribe, quiet_bell):
    answer = scribe.post(a_note())
    assert answer.status_code == 201
    body = answer.json()
    assert (body["source_note_id"], body["version"], body["location"]) == ("nt-000417", 1, "NORTH")
    [delivery] = body["deliveries"]
    assert (delivery["part"], delivery["state"], delivery["reason"]) == ("note", "ready", None)
    assert quiet_bell == [Delivery.objects.get(pk=delivery["id"]).lane_id]


def test_the_note_its_delivery_its_move_and_its_audit_events_stand_together(scribe):
    scribe.post(a_note())
    delivery = Delivery.objects.get()
    assert Move.objects.get().to_state == delivery.state == State.READY
    events = list(AuditEvent.objects.filter(correlation_id=delivery.note_version.correlation_id).order_by("id"))
    assert [event.event for event in events] == ["note.ingest", "delivery.ready"]
    assert {event.actor_type for event in events} == {"api_key"}


def test_nothing_readable_of_the_note_is_stored(scribe):
    scribe.post(a_note())
    version = NoteVersion.objects.get()
    columns = repr({field.name: getattr(version, field.name) for field in NoteVersion._meta.concrete_fields})
    everything = columns + repr(list(IdempotencyKey.objects.values())) + repr(list(AuditEvent.objects.values()))
    for secret in ("Cough", "Okafor", "P1001", "1981-07-19", "night"):
        assert secret not in everything
        assert secret.encode() not in bytes(version.sealed_body)


def test_the_same_key_and_body_get_the_first_answer_again(scribe):
    first = scribe.post(a_note(), key="once")
    again = scribe.post(a_note(), key="once")
    assert again.status_code == 201
    assert again.json() == first.json()
    assert Note.objects.count() == Delivery.objects.count() == 1


def test_the_same_key_with_another_body_is_refused(scribe):
    scribe.post(a_note(), key="once")
    answer = scribe.post(a_note(source_note_id="other"), key="once")
    assert answer.status_code == 422
    assert "another body" in problems(answer)[""]
    assert Note.objects.count() == 1


def test_the_same_version_under_a_new_key_is_one_note(scribe):
    first = scribe.post(a_note())
    again = scribe.post(a_note())
    assert [row["id"] for row in again.json()["deliveries"]] == [row["id"] for row in first.json()["deliveries"]]
    assert Delivery.objects.count() == 1


def test_the_same_version_with_other_content_is_refused(scribe):
    scribe.post(a_note())
    answer = scribe.post(a_note(visit_type="telehealth"))
    assert answer.status_code == 422
    assert "Raise the version" in problems(answer)["/version"]


def test_a_newer_version_supersedes_the_waiting_one(scribe):
    scribe.post(a_note())
    scribe.post(a_note(version=2))
    assert list(Delivery.objects.order_by("pk").values_list("state", flat=True)) == [State.SUPERSEDED, State.READY]


def test_an_older_version_that_comes_late_is_kept_but_never_sent(scribe):
    scribe.post(a_note(version=2))
    answer = scribe.post(a_note(version=1))
    assert answer.json()["deliveries"][0]["state"] == State.SUPERSEDED
    assert Delivery.objects.get(note_version__number=2).state == State.READY


OTHER_PATIENT = {"id": "P1002", "family": "Osei", "given": "Ama", "birth_date": "1990-02-03", "sex": "F"}


@pytest.mark.parametrize(
    "change, places",
    [
        ({"patient": OTHER_PATIENT}, {"/patient/id": "another patient"}),
        ({"encounter": {"id": "E5002"}}, {"/encounter/id": "another visit"}),
        (
            {"patient": OTHER_PATIENT, "encounter": {"id": "E5002"}},
            {"/patient/id": "another patient", "/encounter/id": "another visit"},
        ),
    ],
)
@pytest.mark.parametrize("first, second", [(1, 2), (2, 1)])
def test_a_version_for_another_patient_or_visit_is_refused_and_changes_nothing(scribe, change, places, first, second):
    scribe.post(a_note(version=first))
    answer = scribe.post(a_note(version=second, **change))
    assert answer.status_code == 422
    said = problems(answer)
    assert said.keys() == places.keys()
    for place, belongs in places.items():
        assert said[place] == (
            f"An earlier version of this note belongs to {belongs}; retract that note and post this as a new one."
        )
    assert list(Delivery.objects.values_list("note_version__number", "state")) == [(first, State.READY)]
    assert AuditEvent.objects.get(event="note.refuse").detail == {"problem": next(iter(places)), "status": 422}


def test_a_note_posted_for_the_wrong_patient_is_withdrawn_and_posted_as_a_new_one(scribe):
    first = scribe.post(a_note()).json()
    assert scribe.post(a_note(version=2, patient=OTHER_PATIENT)).status_code == 422
    assert scribe.retract(first["id"]).status_code == 200
    assert scribe.post(a_note(source_note_id="nt-000418", patient=OTHER_PATIENT)).status_code == 201
    states = dict(Delivery.objects.values_list("note__source_note_id", "state"))
    assert states == {"nt-000417": State.CANCELLED, "nt-000418": State.READY}


def test_an_amendment_may_correct_the_patients_name_and_spell_the_id_in_other_letters(scribe):
    scribe.post(a_note())
    patient = {**a_note()["patient"], "family": "Okafor-Lee", "id": "p1001"}
    assert scribe.post(a_note(version=2, patient=patient)).status_code == 201


@pytest.mark.parametrize(
    "body, words",
    [
        (b"", "Not JSON"),
        (b"{", "line 1, column 2"),
        (b'{"a": 1, "a": 2}', "same key twice"),
        (b'{"a": NaN}', "NaN is not JSON"),
        (b'{"a": "\xff"}', "not UTF-8: byte 7"),
        (b"[" * 100_000 + b"]" * 100_000, "nested too deeply"),
        (b'{"version": ' + b"1" * 5_000 + b"}", "too many digits"),
    ],
)
def test_A11_a_body_that_is_not_json_is_refused_with_the_place(scribe, body, words):
    answer = scribe.post(body)
    assert answer.status_code == 400
    assert words in problems(answer)[""]
    assert not Note.objects.exists()


@pytest.mark.parametrize(
    "change, pointer, words",
    [
        ({"location": "WEST"}, "/location", "no such location"),
        ({"template": "NOPE"}, "/template", "no template"),
        ({"version": "1"}, "/version", "whole number"),
        ({"version": True}, "/version", "whole number"),
        ({"version": 0}, "/version", "greater than or equal to 1"),
        ({"patient": {"family": "Okafor"}}, "/patient/id", "required"),
        ({"patient": {"id": 7}}, "/patient/id", "string"),
        ({"patient": {"id": "P1", "birth_date": "19.7.1981"}}, "/patient/birth_date", "YYYY-MM-DD"),
        ({"encounter": {"id": "E1", "start": "2026-03-19T10:15:00"}}, "/encounter/start", "offset"),
        ({"patient": {"id": "P1", "birth_date": "1981-7-9"}}, "/patient/birth_date", "YYYY-MM-DD"),
        ({"encounter": {"id": "E1", "start": "2026-03-19"}}, "/encounter/start", "offset"),
        ({"encounter": {"id": "E1", "start": "2026-3-9T10:15-05:00"}}, "/encounter/start", "ISO 8601"),
        ({"provider": {"npi": "1234567893\n"}}, "/provider/npi", "pattern"),
        ({"sections": [{"code": "HPI!", "text": ""}]}, "/sections/0/code", "pattern"),
        ({"sections": [{"code": "plan\n", "text": ""}]}, "/sections/0/code", "pattern"),
        ({"sections": [{"title": "HPI"}]}, "/sections/0/text", "required"),
        ({"sections": []}, "/sections", "empty"),
        ({"seciton": []}, "/seciton", "Unknown field"),
        ({"visit_type": "by post"}, "/visit_type", "Must be one of"),
        ({"diagnoses": [{"system": "icd-9", "code": "4"}]}, "/diagnoses/0/system", "Must be one of"),
    ],
)
def test_wrong_content_is_named_by_its_place(scribe, change, pointer, words):
    answer = scribe.post(a_note(**change))
    assert answer.status_code == 422
    assert words in problems(answer)[pointer]
    assert not Note.objects.exists()


@pytest.mark.parametrize(
    "text, code, position",
    [
        ("a\rb", "U+000D", 1),
        ("\x0bX", "U+000B", 0),
        ("end\x1c", "U+001C", 3),
        ("\x00", "U+0000", 0),
        ("\x7f", "U+007F", 0),
        ("ab\ud800cd", "U+D800", 2),
        ("\x80", "U+0080", 0),
        ("\x84\x85", "U+0084", 0),
        ("\x85\x86", "U+0086", 1),
        ("don\x92t", "U+0092", 3),
        ("\x9f", "U+009F", 0),
        ("a\ufffe", "U+FFFE", 1),
        ("a\uffff", "U+FFFF", 1),
        ("\ufdd0", "U+FDD0", 0),
        ("\ufdef", "U+FDEF", 0),
        ("🫁\U0001fffe", "U+1FFFE", 1),
        ("\U0010ffff", "U+10FFFF", 0),
    ],
)
def test_a_character_that_cannot_travel_is_refused_with_its_exact_place(scribe, text, code, position):
    note = a_note()
    note["sections"][1]["text"] = text
    answer = scribe.post(note)
    assert answer.status_code == 422
    message = problems(answer)["/sections/1/text"]
    assert code in message
    assert f"position {position} " in message


@pytest.mark.parametrize(
    "text", ["\x85", "\xa0", "\u2028", "\ufeff", "\ufdcf\ufdf0", "\ufffd", "\ue000", "\U0001fffd", "é 🫁"]
)
def test_characters_beside_the_refused_ones_are_taken(scribe, text):
    note = a_note()
    note["sections"][1]["text"] = f"before {text} after"
    assert scribe.post(note).status_code == 201


def test_refused_content_is_never_repeated_in_the_answer(scribe):
    note = a_note()
    note["sections"][1]["text"] = "Secret-canary\x00"
    note["patient"]["birth_date"] = "canary-date"
    answer = scribe.post(note)
    assert b"canary" not in answer.content


def test_every_problem_is_listed_not_only_the_first(scribe):
    answer = scribe.post(a_note(version="x", location=4, encounter={}))
    assert set(problems(answer)) == {"/version", "/location", "/encounter/id"}


def test_crlf_is_a_line_end(scribe):
    note = a_note()
    note["sections"][1]["text"] = "one\r\ntwo"
    assert scribe.post(note).status_code == 201


def test_A12_a_body_over_the_limit_is_refused_before_it_is_read(scribe):
    note = a_note()
    note["sections"][1]["text"] = "x" * 6_000_000
    answer = scribe.post(note)
    assert answer.status_code == 413
    assert "larger than" in problems(answer)[""]


def test_a_missing_idempotency_key_is_named(scribe):
    answer = scribe.client.post("/api/v1/notes", json.dumps(a_note()), content_type="application/json")
    assert answer.status_code == 400
    assert "Idempotency-Key" in problems(answer)[""]


def test_an_unpublished_mapping_holds_the_note_and_says_so(scribe, cast):
    MappingVersion.objects.filter(pk=cast.north_mapping.pk).update(state="retired")
    delivery = scribe.post(a_note()).json()["deliveries"][0]
    assert (delivery["state"], delivery["reason"]["code"]) == (State.HELD, "no_mapping")
    assert delivery["reason"]["message"]


def test_an_unmapped_section_holds_the_note_and_is_named(scribe):
    note = a_note()
    note["sections"].append({"title": "Technology Used", "text": "Video."})
    delivery = scribe.post(note).json()["deliveries"][0]
    assert (delivery["state"], delivery["reason"]["code"]) == (State.HELD, "unmapped_section")
    assert delivery["problems"][0]["pointer"] == "/sections/3"


def test_a_part_without_a_route_is_held_and_the_note_goes(scribe):
    note = a_note(diagnoses=[{"system": "icd-10-cm", "code": "I10", "text": "Hypertension"}])
    states = {row["part"]: row["state"] for row in scribe.post(note).json()["deliveries"]}
    assert states == {"note": State.READY, "diagnoses": State.HELD}


@pytest.mark.parametrize("header", [None, "Bearer", "Bearer wrong", "Basic abc", "Bearer é"])
def test_without_a_valid_key_it_is_401(scribe, header):
    client = Client(headers={"Authorization": header} if header else {})
    answer = client.post("/api/v1/notes", b"{}", content_type="application/json")
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Bearer")


def test_a_revoked_key_is_401_at_once(scribe, cast):
    cast.scribe.keys.update(revoked_at=timezone.now())
    assert scribe.post(a_note()).status_code == 401


def test_a_read_only_key_cannot_post(cast):
    _, secret = keys.create(cast.scribe, Environment.SANDBOX, scopes=["notes:read"])
    client = Client(headers={"Authorization": f"Bearer {secret}"})
    answer = client.post("/api/v1/notes", b"{}", content_type="application/json")
    assert answer.status_code == 403
    assert "notes:write" in problems(answer)[""]


def test_a_key_for_one_location_does_not_know_the_others(cast):
    _, secret = keys.create(cast.scribe, Environment.SANDBOX, locations=[cast.south])
    client = Client(headers={"Authorization": f"Bearer {secret}", "Idempotency-Key": "k"})
    answer = client.post("/api/v1/notes", json.dumps(a_note()), content_type="application/json")
    assert "no such location" in problems(answer)["/location"]


def test_A27_sandbox_keys_and_production_locations_never_mix(scribe, cast):
    cast.north.environment = Environment.PRODUCTION
    cast.north.save()
    answer = scribe.post(a_note())
    assert answer.status_code == 403
    assert not Note.objects.exists()


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"revoked_at": timezone.now()}, 401),
        ({"expires_at": timezone.now()}, 401),
        ({"mac": "0" * 64}, 401),
        ({"scopes": ["notes:read"]}, 403),
    ],
)
def test_a_key_that_changed_since_its_last_note_posts_none_more(scribe, change, status):
    assert scribe.post(a_note()).status_code == 201
    ApiKey.objects.update(**change)
    answer = scribe.post(a_note(source_note_id="nt-2"))
    assert answer.status_code == status
    assert (status == 401) == ("WWW-Authenticate" in answer.headers)
    assert Note.objects.count() == 1
    assert not AuditEvent.objects.filter(event="note.refuse").exclude(outcome_class="403").exists()


def test_every_answer_says_how_long_it_is(scribe):
    """Without it the connection could not be kept for the next note."""
    for answer in (scribe.post(a_note()), scribe.post(b"{"), scribe.get("notes?source_note_id=x")):
        assert int(answer.headers["Content-Length"]) == len(answer.content) > 2


def test_the_api_keeps_no_session_and_answers_no_stranger_host(scribe):
    answer = scribe.post(a_note())
    assert not answer.cookies
    assert scribe.client.get("/api/v1/notes", headers={"host": "elsewhere.example"}).status_code == 400
    assert scribe.client.get("/api/v1/notes/nothing-like-an-id").status_code == 404


def test_a_wrong_note_of_a_revoked_key_is_told_of_the_key_alone(scribe):
    assert scribe.post(a_note()).status_code == 201
    ApiKey.objects.update(revoked_at=timezone.now())
    assert scribe.post(b"{").status_code == 401


def test_a_scope_given_just_now_counts_at_once(scribe):
    ApiKey.objects.update(scopes=["notes:read"])
    assert scribe.post(a_note()).status_code == 403
    ApiKey.objects.update(scopes=["notes:read", "notes:write"])
    assert scribe.post(a_note()).status_code == 201


def test_a_production_location_takes_nothing_in_before_the_agreements(cast):
    cast.north.environment = Environment.PRODUCTION
    cast.north.save()
    _, secret = keys.create(cast.scribe, Environment.PRODUCTION)
    client = Client(headers={"Authorization": f"Bearer {secret}", "Idempotency-Key": "k1"})
    answer = client.post("/api/v1/notes", json.dumps(a_note()), content_type="application/json")
    assert answer.status_code == 403
    assert not Note.objects.exists()
    assert AuditEvent.objects.filter(event="note.refuse", outcome="denied").count() == 1
    today = today_at(cast.north)  # where the location is: after midnight in UTC it is still the day before there
    for kind, party in (("baa_scribe", cast.scribe), ("baa_ecw", None)):
        Agreement.objects.create(
            practice=cast.practice, scribe=party, kind=kind, party="x", signed_on=today, document_sha256="0" * 64
        )
    client = Client(headers={"Authorization": f"Bearer {secret}", "Idempotency-Key": "k2"})
    assert client.post("/api/v1/notes", json.dumps(a_note()), content_type="application/json").status_code == 201


def test_a_note_is_read_back_by_our_id_and_by_the_scribes(scribe):
    made = scribe.post(a_note()).json()
    assert scribe.get(f"notes/{made['id']}").json() == made
    assert scribe.get("notes?source_note_id=nt-000417&version=1").json() == made
    assert scribe.get(f"deliveries/{made['deliveries'][0]['id']}").json() == made["deliveries"][0]
    assert AuditEvent.objects.filter(event="note.view").count() == 3


def test_another_scribes_note_does_not_exist(scribe, cast):
    made = scribe.post(a_note()).json()
    other = cast.practice.scribes.create(name="Other")
    _, secret = keys.create(other, Environment.SANDBOX)
    client = Client(headers={"Authorization": f"Bearer {secret}"})
    for path in (f"notes/{made['id']}", f"deliveries/{made['deliveries'][0]['id']}", "notes?source_note_id=nt-000417"):
        assert client.get(f"/api/v1/{path}").status_code == 404
    assert client.post(f"/api/v1/notes/{made['id']}/retract").status_code == 404


def test_a_waiting_note_is_retracted_by_cancelling_it(scribe):
    made = scribe.post(a_note()).json()
    answer = scribe.retract(made["id"]).json()
    assert answer["deliveries"][0]["state"] == State.CANCELLED
    assert answer["retract_requested_at"]
    assert AuditEvent.objects.filter(event="note.retract").count() == 1


def test_the_schema_names_every_refusal(client):
    schema = client.get("/api/v1/schema?format=json").json()
    assert set(schema["paths"]["/api/v1/notes"]["post"]["responses"]) >= {
        "201",
        "400",
        "401",
        "403",
        "409",
        "413",
        "422",
    }


def test_no_browsable_page_is_served(scribe):
    answer = scribe.client.get("/api/v1/notes?source_note_id=x", headers={"Accept": "text/html"})
    assert answer["Content-Type"].startswith("application/json")
