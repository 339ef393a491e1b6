"""Read-back: every loss, move, cut and doubling is caught and named, and nothing that is right is ever called wrong."""

from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from delivery.channels.base import Chart, ChartNote
from delivery.channels.compare import Known, ReadBack, compare, displaced
from mapping.note import Contribution, FieldValue
from tests.channels.notes import CONTROL_ID, NASTY, OTHER_ID, WILD

STRAY = "ZZ-99"


def field(place: int, *texts: str, prefix: str = "", separator: str = "\n\n", after: str = "") -> FieldValue:
    """A field with one section, or several joined."""
    parts = tuple(Contribution(10 * place + n, f"s{place}{n}", f"S {place}.{n}", text) for n, text in enumerate(texts))
    return FieldValue(f"NF-{place:02}", f"Field {place}", place, prefix + separator.join(texts) + after, parts)


def as_sent(plan: list[FieldValue]) -> dict[str, str]:
    return {value.field_id: value.text for value in plan}


def chart(fields: dict[str, str], *, control_id: str = CONTROL_ID, times: int = 1) -> Chart:
    return Chart((ChartNote(control_id, fields),) * times, dict(fields))


def read(plan: list[FieldValue], fields: dict[str, str], **how) -> ReadBack:
    return compare(plan, chart(fields, **how), CONTROL_ID)


def outcomes(back: ReadBack) -> list[str]:
    return [section.outcome for section in back.sections]


THREE = [field(1, "Cough for nine days."), field(2, "Dry cough.\nNo fever."), field(3, "Lungs clear.")]
JOINED = [field(1, "Cough."), field(2, "Bronchitis, acute.", "Fluids and rest.", "Return in a week.", prefix="A/P: ")]


def test_what_stands_as_sent_is_verified():
    back = read(THREE, as_sent(THREE))
    assert back.verified
    assert outcomes(back) == ["verified"] * 3
    first = back.sections[0]
    assert (first.index, first.code, first.field_id, first.found_in) == (10, "s10", "NF-01", "NF-01")
    assert first.sent == first.in_chart == "Cough for nine days."


def test_without_a_filing_of_this_identity_nothing_is_found_however_alike_the_text():
    back = read(THREE, as_sent(THREE), control_id=OTHER_ID)
    assert not back.found
    assert not back.verified
    assert outcomes(back) == ["missing"] * 3


def test_an_empty_chart_is_not_found():
    assert compare(THREE, Chart((), {}), CONTROL_ID).found is False


def test_a_dropped_section_is_missing():
    fields = as_sent(THREE)
    del fields["NF-02"]
    back = read(THREE, fields)
    assert back.found
    assert not back.verified
    assert outcomes(back) == ["verified", "missing", "verified"]


@pytest.mark.parametrize("left", ["", "  \n"])
def test_an_emptied_field_is_missing(left):
    assert outcomes(read(THREE, {**as_sent(THREE), "NF-02": left})) == ["verified", "missing", "verified"]


def test_A20_a_section_in_a_field_the_message_never_named_is_moved():
    fields = as_sent(THREE)
    fields[STRAY] = fields.pop("NF-02")
    back = read(THREE, fields)
    assert outcomes(back) == ["verified", "moved", "verified"]
    assert back.sections[1].found_in == STRAY


def test_A20_two_swapped_sections_are_both_moved():
    back = read(THREE, {**as_sent(THREE), "NF-01": THREE[1].text, "NF-02": THREE[0].text})
    assert outcomes(back) == ["moved", "moved", "verified"]
    assert [section.found_in for section in back.sections] == ["NF-02", "NF-01", "NF-03"]
    assert back.sections[0].in_chart == THREE[1].text


def test_A20_a_section_filed_below_another_is_moved_and_the_other_altered():
    fields = as_sent(THREE)
    fields["NF-03"] += "\n" + fields.pop("NF-02")
    back = read(THREE, fields)
    assert outcomes(back) == ["verified", "moved", "altered"]
    assert back.sections[1].found_in == "NF-03"


def test_a_section_written_over_by_another_is_missing():
    fields = as_sent(THREE)
    fields["NF-03"] = fields.pop("NF-02")
    assert outcomes(read(THREE, fields)) == ["verified", "moved", "missing"]


def test_everything_shifted_by_one_field_is_moved():
    one, two, three = (value.text for value in THREE)
    back = read(THREE, {"NF-02": one, "NF-03": two, STRAY: three})
    assert [(section.outcome, section.found_in) for section in back.sections] == [
        ("moved", "NF-02"),
        ("moved", "NF-03"),
        ("moved", STRAY),
    ]


