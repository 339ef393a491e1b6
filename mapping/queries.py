"""Reads of templates and mappings: the specs that `apply` and `validate` need, and what the screens show."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db.models import Count, OuterRef, QuerySet, Subquery

from mapping.drift import drifted
from mapping.models import Field, MappingState, MappingVersion, Rule, RuleKind, Template, TemplateVersion
from mapping.note import Drifted, FieldSpec, MappingSpec, RuleSpec
from mapping.sections import name_of, normalise
from mapping.suggestion import Taught
from portal.compiled import Compiled
from portal.models import Location, Practice


def published_spec(template: Template) -> MappingSpec | None:
    """The mapping in force for a template; None before the first is published. One query when cached."""
    published = _beside_newest().filter(template=template, state=MappingState.PUBLISHED).first()
    if published is None:
        return None
    spec = spec_of(published)
    if published.newest != published.template_version_id:
        spec = replace(spec, drifted=_drifted(published.template_version_id, published.newest, published.newest_mark))
    # A template may be renamed at an import; all else of a published mapping stays as it was.
    return spec if spec.template_name == template.name else replace(spec, template_name=template.name)


def _beside_newest() -> QuerySet[MappingVersion, Any]:
    """Mapping versions, each with the newest version of its template."""
    newest = TemplateVersion.objects.filter(template=OuterRef("template")).order_by("-number")
    return MappingVersion.objects.annotate(
        newest=Subquery(newest.values("pk")[:1]), newest_mark=Subquery(newest.values("fingerprint")[:1])
    )


def drifted_since(mapping_version_id: int) -> tuple[Drifted, ...]:
    """The fields of one mapping version, in force or not, that a newer version of its template broke."""
    version = _beside_newest().filter(pk=mapping_version_id).first()
    if version is None or version.newest == version.template_version_id:
        return ()
    return _drifted(version.template_version_id, version.newest, version.newest_mark)


def drifted_in_force(template: Template) -> bool:
    """Whether a newer version of the template breaks a field of the mapping in force."""
    spec = published_spec(template)
    return spec is not None and any(item.message for item in spec.drifted)


def spec_of(mapping_version: MappingVersion) -> MappingSpec:
    """A mapping version with its template's fields. Published ones never change and are cached; drafts never are."""
    if mapping_version.state == MappingState.DRAFT or mapping_version.published_at is None:
        return _load(mapping_version.pk)
    return _cached(mapping_version.pk, mapping_version.published_at)


@lru_cache(maxsize=512)
def _cached(pk: int, published_at: datetime) -> MappingSpec:
    # The time is part of the key: after a restore, another version may carry the same number.
    return _load(pk)


@lru_cache(maxsize=512)
def _drifted(old: int, new: int, mark: str) -> tuple[Drifted, ...]:
    # The fingerprint is part of the key for the same reason.
    return drifted(field_specs(old), field_specs(new))


def _load(pk: int) -> MappingSpec:
    version = MappingVersion.objects.select_related("template").get(pk=pk)
    return MappingSpec(
        template_code=version.template.code,
        template_name=version.template.name,
        fields=field_specs(version.template_version_id),
        rules=tuple(rule_spec(rule) for rule in Rule.objects.filter(mapping_id=pk).order_by("position", "pk")),
        catch_all_field_id=version.catch_all_field_id,
        mapping_version_id=pk,
        template_version_id=version.template_version_id,
    )


def field_specs(template_version_id: int) -> tuple[FieldSpec, ...]:
    """The fields of a template version in its order."""
    fields = Field.objects.filter(version_id=template_version_id).order_by("position")
    columns = ("field_id", "label", "position", "kind", "max_length", "required", "group")
    return tuple(FieldSpec(*values) for values in fields.values_list(*columns))


def rule_spec(rule: Rule) -> RuleSpec:
    """A rule's row as a frozen value; what its settings leave out has RuleSpec's defaults.

    One damaged row must not stop the mapping: what cannot be read is in `damaged`, which holds the notes using it.
    """
    stored = rule.settings if isinstance(rule.settings, dict) else {"settings": rule.settings}
    settings = {name: value for name, value in stored.items() if name in READABLE and READABLE[name](value)}
    damaged = {name if name in READABLE else "settings" for name in stored if name not in settings}
    kind = rule.kind if rule.kind in RuleKind else RuleKind.COPY.value
    return RuleSpec(
        rule.section_code,
        rule.field_id,
        kind=kind,
        position=rule.position,
        id=rule.pk,
        damaged=tuple(sorted(damaged if kind == rule.kind else {"kind", *damaged})),
        **settings,
    )


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_limit(value: object) -> bool:
    return value is None or (isinstance(value, int) and not isinstance(value, bool))


# What a rule's settings may hold, by name; anything else is damage (an edit past the program, a restore).
READABLE: dict[str, Callable[[object], bool]] = {
    "prefix": _is_text,
    "separator": _is_text,
    "default": _is_text,
    "limit": _is_limit,
    "limit_action": ("refuse", "truncate").__contains__,
    "heading": _is_text,
    "origin": _is_text,
}


def learned_labels(practice: Practice) -> dict[str, Taught]:
    """Per normalised label the codes that every published mapping of the practice with such a field files there.

    What two locations do differently is not learned; a label that one of them leaves without a rule says nothing.
    """
    agreed: dict[str, frozenset[str]] = {}
    mappings, places = defaultdict[str, set[int]](set), defaultdict[str, set[int]](set)
    for label, codes, mapping, location in _filed_labels(practice):
        agreed[label] = agreed.get(label, codes) & codes
        mappings[label].add(mapping)
        places[label].add(location)
    return {
        label: Taught(codes, len(mappings[label]), len(places[label]))
        for label, codes in agreed.items()
        if label and codes
    }


