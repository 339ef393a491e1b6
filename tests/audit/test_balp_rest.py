"""The rest of an event as FHIR AuditEvent: every action's code by a table of our own, odd text, and what is left out."""

import json
import uuid
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit import balp
from audit.actions import ACTIONS
from tests.audit.test_balp import event

pytestmark = pytest.mark.alike

FAMILIES = {
    "auth": "110114",
    "authz": "110113",
    "note": "110110",
    "chart": "110110",
    "delivery": "110106",
    "disclosure": "110106",
    "data": "110106",
    "ehi": "110106",
    "export": "110106",
    "event": "110107",
    "audit": "110101",
}
ODD = ["a\u00a0b", "Łódź 黒", "a\u2028b", "a\nb", "<b>&amp;", '"\\"', "😀", "x" * 200]


def as_json(**columns) -> dict:
    return json.loads(balp.line(event(**columns)))


@pytest.mark.parametrize("name", sorted(ACTIONS))
def test_every_action_has_the_code_of_its_family(name):
    wanted = "110106" if name.startswith("audit.export") else FAMILIES.get(name.partition(".")[0], "110100")
    assert balp.audit_event(event(name)).type.code == wanted


@pytest.mark.parametrize("name", sorted(ACTIONS))
def test_every_action_says_its_sentence_beside_its_name(name):
    (subtype,) = balp.audit_event(event(name)).subtype
    assert (subtype.system, subtype.code, subtype.display) == (balp.OURS, name, ACTIONS[name].sentence)


@pytest.mark.parametrize("name", ["elsewhere.view", "note", "auditor.view", "notes.view"])
def test_an_event_of_a_later_version_is_told_without_a_sentence(name):
    made = as_json(name=name)
    assert made["type"]["code"] == "110100"
    assert "display" not in made["subtype"][0]


@pytest.mark.parametrize("deed", sorted(balp.DEEDS))
def test_each_word_of_a_deed_is_of_one_deed_only(deed):
    others = [word for other, words in balp.DEEDS.items() if other != deed for word in words]
    assert not set(balp.DEEDS[deed]) & set(others)
    for word in balp.DEEDS[deed]:
        assert balp.audit_event(event(f"anything.{word}")).action == deed


def test_a_word_inside_a_name_is_no_deed():
    assert balp.audit_event(event("audit.view.settings")).action == "E"
    assert balp.audit_event(event("mapping.preview")).action == "R"


@pytest.mark.parametrize("system", [balp.DCM, balp.BALP, balp.OBJECT_ROLE, balp.OBJECT_KIND, balp.SOURCE_KIND])
def test_each_system_of_codes_is_an_address(system):
    assert system.startswith(("http://", "https://"))
    assert " " not in system


@pytest.mark.parametrize("text", ODD)
@pytest.mark.parametrize("column", ["actor_name", "actor_id", "recipient", "on_behalf_of", "reason", "object_id"])
def test_odd_text_comes_out_as_it_went_in_on_one_line(column, text):
    line = balp.line(event(object_type="note", **{column: text}))
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert text in _texts(json.loads(line))


def _texts(node) -> list[str]:
    if isinstance(node, dict):
        return [text for value in node.values() for text in _texts(value)]
    if isinstance(node, list):
        return [text for value in node for text in _texts(value)]
    return [node] if isinstance(node, str) else []


@pytest.mark.parametrize(
    "purpose, told", [("TREAT", True), ("HPAYMT", True), ("", False), (" ", False), ("two words", False)]
)
def test_a_purpose_that_is_no_code_is_left_out(purpose, told):
    assert ("purposeOfEvent" in as_json(purpose_of_use=purpose)) is told


@pytest.mark.parametrize(
    "column", ["source_ip", "actor_name", "on_behalf_of", "recipient", "outcome_class", "location"]
)
def test_what_is_not_known_is_left_out_and_never_empty(column):
    made = as_json(**{column: ""})
    assert "" not in _texts(made)
    assert len(made["agent"]) == 1
    assert "outcomeDesc" not in made


def test_the_plainest_event_holds_its_check_value_and_nothing_else():
    (only,) = as_json()["entity"]
    assert only["detail"] == [{"type": "row_mac", "valueString": "0" * 64}]


def test_an_event_without_anything_further_has_no_entity_of_details():
    assert balp.audit_event(event(row_mac="")).entity in (None, [])


@pytest.mark.parametrize("value, told", [(0, "0"), (False, "False"), (3, "3"), (["a", 1], "a 1"), ("x", "x")])
def test_a_detail_is_told_though_it_is_nought(value, told):
    (rest,) = as_json(detail={"count": value})["entity"]
    assert {"type": "count", "valueString": told} in rest["detail"]


