"""The held-out templates: how right the suggestions are, that confidence does not overstate it, that the page is fresh."""

import json
from functools import cache
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command

from mapping.importers.base import ImportedField
from mapping.measuring import BANDS, Known, measure, read_known
from mapping.reliability import BLIND, FRESH, LATER, MIXED, OUTSIDE, SPECIALTIES, STRANGERS, document, languages
from mapping.sections import CODES
from mapping.suggestion import CONFIDENCE, THRESHOLD
from mapping.vocabulary.phrases import Rung

HOLDOUT = Path(__file__).parent / "holdout"
TUNING = ("tuning.json", "tuning_wide.json", "tuning_mixed.json", "tuning_later.json", "tuning_specialties.json")


def known(*rows: tuple[str, str, str]) -> Known:
    """A template of (label, codes it takes, codes it may take), its labels as identifiers."""
    return Known(
        name="Made up",
        specialty="None",
        fields=tuple(ImportedField(label, label, place) for place, (label, _, _) in enumerate(rows, start=1)),
        takes={label: frozenset(takes.split()) for label, takes, _ in rows},
        may={label: frozenset(may.split()) for label, _, may in rows},
    )


@cache
def measured_in(name: str):
    """What a held-out file gives: several tests look at each."""
    return measure(read_known(HOLDOUT / name))


@cache
def page() -> str:
    """The page about suggestions as it would be written now; to measure all for it takes seconds."""
    return document(HOLDOUT)


@pytest.fixture(scope="module", params=[*TUNING, "final.json"])
def half(request):
    return measured_in(request.param)


def test_a_right_suggestion_counts_as_found():
    measured = measure([known(("HPI", "history_of_present_illness", ""))])
    assert (measured.found, measured.missed, measured.precision, measured.recall) == (1, (), 1.0, 1.0)


def test_a_field_for_another_kind_is_wrong_and_harmful():
    measured = measure([known(("HPI", "family_history", ""))])
    assert [(verdict.code, verdict.harmful) for verdict in measured.wrong] == [("history_of_present_illness", True)]
    assert measured.missed == (("Made up", "family_history", "HPI"),)
    assert measured.precision == 0


def test_a_field_for_nothing_is_wrong_and_not_harmful():
    assert [verdict.harmful for verdict in measure([known(("HPI", "", ""))]).wrong] == [False]


def test_an_acceptable_field_is_right_and_not_missed_where_it_is_not_suggested():
    measured = measure([known(("HPI", "", "history_of_present_illness"), ("Hx", "", "past_medical_history"))])
    assert measured.wrong == []
    assert measured.missed == ()


def test_every_verdict_is_in_exactly_one_band(half):
    assert sum(len(half.band(lower)) for lower in BANDS) == len(half.verdicts)


def test_the_halves_share_no_template_and_name_only_codes_of_the_contract():
    names = (
        "tuning.json",
        "final.json",
        *TUNING[1:],
        *FRESH,
        *MIXED,
        *LATER,
        *SPECIALTIES,
        *BLIND,
        *STRANGERS,
        OUTSIDE,
    )
    tuning, final, *fresh = (read_known(HOLDOUT / name) for name in names)
    every = [*tuning, *final, *(template for templates in fresh for template in templates)]
    assert len({item.name for item in every}) == len(every)
    assert len(tuning) >= 20
    assert len(final) >= 20
    for template in every:
        ids = [field.field_id for field in template.fields]
        assert len(ids) == len(set(ids)), template.name
        assert set().union(*template.takes.values(), *template.may.values()) <= set(CODES), template.name


def test_nine_of_ten_right_fields_are_found_and_hardly_one_in_a_hundred_is_wrong(half):
    assert half.recall >= 0.9
    assert half.precision >= 0.99


def test_no_suggestion_files_a_section_in_a_field_for_another(half):
    assert [verdict for verdict in half.wrong if verdict.harmful] == []


def test_confidence_claims_no_more_than_the_templates_bear_out(half):
    for lower in BANDS:
        band = [verdict for verdict in half.band(lower) if verdict.suggested]
        if len(band) < 20:
            continue
        right = sum(verdict.target or verdict.acceptable for verdict in band)
        assert (right + 1) / (len(band) + 2) >= lower - 0.03, lower


def test_candidates_are_right_about_as_often_as_they_say(half):
    for lower in BANDS:
        band = [verdict for verdict in half.band(lower) if not verdict.suggested]
        if len(band) < 20:
            continue
        weighted = sum(1 if verdict.target else 0.5 * verdict.acceptable for verdict in band) / len(band)
        said = sum(verdict.confidence for verdict in band) / len(band)
        assert abs(weighted - said) <= 0.15, lower


def test_only_rungs_above_the_threshold_are_ever_chosen():
    sure = {rung for rung in Rung if CONFIDENCE[rung] >= THRESHOLD}
    assert sure == {rung for rung in Rung if rung < Rung.PERHAPS}
    assert max(CONFIDENCE.values()) < 1