def _filed_labels(practice: Practice) -> Iterator[tuple[str, frozenset[str], int, int]]:
    """Each field that a published mapping fills: its label, normalised, the codes, the mapping and its location.

    Three queries.
    """
    at = {"template__location__practice": practice, "template__location__for_learning": False}
    in_force = MappingVersion.objects.filter(state=MappingState.PUBLISHED, **at)
    rows = list(in_force.values_list("pk", "template_version_id", "template__location_id"))
    published = {mapping: version for mapping, version, _location in rows}
    places = {mapping: location for mapping, _version, location in rows}
    labels: dict[tuple[int, str], str] = {
        (version, field_id): normalise(label)
        for version, field_id, label in Field.objects.filter(version__in=set(published.values())).values_list(
            "version_id", "field_id", "label"
        )
    }
    filed: dict[tuple[int, str], set[str]] = defaultdict(set)
    for mapping, field_id, code in Rule.objects.filter(mapping__in=published).values_list(
        "mapping_id", "field_id", "section_code"
    ):
        filed[mapping, field_id].add(code)
    for (mapping, field_id), codes in filed.items():
        yield labels.get((published[mapping], field_id), ""), frozenset(codes), mapping, places[mapping]


templates_at = Compiled(lambda location: Template.objects.filter(location_id=location).order_by("code"), int)
published_at = Compiled(
    lambda template: MappingVersion.objects.filter(template_id=template, state=MappingState.PUBLISHED), int
)


def template_for(location: Location, template_code: str, visit_type: str) -> Template | None:
    """The location's template of that code; without a code, the location's default for the visit type."""
    templates = templates_at(location.pk)
    if template_code:
        return next((template for template in templates if template.code == template_code), None)
    # In Python: SQLite cannot look into a JSON list, and a location has a handful of templates.
    return next((template for template in templates if visit_type in template.default_for), None)


def newest_version(template: Template) -> TemplateVersion | None:
    """The template's latest import."""
    return TemplateVersion.objects.filter(template=template).order_by("-number").first()


def draft_of(template: Template) -> MappingVersion | None:
    """The template's one draft, where there is one."""
    drafts = MappingVersion.objects.select_related("template_version")
    return drafts.filter(template=template, state=MappingState.DRAFT).first()


def published_of(template: Template) -> MappingVersion | None:
    """The template's mapping in force."""
    return published_at.first(template.pk)


@dataclass(frozen=True)
class TemplateRow:
    """One template of the list with where it and its mapping stand."""

    template: Template
    version: int | None
    imported_at: datetime | None
    fields: int
    published: int | None
    draft: int | None
    # Imported again since the mapping in force was made.
    outdated: bool
    # The sections that the mapping in force sends to a field the newest version broke: notes with them are held.
    held: tuple[str, ...] = ()


def template_rows(locations: Sequence[Location]) -> dict[int, list[TemplateRow]]:
    """Per location (by primary key) its templates in the order of their codes.

    One query, and one more where a mapping is for an older version (besides the fields of versions first compared).
    """
    newest = TemplateVersion.objects.filter(template=OuterRef("pk")).order_by("-number")
    mapping = MappingVersion.objects.filter(template=OuterRef("pk"))
    published = mapping.filter(state=MappingState.PUBLISHED)
    fields = Field.objects.filter(version=OuterRef("newest")).order_by().values("version").annotate(n=Count("pk"))
    templates = (
        Template.objects.filter(location__in=locations)
        .annotate(
            newest=Subquery(newest.values("pk")[:1]),
            newest_number=Subquery(newest.values("number")[:1]),
            newest_mark=Subquery(newest.values("fingerprint")[:1]),
            imported_at=Subquery(newest.values("imported_at")[:1]),
            published_number=Subquery(published.values("number")[:1]),
            published_pk=Subquery(published.values("pk")[:1]),
            published_for=Subquery(published.values("template_version")[:1]),
            draft_number=Subquery(mapping.filter(state=MappingState.DRAFT).values("number")[:1]),
        )
        .annotate(field_count=Subquery(fields.values("n")[:1]))
        .order_by("code")
    )
    rows: dict[int, list[TemplateRow]] = {location.pk: [] for location in locations}
    held = _held_sections(templates)
    for template in templates:
        row = TemplateRow(
            template,
            template.newest_number,
            template.imported_at,
            template.field_count or 0,
            template.published_number,
            template.draft_number,
            template.published_for is not None and template.published_for != template.newest,
            held.get(template.pk, ()),
        )
        rows[template.location_id].append(row)
    return rows


def _held_sections(templates: Iterable[Any]) -> dict[int, tuple[str, ...]]:
    """Per template whose mapping in force a newer version breaks: the names of the sections it sends there."""
    older = [template for template in templates if template.published_for not in (None, template.newest)]
    rules: dict[int, list[tuple[str, str]]] = defaultdict(list)
    found = Rule.objects.filter(mapping__in=[template.published_pk for template in older]).order_by("position", "pk")
    for mapping, code, field_id in found.values_list("mapping_id", "section_code", "field_id") if older else ():
        rules[mapping].append((code, field_id))
    held = {}
    for template in older:
        drift = _drifted(template.published_for, template.newest, template.newest_mark)
        broken = {item.field_id for item in drift if item.message}
        codes = dict.fromkeys(code for code, field_id in rules[template.published_pk] if field_id in broken)
        held[template.pk] = tuple(map(name_of, codes))
    return held
