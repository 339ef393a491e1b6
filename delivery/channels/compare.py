"""Compares what was sent with what stands in the chart, section by section. Pure.

Identity decides whether a note is there; similar text never does. Texts are equal only if every character is, after
CR LF has been read as LF.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from delivery.channels import in_document
from delivery.channels.base import Chart, ChartNote
from delivery.channels.in_field import (
    ALTERED,
    CUT,
    DUPLICATED,
    LEFT_BEHIND,
    LONG,
    MISSING,
    MOVED,
    VERIFIED,
    Placed,
    count,
    parts,
    place,
)
from mapping.note import Contribution, FieldValue


@dataclass(frozen=True)
class SectionReading:
    """One section: what was sent to `field_id`, what stands there now, and in which field the section was found.

    `outcome` is verified, missing, moved, altered or duplicated. `found_in` is "" where it was not found whole.
    A field that holds text which this message did not send has `index` -1 and no code; where an earlier version of the
    note had sent it there, its outcome is left_behind, with that section's code and title.
    """

    index: int
    code: str
    title: str
    field_id: str
    outcome: str
    sent: str
    in_chart: str
    found_in: str


@dataclass(frozen=True)
class ReadBack:
    """`found`: the chart holds a filing with this control id. Without one, every section is missing."""

    found: bool
    sections: tuple[SectionReading, ...]
    grade: str = "field"  # or "section", where a document was read; "document", where it has no text

    @property
    def verified(self) -> bool:
        """Every section stands in its field, once, and nothing else was filed. Never true of what was not compared."""
        return self.found and bool(self.sections) and all(section.outcome == VERIFIED for section in self.sections)

    @property
    def as_sent(self) -> bool:
        """As verified, but the mapping cut some section before: what was sent stands, and not all was sent."""
        outcomes = {section.outcome for section in self.sections}
        return self.found and CUT in outcomes and outcomes <= {VERIFIED, CUT}


@dataclass(frozen=True)
class Known:
    """Whose the chart's other filings are, by control id: of this very note, or of other notes that we sent.

    `earlier`: the fields that earlier versions of this note filled, the newest version's first.
    """

    own: frozenset[str] = frozenset()
    others: frozenset[str] = frozenset()
    earlier: tuple[FieldValue, ...] = ()


ALONE = Known()


def compare(
    plan: Sequence[FieldValue], chart: Chart, control_id: str, known: Known = ALONE, template: str = ""
) -> ReadBack:
    """Hold the planned field values against the chart; with `template`, the template that they were to fill as well."""
    values = [_with_lf(value) for value in plan]
    filings = [filing for filing in chart.filings if filing.control_id == control_id]
    if filings and chart.grade == "section":
        return _by_document(values, filings)
    if not filings:
        missing = [_reading(value, Placed(part, MISSING, ""), "") for value in values for part in parts(value)]
        return ReadBack(False, tuple(missing), chart.grade)
    view = _View(values, _fields_of(chart, control_id, values, known), _unfiled(chart))
    readings = [view.read(value, placed) for value, row in view.placed for placed in row]
    if len(filings) > 1:
        readings = [_doubled(reading) for reading in readings]
    left = _left_behind({value.field_id for value in values}, chart, control_id, known)
    readings += left
    return ReadBack(True, (*readings, *view.strangers(readings), *_other_template(chart, filings[-1], template)))


def _other_template(chart: Chart, filing: ChartNote, template: str) -> list[SectionReading]:
    """A line of its own where the filing, or the visit's note, is made of another template than the one chosen."""
    other = next((one for one in (filing.template, chart.template) if one not in ("", template)), "")
    if not (template and other):
        return []
    return [SectionReading(-1, "", "Template of the visit", "", ALTERED, template, other, "")]


def _left_behind(filled: Set[str], chart: Chart, control_id: str, known: Known) -> list[SectionReading]:
    """Fields that an earlier version of the note filled and this one does not, where that text still stands.

    A later version of the note answers for them itself. Of a text that was cut what is left is known again too.
    """
    if any(filing.control_id in known.own for filing in chart.filings[_newest(chart, control_id) + 1 :]):
        return []
    left: dict[str, SectionReading] = {}
    for value in map(_with_lf, known.earlier):
        stands = _lf(chart.fields.get(value.field_id, ""))
        ours = value.text in stands or (len(stands.strip()) >= LONG and stands.strip() in value.text)
        if ours and stands.strip() and value.field_id not in filled and value.field_id not in left:
            codes = [part.code for part in value.contributions if part.code]
            titles = ", ".join(part.title for part in value.contributions if part.title) or value.label
            code = codes[0] if codes else ""
            left[value.field_id] = SectionReading(
                -1, code, titles, value.field_id, LEFT_BEHIND, "", stands, value.field_id
            )
    return list(left.values())


def _by_document(values: Sequence[FieldValue], filings: Sequence[ChartNote]) -> ReadBack:
    """Sections looked for in the newest document of ours; which field each is in cannot be said."""
    text = filings[-1].text
    if text is None:
        return ReadBack(True, (), "document")
    text = _lf(text)
    readings = []
    for value, part, outcome in in_document.look(values, text):
        stands = part.text if outcome == VERIFIED else ""
        readings.append(_reading(value, Placed(part, outcome, stands), ""))
    if len(filings) > 1:
        readings = [_doubled(reading) for reading in readings]
    return ReadBack(True, tuple(readings), "section")


def displaced(chart: Chart, control_id: str) -> frozenset[str]:
    """The control ids of earlier filings whose text is gone from a field that our newest filing has filled too."""
    if chart.grade != "field" or all(filing.control_id != control_id for filing in chart.filings):
        return frozenset()
    place = _newest(chart, control_id)
    ours = chart.filings[place].fields
    return frozenset(
        filing.control_id
        for filing in chart.filings[:place]
        if filing.control_id != control_id
        and any(field_id in ours and _gone(text, chart, field_id) for field_id, text in filing.fields.items())
    )