def test_A21_a_truncated_section_is_altered_and_what_is_left_is_shown():
    back = read(THREE, {**as_sent(THREE), "NF-02": "Dry cou"})
    assert outcomes(back) == ["verified", "altered", "verified"]
    assert back.sections[1].in_chart == "Dry cou"


@pytest.mark.parametrize(
    "charted", ["Dry cough. No fever.", "dry cough.\nNo fever.", " Dry cough.\nNo fever.", "Dry cough.\rNo fever."]
)
def test_the_text_is_compared_exactly(charted):
    assert outcomes(read(THREE, {**as_sent(THREE), "NF-02": charted})) == ["verified", "altered", "verified"]


def test_crlf_is_the_one_difference_that_is_none():
    assert read(THREE, {**as_sent(THREE), "NF-02": "Dry cough.\r\nNo fever."}).verified


def test_composed_and_decomposed_letters_differ():
    plan = [field(1, "café")]
    assert outcomes(read(plan, {"NF-01": "cafe\u0301"})) == ["altered"]


def test_a_filing_that_stands_twice_is_duplicated():
    back = read(THREE, as_sent(THREE), times=2)
    assert outcomes(back) == ["duplicated"] * 3
    assert not back.verified


def test_a_section_twice_in_its_field_is_duplicated():
    back = read(THREE, {**as_sent(THREE), "NF-01": "Cough for nine days.\nCough for nine days."})
    assert outcomes(back) == ["duplicated", "verified", "verified"]


def test_a_section_in_its_own_and_in_another_field_is_duplicated():
    back = read(THREE, {**as_sent(THREE), STRAY: "Lungs clear."})
    assert outcomes(back) == ["verified", "verified", "duplicated"]
    assert back.sections[2].found_in == STRAY


def test_text_of_our_filing_in_a_field_we_never_named_is_shown():
    back = read(THREE, {**as_sent(THREE), STRAY: "Somebody else's words"})
    assert not back.verified
    assert outcomes(back) == ["verified"] * 3 + ["altered"]
    assert (back.sections[3].field_id, back.sections[3].in_chart) == (STRAY, "Somebody else's words")


def test_an_addition_behind_a_section_alters_it():
    assert outcomes(read(THREE, {**as_sent(THREE), "NF-03": "Lungs clear. And more."})) == [
        "verified",
        "verified",
        "altered",
    ]


def test_the_same_words_in_two_fields_are_no_duplicate():
    plan = [field(1, "None."), field(2, "None."), field(3, "Normal.")]
    assert read(plan, as_sent(plan)).verified


def test_the_loss_of_one_of_two_alike_is_a_loss():
    plan = [field(1, "None."), field(2, "None.")]
    assert outcomes(read(plan, {"NF-02": "None."})) == ["missing", "verified"]


def test_a_prefix_that_reads_like_a_section_is_no_duplicate():
    plan = [field(1, "HPI:"), field(2, "Cough.", prefix="HPI: ")]
    assert read(plan, as_sent(plan)).verified


def test_several_sections_in_one_field_are_verified_each():
    assert outcomes(read(JOINED, as_sent(JOINED))) == ["verified"] * 4


@pytest.mark.parametrize("lost", [0, 1, 2])
def test_a_section_dropped_out_of_a_joined_field_is_the_one_that_is_missing(lost):
    texts = [part.text for part in JOINED[1].contributions]
    left = "A/P: " + "\n\n".join(text for n, text in enumerate(texts) if n != lost)
    expected = ["verified"] * 4
    expected[1 + lost] = "missing"
    assert outcomes(read(JOINED, {**as_sent(JOINED), "NF-02": left})) == expected


def test_A21_a_joined_field_cut_at_a_limit_names_the_cut_and_the_lost():
    cut = JOINED[1].text[: JOINED[1].text.index("and rest")]
    back = read(JOINED, {**as_sent(JOINED), "NF-02": cut})
    assert outcomes(back) == ["verified", "verified", "altered", "missing"]
    assert back.sections[2].in_chart == "Fluids "


def test_sections_of_a_joined_field_in_another_order_are_not_verified():
    charted = "A/P: Fluids and rest.\n\nBronchitis, acute.\n\nReturn in a week."
    back = read(JOINED, {**as_sent(JOINED), "NF-02": charted})
    assert not back.verified
    assert back.sections[3].outcome == "verified"


