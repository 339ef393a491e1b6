"""ICD-10-CM codes by a list: form, membership, billable leaf, and what may have been meant."""

import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapping.codes import icd10
from mapping.codes.code_lists import carried, words_of
from mapping.codes.icd10 import CodeList, bare, dotted, judge

SMALL = CodeList.of("a few", ["J45", "J4520", "J45909", "I10", "S52", "S52501", "S52501A", "A00-A09", "1", "T360X1A"])


def test_a_list_keeps_codes_and_drops_blocks_and_chapters():
    assert list(SMALL) == ["I10", "J45", "J4520", "J45909", "S52", "S52501", "S52501A", "T360X1A"]
    assert SMALL.billable_count() == 5


@pytest.mark.parametrize("code", ["I10", "J45.909", "S52.501A", "T36.0X1A"])
def test_a_leaf_in_its_usual_spelling_is_right(code):
    assert judge(code, SMALL) == icd10.Verdict(icd10.OK)


def test_a_category_names_the_billable_codes_below_it_unspecified_first():
    assert judge("J45", SMALL) == icd10.Verdict(icd10.NOT_BILLABLE, ("J45.909", "J45.20"))
    assert judge("S52.501", SMALL) == icd10.Verdict(icd10.NOT_BILLABLE, ("S52.501A",))


@pytest.mark.parametrize("code", ["j45.909", "J45909", "J45.909 ", " J45 909", "J45-909", "J45.90900", "", "I", "Ü10"])
def test_another_spelling_has_not_the_form(code):
    assert judge(code, SMALL).kind == icd10.BAD_FORM


def test_a_spelling_that_means_one_code_suggests_it_alone():
    assert judge("J45909", SMALL).suggestions == ("J45.909",)
    assert judge("i10", SMALL).suggestions == ("I10",)


@pytest.mark.parametrize(
    ("code", "meant"),
    [
        ("IIO", "I10"),  # letters for digits
        ("I10.9", "I10"),  # too long
        ("T36.01A", "T36.0X1A"),  # without its placeholder
        ("J54.909", "J45.909"),  # two signs exchanged
        ("J45.908", "J45.909"),  # one sign misread
    ],
)
def test_a_near_miss_suggests_what_may_have_been_meant(code, meant):
    verdict = judge(code, SMALL)
    assert verdict.kind == icd10.UNKNOWN
    assert meant in verdict.suggestions


def test_a_code_far_from_all_suggests_nothing():
    assert judge("Z99.99", SMALL) == icd10.Verdict(icd10.UNKNOWN)


@given(st.text(max_size=12))
def test_no_text_breaks_it_and_every_suggestion_can_be_billed(text):
    verdict = judge(text, SMALL)
    assert (verdict.kind == icd10.OK) == (text in {dotted(code) for code in SMALL if SMALL.billable(code)})
    assert all(SMALL.billable(bare(code)) for code in verdict.suggestions)


class TestTheCarriedList:
    def test_has_the_whole_of_icd_10_cm(self):
        assert len(carried()) > 98_000
        assert carried().billable_count() > 74_000
        assert len(carried().records) < 1_000_000

    @pytest.mark.parametrize("code", ["I10", "J45.909", "U07.1", "S52.501A", "T36.0X1A", "C4A.0", "M1A.0110"])
    def test_holds_codes_of_every_form(self, code):
        assert judge(code, carried()).kind == icd10.OK

    def test_names_what_stands_below_a_category(self):
        verdict = judge("J45", carried())
        assert (verdict.kind, verdict.suggestions[0], verdict.more) == (icd10.NOT_BILLABLE, "J45.909", 13)

    def test_is_in_the_form_that_the_guide_gives(self):
        usual = re.compile(r"^[A-Z][0-9A-Z]{2}(\.[0-9A-Z]{1,4})?$")
        assert all(usual.match(dotted(code)) for code in carried())

    def test_calls_codes_by_their_titles_extended_ones_by_what_they_extend(self):
        assert words_of("J45.909") == "Unspecified asthma, uncomplicated"
        assert words_of("S52.501A") == "Unspecified fracture of the lower end of right radius"
        assert words_of("T36.0X1A") == "Poisoning by penicillins, accidental (unintentional)"
        assert words_of("Q00.99") == ""


def test_no_process_builds_the_packages_tree():
    """Importing simple_icd_10_cm costs 1.7 s and 177 MiB: neither the start nor the first check does it."""
    said = (
        "import django, sys; django.setup()\n"
        "import portal.urls, delivery.poll\n"
        "from mapping.codes import code_lists\n"
        "assert code_lists.carried.cache_info().currsize == 0, 'loaded at the start'\n"
        "assert code_lists.carried().holds('I10')\n"
        "assert 'simple_icd_10_cm' not in sys.modules\n"
    )
    environment = {"DJANGO_SETTINGS_MODULE": "portal.settings"}
    done = subprocess.run(
        [sys.executable, "-c", said], env={**__import__("os").environ, **environment}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
