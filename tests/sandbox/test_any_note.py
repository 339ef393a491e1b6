"""Whatever is posted, filed, damaged and read back: the simulated eCW invents nothing and keeps account of what it lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.acknowledgement import Mode, answers, enhanced
from sandbox.chart import Filing, chart_fields, standing
from sandbox.filing import file_note
from sandbox.hl7 import Delimiters, Unreadable, read, unescape
from sandbox.limits import Limits
from sandbox.oru import Observation, Refusal, check_header, read_note
from sandbox.store import Store
from sandbox.template import BadTemplate, Template, TemplateField, template_from_json
from tests.sandbox.desk import NORTH, msh, oru

MARKS = Delimiters()
IDS = ["NF-01", "NF-02", "NF-03", "NF-04", "NF-05", "NF-06"]
observations = st.lists(
    st.builds(Observation, st.sampled_from([*IDS, "X"]), st.text(st.characters(codec="utf-8"), min_size=1, max_size=9)),
    max_size=9,
).map(tuple)
templates = st.builds(
    lambda order, limits, out_of_order, truncate: Template(
        "NORTH",
        "T",
        "T",
        tuple(
            TemplateField(each, each, place, max_length=limit)
            for place, (each, limit) in enumerate(zip(order, limits, strict=True), start=1)
        ),
        out_of_order,
        truncate,
    ),
    st.permutations(IDS),
    st.lists(st.sampled_from([None, 1, 4]), min_size=6, max_size=6),
    st.sampled_from(["drop", "misfile"]),
    st.booleans(),
)


class TestFiling:
    @given(observations, templates)
    def test_puts_nothing_into_the_chart_that_was_not_sent(self, sent, template):
        filed = file_note(sent, template)
        assert all(any(each.text.startswith(text) for each in sent) for text in filed.fields.values())
        assert set(filed.fields) <= {each.field_id for each in sent} & set(IDS)

    @given(observations, templates)
    def test_stands_in_the_templates_order_whatever_the_order_sent(self, sent, template):
        order = [each.field_id for each in template.fields]
        places = [order.index(each) for each in file_note(sent, template).fields]
        assert places == sorted(places)

    @given(observations, templates)
    def test_of_a_text_that_is_elsewhere_or_shorter_or_nowhere_is_told_by_its_field(self, sent, template):
        filed = file_note(sent, template)
        told = {each.field_id for each in filed.lost}
        assert all(filed.fields.get(each.field_id) == each.text for each in sent if each.field_id not in told)

    @given(observations, templates)
    def test_obeys_every_limit_where_it_cuts_and_none_where_it_does_not(self, sent, template):
        filed = file_note(sent, template)
        for field_id, text in filed.fields.items():
            limit = template.by_id[field_id].max_length
            assert not template.truncate or limit is None or len(text) <= limit
        cut = any(each.reason == "truncated" for each in filed.lost)
        assert template.truncate or not cut

    @given(observations, templates)
    def test_misfiling_drops_no_known_field(self, sent, template):
        filed = file_note(sent, template)
        if template.out_of_order == "misfile":
            assert set(filed.fields) == {each.field_id for each in sent} & set(IDS)

    @given(observations, templates)
    def test_of_a_note_filed_in_the_templates_own_order_loses_no_place(self, sent, template):
        order = [each.field_id for each in template.fields]
        once = {each.field_id: each for each in reversed(sent) if each.field_id in order}
        in_order = tuple(once[each] for each in order if each in once)
        reasons = {each.reason for each in file_note(in_order, template).lost}
        assert reasons <= {"truncated"}


def filing(sequence, note_id="N", correction=False, **fields):
    identity = (f"C{sequence}", note_id, "NORTH", "E1", "P1", "FM")
    return Filing(sequence, *identity, correction, float(sequence), [], fields)


filings = st.lists(
    st.tuples(st.sampled_from(["N", "M", ""]), st.booleans(), st.sampled_from(IDS), st.text(max_size=4)), max_size=8
).map(lambda rows: [filing(at, note, fix, **{field: text}) for at, (note, fix, field, text) in enumerate(rows)])


class TestAChart:
    @given(filings)
    def test_shows_each_field_as_the_newest_filing_that_stands_has_it(self, history):
        shown = chart_fields(history)
        for field_id, text in shown.items():
            assert [each for each in standing(history) if field_id in each.fields][-1].fields[field_id] == text
        assert set(shown) == {name for each in standing(history) for name in each.fields}

    @given(filings)
    def test_keeps_a_note_without_a_name_through_every_correction(self, history):
        nameless = [each for each in history if not each.note_id]
        assert [each for each in standing(history) if not each.note_id] == nameless

    @given(filings)
    def test_of_a_correction_holds_nothing_older_of_its_note(self, history):
        stands = standing(history)
        for at, each in enumerate(stands):
            if each.correction and each.note_id:
                assert all(older.note_id != each.note_id for older in stands[:at])

    def test_names_the_moment_of_a_filing_in_utc_to_the_millisecond(self):
        assert filing(0).moment == "1970-01-01T00:00:00.000Z"
        assert (
            Filing(1, "C", "N", "F", "E", "P", "T", False, 1773933300.25, [], {}).moment == "2026-03-19T15:15:00.250Z"
        )

    @given(filings)
    def test_filed_again_after_its_correction_says_both(self, history):
        corrected = [*history, filing(90, "N", True, A="new"), filing(91, "N", False, B="more")]
        assert [each.sequence for each in standing(corrected) if each.note_id == "N"] == [90, 91]


class TestAnAnswer:
    @given(st.sampled_from(["AL", "NE", "ER", "SU"]), st.sampled_from(["AL", "NE", "ER", "SU"]))
    def test_never_says_yes_to_a_refused_message_without_the_refusal_that_was_asked_for(self, accept, application):
        for code in ("AA", "AE", "AR"):
            said = enhanced(Mode(accept, application), code)
            assert len(said) <= 2
            assert not (code == "AR" and {"CA", "AA"} & set(said))
            assert not (code == "AE" and "AA" in said)
            assert not (code == "AE" and "CA" in said and "AE" not in said)
            assert code != "AA" or set(said) <= {"CA", "AA"}

    @given(st.binary(max_size=60))
    def test_to_anything_at_all_is_one_that_can_be_read_again(self, noise):
        frame = b"MSH|^~\\&|" + noise
        try:
            message = read(frame)
        except Unreadable:
            message = None
        for answer in answers(message, Refusal("AR", "100", "No.")):
            assert answer.endswith(b"\r")
            assert answer.split(b"\r")[1].startswith(b"MSA")

    @given(st.text(st.characters(codec="ascii", categories=("L", "N")), min_size=1, max_size=20))
    def test_repeats_the_control_id_letter_by_letter(self, control_id):
        (answer,) = answers(read(oru([("NF-01", "x")], control_id)), None)
        assert answer.decode().split("\r")[1] == f"MSA|AA|{control_id}|"


def outcome(frame):
    """The note in a frame, or why there is none."""
    try:
        message = read(frame)
        check_header(message)
        return read_note(message)
    except (Unreadable, Refusal) as error:
        return error


class TestReading:
    @given(st.lists(st.tuples(st.sampled_from(IDS), st.text("abc äß", min_size=1, max_size=9)), min_size=1, max_size=6))
    def test_takes_every_observation_in_its_order_with_its_text(self, fields):
        note = read_note(read(oru(fields)))
        assert [(each.field_id, each.text) for each in note.observations] == fields
        assert (note.control_id, note.note_id, note.encounter, note.patient) == ("C1", "N1", "E1", "P1")

    @given(st.binary(max_size=80), st.integers(0, 300))
    def test_answers_any_damage_with_a_reading_or_a_refusal(self, noise, at):
        frame = oru([("NF-01", "text"), ("NF-02", "more")])
        damaged = frame[:at] + noise + frame[at + len(noise) :]
        found = outcome(damaged)
        if isinstance(found, Refusal):
            assert found.code in ("AE", "AR")
            assert found.error.isdigit()
        elif isinstance(found, Unreadable):
            assert "text" not in str(found)
        else:
            assert found.encounter
            assert found.patient
            assert all(each.text for each in found.observations)

    @pytest.mark.parametrize("name", ["PD1", "PV2", "ORC", "NTE", "SFT"])
    def test_is_not_moved_by_a_segment_that_nobody_reads_wherever_it_stands(self, name):
        lines = oru([("NF-01", "one"), ("NF-02", "two")]).split(b"\r")
        plain = read_note(read(b"\r".join(lines)))
        for at in range(1, len(lines)):
            assert read_note(read(b"\r".join([*lines[:at], name.encode() + b"|1|x", *lines[at:]]))) == plain

    @given(st.text("FSTRE.brspX41|^~&", max_size=12))
    def test_leaves_text_without_an_escape_mark_as_it_is(self, text):
        assert unescape(text, MARKS) == text

    @pytest.mark.parametrize("place, value", [(9, "ADT^A01"), (10, ""), (11, "Q"), (12, "3.0")])
    def test_of_a_header_at_fault_names_the_field(self, place, value):
        message = read(msh(**{f"msh{place}": value}).encode() + b"\r")
        with pytest.raises(Refusal) as refused:
            check_header(message)
        assert refused.value.location == f"MSH^1^{place}"
        assert refused.value.text.startswith(f"MSH-{place}:")


class TestATemplate:
    @given(st.permutations(IDS), st.sampled_from(IDS), st.sampled_from(IDS))
    def test_after_an_exchange_has_the_same_places_and_only_two_fields_elsewhere(self, order, first, second):
        made = Template("N", "T", "T", tuple(TemplateField(each, each, at) for at, each in enumerate(order, start=1)))
        if first == second:
            with pytest.raises(BadTemplate):
                made.swapped(first, second)
            return
        other = made.swapped(first, second)
        moved = {each.field_id for each in made.fields if other.by_id[each.field_id].position != each.position}
        assert moved == {first, second}
        assert [each.position for each in other.fields] == list(range(1, 7))

    @pytest.mark.parametrize(
        "field, said",
        [
            ({"field_id": "A", "max_length": True}, "max_length is a number from 1"),
            ({"field_id": "A", "max_length": "9"}, "max_length is a number from 1"),
            ({"field_id": "A", "position": 1.5}, "position is a number from 1"),
            ({"field_id": 7}, "no field_id"),
            ("A", "no field_id"),
        ],
    )
    def test_with_a_field_of_another_shape_is_refused_with_its_place(self, field, said):
        with pytest.raises(BadTemplate, match=f"Field 2.*{said}"):
            template_from_json("N", "T", {"fields": [{"field_id": "Z"}, field]})


@pytest.fixture
def store(tmp_path):
    made = Store(tmp_path)
    yield made
    made.close()


class TestAStore:
    def note(self, control_id="C1", encounter="E1", patient="P1", **options):
        return read_note(read(oru([("NF-01", "Cough")], control_id, encounter=encounter, patient=patient, **options)))

    def put(self, store, note):
        template = template_from_json(note.facility, "FM-PROGRESS", NORTH)
        store.file(note, file_note(note.observations, template), b"raw " + note.control_id.encode())

    def test_shows_nothing_of_a_group_that_is_taken_back(self, store):
        self.put(store, self.note())
        assert store.has_control_id("C1"), "the open group sees itself"
        store.rollback()
        assert (store.count(), store.filings("NORTH", "E1"), store.has_control_id("C1")) == (0, [], False)

    def test_gives_back_each_message_by_its_number_and_nothing_for_another(self, store):
        for name in ("C1", "C2"):
            self.put(store, self.note(name))
        store.commit()
        numbers = [each.sequence for each in store.filings("NORTH", "E1")]
        assert [store.raw(number) for number in numbers] == [b"raw C1", b"raw C2"]
        assert store.raw(numbers[-1] + 1) == b""
        assert store.encounter_of(numbers[0], "NORTH") == "E1"
        assert store.encounter_of(numbers[0], "SOUTH") == "", "another facility's filing is not shown"

    def test_lists_encounters_by_the_newest_filing_and_finds_them_by_either_id(self, store):
        for control_id, encounter, patient in (("1", "E1", "P1"), ("2", "E2", "P2"), ("3", "E1", "P1")):
            self.put(store, self.note(control_id, encounter, patient))
        store.commit()
        store.sign("NORTH", "E2", True)
        assert [(one.encounter, one.filings, one.signed) for one in store.encounters("NORTH", "", 9, 0)] == [
            ("E1", 2, False), ("E2", 1, True)
        ]  # fmt: skip
        assert [one.encounter for one in store.encounters("NORTH", "P2", 9, 0)] == ["E2"]
        assert [one.encounter for one in store.encounters("NORTH", "", 1, 1)] == ["E2"]
        assert store.encounters("NORTH", "%", 9, 0) == [], "a search is no pattern"

    def test_reads_the_chart_as_it_stood_at_a_moment(self, store):
        self.put(store, self.note())
        store.commit()
        (one,) = store.filings("NORTH", "E1")
        assert store.filings("NORTH", "E1", one.filed_at - 1) == []
        assert store.filings("NORTH", "E1", one.filed_at) == [one]

    def test_opened_again_knows_templates_signatures_and_charts(self, store, tmp_path):
        store.put_template(template_from_json("NORTH", "FM-PROGRESS", NORTH))
        store.sign("NORTH", "E1", True)
        self.put(store, self.note())
        store.commit()
        again = Store(tmp_path)
        assert again.templates == store.templates
        assert (again.signed, again.count()) == ({("NORTH", "E1")}, 1)
        assert again.patient_of("NORTH", "E1") == "P1"
        again.close()

    def test_keeps_the_first_template_a_visit_was_made_of(self, store):
        store.populate("NORTH", "E1", "P1", "ONE")
        store.populate("NORTH", "E1", "P1", "TWO")
        assert store.populated("NORTH", "E1") == ("", ""), "not committed yet"
        store.commit()
        assert store.populated("NORTH", "E1") == ("ONE", "P1")
        assert store.populated("SOUTH", "E1") == ("", "")


class TestTheLimitOfCalls:
    def test_counts_each_practice_by_itself_and_afresh_each_minute(self, monkeypatch):
        now = [600.0]
        monkeypatch.setattr("sandbox.limits.time.time", lambda: now[0])
        limits = Limits()
        limits.per_minute["ONE"] = 2
        assert [limits.over("ONE") for _ in range(4)] == [False, False, True, True]
        assert not limits.over("TWO")
        now[0] = 660.0
        assert not limits.over("ONE")
        assert len(limits.calls) == 1, "earlier minutes are forgotten"
        limits.clear()
        assert [limits.over("ONE") for _ in range(3)] == [False] * 3, "its own limit is forgotten too"
