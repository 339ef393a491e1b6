"""What a run proves: a location's templates and mappings by their content, and the ways its notes go.

By content, so that what was proven in the sandbox can be held against a production location, whose rows are others.
"""

import hashlib
import json
from dataclasses import replace
from typing import Any

from delivery.ways.catalogue import way_of
from mapping.models import Template
from mapping.note import MappingSpec
from mapping.queries import field_specs, newest_version, published_of, spec_of
from portal.models import Location, Part, Route


def subject_of(location: Location) -> dict[str, Any]:
    """`templates`: by code, fingerprints of newest version and mapping; `ways`: by part, the keys of ways in order."""
    templates = Template.objects.filter(location=location).order_by("code")
    ways: dict[str, list[str]] = {}
    for route in Route.objects.filter(location=location).select_related("connection").order_by("part", "position"):
        ways.setdefault(route.part, []).append(way_of(route.connection).key)
    return {
        "templates": {template.code: _of_template(template) for template in templates},
        "ways": ways,
        "unmapped": location.unmapped_policy,
    }


def _of_template(template: Template) -> dict[str, Any]:
    newest, published = newest_version(template), published_of(template)
    fields = field_specs(newest.pk) if newest else ()
    return {
        "template": fingerprint([vars(field) for field in fields]),
        "template_version": newest.number if newest else 0,
        "mapping": mapping_fingerprint(spec_of(published)) if published else "",
        "mapping_version": published.number if published else 0,
        "visit_types": sorted(template.default_for),
    }


def mapping_fingerprint(spec: MappingSpec) -> str:
    """16 hex digits that change with any rule, the catch-all field, or the fields it was made for; not with row ids."""
    rules = [vars(replace(rule, id=None, origin="")) for rule in spec.rules]
    fields = [vars(field) for field in spec.fields]
    return fingerprint([spec.template_code, rules, spec.catch_all_field_id, fields])


def fingerprint(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=list).encode()).hexdigest()[:16]


def differences(wanted: dict[str, Any], proven: dict[str, Any]) -> list[str]:
    """In what a location differs from what a run proved, in plain words; empty: the run holds for it.

    A run may have proven more templates and ways than the location has.
    """
    found = []
    for code, of in wanted["templates"].items():
        had = proven["templates"].get(code)
        if had is None:
            found.append(f"template {code} was not part of it")
        elif of["template"] != had["template"]:
            found.append(f"template {code} has changed since")
        elif of["mapping"] != had["mapping"]:
            found.append(f"the mapping of {code} has changed since")
        elif set(of["visit_types"]) - set(had["visit_types"]):
            found.append(f"{code} is filled for other visits now")
    if wanted["unmapped"] != proven["unmapped"]:
        found.append("what becomes of unmapped sections has changed since")
    labels = dict(Part.choices)
    for part, kinds in wanted["ways"].items():
        if kinds != proven["ways"].get(part, []):
            found.append(f"{labels[part]} go by another way")
    return found
