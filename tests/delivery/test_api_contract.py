"""The contract of a posted note, place by place: what each may hold, how much, and what is said of anything else."""

import contextlib
import copy
import json
from unicodedata import category

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.api import MAX_PROBLEMS, wrong_content
from delivery.models import Delivery, Note
from delivery.posted import FORBIDDEN, NOT_IN_ONE_LINE, BadJson, forbidden_characters, line_ends, load, note_of, strings
from delivery.serializers import flat
from delivery.states import State
from mapping.sendable import UNSENDABLE
from tests.delivery.conftest import a_note
from tests.delivery.test_identity import FULL, complaints, value_at, with_value

REQUIRED = [
    "/source_note_id",
    "/version",
    "/location",
    "/patient",
    "/patient/id",
    "/encounter",
    "/encounter/id",
    "/sections/0/text",
    "/diagnoses/0/system",
    "/diagnoses/0/code",
    "/medications/0/text",
    "/allergies/0/text",
    "/immunizations/0/cvx",
    "/observations/0/loinc",
    "/observations/0/value",
    "/attachments/0/content_type",
    "/attachments/0/data",
]
OPTIONAL = [
    "/template",
    "/visit_type",
    "/provider",
    "/patient/family",
    "/patient/given",
    "/patient/birth_date",
    "/patient/sex",
    "/encounter/start",
    "/provider/id",
    "/provider/npi",
    "/provider/family",
    "/provider/given",
    "/sections/0/code",
    "/sections/0/title",
    "/diagnoses/0/text",
    "/medications/0/rxcui",
    "/medications/0/ndc",
    "/allergies/0/reaction",
    "/immunizations/0/date",
    "/immunizations/0/text",
    "/observations/0/unit",
    "/observations/0/at",
    "/attachments/0/title",
    "/diagnoses",
    "/medications",
    "/allergies",
    "/immunizations",
    "/observations",
    "/attachments",
]
# How many characters stand at most at each place.
LONGEST = {
    "/source_note_id": 200,
    "/location": 40,
    "/template": 60,
    "/patient/id": 80,
    "/patient/family": 120,
    "/patient/given": 120,
    "/encounter/id": 80,
    "/provider/id": 80,
    "/provider/family": 120,
    "/provider/given": 120,
    "/sections/0/title": 200,
    "/diagnoses/0/code": 20,
    "/diagnoses/0/text": 500,
    "/medications/0/text": 500,
    "/medications/0/rxcui": 20,
    "/medications/0/ndc": 20,
    "/allergies/0/text": 500,
    "/allergies/0/reaction": 500,
    "/immunizations/0/cvx": 10,
    "/immunizations/0/text": 500,
    "/observations/0/unit": 40,
    "/attachments/0/title": 200,
}
MOST_ROWS = {
    "sections": 200,
    "diagnoses": 200,
    "medications": 200,
    "allergies": 200,
    "immunizations": 200,
    "observations": 500,
    "attachments": 20,
}
# Values of the wrong kind, by what JSON calls them.
KINDS = {"number": 7, "boolean": True, "list": ["a"], "object": {"a": "b"}}


def without(pointer: str):
    note = copy.deepcopy(FULL)
    *way, last = pointer.strip("/").split("/")
    place = note
    for step in way:
        place = place[int(step)] if step.isdecimal() else place[step]
    del place[last]
    return note


