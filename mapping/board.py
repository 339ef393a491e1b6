"""What the mapping page shows: a row per section and rule, the template's fields with what fills them, the counts."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mapping.difference import in_words, labels_of
from mapping.forms import LIMIT_ACTIONS, SEPARATORS, MappingForm, RuleForm, escaped
from mapping.inheritance import by_section
from mapping.models import FieldKind, RuleKind
from mapping.note import FieldSpec, MappingSpec, Problem, RuleSpec
from mapping.sections import CODES, GROUPS, SECTIONS, name_of
from mapping.transfer import INHERITED, MARKS
from mapping.validation import errors, warnings

OWN = "Sections of the practice"
# With more, the selects would make the page too large: each holds its row's own choice, and the script adds the rest.
MOST_OPTIONS = 2000


@dataclass(frozen=True)
class Row:
    """One line of the left side: a section with one rule, or none yet. `values` are the form's, as text."""

    prefix: str
    code: str
    name: str
    loinc: str
    group: str
    values: dict[str, object]
    complaints: dict[str, list[str]]
    problems: tuple[Problem, ...]
    further: bool  # not the first row of its section
    default: str = ""  # in words, where the practice default has this section

    @property
    def mapped(self) -> bool:
        return bool(self.values["field_id"])

    @property
    def mark(self) -> str:
        """How a copied row got its field, in words; "" once a person chose another."""
        how, _, field_id = str(self.values["origin"]).partition(":")
        return MARKS.get(how, "") if field_id == self.values["field_id"] else ""

    @property
    def inherited(self) -> bool:
        return self.mark == MARKS[INHERITED]

    @property
    def is_open(self) -> bool:
        """Whether the details are to be shown opened: something in them is to be corrected."""
        return bool(self.complaints)

    @property
    def separators(self) -> list[tuple[str, str]]:
        """The separators to choose from, with the row's own where it is another."""
        usual = [(escaped(text), said) for text, said in SEPARATORS.items()]
        own = str(self.values["separator"] or usual[0][0])
        return usual if own in dict(usual) else [(own, f"“{own}”"), *usual]

    @property
    def summary(self) -> str:
        """What the closed details hold, in a few words; no words where all is as usual."""
        value = self.values
        said = []
        if value["kind"] == RuleKind.SPLIT:
            said.append(f"text under “{value['heading']}”" if value["heading"] else "text under no chosen heading")
        said.extend(name for name, given in (("prefix", value["before"]), ("default", value["default"])) if given)
        if value["limit"]:
            said.append(f"limit {value['limit']}{', cut' if value['limit_action'] == 'truncate' else ''}")
        return ", ".join(said)


@dataclass(frozen=True)
class FieldLine:
    """One line of the right side: a field of the template, the sections that fill it, and what is wrong with it."""

    spec: FieldSpec
    filled_by: tuple[str, ...]
    catches: bool
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class Choice:
    """One field in a row's select."""

    value: str
    text: str
    structured: bool


@dataclass(frozen=True)
class Board:
    """The whole page's content; see the properties for what is counted."""

    mapped: tuple[Row, ...]
    unmapped: tuple[tuple[str, tuple[Row, ...]], ...]
    lines: tuple[FieldLine, ...]
    choices: tuple[Choice, ...]
    problems: tuple[Problem, ...]
    catch_all: str
    complaints: tuple[str, ...] = ()
    kinds: tuple[tuple[str, str], ...] = tuple((str(value), str(label)) for value, label in RuleKind.choices)
    limit_actions: tuple[tuple[str, str], ...] = tuple(LIMIT_ACTIONS)
    own: str = OWN

    @property
    def rows(self) -> int:
        """How many rows the form has, for its management field."""
        return len(self.mapped) + sum(len(listed) for _group, listed in self.unmapped)

    @property
    def whole_selects(self) -> bool:
        """Whether each row's select lists every field; else one pair of selects serves all rows without a script."""
        return self.rows * len(self.choices) <= MOST_OPTIONS

    @property
    def every_row(self) -> list[Row]:
        """The first row of each section, for the pair of selects."""
        listed = [*self.mapped, *(row for _group, rows in self.unmapped for row in rows)]
        return [row for row in listed if not row.further]

    @property
    def renewable(self) -> bool:
        """Whether the draft could move to a newer version of the template."""
        return any(item.code == "template_newer" for item in self.problems)

    @property
    def errors(self) -> tuple[Problem, ...]:
        return errors(self.problems)

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """Without those about sections that have no field: these are named together."""
        return tuple(item for item in warnings(self.problems) if item.code != "section_without_field")

    @property
    def sections_mapped(self) -> int:
        return len({row.code for row in self.mapped} & set(CODES))

    @property
    def sections_total(self) -> int:
        return len(CODES)

    @property
    def own_mapped(self) -> int:
        return len({row.code for row in self.mapped} - set(CODES))

    @property
    def own_total(self) -> int:
        """The sections beside the contract's that the mapping speaks of."""
        return len({row.code for row in self.every_row} - set(CODES))

    @property
    def sections_unmapped(self) -> list[str]:
        return [name_of(item.section_code) for item in self.problems if item.code == "section_without_field"]

    @property
    def required_unmapped(self) -> list[FieldSpec]:
        """The free-text fields that would hold every note: coded entries do not come from sections."""
        free = (line for line in self.lines if line.spec.kind == FieldKind.FREE_TEXT)
        return [line.spec for line in free if line.spec.required and not line.filled_by]

    @property
    def field_ids(self) -> set[str]:
        return {choice.value for choice in self.choices}

    @property
    def reason_needed(self) -> bool:
        return bool(warnings(self.problems))


