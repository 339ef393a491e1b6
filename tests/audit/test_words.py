"""The log in plain words: every action has a sentence a person understands, every fact a name, and nothing breaks it."""

import re
import uuid
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.actions import ACTIONS, Action
from audit.event import AuditEvent
from audit.record import RecordError, filter_detail, record
from audit.sentences import WITHOUT_ACCOUNT, details, facts, sentence, spaced, what, who
from portal.forms.audit import FAMILIES

every_action = pytest.mark.parametrize("action", ACTIONS.values(), ids=lambda action: action.name)


def event(**changes) -> AuditEvent:
    columns = {"id": uuid.uuid4(), "at": datetime(2026, 5, 1, tzinfo=UTC), "schema": 1, "event": "note.view"}
    return AuditEvent(**columns | {"actor_type": "user", "actor_id": "7", "actor_name": "dana"} | changes)


@every_action
def test_each_action_completes_a_sentence_about_somebody(action: Action):
    """ "Dana Rivera …": a verb, small letters, no full stop, no code."""
    assert re.fullmatch(r"[a-z][a-z’',\- ]+[a-z]", action.sentence.replace("eCW", "ecw")), action.sentence
    assert len(action.sentence) <= 70
    assert "_" not in action.sentence


@every_action
def test_each_action_belongs_to_a_family_with_a_heading(action: Action):
    assert action.name.partition(".")[0] in FAMILIES
    assert len(action.name) <= 40, "the column's length"


@every_action
def test_each_action_is_recorded_with_every_key_of_its_detail(db, action: Action):
    key = record(action.name, practice="lakeside", detail=dict.fromkeys(action.detail, "x" * 100))
    stored = AuditEvent.objects.get(pk=key)
    assert stored.detail.keys() == action.detail
    assert sentence(stored, {}).endswith(what(stored))


@every_action
def test_no_action_takes_a_name_or_a_text_of_a_patient(db, action: Action):
    for key in ("patient", "patient_name", "mrn", "birth_date", "text", "body", "message", "note"):
        assert key not in action.detail
        with pytest.raises(RecordError):
            record(action.name, detail={key: "x"})


def test_no_two_actions_read_alike():
    """But "viewed a note" and "viewed the log" may: what differs must be told apart on the page."""
    sentences = [action.sentence for action in ACTIONS.values()]
    assert len(sentences) == len(set(sentences))


@pytest.mark.parametrize(
    "columns, said",
    [
        ({}, "dana"),
        ({"actor_name": ""}, "User 7"),
        ({"actor_type": "worker", "actor_id": "w1"}, "A worker w1"),
        ({"actor_type": "api_key", "actor_id": "spabc"}, "The scribe's key spabc"),
        ({"actor_type": "command", "actor_id": "demo"}, "The command demo"),
        ({"actor_type": "system", "actor_id": "sealer"}, "Scribeport"),
        ({"actor_type": "anonymous", "actor_id": ""}, "Somebody not signed in"),
        ({"actor_type": "robot"}, "robot"),
    ],
    ids=str,
)
def test_who_acted_is_said_for_each_kind(columns, said):
    assert who(event(**columns), {}) == said


def test_a_persons_full_name_is_shown_to_those_who_know_them():
    assert who(event(), {"7": "Dana Rivera"}) == "Dana Rivera"
    assert who(event(actor_id="8"), {"7": "Dana Rivera"}) == "dana"


def test_a_workers_id_is_never_taken_for_a_persons():
    assert who(event(actor_type="worker", actor_id="7"), {"7": "Dana Rivera"}) == "A worker 7"


def test_every_kind_of_actor_has_words():
    assert set(WITHOUT_ACCOUNT) == {"api_key", "worker", "system", "command", "anonymous"}


def test_an_action_that_this_version_no_longer_knows_shows_its_bare_name():
    assert what(event(event="note.teleport")) == "note.teleport"


@pytest.mark.parametrize(
    "detail, said",
    [
        ({"deed": "create", "model": "portal.location"}, "created a location"),
        ({"deed": "update", "model": "portal.agreement"}, "changed an agreement"),
        ({"deed": "delete", "model": "portal.apikey"}, "deleted an api key"),
        ({"deed": "renamed", "model": "portal.scribe"}, "changed a scribe"),
        ({"deed": "update", "model": "gone.model"}, "changed a thing of old"),
        ({"deed": "update", "model": "nonsense"}, "changed a thing of old"),
        ({}, "changed a thing of old"),
    ],
    ids=str,
)
def test_a_change_of_the_configuration_names_the_thing(detail, said):
    assert what(event(event="config.change", object_type="thing_of_old", detail=detail)) == said


def test_the_facts_are_in_order_of_their_names_and_leave_hashes_out():
    one = event(detail={"version": 3, "template": "FM", "wire_sha256": "f" * 64})
    assert facts(one) == "template FM · version 3"
    assert ("wire sha256", "f" * 64) in details(one)


def test_lists_and_truths_are_words():
    assert facts(event(detail={"fields": ["a", "b"], "done": True})) == "done yes · fields a, b"


def test_an_empty_fact_is_left_out():
    assert facts(event(detail={"role": "", "route": "x"})) == "route x"


def test_of_a_change_the_things_own_name_and_the_fields_are_the_facts():
    detail = {"deed": "update", "name": "NORTH", "fields": ["idle_minutes"], "entry": 5, "entry_sha256": "f"}
    assert facts(event(event="config.change", detail=detail)) == "NORTH · fields idle minutes"
    assert facts(event(event="config.change", detail=detail | {"deed": "create"})) == "NORTH"


plain = st.none() | st.booleans() | st.integers() | st.text(max_size=20)


@given(st.dictionaries(st.text(max_size=12), plain | st.lists(plain, max_size=4), max_size=5), st.text(max_size=20))
def test_any_detail_of_any_event_can_be_shown(detail, name):
    one = event(event=name, detail=detail, object_type=name)
    assert isinstance(facts(one), str)
    assert len(details(one)) == len(detail)
    assert sentence(one, {})


@given(st.text(max_size=60))
def test_a_name_of_code_becomes_words(name):
    assert "_" not in spaced(name)


@given(st.text(max_size=2000))
def test_any_query_fits_into_a_detail(query):
    parts = filter_detail(query)
    assert len(parts) <= 13
    assert all(0 < len(part) <= 120 for part in parts)


def test_a_long_query_says_how_much_is_left_out():
    assert filter_detail("&".join(f"a{n}=1" for n in range(15)))[-1] == "and 3 more"
    assert filter_detail("") == []
