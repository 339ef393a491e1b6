"""The vocabulary as data: no phrase claims two sections, every word is reachable, every section can be found."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapping.labels import read_label
from mapping.matching import suggest
from mapping.note import FieldSpec
from mapping.sections import CODES, SECTIONS, known_headings, name_of, normalise, resolve_title
from mapping.suggestion import CONFIDENCE, THRESHOLD
from mapping.vocabulary.abbreviations import ABBREVIATIONS, BRITISH, SIGNED
from mapping.vocabulary.headings import ALONE, CONTAINERS, HEADINGS, JOINT, PARTS
from mapping.vocabulary.others import CHANGING, NEUTRAL, OTHERS, PERSONS, STOP
from mapping.vocabulary.phrases import OTHER, SPELLING, TABLE, Rung, look, within
from mapping.vocabulary.words import bag, plain, stems


def phrases(listed: str) -> list[str]:
    return [phrase.strip() for phrase in listed.split("|") if phrase.strip()]


ALL_SAID = [(code, phrase) for code, headings in HEADINGS.items() for phrase in phrases(headings.said)]
ALL_SECOND = [(code, phrase) for code, headings in HEADINGS.items() for phrase in phrases(headings.second)]
ALL_ONLY = [(code, phrase) for code, headings in HEADINGS.items() for phrase in phrases(headings.only)]
ALL_PERHAPS = [(code, phrase) for code, headings in HEADINGS.items() for phrase in phrases(headings.perhaps)]


def test_every_section_of_the_contract_has_a_vocabulary():
    assert HEADINGS.keys() == set(CODES)
    assert len(CODES) == 28


@pytest.mark.parametrize(
    "listed, least",
    [(ALL_SAID, 650), (ALL_SECOND, 100), (ALL_ONLY, 130), (ALL_PERHAPS, 160)],
    ids=["said", "second", "only", "perhaps"],
)
def test_the_lists_are_as_rich_as_they_were(listed, least):
    assert len(listed) >= least
    assert len(set(listed)) == len(listed), "listed twice"


@pytest.mark.parametrize("code", CODES)
def test_each_usual_heading_is_surely_its_section(code):
    for phrase in phrases(HEADINGS[code].said):
        meaning = read_label(phrase).of(code)
        assert meaning is not None, phrase
        assert meaning.sure, phrase


@pytest.mark.parametrize("code", CODES)
def test_each_second_heading_is_surely_its_section_too(code):
    for phrase in phrases(HEADINGS[code].second):
        meaning = read_label(phrase).of(code)
        assert meaning is not None, phrase
        assert meaning.sure, phrase


def test_what_may_mean_a_section_is_never_sure_unless_another_list_says_so():
    elsewhere = {phrase for _, phrase in (*ALL_SAID, *ALL_SECOND)}
    for code, phrase in ALL_PERHAPS:
        meaning = read_label(phrase).of(code)
        if phrase not in elsewhere and phrase not in JOINT and meaning is not None and meaning.sure:
            sure = {entry.code for entry in look(bag(stems(plain(phrase)))) if entry.rung < Rung.PERHAPS}
            assert sure, f"{phrase} means {code} surely, and no list says so"


@pytest.mark.parametrize("phrase", OTHERS)
def test_what_is_none_of_the_sections_is_surely_none(phrase):
    assert not any(meaning.sure for meaning in read_label(phrase).meanings), phrase


@pytest.mark.parametrize("heading, code", sorted(known_headings().items()))
def test_each_heading_of_a_note_means_the_same_as_a_label(heading, code):
    """Splitting a note and reading a template use two tables: they must not contradict each other."""
    sure = {meaning.code for meaning in read_label(heading).meanings if meaning.sure}
    assert not sure or code in sure or any(code in names for names in JOINT.values()), (heading, sure)


def test_a_bag_of_words_has_one_sure_meaning_unless_it_is_a_joint_heading():
    joint = {bag(stems(plain(phrase))) for phrase in JOINT}
    torn = {words for words, entries in TABLE.items() if len([e for e in entries if e.rung < Rung.PERHAPS]) > 1} - joint
    assert {words for words in torn if not any(entry.rung == Rung.COMPOSED for entry in TABLE[words])} == set()


def test_parts_belong_to_sections_and_say_which_may_stand_alone():
    assert PARTS.keys() == ALONE.keys() <= set(CODES)
    for code, parts in PARTS.items():
        assert set(ALONE[code]) <= set(range(len(parts)))


def test_joint_headings_name_sections_of_the_contract():
    for phrase, codes in JOINT.items():
        assert len(codes) >= 2, phrase
        assert set(codes) <= set(CODES), phrase


@pytest.mark.parametrize("name", CONTAINERS)
def test_each_container_is_read_as_one(name):
    for phrase in phrases(CONTAINERS[name]):
        assert read_label(phrase).container == name, phrase


@pytest.mark.parametrize("short", sorted(ABBREVIATIONS))
def test_an_abbreviation_stands_for_other_words_in_small_letters(short):
    assert short == short.lower() == short.strip()
    assert ABBREVIATIONS[short] != [short] or short == "exam"
    assert all(re.fullmatch(r"[a-z]+", word) for word in ABBREVIATIONS[short])


def test_spelling_out_once_is_enough():
    """ "medhx" would else be known only to those who spell it out twice."""
    twice = {short: stems(" ".join(stems(" ".join(stems(short))))) for short in ABBREVIATIONS}
    once = {short: stems(" ".join(stems(short))) for short in ABBREVIATIONS}
    assert {short for short in ABBREVIATIONS if bag(once[short]) != bag(twice[short])} == set()


def test_signs_are_spelled_out_before_they_divide():
    for written, said in {"A/P": "assessment and plan", "F/U": "follow up", "C/C": "chief complaint"}.items():
        assert plain(written) == said
    assert all(re.compile(pattern) for pattern in SIGNED)


@pytest.mark.parametrize("british, american", BRITISH.items())
def test_a_british_spelling_is_read_as_the_american(british, american):
    assert stems(f"x{british}y") == stems(f"x{american}y")


def test_words_that_change_nothing_and_words_that_change_all_are_not_the_same():
    assert set() == NEUTRAL & CHANGING
    assert set() == STOP & (CHANGING | PERSONS)


@pytest.mark.parametrize("word", sorted(NEUTRAL & {"current", "today", "note", "section", "list"}))
@pytest.mark.parametrize("label", ["Plan", "Social History", "Review of Systems"])
def test_a_word_that_changes_nothing_changes_nothing(label, word):
    code = resolve_title(label)
    sure = {meaning.code for meaning in read_label(f"{label} {word}").meanings if meaning.sure}
    assert sure in ({code}, set())


@pytest.mark.parametrize("word", sorted(CHANGING))
def test_in_brackets_a_changing_word_leaves_no_surety_of_the_bare_heading(word):
    meaning = read_label(f"Medications ({word})").of("medications")
    assert meaning is None or not meaning.sure or look(bag(stems(f"medication {word}")))


@pytest.mark.parametrize(
    "typed, code",
    [
        ("Alergies", "allergies"),
        ("Assesment", "assessment"),
        ("Immunisations", "immunizations"),
        ("Family Histroy", "family_history"),
        ("Medicatoins", "medications"),
        ("Phsyical Exam", "physical_exam"),
        ("Hospitalizatons", "hospitalizations"),
    ],
)
def test_a_slip_of_the_finger_is_seen_and_said(typed, code):
    meaning = read_label(typed).of(code)
    assert meaning.sure
    assert meaning.rung in (Rung.SPELLED, Rung.NAME, Rung.SAID)


@pytest.mark.parametrize("word", ["Pain", "Pan", "Goat", "Lads", "Exan", "Plum"])
def test_a_word_of_up_to_four_letters_is_never_guessed_at(word):
    assert not any(meaning.sure for meaning in read_label(word).meanings)


def test_a_known_word_is_never_corrected():
    for words in TABLE:
        for word in words:
            assert SPELLING.corrected(word) == word


@given(st.text(max_size=60))
def test_correcting_twice_changes_nothing_more(text):
    once = SPELLING.corrected(plain(text))
    assert SPELLING.corrected(once) == once or len(once) > 60


@given(st.text(max_size=200))
def test_any_label_is_read_with_one_meaning_per_section_and_a_reason(label):
    meanings = read_label(label).meanings
    codes = [meaning.code for meaning in meanings]
    assert len(codes) == len(set(codes))
    assert set(codes) <= set(CODES)
    assert all(meaning.why.endswith(".") for meaning in meanings)


@given(st.frozensets(st.sampled_from(sorted({word for words in TABLE for word in words})), max_size=4))
def test_inside_a_bag_only_kin_is_found(words):
    assert all(entry.rung == Rung.KIN and entry != OTHER for entry in within(words))


def test_confidence_falls_with_each_rung_of_doubt_and_the_threshold_lies_between():
    sure = [CONFIDENCE[rung] for rung in Rung if rung < Rung.PERHAPS]
    doubtful = [CONFIDENCE[rung] for rung in Rung if rung >= Rung.PERHAPS]
    assert min(sure) >= THRESHOLD > max(doubtful)
    assert doubtful == sorted(doubtful, reverse=True)
    assert set(CONFIDENCE) == set(Rung)
    assert all(0 < value < 1 for value in CONFIDENCE.values()), "nobody is certain"


@pytest.mark.parametrize("code", CODES)
def test_a_template_with_the_sections_own_name_gets_it_suggested(code):
    fields = [FieldSpec("F1", SECTIONS[code].name, 1), FieldSpec("F2", "Zebra crossing", 2)]
    found = suggest(fields, {})[code]
    assert found.field_ids == ("F1",)
    assert found.confidence >= THRESHOLD
    assert "section's own name" in found.reason


@pytest.mark.parametrize("code", CODES)
def test_the_name_of_a_section_reads_back_as_it(code):
    assert resolve_title(name_of(code)) == code
    assert normalise(name_of(code)) == normalise(code)
