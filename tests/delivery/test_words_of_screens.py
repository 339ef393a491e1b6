"""The words of the delivery screens: every outcome, state and length of time said once, plainly and in one tone."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from delivery.comparison import compare, pieces, seen, unread
from delivery.contents import lines
from delivery.failures import CATALOGUE, CHAPTERS, FAMILIES, Button, Owner, failure
from delivery.filters import GROUPS, Filters
from delivery.patients import Patient
from delivery.sentence import clock, faults, sentence
from delivery.states import WORDS, State
from delivery.tabs import MANY, chips, many, tabs
from delivery.timeline import WAITS, still_waiting
from delivery.words import (
    ANSWERS,
    ATTEMPT_OUTCOMES,
    GRADES,
    SECTION_OUTCOMES,
    STATE_ICONS,
    ago,
    attempt_words,
    outcome_words,
    who,
)

TONES = {"ok", "wait", "act", "off"}
NOON = datetime(2026, 3, 19, 16, 0, tzinfo=UTC)  # noon in New York


def a_delivery(state=State.ACCEPTED, **changes) -> SimpleNamespace:
    """What the words are made of, without a database."""
    kept = {
        "state": state,
        "created_at": NOON,
        "updated_at": NOON + timedelta(minutes=2),
        "accepted_at": None,
        "verified_at": None,
        "not_before": NOON,
        "read_at": None,
        "reason_code": "",
        "proof": "",
        "section_outcomes": [],
        "location": SimpleNamespace(time_zone="America/New_York"),
    }
    return SimpleNamespace(**{**kept, **changes})


@pytest.mark.parametrize(
    "seconds, said",
    [
        (-5, "0.0 s"),
        (0, "0.0 s"),
        (0.84, "0.8 s"),
        (9.9, "9.9 s"),
        (10, "10 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (3599, "59 min"),
        (3600, "1 h 0 min"),
        (7500, "2 h 5 min"),
        (86399, "23 h 59 min"),
        (86400, "1 d 0 h"),
        (4 * 86400 + 3 * 3600, "4 d 3 h"),
        (400 * 86400, "400 d 0 h"),
    ],
)
def test_a_length_of_time_is_said_in_two_units_at_most(seconds, said):
    assert ago(timedelta(seconds=seconds)) == said


@given(st.floats(0, 1e8))
def test_a_length_of_time_is_never_said_longer_than_it_was(seconds):
    units = {"s": 1, "min": 60, "h": 3600, "d": 86400}
    words = ago(timedelta(seconds=seconds)).split()
    said = sum(float(number) * units[unit] for number, unit in zip(words[::2], words[1::2], strict=True))
    assert said <= seconds + 0.06


@pytest.mark.parametrize("table", [SECTION_OUTCOMES, ATTEMPT_OUTCOMES, ANSWERS], ids=["sections", "attempts", "looks"])
def test_every_outcome_has_a_label_a_sentence_a_tone_and_a_sign(table):
    for words in table.values():
        assert words.label
        assert words.meaning.endswith(".")
        assert words.tone in TONES
        assert words.icon
    assert len({words.label for words in table.values()}) == len(table)


def test_only_what_was_read_in_its_field_is_right():
    assert [name for name, words in SECTION_OUTCOMES.items() if words.right] == ["verified"]


@given(st.text(max_size=20))
def test_an_outcome_nobody_knows_is_never_shown_as_a_success(name):
    if name not in SECTION_OUTCOMES:
        assert not outcome_words(name).right
    if name not in ATTEMPT_OUTCOMES:
        assert not attempt_words(name).right


@pytest.mark.parametrize("state", list(State))
def test_every_state_is_one_word_one_sentence_and_one_sign(state):
    assert WORDS[state].tone in TONES
    assert WORDS[state].meaning.endswith(".")
    assert STATE_ICONS[state]
    assert "dead letter" not in WORDS[state].label.lower()


def test_accepted_is_never_said_without_that_it_is_not_verified():
    assert "not yet verified" in WORDS[State.ACCEPTED].label


@pytest.mark.parametrize(
    "actor, said",
    [
        ("clinic-1/9f3a/4026531836|4711|99812", "worker on clinic-1, process 4711"),
        ("worker clinic-1/9f3a/4026531836|4711|99812", "worker on clinic-1, process 4711"),
        ("dana", "dana"),
        ("Murmur Scribe", "Murmur Scribe"),
        ("", ""),
        ("a|b|c", "a|b|c"),
    ],
)
def test_a_worker_is_named_by_host_and_process_and_a_person_by_name(actor, said):
    assert who(actor) == said


class TestTheSentence:
    def test_of_a_verified_note_has_both_times(self):
        made = a_delivery(State.VERIFIED, accepted_at=NOON + timedelta(minutes=1))
        assert sentence(made) == "Accepted 12:01; read back and verified 12:02."

    def test_of_a_misfiled_note_names_the_sections_by_what_befell_them(self):
        rows = [
            {"title": "HPI", "outcome": "altered"},
            {"title": "Plan", "outcome": "altered"},
            {"title": "", "code": "physical_exam", "outcome": "missing"},
            {"title": "CC", "outcome": "verified"},
        ]
        made = a_delivery(State.MISFILED, accepted_at=NOON, section_outcomes=rows)
        assert sentence(made) == "Accepted 12:00; HPI and Plan altered; physical_exam missing at 12:02."

    def test_of_one_that_cannot_be_read_back_says_so(self):
        made = a_delivery(State.ACCEPTED, accepted_at=NOON, proof="none")
        assert sentence(made) == "Accepted 12:00; this location cannot be read back."

    def test_of_any_other_state_has_its_reason(self):
        made = a_delivery(State.HELD, reason_code="unmapped_section")
        assert sentence(made).startswith("Held since 12:02; ")
        assert failure("unmapped_section").title[1:] in sentence(made)

    @pytest.mark.parametrize("state", list(State))
    @pytest.mark.parametrize("reason_code", ["", "ae", "a_code_nobody_knows"])
    def test_is_one_sentence_in_every_state(self, state, reason_code):
        said = sentence(a_delivery(state, reason_code=reason_code))
        assert said[0].isupper()
        assert said.endswith(".")
        assert not said.endswith("..")

    def test_uses_the_clock_on_the_locations_wall(self):
        made = a_delivery(location=SimpleNamespace(time_zone="America/Los_Angeles"))
        assert clock(made, NOON) == "09:00"

    def test_has_the_date_where_it_is_another_day_than_the_notes(self):
        assert clock(a_delivery(), NOON + timedelta(hours=11)) == "23:00"
        assert clock(a_delivery(), NOON + timedelta(hours=12)) == "20 Mar 00:00"

    def test_of_three_sections_uses_commas_and_one_and(self):
        rows = [{"title": title, "outcome": "missing"} for title in ("CC", "HPI", "Plan")]
        assert faults(a_delivery(section_outcomes=rows)) == "CC, HPI and Plan missing"


class TestWhatItWaitsFor:
    @pytest.mark.parametrize("state", list(State))
    def test_is_said_exactly_where_something_is_still_to_come(self, state):
        said = still_waiting(a_delivery(state), NOON + timedelta(minutes=5))
        assert bool(said) == (state in WAITS)
        if said:
            assert "3 min so far." in said

    def test_names_the_next_try(self):
        made = a_delivery(State.READY, not_before=NOON + timedelta(minutes=7))
        assert "The next try comes in 2 min." in still_waiting(made, NOON + timedelta(minutes=5))

    def test_names_the_next_look_into_the_chart(self):
        made = a_delivery(State.ACCEPTED, read_at=NOON + timedelta(minutes=5, seconds=30))
        assert "The next look into the chart comes in 30 s." in still_waiting(made, NOON + timedelta(minutes=5))

    def test_says_nothing_of_a_try_that_is_due(self):
        assert "next try" not in still_waiting(a_delivery(State.READY), NOON + timedelta(minutes=5))


class TestTheMaskOfAPatient:
    @pytest.mark.parametrize(
        "patient, mask",
        [
            (Patient("P1001", "Okafor", "Lena", "", ""), "L.O. ••01"),
            (Patient("1234567890", "Okafor", "Lena", "", ""), "L.O. ••7890"),
            (Patient("7", "Okafor", "", "", ""), "O. ••"),
            (Patient("", "", "", "", ""), "? ••"),
            (Patient("AB", "østby", "éva", "", ""), "É.Ø. ••B"),
        ],
    )
    def test_is_initials_and_the_end_of_the_id(self, patient, mask):
        assert patient.mask() == mask

    @given(st.text(min_size=1, max_size=30), st.text(max_size=20), st.text(max_size=20))
    def test_never_shows_more_than_half_of_an_id_nor_a_whole_longer_name(self, pk, family, given_name):
        mask = Patient(pk, family, given_name, "", "").mask()
        shown = mask.split("••", 1)[1]
        assert len(shown) <= max(len(pk) // 2, 0)
        assert len(shown) <= 4


class TestTheCatalogue:
    @pytest.mark.parametrize("code", CATALOGUE)
    def test_says_of_each_reason_what_happened_whose_job_it_is_and_what_to_do(self, code):
        entry = CATALOGUE[code]
        assert entry.code == code
        assert 5 <= len(entry.title) <= 60
        assert not entry.title.endswith(".")
        assert entry.happened.endswith(".")
        assert entry.todo.endswith((".", "?"))
        assert entry.owner in set(Owner)
        assert entry.button in set(Button)

    def test_has_each_code_and_each_title_once(self):
        entries = [entry for _, chapter in CHAPTERS for entry in chapter]
        assert len({entry.code for entry in entries}) == len(entries)
        assert len({entry.title for entry in entries}) == len(entries)

    @pytest.mark.parametrize("family", FAMILIES)
    def test_has_a_familys_words_for_each_of_its_codes(self, family):
        assert failure(f"{family}_anything") is CATALOGUE[family]

    @given(st.text(max_size=60))
    def test_has_words_for_anything_and_says_where_it_does_not_know(self, code):
        entry = failure(code)
        assert len(entry.title) <= 60
        if code not in CATALOGUE and code.split("_", 1)[0] not in FAMILIES:
            assert "without an explanation yet" in entry.title
            assert entry.owner is Owner.US

    def test_never_promises_what_nobody_can(self):
        for entry in CATALOGUE.values():
            for word in ("exactly once", "guaranteed", "immutable", "certified"):
                assert word not in f"{entry.title} {entry.happened} {entry.todo}".lower()


class TestTabsAndChips:
    def numbers(self, **changes) -> dict[str, int]:
        return {**{state.value: 0 for state in State}, "attention": 0, "waiting": 0, "retrying": 0, "all": 0, **changes}

    @pytest.mark.parametrize("count, said", [(0, "0"), (999, "999"), (MANY, "1,000+"), (MANY * 9, "1,000+")])
    def test_a_count_says_where_it_stopped_counting(self, count, said):
        assert many(count) == said

    def test_the_first_tab_is_everything_and_is_current_when_nothing_is_chosen(self):
        first, *rest = tabs(Filters(), self.numbers(all=7))
        assert (first.label, first.count, first.current) == ("All", "7", True)
        assert not any(tab.current for tab in rest)

    @pytest.mark.parametrize("name", ["retrying", *GROUPS, *(state.value for state in State)])
    def test_a_chosen_view_has_its_tab_and_is_the_current_one(self, name):
        made = tabs(Filters(state=(name,)), self.numbers())
        assert [tab.current for tab in made].count(True) == 1
        assert next(tab for tab in made if tab.current).query == f"state={name}"

    def test_quiet_states_stand_there_only_while_they_have_rows(self):
        labels = {tab.label for tab in tabs(Filters(), self.numbers())}
        assert "Cancelled" not in labels
        assert "Cancelled" in {tab.label for tab in tabs(Filters(), self.numbers(cancelled=1))}

    def test_a_tab_alarms_only_while_it_has_rows(self):
        tone = {tab.label: tab.tone for tab in tabs(Filters(), self.numbers(attention=3))}
        assert (tone["Needs attention"], tone["Held"]) == ("act", "off")

    def test_a_tab_keeps_what_else_was_chosen(self):
        chosen = Filters(range="24h", failed="1")
        assert all("range=24h&failed=1" in tab.query for tab in tabs(chosen, self.numbers()))

    @pytest.mark.parametrize(
        "chosen, said",
        [
            (Filters(state=("attention",)), "Needs attention"),
            (Filters(state=("unknown",)), "Outcome unknown"),
            (Filters(part=("medications",)), "Medications"),
            (Filters(range="7d"), "Last 7 days"),
            (Filters(since="2026-03-01"), "From 2026-03-01"),
            (Filters(until="2026-03-02"), "Until 2026-03-02"),
            (Filters(failed="1"), "Ever failed"),
            (Filters(patient="0" * 32), "One patient"),
            (Filters(encounter="0" * 32), "One visit"),
            (Filters(note="0" * 32), "One note"),
            (Filters(control="ABC"), "Control id ABC"),
            (Filters(found="none"), "Search"),
        ],
    )
    def test_a_chip_says_in_words_what_it_narrows_to_and_no_blind_index(self, chosen, said):
        [chip] = chips(chosen, SimpleNamespace(locations=()))
        assert (chip.label, chip.query) == (said, "")


class TestComparedTexts:
    @given(st.text(max_size=60), st.text(max_size=60))
    def test_the_pieces_rebuild_both_texts(self, before, after):
        made = list(pieces(before, after))
        assert "".join(piece.text for piece in made if piece.kind != "ins") == before
        assert "".join(piece.text for piece in made if piece.kind != "del") == after

    def test_one_changed_word_is_one_word_out_and_one_in(self):
        made = [(piece.kind, piece.text) for piece in pieces("No known allergy.", "No drug allergy.")]
        assert made == [("same", "No "), ("del", "known"), ("ins", "drug"), ("same", " allergy.")]

    def test_a_long_text_is_compared_by_lines_and_soon_done(self):
        before = "\n".join(f"line {number} of a very long note" for number in range(1000))
        made = list(pieces(before, before.replace("line 500 ", "line 5OO ")))
        assert [piece.kind for piece in made] == ["same", "del", "ins", "same"]

    @pytest.mark.parametrize("hidden", ["\u200b", "\u202e", "\u00ad", "\ufeff", "\u2066"])
    def test_S19_what_the_eye_cannot_see_is_written_out(self, hidden):
        assert seen(f"10{hidden}mg") == f"10[U+{ord(hidden):04X}]mg"

    @given(st.text(st.characters(categories=["L", "N", "P", "Zs"], exclude_characters="[")))
    def test_what_the_eye_can_see_is_left_alone(self, text):
        assert seen(text) == text

    def test_before_a_reading_every_section_of_the_plan_stands_there_unread(self):
        plan = [
            {
                "field_id": "NF-02",
                "label": "HPI",
                "text": "a\nb",
                "contributions": [{"code": "x", "title": "X", "text": "a"}, {"code": "y", "title": "", "text": "b"}],
            },
            {"field_id": "NF-07", "label": "Notes", "text": "c", "contributions": []},
        ]
        made = compare(plan, [])
        assert [(one.title, one.sent, one.in_chart, one.obx) for one in made] == [
            ("X", "a", None, 1),
            ("y", "b", None, 1),
            ("Notes", "c", None, 2),
        ]
        assert {one.outcome.label for one in made} == {"Not read yet"}
        assert len(unread(plan)) == 3

    @pytest.mark.parametrize("raw", [b"\x0bMSH|1\rPID|2\r\x1c\r", b"MSH|1\r\nPID|2\r\n", b"MSH|1\nPID|2"])
    def test_a_message_is_shown_one_segment_a_line_whatever_its_line_ends(self, raw):
        assert lines(raw) == ("MSH|1", "PID|2")

    @given(st.binary(max_size=80))
    def test_no_bytes_whatever_break_the_page(self, raw):
        assert all(isinstance(line, str) for line in lines(raw))


def test_every_grade_of_proof_says_what_was_compared():
    assert set(GRADES) == {"field", "section", "document", "attested", "none", "app_data", "entry"}
    assert "cannot be read back" in GRADES["none"]


def test_now_is_a_time_with_a_zone():
    assert timezone.is_aware(NOON)