class TestEachPlace:
    @pytest.mark.parametrize("pointer", REQUIRED)
    def test_that_must_be_there_is_missed_by_name(self, pointer):
        assert complaints(without(pointer)) == {pointer: "This field is required."}

    @pytest.mark.parametrize("pointer", OPTIONAL)
    def test_that_may_be_absent_may_be_absent(self, pointer):
        note = copy.deepcopy(FULL)
        note.setdefault("visit_type", "in_person")
        assert complaints(note) == {}
        if pointer != "/visit_type":
            assert complaints(without(pointer)) == {}

    @pytest.mark.parametrize("pointer", LONGEST)
    def test_holds_its_most_characters_and_not_one_more(self, pointer):
        most = LONGEST[pointer]
        assert complaints(with_value(pointer, "x" * most)) == {}
        said = complaints(with_value(pointer, "x" * (most + 1)))
        assert list(said) == [pointer]
        assert str(most) in said[pointer]

    @pytest.mark.parametrize("pointer", [*LONGEST, "/patient/birth_date", "/encounter/start", "/sections/0/text"])
    @pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
    def test_that_holds_text_takes_nothing_else_and_says_so_there(self, pointer, kind):
        said = complaints(with_value(pointer, kind))
        assert [place.startswith(pointer) for place in said] == [True]

    @pytest.mark.parametrize("name", MOST_ROWS)
    def test_that_is_a_list_takes_its_most_rows_and_not_one_more(self, name):
        row = {"code": "plan", "text": "x"} if name == "sections" else FULL[name][0]
        assert complaints({**FULL, name: [row] * MOST_ROWS[name]}) == {}
        assert list(complaints({**FULL, name: [row] * (MOST_ROWS[name] + 1)})) == [f"/{name}"]

    @pytest.mark.parametrize("name", MOST_ROWS)
    @pytest.mark.parametrize("wrong", [7, "text", {"text": "x"}, True])
    def test_that_is_a_list_takes_nothing_else(self, name, wrong):
        assert list(complaints({**FULL, name: wrong})) == [f"/{name}"]

    @pytest.mark.parametrize("name", MOST_ROWS)
    @pytest.mark.parametrize("wrong", [7, "text", ["x"], None])
    def test_of_a_list_that_is_no_object_is_named_by_its_number(self, name, wrong):
        good = {"code": "plan", "text": "x"} if name == "sections" else FULL[name][0]
        said = complaints({**FULL, name: [good, wrong, good]})
        assert [place.startswith(f"/{name}/1") for place in said] == [True]

    @pytest.mark.parametrize("place", ["", "/patient", "/encounter", "/provider", "/sections/0", "/observations/0"])
    def test_nobody_knows_is_a_mistake_and_not_passed_over(self, place):
        said = complaints(with_value(f"{place}/colour", "blue"))
        assert said == {f"{place}/colour": "Unknown field; see /api/v1/schema."}


@pytest.mark.parametrize("version", [1, 2, 1_000_000])
def test_a_version_is_a_whole_number_from_one(version):
    assert complaints(with_value("/version", version)) == {}


@pytest.mark.parametrize("version", [0, -1, 1_000_001, 10**30, 1.0, 1.5, "1", True, None, [1]])
def test_anything_else_is_no_version(version):
    assert list(complaints(with_value("/version", version))) == ["/version"]


@pytest.mark.parametrize("value", [72, 36.6, -3, 0, "negative", "1:40", ""])
def test_an_observation_is_a_number_or_a_text(value):
    assert complaints(with_value("/observations/0/value", value)) == {}


@pytest.mark.parametrize("value", [True, False, [72], {"value": 72}])
def test_an_observation_is_nothing_else(value):
    assert list(complaints(with_value("/observations/0/value", value))) == ["/observations/0/value"]


@pytest.mark.parametrize("npi", ["1234567893", "", None])
def test_an_npi_is_ten_digits_or_absent(npi):
    assert complaints(with_value("/provider/npi", npi)) == {}


@pytest.mark.parametrize("npi", ["123456789", "12345678931", "123456789x", "１２３４５６７８９３", " 1234567893"])
def test_anything_else_is_no_npi(npi):
    assert list(complaints(with_value("/provider/npi", npi))) == ["/provider/npi"]


@pytest.mark.parametrize("day", ["1981-07-19", "2000-02-29", "1900-01-01", None])
def test_a_birth_date_is_a_day_of_the_calendar(day):
    assert complaints(with_value("/patient/birth_date", day)) == {}


@pytest.mark.parametrize(
    "day", ["1981-7-19", "19810719", "07/19/1981", "1981-02-29", "1981-13-01", "1981-07-19T00:00:00", "", "unknown"]
)
def test_anything_else_is_no_birth_date(day):
    assert list(complaints(with_value("/patient/birth_date", day))) == ["/patient/birth_date"]


@pytest.mark.parametrize(
    "start",
    ["2026-03-19T10:15:00-05:00", "2026-03-19T10:15:00Z", "2026-03-19T10:15:00.123456+05:30", "2026-03-19T10:15-05:00"],
)
def test_a_start_is_a_moment_with_its_offset(start):
    assert complaints(with_value("/encounter/start", start)) == {}
    assert note_of(with_value("/encounter/start", start)).visit.start.utcoffset() is not None


@pytest.mark.parametrize(
    "start", ["2026-03-19T10:15:00", "2026-03-19", "10:15", "", "now", "2026-03-19T25:00:00Z", "2026-02-30T10:00:00Z"]
)
def test_anything_else_is_no_start(start):
    assert list(complaints(with_value("/encounter/start", start))) == ["/encounter/start"]