def _newest(chart: Chart, control_id: str) -> int:
    return max(place for place, filing in enumerate(chart.filings) if filing.control_id == control_id)


def _gone(text: str, chart: Chart, field_id: str) -> bool:
    return _lf(text).strip() not in _lf(chart.fields.get(field_id, ""))


def _fields_of(chart: Chart, control_id: str, values: Sequence[FieldValue], known: Known) -> dict[str, str]:
    """What our newest filing holds; where it is as sent and the newest of all, what a clinician sees instead.

    A later filing may rightly have taken ours' place (a correction does), so that then the filing alone counts. Another
    note's has no right to: where it filled our field and our text is gone, what a clinician sees counts there too.
    """
    place = _newest(chart, control_id)
    later = chart.filings[place + 1 :]
    fields = {field_id: _lf(text) for field_id, text in chart.filings[place].fields.items()}
    if any(filing.control_id in known.own for filing in later):
        return fields
    taken = {field_id for filing in later if filing.control_id in known.others for field_id in filing.fields}
    for value in values:
        seen_now = not later or (value.field_id in taken and _gone(value.text, chart, value.field_id))
        if seen_now and fields.get(value.field_id, "") == value.text:
            fields[value.field_id] = _lf(chart.fields.get(value.field_id, ""))
    return fields


def _unfiled(chart: Chart) -> dict[str, str]:
    """Text of the chart that no filing accounts for: where a section may have gone on its way into the chart."""
    filed = {(field_id, text) for filing in chart.filings for field_id, text in filing.fields.items()}
    return {field_id: _lf(text) for field_id, text in chart.fields.items() if (field_id, text) not in filed}


class _View:
    """The planned fields, what became of each section in its own field, and the text that is nobody's there."""

    def __init__(self, values: Sequence[FieldValue], fields: Mapping[str, str], unfiled: Mapping[str, str]) -> None:
        self.fields = fields
        self.placed = [(value, place(value, fields.get(value.field_id, ""))) for value in values]
        self.strange = self._strange({value.field_id: row for value, row in self.placed})
        self.texts = {part.text for value in values for part in parts(value)}
        self.moved = {
            placed.part.text: found
            for value, row in self.placed
            for placed in row
            if placed.outcome in (MISSING, ALTERED)
            and (found := _elsewhere(placed.part, value.field_id, {**unfiled, **self.strange}))
        }

    def _strange(self, placed: Mapping[str, Sequence[Placed]]) -> dict[str, str]:
        """Per field, the text left when the sections that belong there are taken out."""
        strange = {}
        for field_id, text in self.fields.items():
            row = placed.get(field_id, ())
            if row and all(each.outcome == VERIFIED for each in row):
                continue
            for each in row:
                if each.part.text in text:
                    text = text.replace(each.part.text, "\n", 1)
            if text.strip():
                strange[field_id] = text
        return strange

    def read(self, value: FieldValue, placed: Placed) -> SectionReading:
        """The last word on one section."""
        text, own = placed.part.text, value.field_id
        if placed.outcome in (MISSING, ALTERED) and text in self.moved and count(text, placed.stands) == 0:
            return _reading(value, Placed(placed.part, MOVED, placed.stands), self.moved[text])
        if placed.outcome == ALTERED and placed.stands.strip() in {each.strip() for each in self.texts - {text}}:
            return _reading(value, Placed(placed.part, MISSING, placed.stands), "")
        if (
            placed.outcome == VERIFIED
            and text not in self.moved
            and (second := _elsewhere(placed.part, own, self.strange))
        ):
            return _reading(value, Placed(placed.part, DUPLICATED, placed.stands), second)
        return _reading(value, placed, own if placed.outcome in (VERIFIED, DUPLICATED) else "")

    def strangers(self, readings: Sequence[SectionReading]) -> list[SectionReading]:
        """Fields this message never named that hold text of its filing, unless a section's reading names them."""
        known = {value.field_id for value, _ in self.placed} | {reading.found_in for reading in readings}
        return [
            SectionReading(-1, "", "Not part of this note", field_id, ALTERED, "", text, "")
            for field_id, text in self.fields.items()
            if field_id not in known and text.strip()
        ]


def _elsewhere(part: Contribution, own: str, strange: Mapping[str, str]) -> str:
    """The other field a section stands in, or ""; one that holds nothing else comes first."""
    found = [field_id for field_id, text in strange.items() if field_id != own and count(part.text, text)]
    alone = [field_id for field_id in found if strange[field_id].strip() == part.text.strip()]
    return next(iter(alone or found), "")


def _reading(value: FieldValue, placed: Placed, found_in: str) -> SectionReading:
    part = placed.part
    outcome = CUT if part.cut and placed.outcome == VERIFIED else placed.outcome
    return SectionReading(
        part.index, part.code, part.title, value.field_id, outcome, part.text, placed.stands, found_in
    )


def _doubled(reading: SectionReading) -> SectionReading:
    """The whole filing stands twice: what would be verified is there once too often."""
    if reading.outcome not in (VERIFIED, CUT):
        return reading
    return SectionReading(**{**vars(reading), "outcome": DUPLICATED})


def _with_lf(value: FieldValue) -> FieldValue:
    contributions = tuple(
        Contribution(part.index, part.code, part.title, _lf(part.text), part.cut) for part in value.contributions
    )
    return FieldValue(value.field_id, value.label, value.position, _lf(value.text), contributions)


def _lf(text: str) -> str:
    return text.replace("\r\n", "\n")
