"""docs/suggestions.md: how suggestions are made, and how right they were on the held-out templates."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mapping.measuring import BANDS, Known, Measured, Verdict, measure, read_known
from mapping.suggestion import THRESHOLD

FRESH = ("fresh_a.json", "fresh_b.json")
# Headings that strangers wrote; the vocabulary is never changed for what it misses in them.
OUTSIDE = "outside.json"
# Headings of Spanish and English mixed, each set tried once when it was new; the last has led to no change.
MIXED = ("mixed.json", "mixed_b.json", "mixed_c.json", "mixed_d.json")
# Templates of small practices, hastily headed; nothing may be changed for what is missed in them.
LATER = ("later.json",)
# Templates that speak of what a section is about, each set tried once when it was new; the last has led to no change.
SPECIALTIES = ("specialties.json", "specialties_b.json", "specialties_c.json")
# Templates by somebody who had not looked at the vocabulary; what the first missed was learned before the second.
BLIND = ("blind.json", "blind_b.json")
# Templates by people who had seen neither the product nor its vocabulary.
STRANGERS = tuple(f"stranger_{letter}.json" for letter in "abcdefgh")

_TEXT = """# Suggestions

*Written by `python3 manage.py document_suggestions`; a test compares it with what the code does now.*

For each of the 28 section codes Scribeport suggests the fields of a template it should go to, with a reason and a
confidence. A wrong suggestion is worse than none: under {threshold:.2f} nothing is chosen, and what may be meant is
only named.

## How

1. The practice's published mappings come first: a label that all of them file alike is filed so again, and the reason
   says from how many. Where another field names the section no less surely, none is chosen and both are named; what
   was filed against the name of a field (the plan under "Assessment") is only offered.