@pytest.mark.parametrize("value", ["", [], None])
def test_an_empty_detail_is_not_told(value):
    (rest,) = as_json(detail={"count": value})["entity"]
    assert [one["type"] for one in rest["detail"]] == ["row_mac"]


def test_details_stand_in_the_order_of_their_names():
    (rest,) = as_json(detail={"z": 1, "a": 2}, reason="why", data_category=["plan", "ros"])["entity"]
    assert [one["type"] for one in rest["detail"]] == ["a", "data_category", "reason", "row_mac", "z"]


@pytest.mark.parametrize("outcome_class", ["locked", "rate_limited"])
def test_why_it_was_refused_is_told(outcome_class):
    made = as_json(outcome="denied", outcome_class=outcome_class)
    assert (made["outcome"], made["outcomeDesc"]) == ("4", outcome_class)


@pytest.mark.parametrize("hours", [-11, 0, 5, 14])
def test_the_time_is_utc_wherever_it_was_read(hours):
    at = datetime(2026, 5, 2, 14, 3, 5, tzinfo=UTC)
    made = as_json(at=at.astimezone(timezone(timedelta(hours=hours))))
    assert datetime.fromisoformat(made["recorded"]) == at
    assert made["recorded"].startswith("2026-05-02T14:03:05")


def test_the_resource_has_the_events_own_id():
    assert as_json(id=uuid.UUID(int=9))["id"] == str(uuid.UUID(int=9))


@pytest.mark.parametrize(
    "practice, location, site, observer",
    [
        ("lakeside", "NORTH", "lakeside/NORTH", "lakeside"),
        ("lakeside", "", "lakeside", "lakeside"),
        ("", "NORTH", "NORTH", "installation"),
        ("", "", None, "installation"),
    ],
)
def test_its_source_is_the_practice_or_the_installation(practice, location, site, observer):
    source = as_json(practice=practice, location=location)["source"]
    assert (source.get("site"), source["observer"]["identifier"]["value"]) == (site, observer)


@pytest.mark.parametrize(
    "object_type, system", [("note", "urn:scribeport:note"), ("audit tree", "urn:scribeport:audit-tree")]
)
def test_an_object_without_an_id_is_still_an_object(object_type, system):
    thing = as_json(object_type=object_type)["entity"][0]["what"]["identifier"]
    assert thing == {"system": system, "value": "-"}


def test_a_patient_stands_there_by_blind_index_only():
    made = as_json(subject_bidx="a" * 32, encounter_bidx="b" * 32)
    assert [entity["what"]["identifier"]["system"] for entity in made["entity"][:2]] == [balp.BLIND] * 2
    assert "reference" not in json.dumps(made)


def test_the_first_agent_alone_asked_for_it():
    made = as_json(on_behalf_of="scribe-3", recipient="eCW")
    assert [agent["requestor"] for agent in made["agent"]] == [True, False, False]
    assert made["agent"][0]["type"]["coding"][0]["code"] == "user"


@pytest.mark.parametrize("address", ["10.0.0.9", "2001:db8::1"])
def test_the_network_is_an_address_by_ip(address):
    assert as_json(source_ip=address)["agent"][0]["network"] == {"address": address, "type": "2"}


# Whatever somebody wrote into the columns, past the door or by an older release.
TEXTS = ("outcome_class", "actor_type", "actor_id", "actor_name", "source_ip", "on_behalf_of", "practice", "location")
MORE = ("purpose_of_use", "recipient", "reason", "correlation_id", "object_type", "object_id", "subject_bidx")
WORST = ["", " ", "\u00a0", "\u2003", "\n", "\t ", "\x00", "\x1c", "\ud800", " a", "a ", "a  b", "\u202ea", "\ufeff"]


@pytest.mark.parametrize("text", WORST)
@pytest.mark.parametrize("column", [*TEXTS, *MORE])
def test_no_text_in_any_column_keeps_the_event_from_being_exported(column, text):
    made = as_json(**{column: text})
    assert made["resourceType"] == "AuditEvent"
    assert made["subtype"][0]["code"] == "note.view"


@pytest.mark.parametrize("text", ["\u00a0", " \n", "\x1c", "\ud800", "\u2003a"])
def test_a_reason_that_is_no_fhir_string_stands_there_quoted_and_can_be_had_back(text):
    made = as_json(reason=text)
    (said,) = [one["valueString"] for one in made["entity"][-1]["detail"] if one["type"] == "reason"]
    assert said == text or json.loads(said) == text


@given(st.dictionaries(st.sampled_from([*TEXTS, *MORE]), st.text(max_size=20)), st.text(max_size=20))
def test_any_texts_together_are_one_line_that_the_model_reads_again(columns, detail):
    raw = balp.line(event(**columns, detail={"way": detail, "parts": [detail, detail]}))
    assert raw.count(b"\n") == 1
    assert balp.Resource.model_validate_json(raw).id
