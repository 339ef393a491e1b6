"""How a note falls into the template."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.filing import Lost, file_note
from sandbox.oru import Observation
from sandbox.template import Template, TemplateField

IDS = ["A", "B", "C", "D", "E"]


def template(order=IDS, **options):
    fields = tuple(TemplateField(field_id, field_id, place) for place, field_id in enumerate(order, start=1))
    return Template("NORTH", "T", "T", fields, **options)


def note(*ids):
    return tuple(Observation(field_id, f"text of {field_id}") for field_id in ids)


@given(st.lists(st.sampled_from(IDS), unique=True, min_size=1).map(sorted), st.sampled_from(["drop", "misfile"]))
def test_fields_in_order_with_gaps_file_fully(ids, out_of_order):
    filed = file_note(note(*ids), template(out_of_order=out_of_order))
    assert filed.fields == {field_id: f"text of {field_id}" for field_id in ids}
    assert filed.lost == ()


def test_a_field_above_the_last_one_filed_is_dropped():
    filed = file_note(note("A", "C", "B", "D"), template())
    assert list(filed.fields) == ["A", "C", "D"]
    assert filed.lost == (Lost("B", "out_of_order"),)


def test_an_unknown_field_is_dropped_and_the_rest_is_filed():
    filed = file_note(note("A", "X", "B"), template())
    assert list(filed.fields) == ["A", "B"]
    assert filed.lost == (Lost("X", "unknown_field"),)


def test_a_repeated_field_is_filed_once():
    observations = (Observation("A", "first"), Observation("A", "second"))
    for out_of_order in ("drop", "misfile"):
        filed = file_note(observations, template(out_of_order=out_of_order))
        assert filed.fields == {"A": "first"}
        assert filed.lost == (Lost("A", "repeated_field"),)


def test_misfiling_exchanges_the_texts_of_two_exchanged_fields():
    filed = file_note(note("A", "B", "C"), template(out_of_order="misfile").swapped("B", "C"))
    assert filed.fields == {"A": "text of A", "C": "text of B", "B": "text of C"}
    assert filed.lost == (Lost("B", "out_of_order", "C"), Lost("C", "out_of_order", "B"))


@pytest.mark.parametrize("out_of_order", ["drop", "misfile"])
@pytest.mark.parametrize(
    "ids,hit",
    [
        ("BD", True),  # both exchanged fields
        ("ABCDE", True),
        ("BC", True),  # B stands below C now
        ("CD", True),  # D stands above C now
        ("AC", False),  # neither
        ("AB", False),
        ("BE", False),
        ("D", False),
        ("ADE", False),
    ],
)
def test_after_an_exchange_only_notes_whose_order_breaks_are_hit(ids, hit, out_of_order):
    filed = file_note(note(*ids), template(out_of_order=out_of_order).swapped("B", "D"))
    assert bool(filed.lost) is hit
    assert (filed.fields != {field_id: f"text of {field_id}" for field_id in ids}) is hit


@given(st.permutations(IDS), st.lists(st.sampled_from([*IDS, "X"]), min_size=1), st.sampled_from(["drop", "misfile"]))
def test_a_note_is_filed_as_sent_exactly_when_it_follows_the_order(order, ids, out_of_order):
    filed = file_note(note(*ids), template(order, out_of_order=out_of_order))
    follows = "X" not in ids and [i for i in order if i in ids] == ids
    assert (filed.fields == {field_id: f"text of {field_id}" for field_id in ids} and not filed.lost) is follows
    assert list(filed.fields) == [field_id for field_id in order if field_id in filed.fields]


@given(st.permutations(IDS), st.lists(st.sampled_from([*IDS, "X"]), min_size=1))
def test_every_text_is_filed_or_named_as_lost(order, ids):
    filed = file_note(note(*ids), template(order))
    assert len(filed.fields) + len(filed.lost) == len(ids)


def test_text_over_the_limit_is_cut_in_silence_unless_told_otherwise():
    fields = (TemplateField("A", "A", 1, max_length=6),)
    cut = file_note(note("A"), Template("NORTH", "T", "T", fields))
    assert cut.fields == {"A": "text o"}
    assert cut.lost == (Lost("A", "truncated", "A"),)
    assert file_note(note("A"), Template("NORTH", "T", "T", fields, truncate=False)).fields == {"A": "text of A"}


def test_text_of_just_the_limit_is_kept_whole():
    fields = (TemplateField("A", "A", 1, max_length=9),)
    assert file_note(note("A"), Template("NORTH", "T", "T", fields)).lost == ()
