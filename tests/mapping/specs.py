"""Short ways to write sections, fields, rules and mappings in tests."""

from mapping.note import FieldSpec, MappingSpec, RuleSpec, Section


def section(code: str, text: str, index: int = 0, title: str = "") -> Section:
    return Section(index, code, title or code.upper().replace("_", " "), text)


def numbered(*pairs: tuple[str, str]) -> list[Section]:
    return [section(code, text, index) for index, (code, text) in enumerate(pairs)]


def field(field_id: str, position: int, **changes) -> FieldSpec:
    return FieldSpec(field_id, field_id.title(), position, **changes)


def spec(rules, fields=("F1", "F2", "F3"), catch_all: str = "") -> MappingSpec:
    made = [item if isinstance(item, FieldSpec) else field(item, place) for place, item in enumerate(fields, 1)]
    lines = [item if isinstance(item, RuleSpec) else RuleSpec(*item) for item in rules]
    return MappingSpec("T", "Template", tuple(made), tuple(lines), catch_all)


def text_of(applied, field_id: str) -> str:
    return next(value.text for value in applied.values if value.field_id == field_id)


def codes(problems) -> list[str]:
    return [problem.code for problem in problems]