def test_other_words_between_joined_sections_alter_what_stands_beside_them():
    charted = JOINED[1].text.replace("acute.\n\n", "acute.\n\nnot meant\n\n")
    back = read(JOINED, {**as_sent(JOINED), "NF-02": charted})
    assert not back.verified
    assert "altered" in outcomes(back)


def test_a_lost_prefix_is_not_verified():
    charted = JOINED[1].text.removeprefix("A/P: ")
    assert not read(JOINED, {**as_sent(JOINED), "NF-02": charted}).verified


def test_a_field_whose_text_no_section_explains_is_compared_whole():
    plan = [replace(field(1, "Cough."), text="Not documented.")]
    back = read(plan, {"NF-01": "Not documented."})
    assert outcomes(back) == ["verified"]
    assert back.sections[0].title == "Field 1"
    assert outcomes(read(plan, {"NF-01": "Not docu"})) == ["altered"]
    assert outcomes(read([replace(plan[0], contributions=())], {})) == ["missing"]


def test_a_section_lost_between_the_filing_and_the_chart_is_missing():
    filed = as_sent(THREE)
    seen = {**filed, "NF-02": ""}
    back = compare(THREE, Chart((ChartNote(CONTROL_ID, filed),), seen), CONTROL_ID)
    assert outcomes(back) == ["verified", "missing", "verified"]


def test_a_section_moved_between_the_filing_and_the_chart_is_moved():
    filed = as_sent(THREE)
    seen = {"NF-01": THREE[0].text, "NF-03": THREE[2].text, STRAY: THREE[1].text}
    back = compare(THREE, Chart((ChartNote(CONTROL_ID, filed),), seen), CONTROL_ID)
    assert outcomes(back) == ["verified", "moved", "verified"]
    assert back.sections[1].found_in == STRAY


def test_what_clinicians_wrote_in_other_fields_is_no_matter_of_ours():
    filed = as_sent(THREE)
    seen = {**filed, STRAY: "Lungs clear.", "ZZ-98": "My own words"}
    assert compare(THREE, Chart((ChartNote(CONTROL_ID, filed),), seen), CONTROL_ID).verified


def test_a_later_filing_does_not_unprove_an_earlier_one():
    ours, theirs = as_sent(THREE), {"NF-02": "Corrected.", "NF-07": "New."}
    whole = Chart((ChartNote(CONTROL_ID, ours), ChartNote(OTHER_ID, theirs)), theirs)
    assert compare(THREE, whole, CONTROL_ID).verified


ANOTHER_NOTE = Known(others=frozenset({OTHER_ID}))
OWN_CORRECTION = Known(own=frozenset({OTHER_ID}))


def after(theirs: dict[str, str], seen: dict[str, str]) -> Chart:
    """Our three fields, filed as sent; then another filing; and what a clinician sees."""
    return Chart((ChartNote(CONTROL_ID, as_sent(THREE)), ChartNote(OTHER_ID, theirs)), seen)


def test_a_section_whose_place_another_note_took_does_not_stand_as_sent():
    theirs = {"NF-02": "The nurse's own words."}
    back = compare(THREE, after(theirs, as_sent(THREE) | theirs), CONTROL_ID, ANOTHER_NOTE)
    assert outcomes(back) == ["verified", "altered", "verified"]
    assert back.sections[1].in_chart == "The nurse's own words."


def test_a_field_to_which_another_note_was_added_still_holds_ours():
    seen = as_sent(THREE) | {"NF-02": "Dry cough.\r\nNo fever.\r\n\r\nThe nurse's own words."}
    assert compare(THREE, after({"NF-02": "The nurse's own words."}, seen), CONTROL_ID, ANOTHER_NOTE).verified


def test_another_note_in_other_fields_disturbs_nobody_even_where_a_clinician_edited():
    seen = as_sent(THREE) | {"NF-02": "Edited by hand.", "NF-09": "New."}
    assert compare(THREE, after({"NF-09": "New."}, seen), CONTROL_ID, ANOTHER_NOTE).verified


def test_a_notes_own_correction_rightly_takes_its_place_whatever_came_between():
    corrected = {"NF-01": "Corrected."}
    assert compare(THREE, after(corrected, corrected), CONTROL_ID, OWN_CORRECTION).verified


def test_a_filing_displaces_those_before_it_whose_text_is_gone_from_a_common_field():
    theirs = {"NF-02": "The nurse's own words."}
    assert displaced(after(theirs, as_sent(THREE) | theirs), OTHER_ID) == {CONTROL_ID}
    assert displaced(after(theirs, as_sent(THREE) | theirs), CONTROL_ID) == frozenset(), "what came later is not gone"