def test_the_page_about_suggestions_is_fresh():
    written = (settings.BASE_DIR / "docs" / "suggestions.md").read_text(encoding="utf-8")
    assert written == page(), "run: python3 manage.py document_suggestions"


def test_the_page_names_what_goes_wrong(tmp_path):
    rows = [
        {"field_id": "1", "label": "HPI", "kind": "free_text", "group": "", "takes": ["plan"], "may": []},
        {"field_id": "2", "label": "CC", "kind": "free_text", "group": "", "takes": ["chief_complaint"], "may": []},
    ]
    (tmp_path / "final.json").write_text(json.dumps([{"name": "Knee", "specialty": "Knees", "fields": rows}]))
    for name in ("first_look.json", *FRESH, *MIXED, *LATER, *SPECIALTIES, *BLIND, *STRANGERS, OUTSIDE):
        (tmp_path / name).write_text((HOLDOUT / name).read_text())
    page = document(tmp_path)
    assert "Knee: history_of_present_illness was suggested for “HPI”" in page
    assert "Knee: plan was not suggested for “HPI”" in page
    assert "1 of 2 = 50.0%" in page
    assert "field for another | 0 | 1 |" in page


def test_the_first_look_at_the_fresh_sets_found_nine_of_ten_and_no_harm():
    first = json.loads((HOLDOUT / "first_look.json").read_text())["fresh"]
    assert set(first) == set(FRESH)
    for name, row in first.items():
        assert row["templates"] == len(read_known(HOLDOUT / name)), name
        assert row["found"] / row["right"] >= 0.9, name
        assert row["good"] / row["suggested"] >= 0.99, name
        assert row["harmful"] == 0, name
        assert sum(band["n"] for band in row["bands"]) == row["suggested"], name
        assert sum(band["right"] for band in row["bands"]) == row["good"], name


@pytest.fixture(scope="module")
def strangers():
    """The templates whose headings strangers wrote, and what the first look at them found, by language."""
    return (
        languages(read_known(HOLDOUT / OUTSIDE)),
        json.loads((HOLDOUT / "first_look.json").read_text())["outside"],
    )


def test_the_first_look_at_strangers_headings_found_nine_of_ten_in_each_language_and_no_harm(strangers):
    templates, first = strangers
    assert set(first) == set(templates) == {"English", "Spanish"}
    for language, row in first.items():
        assert row["templates"] == len(templates[language])
        assert row["found"] / row["right"] >= 0.9, language
        assert row["harmful"] == 0, language
        assert sum(band["n"] for band in row["bands"]) == row["suggested"], language
        assert sum(band["right"] for band in row["bands"]) == row["good"], language
    assert first["English"]["good"] == first["English"]["suggested"]
    assert sum(row["good"] for row in first.values()) / sum(row["suggested"] for row in first.values()) >= 0.99


@pytest.mark.parametrize("language", ["English", "Spanish"])
def test_no_later_change_finds_less_of_strangers_headings_or_errs_more(strangers, language):
    templates, first = strangers
    measured = measure(templates[language])
    assert measured.found >= first[language]["found"]
    assert len(measured.wrong) <= first[language]["suggested"] - first[language]["good"]
    assert not any(verdict.harmful for verdict in measured.wrong)


@pytest.mark.parametrize("name", MIXED)
def test_each_first_look_at_mixed_headings_is_kept_and_no_later_change_finds_less_or_errs_more(name):
    first = json.loads((HOLDOUT / "first_look.json").read_text())["mixed"][name]
    templates = read_known(HOLDOUT / name)
    measured = measured_in(name)
    assert {known.language for known in templates} == {"Mixed"}
    assert first["templates"] == len(templates)
    assert first["right"] == measured.found + len(measured.missed)
    assert sum(band["n"] for band in first["bands"]) == first["suggested"]
    assert sum(band["right"] for band in first["bands"]) == first["good"]
    assert measured.found >= first["found"]
    assert len(measured.wrong) <= first["suggested"] - first["good"]
    assert sum(verdict.harmful for verdict in measured.wrong) <= first["harmful"]


def test_the_first_look_at_the_last_set_of_mixed_headings_found_nine_of_ten_and_nothing_wrong():
    last = json.loads((HOLDOUT / "first_look.json").read_text())["mixed"][MIXED[-1]]
    assert last["found"] / last["right"] >= 0.9
    assert (last["suggested"] - last["good"], last["harmful"]) == (0, 0)


def test_of_the_last_mixed_set_hardly_a_label_stands_in_what_was_tuned_on():
    tuned = {field.label for known in read_known(HOLDOUT / "tuning_mixed.json") for field in known.fields}
    for known in read_known(HOLDOUT / MIXED[-1]):
        labels = [field.label for field in known.fields]
        assert len(tuned & set(labels)) / len(labels) < 0.1, known.name


