"""The catalogue and its page: each reason once, in its chapter, with what to press; and what is said of one unlisted."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.failures import CATALOGUE, CHAPTERS, FAMILIES, Button, Failure, Owner, failure
from delivery.failures.document import PRESS, document

PAGE = document()
PARTS = {part.partition("\n")[0]: part for part in PAGE.split("\n## ")[1:]}
ENTRIES = {
    code: body
    for part in PARTS.values()
    for body in part.split("\n### ")[1:]
    for code in re.findall(r"^`([a-z0-9_]+)` · whose job: ", body, re.MULTILINE)
}


class TestTheCatalogue:
    def test_cannot_be_changed_by_whoever_reads_it(self):
        with pytest.raises(TypeError):
            CATALOGUE["dns"] = failure("ae")

    def test_writes_its_codes_so_that_they_can_be_counted_and_searched_and_fit_their_columns(self):
        assert [code for code in CATALOGUE if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", code)] == []
        assert max(map(len, CATALOGUE)) <= 60

    def test_says_in_whole_sentences_what_happened_and_what_to_do(self):
        said = [(one.code, words) for one in CATALOGUE.values() for words in (one.happened, one.todo)]
        assert [code for code, words in said if not re.fullmatch(r"(?:[A-Z]|eCW\b).*\S\.", words)] == []

    def test_leaves_no_place_to_be_filled_in_its_words(self):
        assert [one.code for one in CATALOGUE.values() if re.search(r"[{}]", one.title + one.happened + one.todo)] == []

    @pytest.mark.parametrize(
        "button", [Button.MAPPING, Button.TEMPLATE, Button.AGREEMENT, Button.DRUGS, Button.DIAGNOSES]
    )
    def test_leaves_no_button_of_the_practices_to_a_far_away_owner(self, button):
        owners = {one.owner for one in CATALOGUE.values() if one.button is button}
        assert owners
        assert Owner.ECW not in owners


class TestThePage:
    def test_has_every_chapter_once_in_its_order(self):
        assert re.findall(r"^## (.+)$", PAGE, re.MULTILINE) == [title for title, _ in CHAPTERS]

    def test_has_every_entry_once_in_its_chapter_and_in_its_order(self):
        for title, entries in CHAPTERS:
            listed = re.findall(r"^`([a-z0-9_]+)` · whose job: ", PARTS[title], re.MULTILINE)
            assert listed == [entry.code for entry in entries]

    def test_says_under_each_title_whose_job_it_is_and_what_to_do(self):
        for code, one in CATALOGUE.items():
            job = f"{one.title}\n\n`{code}` · whose job: **{one.owner}**\n"
            assert ENTRIES[code].startswith(f"{job}\n{one.happened}\n\n*What to do:* {one.todo}\n")

    def test_says_what_to_press_exactly_where_there_is_something_to_press(self):
        for code, one in CATALOGUE.items():
            said = re.findall(r"^\*What to press:\* (.+)$", ENTRIES[code], re.MULTILINE)
            assert said == ([PRESS[one.button]] if one.button else []), code

    def test_says_of_no_two_buttons_the_same(self):
        assert len(set(PRESS.values())) == len(PRESS)

    def test_is_the_same_when_it_is_made_again(self):
        assert document() == PAGE

    def test_has_no_heading_without_words_below_it(self):
        assert not re.search(r"^##+ .+\n+##", PAGE.replace("\n### ", "\n"), re.MULTILINE)


class TestACodeThatIsNotListed:
    @given(st.text(max_size=80))
    def test_of_any_characters_has_an_entry_that_fits_the_list(self, code):
        said = failure(code)
        assert isinstance(said, Failure)
        assert len(said.title) <= 65
        assert said.code == code or said in (*CATALOGUE.values(),)

    @pytest.mark.parametrize("family", FAMILIES)
    @pytest.mark.parametrize("code", ["{}", "{}_", "{}_new_rule", "{}_" + "x" * 200])
    def test_of_a_family_is_spoken_for_by_the_family(self, family, code):
        assert failure(code.format(family)).code == family

    @pytest.mark.parametrize("code", ["linting", "hl7v2_x", "LINT_x", "_lint", "hl", " hl7_x", "fhir_new", "ecw_9999"])
    def test_that_only_looks_like_one_of_a_family_says_that_nobody_knows_it(self, code):
        assert failure(code).owner is Owner.US
        assert code[:20] in failure(code).title

    @pytest.mark.parametrize("code", ["hl7_text_too_long", "hl7_sex", "hl7_birth_date"])
    def test_of_a_family_with_an_entry_of_its_own_has_its_own(self, code):
        assert failure(code).code == code

    def test_offers_no_button_that_might_do_harm(self):
        assert failure("brand_new").button is Button.NONE