2. Otherwise the label is read: numbering, case, accents, plurals, punctuation and spelling aside, abbreviations
   spelled out ("PMHx:", "Fam/SocHx", "PASTMEDICALHX", "PN_HPI_TXT"), Spanish as English ("Motivo de consulta"),
   several headings in one label taken apart, brackets and group headings heeded. A word that is not known is corrected
   where exactly one known word is one slip away (two, in words of eight letters and more). Where a label says nothing
   ("Comments"), its group says it, or its identifier. A label that names no section is read for what it is about:
   one sign among words of its kind ("Eye impression", "Relatives with early CAD"), or a list of one kind ("Stents,
   CABG", "HPV / flu / Tdap status"). Of a question the words that only ask are left out ("What medical conditions does
   the client have?"), or its verb says what it is for ("What runs in the family?"); of a sentence, where and by whom a
   thing was noted ("Vital signs obtained by nursing on arrival"). A question for a date, or whether something was done,
   names no section. What is chosen from codes is the diagnoses, not the assessment ("Clinical impression (ICD-10)").
   Labs and images in the group of the plan are ordered.
3. What it then says is looked up: `mapping/vocabulary/` has what surely means a section, what yields to a better field,
   what is for a part or kind of it and is chosen only where nothing else may be for it ("Knee exam"), what only may
   mean it, what it is about, and what is none of the sections however alike ("Plan - Preventive medicine",
   "Fall risk").
4. Sections without a field: *Assessment and plan* takes each of the two; *Assessment* and *Plan* divide what was
   dictated as both; *Labs* and *Imaging* are the results, and orders for them the orders; *Subjective* and
   *Objective* take what has no own field.
5. Of two fields that are equally good the one that says no more than the other is chosen ("Treatment" beside
   "Treatment: clinical notes"), else none.

Confidence belongs to the way a field was found, not to the single label. Whether a field is structured does not change
which section it is for, but dictated text cannot be filed there: the mapping page names such a field and chooses none.

    python3 manage.py suggest_mapping FILE --json

reads any file the import takes; `--practice CODE` follows that practice's mappings.

## How right

Measured on {templates} templates of {specialties} specialties with {fields} fields
(`tests/mapping/holdout/final.json`). They are synthetic: written for this purpose after the usage of US practices, by
the people who wrote the vocabulary, with the right fields decided by clinical convention before they were first tried.
Real templates will be stranger. The vocabulary was tuned on `tuning.json` and
`tuning_wide.json`, later on `tuning_mixed.json`, `tuning_later.json` and `tuning_specialties.json` too.

| | at the first look | now |
|---|---|---|
| right fields that were suggested (recall) | {first} | {found} of {right} = {recall:.1%} |
| suggested fields that were right (precision) | {first_good} | {good} of {suggested} = {precision:.1%} |
| suggestions that would file a section in a field for another | {first_harmful} | {harmful} |

*Right* is what the truth names for the section or calls acceptable. The first look came before any of these templates
had led to a change; what was missed then has since been learned, so that only the first look says what to expect of
templates nobody has seen.

### By confidence

| confidence | n, first look | right | share | n, now | right | share |
|---|---|---|---|---|---|---|
{suggestions}

### Candidates, which are never chosen

A field that would be acceptable counts half: a person may or may not want it.

| confidence | n | right or acceptable | weighted share |
|---|---|---|---|
{candidates}

### What goes wrong now

{mistakes}

## On templates by people who had seen neither the product nor its vocabulary

{strangers_templates} templates with {strangers_fields} fields, in eight sets by eight people who had seen neither the
product nor its vocabulary; the right fields came with them. Each set was tried once, with the vocabulary as it then
stood, before anything was changed for it. What the first two missed was learned before *c* and *d* were tried, what
those missed before *e* was, what *e* missed before *f* was, and what *f* missed before *g* and *h* were, both with one
vocabulary and nothing changed between them. What is found now of those that have been learned says nothing of new
templates: **the first looks at the last two are what a new practice should expect**, together 395 of 437 = 90.4% recall
at 440 of 443 = 99.3% precision, none harmful. The last three, *f* included, were 583 of 652 = 89.4% at 643 of 646.
A little of what these two missed has been learned since.

| | right fields that were suggested (recall) | suggested fields that were right (precision) | harmful |
|---|---|---|---|
{strangers_sets}

| confidence | n, first look | right | share | n, now | right | share |
|---|---|---|---|---|---|---|
{strangers_suggestions}

What goes wrong with them now:

{strangers_mistakes}

## On headings taken from public forms

{outside_templates} templates with {outside_fields} fields (`outside.json`): the headings of note forms, record systems
and example notes that are public, as they stand there. They were picked by hand, among what searches gave once the
vocabulary was fixed for the first look, leaving out what had been seen before and what was cut short. The right fields
were decided before that look, by the people who wrote the vocabulary: the words are strangers', the truth is not. Words
added later come from other lists; nothing may be changed for what is missed here. They are kinder than a practice's own
template: spelled out more, few of them misspelt, and few in two languages. The two that were wrong at the first look
led to more caution ("Datos" alone names no section; what stands for one half of *Assessment and plan* for want of a
better is no half of both), so that what is wrong now says nothing of new ones.

| | right fields that were suggested (recall) | suggested fields that were right (precision) | harmful |
|---|---|---|---|
{outside_sets}

| confidence | n, first look | right | share | n, now | right | share |
|---|---|---|---|---|---|---|
{outside_suggestions}

What goes wrong with them now:

{outside_mistakes}

## On headings of Spanish and English mixed

{mixed_templates} templates with {mixed_fields} fields, in four sets one after another, in the manner of bilingual
clinics ("Meds que toma ahora", "PE: corazón, pulmones", "S — Subjetivo (motivo, síntomas)"): about a fifth from
public forms as they stand there, the rest made up; the right fields were decided before a set was tried, by the
people who wrote the vocabulary. Each set was tried once when it was new: its first look. What was missed then was
learned before the next set was written, so that only the last, for which nothing was changed, says what to expect.
The one harmful suggestion of the first set filed both, assessment and plan, in a field for the diagnostic impression;
it is made no longer: where another field may be the assessment, such an impression is no sure half of both. The words
were tuned on `tuning_mixed.json`.

| | right fields that were suggested (recall) | suggested fields that were right (precision) | harmful |
|---|---|---|---|
{mixed_sets}

| confidence | n, first look | right | share | n, now | right | share |
|---|---|---|---|---|---|---|
{mixed_suggestions}

What goes wrong with them now:

{mixed_mistakes}

## On templates of small practices, hastily headed

{later_templates} templates with {later_fields} fields (`later.json`) in the manner of behavioral health, orthopedics,
OB/GYN, telehealth, podiatry and bilingual practices: abbreviations, brackets with examples, a patient's words. Three
sets of 24 such templates came before them (`tuning_later.json`): at their first looks 80%, 82% and 88% of the right
fields were found, at 99.3%, 99.1% and 100.0% precision, and what each missed was learned before the next was written.
The right fields were decided before each first look, by the people who wrote the vocabulary; in the first two sets
six were put right afterwards, two of which had been counted as harmful. Nothing was changed for what this last one
missed.

| | right fields that were suggested (recall) | suggested fields that were right (precision) | harmful |
|---|---|---|---|
{later_sets}

| confidence | n, first look | right | share | n, now | right | share |
|---|---|---|---|---|---|---|
{later_suggestions}

What goes wrong with them now:

{later_mistakes}

## On templates that name what a section is about

{specialties_templates} templates with {specialties_fields} fields of many specialties, in three sets one after
another: few headings of a textbook, many lists and abbreviations ("Tonsils, tubes, sinus and other surgery", "Tdap,
flu, RSV, rubella immune"). The vocabulary of what sections are about was begun on ten templates more
(`tuning_specialties.json`) and a list of labels (`test_spoken_of.py`). Each set was tried once when it was new: its
first look. Without that vocabulary they gave 51.1%, 49.7% and 78.6% recall. What the first two missed was learned
before the next look; the last was written when the vocabulary stood, and nothing was changed for it. The first two are
the harder, written to be odd; the last is as odd as a template from outside. One person wrote them all and that
vocabulary, so that they flatter.

| | right fields that were suggested (recall) | suggested fields that were right (precision) | harmful |
|---|---|---|---|
{specialties_sets}

| confidence | n, first look | right | share | n, now | right | share |
|---|---|---|---|---|---|---|
{specialties_suggestions}

What goes wrong with them now:

{specialties_mistakes}

## On templates by somebody who had not seen the vocabulary

{blind_templates} templates with {blind_fields} fields of as many kinds of visit, in the manner of several record
systems, with what real templates carry besides: vitals to tick, billing, signatures, screening scores, the parts of a
social history. The first eight were written by somebody who knew the sections and this page and had not looked at the
vocabulary. What their first look missed, and a list of some 500 labels written after it, then widened the vocabulary.
The other eight were written after that, by the same person, who by then had seen the vocabulary, so that they flatter;
nothing was changed for what they missed.

| | right fields that were suggested (recall) | suggested fields that were right (precision) | harmful |
|---|---|---|---|
{blind_sets}

| confidence | n, first look | right | share | n, now | right | share |
|---|---|---|---|---|---|---|
{blind_suggestions}

What goes wrong with them now:

{blind_mistakes}

## On templates of our own that were new

{fresh_templates} further templates with {fresh_fields} fields, synthetic too, in the manner of several record systems.
They were tried once when they were new, with the vocabulary as it then stood: that is their first look. What was missed
stood on this page while the vocabulary was widened later, so that what is found now says nothing of new templates.
These sets flatter: 13 templates by somebody who had not seen the vocabulary gave 72% recall then, and 37% where
headings were Spanish and English mixed, both at 100% precision. They have not been tried again.
One of these truths, and one of `mixed_c.json`, were put right later: a field that may take the assessment or the plan
may take that half of both.

| | right fields that were suggested (recall) | suggested fields that were right (precision) | harmful |
|---|---|---|---|
{fresh_sets}

| confidence | n, first look | right | share | n, now | right | share |
|---|---|---|---|---|---|---|
{fresh_suggestions}

What goes wrong with them now:

{fresh_mistakes}
"""


def document(folder: Path) -> str:
    """The page, from the held-out templates in `folder` and the record of the first look at each set of them."""
    templates = read_known(folder / "final.json")
    first = json.loads((folder / "first_look.json").read_text(encoding="utf-8"))
    measured = measure(templates)
    right = measured.found + len(measured.missed)
    return _TEXT.format(
        threshold=THRESHOLD,
        templates=len(templates),
        specialties=len({known.specialty for known in templates}),
        fields=sum(len(known.fields) for known in templates),
        first=_share(first["found"], first["right"]),
        first_good=_share(first["good"], first["suggested"]),
        first_harmful=first["harmful"],
        found=measured.found,
        right=right,
        recall=measured.recall,
        good=len(measured.suggested) - len(measured.wrong),
        suggested=len(measured.suggested),
        precision=measured.precision,
        harmful=sum(verdict.harmful for verdict in measured.wrong),
        suggestions="\n".join(_suggestion_rows(measured, {row["from"]: row for row in first["bands"]})),
        candidates="\n".join(_candidate_rows(measured)),
        mistakes="\n".join(_mistakes(measured)) or "Nothing.",
        **_outside(read_known(folder / OUTSIDE), first["outside"]),
        **_tried_once(folder, "fresh", FRESH, first["fresh"]),
        **_tried_once(folder, "mixed", MIXED, first["mixed"]),
        **_tried_once(folder, "later", LATER, first["later"]),
        **_tried_once(folder, "specialties", SPECIALTIES, first["specialties"]),
        **_tried_once(folder, "blind", BLIND, first["blind"]),
        **_tried_once(folder, "strangers", STRANGERS, first["strangers"]),
    )


def languages(templates: Sequence[Known]) -> dict[str, list[Known]]:
    """The templates by the language of their headings."""
    return {
        language: [known for known in templates if known.language == language]
        for language in sorted({known.language for known in templates})
    }


def _outside(templates: Sequence[Known], first: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    together = measure(templates)
    rows = []
    for language, known in languages(templates).items():
        rows.append(_set_row(f"{language}, first look", first[language]))
        rows.append(_set_row(f"{language}, now", _figures(measure(known))))
    rows.append(_set_row("together, now", _figures(together)))
    return {
        "outside_templates": len(templates),
        "outside_fields": sum(len(known.fields) for known in templates),
        "outside_sets": "\n".join(rows),
        "outside_suggestions": "\n".join(_suggestion_rows(together, _bands(first.values()))),
        "outside_mistakes": "\n".join(_mistakes(together)) or "Nothing.",
    }


def _bands(first_looks: Iterable[Mapping[str, Any]]) -> dict[float, Counter[str]]:
    """The bands of several first looks together."""
    bands: dict[float, Counter[str]] = {lower: Counter(n=0, right=0) for lower in BANDS}
    for row in (row for look in first_looks for row in look["bands"]):
        bands[row["from"]].update(n=row["n"], right=row["right"])
    return bands


def _tried_once(folder: Path, kind: str, names: Sequence[str], first: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The sets of a kind, each by itself; by confidence all together, as a band of one is small."""
    sets = {name: read_known(folder / name) for name in names}
    together = measure([known for templates in sets.values() for known in templates])
    rows = []
    for name, templates in sets.items():
        rows.append(_set_row(f"{name}, first look", first[name]))
        rows.append(_set_row(f"{name}, now", _figures(measure(templates))))
    return {
        f"{kind}_templates": sum(map(len, sets.values())),
        f"{kind}_fields": sum(len(known.fields) for templates in sets.values() for known in templates),
        f"{kind}_sets": "\n".join(rows),
        f"{kind}_suggestions": "\n".join(_suggestion_rows(together, _bands(first[name] for name in names))),
        f"{kind}_mistakes": "\n".join(_mistakes(together)) or "Nothing.",
    }


def _figures(measured: Measured) -> dict[str, int]:
    """The figures that a first look leaves in first_look.json."""
    return {
        "found": measured.found,
        "right": measured.found + len(measured.missed),
        "suggested": len(measured.suggested),
        "good": len(measured.suggested) - len(measured.wrong),
        "harmful": sum(verdict.harmful for verdict in measured.wrong),
    }


def _set_row(name: str, figures: Mapping[str, Any]) -> str:
    found, good = _share(figures["found"], figures["right"]), _share(figures["good"], figures["suggested"])
    return f"| {name} | {found} | {good} | {figures['harmful']} |"


def _share(part: int, whole: int) -> str:
    return f"{part} of {whole} = {part / whole:.1%}"


def _suggestion_rows(measured: Measured, first: Mapping[float, Mapping[str, int]]) -> Iterator[str]:
    for lower in BANDS:
        band = [verdict for verdict in measured.band(lower) if verdict.suggested]
        if band:
            then, right = first[lower], sum(verdict.target or verdict.acceptable for verdict in band)
            yield (
                f"| {_range(lower)} | {then['n']} | {then['right']} | {then['right'] / then['n']:.1%} "
                f"| {len(band)} | {right} | {right / len(band):.1%} |"
            )


def _candidate_rows(measured: Measured) -> Iterator[str]:
    for lower in BANDS:
        band = [verdict for verdict in measured.band(lower) if not verdict.suggested]
        if band:
            right = sum(verdict.target or verdict.acceptable for verdict in band)
            yield f"| {_range(lower)} | {len(band)} | {right} | {sum(map(_weight, band)) / len(band):.1%} |"


def _range(lower: float) -> str:
    upper = BANDS[BANDS.index(lower) - 1] if lower != BANDS[0] else 1.0
    return f"{lower:.2f} to {upper:.2f}"


def _weight(verdict: Verdict) -> float:
    return 1.0 if verdict.target else 0.5 if verdict.acceptable else 0.0


def _mistakes(measured: Measured) -> list[str]:
    wrong = [
        f"- {verdict.template}: {verdict.code} was suggested for “{verdict.label}” ({verdict.confidence:.2f})."
        for verdict in measured.wrong
    ]
    return wrong + [f"- {name}: {code} was not suggested for “{label}”." for name, code, label in measured.missed]