@pytest.mark.parametrize("code", ["plan", "assessment_and_plan", "our_own_code_7", "", None])
def test_a_section_code_may_be_a_practices_own(code):
    assert complaints(with_value("/sections/0/code", code)) == {}


@pytest.mark.parametrize("code", ["Plan", "7plan", "_plan", "pl-an", "pl an", "p" * 61, "plän"])
def test_a_section_code_of_another_form_is_refused(code):
    assert list(complaints(with_value("/sections/0/code", code))) == ["/sections/0/code"]


@pytest.mark.parametrize("body", [[], "note", 7, None, True])
def test_a_note_is_an_object(body):
    assert [(wrong.pointer, wrong.message) for wrong in wrong_content(body)] == [("", "A note is a JSON object.")]


def test_a_note_of_diagnoses_alone_is_a_note():
    note = {name: FULL[name] for name in ("source_note_id", "version", "location", "patient", "encounter", "diagnoses")}
    assert complaints(note) == {}
    assert note_of(note).parts == ("diagnoses",)


def test_a_note_with_nothing_in_it_is_none():
    note = {name: FULL[name] for name in ("source_note_id", "version", "location", "patient", "encounter")}
    for empty in (note, {**note, "sections": []}, {**note, "diagnoses": [], "sections": []}):
        assert list(complaints(empty)) == ["/sections"]


class TestPointers:
    @given(
        st.recursive(
            st.text() | st.integers() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
        )
    )
    def test_every_string_is_found_where_its_pointer_says(self, value):
        for pointer, text in strings(value):
            if pointer.endswith("/(name)"):
                continue
            place = value
            for step in pointer.split("/")[1:]:
                step = step.replace("~1", "/").replace("~0", "~")
                place = place[int(step)] if isinstance(place, list) else place[step]
            assert place == text

    @given(st.dictionaries(st.text(max_size=5), st.lists(st.text(max_size=3), max_size=3), max_size=3))
    def test_drf_errors_become_pointers_without_losing_one(self, errors):
        assert len(flat(errors)) == sum(len(messages) for messages in errors.values())

    def test_a_key_with_a_slash_or_a_tilde_is_escaped(self):
        assert [wrong.pointer for wrong in forbidden_characters({"a/b~c": "\x00"})] == ["/a~1b~0c"]
        assert [wrong.pointer for wrong in flat({"a/b~c": ["wrong"]})] == ["/a~1b~0c"]

    def test_a_note_s_text_and_a_rule_s_may_hold_the_same_characters(self):
        """Of all there are, but line ends: NEL ends a line of a note, a lone CR does not; a rule's form makes LF of both."""
        every = "".join(map(chr, range(0x110000)))
        refused = set(UNSENDABLE.findall(every))
        assert set(FORBIDDEN.findall(every)) ^ refused == {"\r", "\x85"}
        assert refused == {
            one
            for one in every
            if (category(one) == "Cc" and one not in "\t\n\r")
            or category(one) == "Cs"
            or ord(one) & 0xFFFE == 0xFFFE
            or "\ufdd0" <= one <= "\ufdef"
        }

    def test_what_a_text_may_not_hold_an_id_may_not_hold_either(self):
        every = "".join(map(chr, range(0x110000)))
        assert set(FORBIDDEN.findall(every)) <= set(NOT_IN_ONE_LINE.findall(every))

    def test_a_forbidden_character_in_a_name_is_told_too(self):
        assert [wrong.pointer for wrong in forbidden_characters({"pla\x00n": "x"})] == ["/(name)"]