def test_the_first_look_at_hastily_headed_templates_found_nine_of_ten_and_nothing_wrong_and_no_change_finds_less():
    first = json.loads((HOLDOUT / "first_look.json").read_text())["later"]
    assert set(first) == set(LATER)
    for name, row in first.items():
        measured = measured_in(name)
        assert row["found"] / row["right"] >= 0.9, name
        assert (row["suggested"] - row["good"], row["harmful"]) == (0, 0), name
        assert sum(band["n"] for band in row["bands"]) == row["suggested"], name
        assert row["right"] == measured.found + len(measured.missed), name
        assert measured.found >= row["found"], name
        assert measured.wrong == [], name


@pytest.mark.parametrize("name", SPECIALTIES)
def test_each_first_look_at_specialties_templates_is_kept_and_no_change_finds_less_or_errs_more(name):
    first = json.loads((HOLDOUT / "first_look.json").read_text())["specialties"][name]
    measured = measured_in(name)
    assert first["templates"] == len(read_known(HOLDOUT / name))
    assert first["right"] == measured.found + len(measured.missed)
    assert sum(band["n"] for band in first["bands"]) == first["suggested"]
    assert sum(band["right"] for band in first["bands"]) == first["good"]
    assert measured.found >= first["found"]
    assert len(measured.wrong) <= first["suggested"] - first["good"]
    assert sum(verdict.harmful for verdict in measured.wrong) <= first["harmful"]


def test_the_first_look_at_the_last_set_of_specialties_templates_found_nine_of_ten_and_nothing_wrong():
    last = json.loads((HOLDOUT / "first_look.json").read_text())["specialties"][SPECIALTIES[-1]]
    assert last["found"] / last["right"] >= 0.9
    assert (last["suggested"] - last["good"], last["harmful"]) == (0, 0)


def test_each_first_look_at_templates_written_blind_is_kept_and_no_change_finds_less_or_errs():
    first = json.loads((HOLDOUT / "first_look.json").read_text())["blind"]
    assert set(first) == set(BLIND)
    for name, row in first.items():
        measured = measured_in(name)
        assert row["templates"] == len(read_known(HOLDOUT / name)), name
        assert row["right"] == measured.found + len(measured.missed), name
        assert sum(band["n"] for band in row["bands"]) == row["suggested"], name
        assert sum(band["right"] for band in row["bands"]) == row["good"], name
        assert measured.found >= row["found"], name
        assert measured.wrong == [], name


def test_each_first_look_at_templates_of_people_who_knew_nothing_of_it_is_kept_and_no_change_finds_less_or_errs():
    first = json.loads((HOLDOUT / "first_look.json").read_text())["strangers"]
    assert set(first) == set(STRANGERS)
    for name, row in first.items():
        measured = measured_in(name)
        assert row["templates"] == len(read_known(HOLDOUT / name)), name
        assert row["right"] == measured.found + len(measured.missed), name
        assert sum(band["n"] for band in row["bands"]) == row["suggested"], name
        assert sum(band["right"] for band in row["bands"]) == row["good"], name
        assert measured.found >= row["found"], name
        assert len(measured.wrong) <= row["suggested"] - row["good"], name


def test_of_all_that_was_held_out_no_section_goes_to_a_field_for_another():
    for path in sorted(HOLDOUT.glob("*.json")):
        if path.name != "first_look.json":
            assert [item for item in measured_in(path.name).wrong if item.harmful] == [], path.name


def test_of_strangers_headings_none_is_filed_wrong_now(strangers):
    for templates in strangers[0].values():
        assert measure(templates).wrong == []


@pytest.mark.parametrize("name", FRESH)
def test_no_later_change_harms_a_fresh_template(name):
    assert [verdict for verdict in measured_in(name).wrong if verdict.harmful] == []


def test_the_page_gives_each_fresh_set_its_first_look_and_what_it_missed():
    said = page().split("## On templates of our own that were new")[1]
    first = json.loads((HOLDOUT / "first_look.json").read_text())["fresh"]
    for name, row in first.items():
        assert f"| {name}, first look | {row['found']} of {row['right']} = " in said
        assert f"| {name}, now | " in said
        for template, code, label in measured_in(name).missed:
            assert f"- {template}: {code} was not suggested for “{label}”." in said


def test_the_page_says_for_each_language_what_strangers_headings_gave(strangers):
    said = page().split("## On headings taken from public forms")[1].split("## On templates of our own")[0]
    for language, row in strangers[1].items():
        assert f"| {language}, first look | {row['found']} of {row['right']} = " in said
        assert f"| {language}, now | " in said


def test_the_command_writes_the_page(settings, tmp_path, monkeypatch):
    monkeypatch.setattr("mapping.management.commands.document_suggestions.document", lambda held_out: f"On {held_out}")
    (tmp_path / "docs").mkdir()
    settings.BASE_DIR = tmp_path
    call_command("document_suggestions")
    written = (tmp_path / "docs" / "suggestions.md").read_text(encoding="utf-8")
    assert written == f"On {tmp_path / 'tests' / 'mapping' / 'holdout'}"