def board_of(
    form: MappingForm, spec: MappingSpec, problems: Sequence[Problem], complaints: Sequence[str] = ()
) -> Board:
    """The page for a form (posted or of a spec), judged by `problems`; `spec` gives fields and what fills them."""
    rows = _rows(form, problems)
    mapped = tuple(row for row in rows if row.mapped or row.complaints)
    rest = [row for row in rows if row not in mapped]
    unmapped = ((group, tuple(row for row in rest if row.group == group)) for group in (*GROUPS, OWN))
    return Board(
        mapped=mapped,
        unmapped=tuple((group, listed) for group, listed in unmapped if listed),
        lines=_lines(spec, problems),
        choices=tuple(_choice(spec) for spec in spec.fields),
        problems=tuple(problems),
        catch_all=str(form.head["catch_all_field_id"].value() or ""),
        complaints=tuple(complaints),
    )


def beside(board: Board, default: Sequence[RuleSpec]) -> Board:
    """The board with what a practice default has for each section, in words."""
    labels = labels_of([line.spec for line in board.lines])
    said = {code: "; ".join(in_words(rule, labels) for rule in rules) for code, rules in by_section(default).items()}

    def told(rows: tuple[Row, ...]) -> tuple[Row, ...]:
        return tuple(row if row.further else replace(row, default=said.get(row.code, "")) for row in rows)

    return replace(
        board, mapped=told(board.mapped), unmapped=tuple((group, told(rows)) for group, rows in board.unmapped)
    )


def _rows(form: MappingForm, problems: Sequence[Problem]) -> list[Row]:
    """The form's rows in the contract's order, the practice's own sections after them."""
    order = {code: place for place, code in enumerate(CODES)}
    seen: set[str] = set()
    rows = []
    for line in sorted(form.rows.forms, key=lambda line: order.get(_code(line), len(order))):
        rows.append(_row(line, problems, _code(line) in seen))
        seen.add(_code(line))
    return rows


def _code(line: RuleForm) -> str:
    return str(line["section_code"].value() or "")


def _row(line: RuleForm, problems: Sequence[Problem], further: bool) -> Row:
    code = _code(line)
    known = SECTIONS.get(code)
    complaints = line.errors.items() if line.is_bound else ()
    values = {name: line[name].value() for name in line.fields}
    return Row(
        prefix=str(line.prefix),
        code=code,
        name=name_of(code),
        loinc=known.loinc if known else "",
        group=known.group if known else OWN,
        values={name: "" if value is None else value for name, value in values.items()},
        complaints={name: [str(one) for one in messages] for name, messages in complaints},
        problems=tuple(item for item in errors(tuple(problems)) if item.section_code == code) if not further else (),
        further=further,
    )


def _lines(spec: MappingSpec, problems: Sequence[Problem]) -> tuple[FieldLine, ...]:
    rules = sorted(spec.rules, key=lambda rule: rule.position)
    return tuple(
        FieldLine(
            spec=item,
            filled_by=tuple(
                name_of(rule.section_code) + (f" (“{rule.heading}”)" if rule.heading else "")
                for rule in rules
                if rule.field_id == item.field_id
            ),
            catches=item.field_id == spec.catch_all_field_id,
            problems=tuple(
                problem for problem in problems if problem.field_id == item.field_id and not problem.section_code
            ),
        )
        for item in spec.fields
    )


def _choice(item: FieldSpec) -> Choice:
    structured = item.kind == FieldKind.STRUCTURED
    text = f"{item.position} · {item.label} ({item.field_id})"
    return Choice(item.field_id, f"{text}, structured" if structured else text, structured)