class TestReading:
    @given(st.text(st.characters(exclude_categories=["Cs"])))
    def test_any_text_that_json_can_carry_comes_back_as_it_was(self, text):
        assert load(json.dumps({"a": text}).encode()) == {"a": text}
        assert load(json.dumps({"a": text}, ensure_ascii=False).encode()) == {"a": text}

    @given(st.binary(max_size=60))
    def test_no_bytes_whatever_do_anything_but_parse_or_be_refused(self, body):
        with contextlib.suppress(BadJson):
            load(body)

    @pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[1,]", b'{"a": Infinity}', b'{"a":1,"a":1}', b"nul"])
    def test_what_is_not_json_is_the_whole_bodys_fault_in_a_sentence(self, body):
        with pytest.raises(BadJson) as refused:
            load(body)
        assert refused.value.wrong.pointer == ""
        assert refused.value.wrong.message.endswith(".")

    @given(st.text(max_size=50))
    def test_only_cr_lf_is_a_line_end(self, text):
        assert line_ends(text).count("\n") == text.count("\n")
        assert "\r\n" not in line_ends(text.replace("\r\r", "\r"))

    def test_the_parts_of_a_note_are_those_it_has_something_for(self):
        assert note_of(FULL).parts == (
            "note",
            "diagnoses",
            "medications",
            "allergies",
            "immunizations",
            "observations",
            "attachments",
        )

    def test_a_title_alone_is_resolved_and_a_code_is_believed(self):
        sections = [
            {"title": "Plan:", "text": "a"},
            {"title": "Something else entirely", "text": "b"},
            {"code": "plan", "title": "Assessment", "text": "c"},
        ]
        assert [section.code for section in note_of({**FULL, "sections": sections}).sections] == ["plan", "", "plan"]

    def test_everything_absent_reads_as_nothing_and_never_as_null(self):
        note = {**FULL, "provider": None, "template": None, "patient": {"id": "P1", "family": None, "sex": None}}
        posted = note_of(note)
        assert (posted.template, posted.visit_type) == ("FM-PROGRESS" if note["template"] else "", "in_person")
        assert (posted.visit.patient.family, posted.visit.patient.sex, posted.visit.provider_id) == ("", "", "")


@pytest.mark.django_db
class TestTheAnswer:
    def test_stops_after_fifty_problems(self, scribe):
        answer = scribe.post(a_note(sections=[{"code": "NO", "text": 7}] * 60))
        assert answer.status_code == 422
        assert len(answer.json()["problems"]) == MAX_PROBLEMS

    @pytest.mark.parametrize("key", ["", " ", "x" * 256])
    def test_to_a_wrong_idempotency_key_says_what_a_right_one_is(self, scribe, key):
        answer = scribe.client.post(
            "/api/v1/notes", json.dumps(a_note()), content_type="application/json", headers={"Idempotency-Key": key}
        )
        assert answer.status_code == 400
        assert "1 to 255 characters" in answer.json()["problems"][0]["message"]

    @pytest.mark.parametrize("key", ["x", "x" * 255, "ключ", "a b", "0198c0de-0000-7000-8000-000000000001"])
    def test_to_any_other_key_is_the_note(self, scribe, key):
        assert scribe.post(a_note(), key=key).status_code == 201

    @pytest.mark.parametrize(
        "path", ["notes/0198c0de-0000-7000-8000-000000000001", "deliveries/1", "deliveries/" + "9" * 30]
    )
    def test_about_what_is_not_there_is_404_in_the_shape_of_every_refusal(self, scribe, path):
        answer = scribe.get(path)
        assert answer.status_code == 404
        if answer["Content-Type"].startswith("application/json"):
            assert [set(row) for row in answer.json()["problems"]] == [{"pointer", "message"}]

    @pytest.mark.parametrize("method", ["put", "patch", "delete"])
    def test_to_another_method_is_405_in_the_same_shape(self, scribe, method):
        answer = getattr(scribe.client, method)("/api/v1/notes", b"{}", content_type="application/json")
        assert answer.status_code == 405
        assert answer.json()["problems"]

    def test_to_a_refused_note_leaves_its_key_free_for_the_repaired_one(self, scribe):
        assert scribe.post(a_note(version=0), key="k").status_code == 422
        assert scribe.post(a_note(), key="k").status_code == 201
        assert Note.objects.count() == 1

    def test_names_every_part_and_its_state(self, scribe):
        answer = scribe.post({**FULL, "source_note_id": "full"}).json()
        states = {row["part"]: row["state"] for row in answer["deliveries"]}
        assert states.pop("note") == State.READY
        assert set(states.values()) == {State.HELD}
        assert Delivery.objects.count() == 7

    def test_to_a_second_withdrawal_is_the_same_as_to_the_first(self, scribe):
        made = scribe.post(a_note()).json()
        first, second = (scribe.retract(made["id"]).json() for _ in range(2))
        assert first["retract_requested_at"] == second["retract_requested_at"]
        assert first["deliveries"][0]["state"] == second["deliveries"][0]["state"] == State.CANCELLED


def test_the_full_note_has_a_value_at_every_place_of_this_table():
    for pointer in [*REQUIRED, *LONGEST]:
        assert value_at(pointer) is not None
