"""The frozen values that cross from mapping to delivery: sections in, field values and problems out."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Section:
    """One section as the scribe posted it. `code` is one of sections.CODES, a practice's own, or "" if unknown.

    `index` is its place in the posted list: what /sections/<index> points at.
    """

    index: int
    code: str
    title: str
    text: str


@dataclass(frozen=True)
class Contribution:
    """What one section put into a field: its index, code and title, and the text exactly as it stands there.

    `cut`: the section was longer, and its end was left out as its rule allows.
    """

    index: int
    code: str
    title: str
    text: str
    cut: bool = False


@dataclass(frozen=True)
class FieldValue:
    """One field of the template with the text to be filed in it (never empty)."""

    field_id: str
    label: str
    position: int
    text: str
    contributions: tuple[Contribution, ...]


@dataclass(frozen=True)
class Problem:
    """Why a note cannot go as it is. `code` is stable, `message` plain words without any content of the note.

    `pointer` names the place: /sections/3 of the note, or /rules/<id> or /fields/<field id> of the mapping.
    `severity` is "error" or "warning"; of use where a mapping is judged (validation, publishing.CHECKS).
    """

    code: str
    message: str
    pointer: str = ""
    section_code: str = ""
    section_title: str = ""
    field_id: str = ""
    severity: str = "error"


@dataclass(frozen=True)
class Applied:
    """A note's sections after the mapping: what goes where, what cannot, what is empty, what no rule maps.

    Whatever was posted appears in exactly one of: a value's contributions, `unmapped`, `empty`. `warnings` do not
    stop the note (a truncation that the mapping allows); `problems` hold it.
    """

    values: tuple[FieldValue, ...]
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    unmapped: tuple[Section, ...] = ()
    empty: tuple[Section, ...] = ()


@dataclass(frozen=True)
class FieldSpec:
    """A template field as the rules see it; see models.Field."""

    field_id: str
    label: str
    position: int
    kind: str = "free_text"
    max_length: int | None = None
    required: bool = False
    group: str = ""


@dataclass(frozen=True)
class RuleSpec:
    """A rule as `apply` sees it; see models.Rule. `id` is the row to repair when it is at fault."""

    section_code: str
    field_id: str
    kind: str = "copy"
    prefix: str = ""
    separator: str = "\n\n"
    default: str = ""
    limit: int | None = None
    limit_action: str = "refuse"
    heading: str = ""
    position: int = 1
    id: int | None = None
    # How it got its field (a key of transfer.MARKS); "" for one that a person made here.
    origin: str = ""
    # Which of its settings cannot be read as they are stored; they have their usual values here.
    damaged: tuple[str, ...] = ()


@dataclass(frozen=True)
class Drifted:
    """A field of a mapping's template version that the newest version has otherwise.

    `message` says how it is broken; "" where it is only shorter: then only a text over `max_length` is held.
    """

    field_id: str
    message: str = ""
    max_length: int | None = None


@dataclass(frozen=True)
class MappingSpec:
    """A whole mapping with the template version it was made for: everything `apply` and `validate` need."""

    template_code: str
    template_name: str
    fields: tuple[FieldSpec, ...]
    rules: tuple[RuleSpec, ...]
    catch_all_field_id: str = ""
    mapping_version_id: int | None = None
    template_version_id: int | None = None
    # What a newer version of the template broke; only a mapping in force has any (queries.published_spec).
    drifted: tuple[Drifted, ...] = ()