@pytest.mark.parametrize(
    "theirs, seen",
    [
        ({"NF-09": "New."}, {"NF-01": "Edited by hand.", "NF-09": "New."}),
        ({"NF-03": "More."}, as_sent(THREE) | {"NF-03": "Lungs clear.\nMore."}),
    ],
)
def test_a_filing_in_other_fields_or_added_to_ours_displaces_nothing(theirs, seen):
    assert displaced(after(theirs, seen), OTHER_ID) == frozenset()


def test_nothing_is_displaced_where_no_fields_are_seen_or_the_filing_is_not_there():
    theirs = {"NF-02": "The nurse's own words."}
    assert displaced(replace(after(theirs, theirs), grade="section"), OTHER_ID) == frozenset()
    assert displaced(after(theirs, theirs), "ANOTHER-ID") == frozenset()


def amended(seen: dict[str, str], earlier: list[FieldValue], **known) -> ReadBack:
    """Our three fields filed as sent, after an earlier version that had filled `earlier`."""
    filed = as_sent(THREE)
    whole = Chart((ChartNote(OTHER_ID, as_sent(earlier)), ChartNote(CONTROL_ID, filed)), filed | seen)
    return compare(THREE, whole, CONTROL_ID, replace(OWN_CORRECTION, earlier=tuple(earlier), **known))


BEFORE = [*THREE[:2], field(7, "Return in a week.", "Call if worse.")]


def test_a_section_that_a_later_version_leaves_out_and_the_chart_keeps_is_named():
    back = amended({"NF-07": "Return in a week.\r\n\r\nCall if worse."}, BEFORE)
    assert outcomes(back) == ["verified"] * 3 + ["left_behind"]
    last = back.sections[-1]
    assert (last.field_id, last.title, last.code, last.sent) == ("NF-07", "S 7.0, S 7.1", "s70", "")
    assert last.in_chart == "Return in a week.\n\nCall if worse."
    assert not back.verified
    assert not back.as_sent


@pytest.mark.parametrize("seen", ["", "   ", "Written anew by the clinician."])
def test_a_section_left_out_that_is_gone_or_written_anew_is_no_fault(seen):
    assert amended({"NF-07": seen}, BEFORE).verified


def test_what_is_left_of_a_section_that_was_cut_is_named_too():
    assert outcomes(amended({"NF-07": "Return in a week."}, BEFORE))[-1] == "left_behind"
    assert amended({"NF-07": "week"}, BEFORE).verified, "a word is nobody's own"


def test_of_several_earlier_versions_each_field_is_named_once():
    twice = [*BEFORE, field(7, "Return in a week.", "Call if worse.")]
    assert outcomes(amended({"NF-07": "Return in a week.\n\nCall if worse."}, twice)).count("left_behind") == 1


def test_text_that_our_own_filing_carries_over_is_named_once():
    filed = as_sent(THREE) | {"NF-07": "Return in a week.\n\nCall if worse."}
    back = compare(THREE, chart(filed), CONTROL_ID, Known(earlier=tuple(BEFORE)))
    assert outcomes(back) == ["verified"] * 3 + ["left_behind"]


def test_a_still_later_version_answers_for_what_is_left():
    kept = {"NF-07": "Return in a week.\n\nCall if worse."}
    known = Known(own=frozenset({OTHER_ID}), earlier=tuple(BEFORE))
    assert compare(THREE, after({"NF-01": "Third."}, as_sent(THREE) | kept), CONTROL_ID, known).verified


def test_an_earlier_filing_of_the_same_fields_does_not_disturb():
    earlier = {**as_sent(THREE), "NF-02": "The first version.", "NF-09": "Dropped later."}
    whole = Chart((ChartNote(OTHER_ID, earlier), ChartNote(CONTROL_ID, as_sent(THREE))), {**earlier, **as_sent(THREE)})
    assert compare(THREE, whole, CONTROL_ID).verified


# Notes of one to five fields, each with one to three sections, of any text whatever.
TEXTS = st.one_of(WILD, st.sampled_from(["None.", "Normal.", "a", "-", *NASTY]))
GLUE = st.sampled_from(["\n\n", "\n", " ", "; ", "", "None."])


