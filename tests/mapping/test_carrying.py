"""What is carried from the preview to the save: the same templates, to the same person and place, unaltered, for two hours."""

import pytest
from django.core import signing
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mapping import carrying
from mapping.carrying import MAX_AGE, SALT, CannotCarry, packed, unpacked
from mapping.importers.base import ImportedField, ImportedTemplate, ImportRefused, RefusedRow

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
fields = st.builds(
    ImportedField,
    field_id=text,
    label=text,
    position=st.integers(1, 2000),
    kind=st.sampled_from(["free_text", "structured"]),
    max_length=st.none() | st.integers(1, 10**6),
    required=st.booleans(),
    group=text,
)
templates = st.builds(
    ImportedTemplate,
    name=text,
    code=text,
    fields=st.lists(fields, max_size=5).map(tuple),
    refused=st.lists(st.builds(RefusedRow, place=text, reason=text), max_size=3).map(tuple),
    notes=st.lists(text, max_size=3).map(tuple),
    specialty=text,
)
VISIT = ImportedTemplate("Visit", "VISIT", (ImportedField("F-1", "Plan", 1),))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(st.lists(templates, max_size=3), text)
def test_what_was_shown_is_what_is_saved(cast, listed, source):
    token = packed(listed, source, cast.north, cast.mel)
    assert unpacked(token, cast.north, cast.mel) == (listed, source)


def test_the_token_may_stand_in_a_form(cast):
    token = packed([VISIT], "visit.csv", cast.north, cast.mel)
    assert token.isascii()
    assert not set(token) & set("\"'<>& \r\n")


@pytest.mark.parametrize("who, where", [("dana", "north"), ("mel", "south"), ("sam", "north"), ("mel", "elsewhere")])
def test_it_is_for_one_person_at_one_location(cast, who, where):
    token = packed([VISIT], "visit.csv", cast.north, cast.mel)
    with pytest.raises(CannotCarry):
        unpacked(token, getattr(cast, where), getattr(cast, who))


def test_every_altered_character_is_noticed(cast):
    token = packed([VISIT], "visit.csv", cast.north, cast.mel)
    for place in range(0, len(token), 7):
        altered = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        with pytest.raises(CannotCarry):
            unpacked(altered, cast.north, cast.mel)


@given(st.text(max_size=80))
def test_what_was_never_packed_is_refused(token):
    with pytest.raises(CannotCarry):
        unpacked(token, None, None)


def test_after_two_hours_the_file_is_to_be_chosen_again(cast, monkeypatch):
    token = packed([VISIT], "visit.csv", cast.north, cast.mel)
    now = signing.time.time()
    monkeypatch.setattr("django.core.signing.time.time", lambda: now + MAX_AGE - 5)
    unpacked(token, cast.north, cast.mel)
    monkeypatch.setattr("django.core.signing.time.time", lambda: now + MAX_AGE + 5)
    with pytest.raises(CannotCarry):
        unpacked(token, cast.north, cast.mel)


def test_a_token_of_another_part_of_the_product_is_none(cast):
    foreign = signing.dumps({"by": cast.mel.pk, "to": cast.north.pk, "source": "", "templates": []}, salt="other")
    assert SALT != "other"
    with pytest.raises(CannotCarry):
        unpacked(foreign, cast.north, cast.mel)


def test_with_another_secret_key_old_previews_are_worth_nothing(cast, settings):
    token = packed([VISIT], "visit.csv", cast.north, cast.mel)
    settings.SECRET_KEY = "another"
    with pytest.raises(CannotCarry):
        unpacked(token, cast.north, cast.mel)


def test_too_much_for_one_page_is_refused_with_the_remedy(cast, monkeypatch):
    monkeypatch.setattr(carrying, "MAX_CHARACTERS", 100)
    with pytest.raises(ImportRefused, match="Split it by template"):
        packed([VISIT] * 5, "visit.csv", cast.north, cast.mel)
