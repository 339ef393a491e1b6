"""Why a channel cannot express a note, place by place: what it refused at rendering, as problems of the delivery."""

from collections.abc import Sequence

from delivery.channels.base import CannotExpress
from delivery.failures import failure
from mapping.note import Contribution, FieldValue, Problem

FIELDS = "/fields/"
NAMES = {
    "/patient/id": "the patient's id",
    "/patient/family": "the patient's family name",
    "/patient/given": "the patient's given name",
    "/patient/birth_date": "the patient's date of birth",
    "/patient/sex": "the patient's sex",
    "/encounter/id": "the encounter's id",
    "/encounter/start": "the encounter's start",
    "/provider/id": "the provider's id",
    "/provider/family": "the provider's family name",
    "/provider/given": "the provider's given name",
    "/template": "the template's code or name",
    "/location": "the location's name at eCW",
}


def problems(error: CannotExpress, values: Sequence[FieldValue]) -> tuple[Problem, ...]:
    """One for each place, with what to do; one without a place where the channel named none."""
    fields = {value.field_id: value for value in values}
    return tuple(_problem(error.reason_code, place, fields) for place in error.places or ("",))


def _problem(code: str, place: str, fields: dict[str, FieldValue]) -> Problem:
    entry = failure(code)
    value = fields.get(place.removeprefix(FIELDS)) if place.startswith(FIELDS) else None
    if value is None:
        where = f"{NAMES.get(place, place)}: " if place else ""
        return Problem(code, _sentence(f"{where}{entry.title}. {entry.todo}"), place)
    sections = [part for part in value.contributions if part.index >= 0]
    said = _sentence(f"the field {value.label} ({value.field_id}){_from(sections)}: {entry.title}. {entry.todo}")
    pointer = f"/sections/{sections[0].index}" if sections else place
    return Problem(code, said, pointer, sections[0].code if sections else "", field_id=value.field_id)


def _from(sections: Sequence[Contribution]) -> str:
    """By their place in the note, counted from one: a heading is the scribe's text."""
    numbers = " and ".join(str(part.index + 1) for part in sections)
    return f", from section {numbers} of the note" if sections else ""


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
