"""Save what an importer read: a new template, or the next version of one; unchanged fields make no version."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from django.db import transaction

from audit.record import record
from mapping.defaults import VISIT_TYPES
from mapping.impact import Impact, impact
from mapping.importers.base import ImportedField, ImportedTemplate, fingerprint
from mapping.models import Field, Template, TemplateVersion
from mapping.note import FieldSpec
from mapping.queries import field_specs, newest_version, published_spec
from portal.locations import keep_lock
from portal.models import Location, User


@dataclass(frozen=True)
class Saved:
    """What became of one imported template; `created` is False where the fields equal the newest version's."""

    template: Template
    version: TemplateVersion
    created: bool


def save(
    location: Location,
    imported: ImportedTemplate,
    *,
    user: User | None,
    source: str = "",
    code: str = "",
    name: str = "",
) -> Saved:
    """Save one template, under another code or name than the file's where these are given."""
    named = replace(imported, code=code or imported.code, name=name or imported.name)
    return save_all(location, [named], user=user, source=source)[0]


@transaction.atomic
def save_all(
    location: Location,
    imported: Sequence[ImportedTemplate],
    *,
    user: User | None,
    source: str = "",
    renamed: Collection[str] = (),
) -> list[Saved]:
    """Save every template of a file, or none. The location's first template becomes its default for all visits.

    A template that is there already keeps its name, unless its code is in `renamed`.
    """
    Location.objects.select_for_update(no_key=True).get(
        pk=location.pk
    )  # two imports at once would count the same number
    # Before the first write: a publication holds its template's row and then waits for what every write holds.
    there = Template.objects.filter(location=location, code__in=[template.code for template in imported])
    list(there.order_by("pk").select_for_update(no_key=True))
    return [_save(location, template, source, user, template.code in renamed) for template in imported]


def _save(location: Location, imported: ImportedTemplate, source: str, user: User | None, rename: bool) -> Saved:
    template = _template(location, imported, rename)
    newest = newest_version(template)
    mark = fingerprint(imported.fields)
    if newest is not None and newest.fingerprint == mark:
        return Saved(template, newest, created=False)
    version = TemplateVersion.objects.create(
        template=template,
        number=newest.number + 1 if newest else 1,
        fingerprint=mark,
        source=source[:200],
        imported_by=user,
    )
    Field.objects.bulk_create(
        Field(
            version=version,
            field_id=field.field_id,
            label=field.label,
            position=field.position,
            kind=field.kind,
            max_length=field.max_length,
            required=field.required,
            group=field.group,
        )
        for field in imported.fields
    )
    record(
        "template.import",
        practice=location.practice.code,
        location=location.code,
        object_type="template",
        object_id=str(template.pk),
        object_version=str(version.number),
        detail={
            "template": template.code,
            "version": version.number,
            "fields": len(imported.fields),
            "fingerprint": mark,
        },
    )
    keep_lock(location)
    return Saved(template, version, created=True)


def _template(location: Location, imported: ImportedTemplate, rename: bool) -> Template:
    first = not Template.objects.filter(location=location).exists()
    template, made = Template.objects.get_or_create(
        location=location,
        code=imported.code,
        defaults={
            "name": imported.name,
            "specialty": imported.specialty,
            "default_for": list(VISIT_TYPES) if first else [],
        },
    )
    if rename and not made and template.name != imported.name:
        template.name = imported.name
        template.save(update_fields=["name"])
    return template


@dataclass(frozen=True)
class Comparison:
    """What saving would do: `number` is the version it would make (or the one it equals); field ids by change.

    `template` is the one that is there already; `impact` what saving does to its mapping in force, whose key is
    `mapping` (0: there is none); None where none is, or nothing is saved.
    """

    number: int
    unchanged: bool = False
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    template: Template | None = None
    mapping: int = 0
    impact: Impact | None = None


def compare(location: Location, imported: ImportedTemplate) -> Comparison:
    """Compare a template that was read with the newest version of the location's template of that code."""
    template = Template.objects.filter(location=location, code=imported.code).first()
    newest = newest_version(template) if template else None
    if template is None or newest is None:
        return Comparison(1)
    in_force = published_spec(template)
    mapping = (in_force and in_force.mapping_version_id) or 0
    if newest.fingerprint == fingerprint(imported.fields):
        return Comparison(newest.number, unchanged=True, template=template, mapping=mapping)
    old = {item.field_id: _properties(item) for item in field_specs(newest.pk)}
    new = {item.field_id: _properties(item) for item in imported.fields}
    return Comparison(
        newest.number + 1,
        added=tuple(sorted(new.keys() - old.keys())),
        removed=tuple(sorted(old.keys() - new.keys())),
        changed=tuple(sorted(field_id for field_id in old.keys() & new.keys() if old[field_id] != new[field_id])),
        template=template,
        mapping=mapping,
        impact=impact(in_force, [FieldSpec(**vars(item)) for item in imported.fields]) if in_force else None,
    )


def _properties(item: FieldSpec | ImportedField) -> tuple[object, ...]:
    return item.label, item.position, item.kind, item.max_length, item.required, item.group