@st.composite
def plans(draw) -> list[FieldValue]:
    return [
        field(
            place,
            *draw(st.lists(TEXTS, min_size=1, max_size=3)),
            prefix=draw(st.sampled_from(["", "", "HPI: ", "None.", "\n"])),
            separator=draw(GLUE),
            after=draw(st.sampled_from(["", "", " (AI)", "\n"])),
        )
        for place in range(1, draw(st.integers(2, 5)))
    ]


def differs(one: str, other: str) -> bool:
    return one.replace("\r\n", "\n") != other.replace("\r\n", "\n")


def of_field(back: ReadBack, value: FieldValue) -> set[str]:
    return {section.outcome for section in back.sections if section.field_id == value.field_id}


@given(plans(), st.booleans())
def test_nothing_that_is_right_is_ever_called_wrong(plan, crlf):
    fields = {key: text.replace("\n", "\r\n") if crlf else text for key, text in as_sent(plan).items()}
    back = read(plan, fields)
    assert back.verified
    assert len(back.sections) == sum(len(value.contributions) for value in plan)


@given(plans(), st.data())
def test_every_drop_is_caught_and_named(plan, data):
    lost = data.draw(st.sampled_from(plan))
    back = read(plan, {key: text for key, text in as_sent(plan).items() if key != lost.field_id})
    assert back.found
    assert not back.verified
    assert of_field(back, lost) == {"missing"}


@given(plans(), st.data())
def test_every_move_to_a_free_field_is_caught_and_named(plan, data):
    gone = data.draw(st.sampled_from(plan))
    fields = as_sent(plan)
    fields[STRAY] = fields.pop(gone.field_id)
    back = read(plan, fields)
    assert not back.verified
    if len(gone.contributions) == 1 and gone.text == gone.contributions[0].text:
        moved = [section for section in back.sections if section.field_id == gone.field_id]
        assert [(section.outcome, section.found_in) for section in moved] == [("moved", STRAY)]


@given(plans(), st.data())
def test_every_swap_is_caught(plan, data):
    assume(len(plan) > 1)
    one, other = data.draw(st.lists(st.sampled_from(plan), min_size=2, max_size=2, unique_by=id))
    assume(differs(one.text, other.text))
    back = read(plan, {**as_sent(plan), one.field_id: other.text, other.field_id: one.text})
    assert not back.verified
    assert of_field(back, one) | of_field(back, other) != {"verified"}


@given(plans(), st.data())
def test_every_cut_is_caught_and_named(plan, data):
    cut = data.draw(st.sampled_from(plan))
    left = cut.text[: data.draw(st.integers(1, max(1, len(cut.text) - 1)))]
    assume(differs(left, cut.text) and left.strip())
    back = read(plan, {**as_sent(plan), cut.field_id: left})
    assert not back.verified
    assert of_field(back, cut) - {"verified"}


@given(plans(), st.data())
def test_every_change_whatever_is_caught(plan, data):
    changed = data.draw(st.sampled_from(plan))
    text = data.draw(st.one_of(TEXTS, st.text(), st.just(changed.text + changed.text)))
    assume(differs(text, changed.text))
    back = read(plan, {**as_sent(plan), changed.field_id: text})
    assert not back.verified
    assert of_field(back, changed) - {"verified"}


@given(plans(), st.integers(2, 3))
def test_every_doubled_filing_is_caught_and_named(plan, times):
    assert set(outcomes(read(plan, as_sent(plan), times=times))) == {"duplicated"}


@given(plans(), st.dictionaries(st.sampled_from(["NF-01", "NF-02", "NF-03", STRAY]), TEXTS), st.integers(0, 2))
def test_verified_means_that_every_field_of_the_filing_is_exactly_as_sent(plan, fields, times):
    back = read(plan, fields, times=times)
    assert back.found == bool(times)
    assert back.verified == (times == 1 and fields == as_sent(plan))


@pytest.mark.parametrize(
    "named, filled, differs",
    [("FM", "FM", False), ("FM", "SM", True), ("FM", "", False), ("", "SM", False)],
)
def test_a_filing_of_another_template_is_a_line_of_its_own_where_both_are_known(named, filled, differs):
    filing = ChartNote(CONTROL_ID, {"NF-01": "Cough."}, template=filled)
    value = FieldValue("NF-01", "CC", 1, "Cough.", (Contribution(0, "chief_complaint", "CC", "Cough."),))
    seen = compare([value], Chart((filing,), {"NF-01": "Cough."}), CONTROL_ID, template=named)
    assert seen.found
    assert seen.verified is not differs
    assert [row.title for row in seen.sections[1:]] == (["Template of the visit"] if differs else [])
