"""How a note falls into a template: the heart of the simulation, pure.

The receiver walks down its own template. A field that stands further down than the last one filed is filed; gaps do not
matter. A field that stands at or above the last one filed breaks the order. Then, with `out_of_order`:

- "drop": its text is dropped and the walk goes on below the last field filed;
- "misfile": the texts are taken to come in the template's order, whatever they name. The k-th OBX goes into the k-th of
  the message's fields as the template orders them, so a message in order is filed as sent and two exchanged
  fields end with each other's text.

A field the template does not have is dropped, and so is a field that stands a second time. The sender is told nothing.
"""

from dataclasses import dataclass

from sandbox.oru import Observation
from sandbox.template import Template


@dataclass(frozen=True, slots=True)
class Lost:
    """An OBX whose text does not stand where it was sent: why, and where it went ("" if nowhere)."""

    field_id: str
    reason: str  # unknown_field, repeated_field, out_of_order, truncated, or a fault's name
    filed_as: str = ""


@dataclass(frozen=True, slots=True)
class Filed:
    """What stands in the chart of a message: text by field id in template order, and what was lost on the way."""

    fields: dict[str, str]
    lost: tuple[Lost, ...]


def file_note(observations: tuple[Observation, ...], template: Template) -> Filed:
    """Files the observations of one message by `template`."""
    lost: list[Lost] = []
    known = keep_known(observations, template, lost)
    place = misfile if template.out_of_order == "misfile" else drop
    placed = place(known, template, lost)
    fields = {field.field_id: placed[field.field_id] for field in template.fields if field.field_id in placed}
    return Filed(truncate(fields, template, lost) if template.truncate else fields, tuple(lost))


def keep_known(observations: tuple[Observation, ...], template: Template, lost: list[Lost]) -> list[Observation]:
    """The observations whose field the template has, each field once."""
    kept: dict[str, Observation] = {}
    for observation in observations:
        if observation.field_id not in template.by_id:
            lost.append(Lost(observation.field_id, "unknown_field"))
        elif observation.field_id in kept:
            lost.append(Lost(observation.field_id, "repeated_field"))
        else:
            kept[observation.field_id] = observation
    return list(kept.values())


def drop(known: list[Observation], template: Template, lost: list[Lost]) -> dict[str, str]:
    """Walks down the template and drops what stands above the last field filed."""
    placed: dict[str, str] = {}
    reached = 0
    for observation in known:
        position = template.by_id[observation.field_id].position
        if position > reached:
            placed[observation.field_id] = observation.text
            reached = position
        else:
            lost.append(Lost(observation.field_id, "out_of_order"))
    return placed


def misfile(known: list[Observation], template: Template, lost: list[Lost]) -> dict[str, str]:
    """The k-th text goes into the k-th of the message's fields as the template orders them."""
    places = sorted((observation.field_id for observation in known), key=lambda each: template.by_id[each].position)
    for observation, place in zip(known, places, strict=True):
        if observation.field_id != place:
            lost.append(Lost(observation.field_id, "out_of_order", filed_as=place))
    return {place: observation.text for observation, place in zip(known, places, strict=True)}


def truncate(fields: dict[str, str], template: Template, lost: list[Lost]) -> dict[str, str]:
    """Cuts every text at its field's limit."""
    cut: dict[str, str] = {}
    for field_id, text in fields.items():
        limit = template.by_id[field_id].max_length
        if limit is not None and len(text) > limit:
            lost.append(Lost(field_id, "truncated", filed_as=field_id))
            text = text[:limit]
        cut[field_id] = text
    return cut
