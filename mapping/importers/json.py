"""Templates from JSON exports, flat ({"fields": [...]}) or nested (templates → sections → groups → fields)."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from mapping.importers.base import ImportedTemplate, ImportRefused
from mapping.importers.fields import RawField, shortened, stem, template_of
from mapping.importers.headers import HEADERS, NOTHING, Known, accepted, meaning, words
from mapping.importers.reading import Reading
from mapping.importers.sheets import Row, Sheet, bounded

_PROPERTIES = frozenset({"order", "id", "label", "kind", "max_length", "required", "group"})
_FIELD_LISTS = frozenset({"fields", "sections", "items", "elements", "components", "columns", "field list", "obx"})
_GROUP_LISTS = frozenset({"sections", "groups", "tabs", "panels", "categories", "areas", "pages", "blocks"})
# What a structured field may be answered with looks like fields, and is none.
_CHOICES = frozenset({"options", "choices", "values", "answers", "picklist", "pick list", "codes", "enum"})
# Objects inside a field that say how it is shown: its label may stand there.
_SHOWN = frozenset(
    {"display", "ui", "presentation", "view", "text", "labels", "properties", "attributes", "definition"}
)
_NAMES = ("name", "title", "template name", "template", "form name", "label")
_CODES = ("template id", "template code", "code", "id", "identifier")
_DEEPEST = 20
_LONGEST_GROUP = 200
_NAMED = 20  # containers that a note names one by one


def read(filename: str, content: bytes, known: Known = NOTHING) -> Reading:
    """The templates of a JSON file; where no fields are found, its longest list for a person to say what is in it.

    Raises ImportRefused.
    """
    tree = _renamed(_parsed(content), known)
    found = list(_templates(tree, "", 0))
    if found:
        return Reading(stem(filename), templates=tuple(_template(node, fields, filename) for node, fields in found))
    listed = _alike(list(_lists(tree, 0)))
    if not listed:
        raise ImportRefused(
            "No list of fields was found: each field needs an identifier (such as "
            f"{accepted('id')}) and a label (such as {accepted('label')}), in a list under fields or sections."
        )
    return Reading(stem(filename), sheets=(_sheet(listed),))


def _renamed(tree: Any, known: Known, depth: int = 0) -> Any:
    """The same tree, keys a person has explained being called by a usual name."""
    if not known or depth > _DEEPEST:
        return tree
    if isinstance(tree, list):
        return [_renamed(item, known, depth + 1) for item in tree]
    if isinstance(tree, dict):
        return {_usual(key, known): _renamed(value, known, depth + 1) for key, value in tree.items()}
    return tree


def _usual(key: str, known: Known) -> str:
    meant = known.get(words(key))
    return HEADERS[meant][0] if meant else key


def _lists(tree: Any, depth: int) -> Iterator[list[dict[str, Any]]]:
    """Every list of objects that could be fields: at least two plain values in each."""
    if depth > _DEEPEST or not isinstance(tree, list | dict):
        return
    if isinstance(tree, list) and tree and all(isinstance(item, dict) and len(_plain(item)) >= 2 for item in tree):
        yield tree
        return
    for value in tree if isinstance(tree, list) else tree.values():
        yield from _lists(value, depth + 1)


def _alike(lists: list[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """The longest list, with all others of the same keys where they stand: a template's groups are one list."""
    longest = {key for item in max(lists, key=len, default=[]) for key in item}
    return [item for one in lists if {key for item in one for key in item} == longest for item in one]


def _plain(item: dict[str, Any]) -> dict[str, str]:
    return {key: _as_text(value) for key, value in item.items() if not isinstance(value, list | dict)}


def _sheet(items: list[dict[str, Any]]) -> Sheet:
    rows = [_plain(item) for item in items]
    keys = list(dict.fromkeys(key for row in rows for key in row))
    listed = (Row(place, tuple(row.get(key, "") for key in keys)) for place, row in enumerate(rows, start=1))
    return Sheet("", tuple(bounded([Row(0, tuple(keys)), *listed])), unit="item")


def _parsed(content: bytes) -> Any:
    try:
        return json.loads(content.decode("utf-8-sig"), object_pairs_hook=_object, parse_constant=_constant)
    except UnicodeDecodeError as error:
        raise ImportRefused(f"Byte {error.start} is not UTF-8. Save the file as UTF-8 and import again.") from None
    except json.JSONDecodeError as error:
        raise ImportRefused(
            f"Line {error.lineno}, column {error.colno}: this is not JSON ({error.msg}). Export it again."
        ) from None
    except (RecursionError, ValueError):
        raise ImportRefused("The JSON is nested too deeply or holds a number that is none. Export it again.") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        twice = next(key for place, (key, _value) in enumerate(pairs) if key in dict(pairs[:place]))
        raise ImportRefused(f"An object has the key “{twice[:40]}” twice: it is not clear which counts.")
    return made


def _constant(name: str) -> float:
    raise ValueError(name)


def _templates(node: Any, place: str, depth: int) -> Iterator[tuple[dict[str, Any], "_Found"]]:
    """Every node that owns fields, with them: a list of fields alone, or an object with such a list in it."""
    if depth > _DEEPEST:
        return
    if isinstance(node, list):
        if _is_fields(node) and not any(map(_nests, node)):
            yield {}, _Found(list(_raw_fields(node, place, "")))
            return
        for index, item in enumerate(node):
            yield from _templates(item, f"{place}[{index}]", depth + 1)
    elif isinstance(node, dict):
        found = _Found()
        _gather(node, place, (), found)
        if found.fields:
            yield node, found
            return
        for key, value in node.items():
            if words(key) not in _CHOICES:
                yield from _templates(value, f"{place}.{key}".lstrip("."), depth + 1)


@dataclass
class _Found:
    """The fields of one template, and what holds fields without being one: its sections, groups, tabs, by name."""

    fields: list[RawField] = field(default_factory=list)
    containers: list[str] = field(default_factory=list)


def _gather(node: dict[str, Any], place: str, path: tuple[str, ...], found: _Found) -> None:
    """The fields in a node's lists, and those of the containers in them, however many levels these have.

    `path` names the containers around the node. An object without inner fields beside containers is a field itself.
    """
    for key, value in _listed(node).items():
        where = f"{place}.{key}".lstrip(".")
        if any(_holds(item, len(path)) for item in value):
            for index, item in enumerate(value):
                if _holds(item, len(path)):
                    inside = (*path, _said(item, _NAMES))
                    found.containers.append(_path(inside))
                    _gather(item, f"{where}[{index}]", inside, found)
                else:
                    found.fields.extend(_raw_fields([item], where, _path(path), index))
        elif _is_fields(value) and not any(map(_nests, value)):
            found.fields.extend(_raw_fields(value, where, _path(path)))


def _listed(node: dict[str, Any]) -> dict[str, list[Any]]:
    """The lists of a node that may hold fields, or groups of them."""
    lists = {key: value for key, value in node.items() if isinstance(value, list)}
    return {key: value for key, value in lists.items() if words(key) in _FIELD_LISTS | _GROUP_LISTS}


def _holds(item: Any, depth: int) -> bool:
    """Whether an object holds fields, at any depth: then it is a container, even where it has an identifier."""
    if not isinstance(item, dict) or depth > _DEEPEST:
        return False
    return any(
        any(_holds(inner, depth + 1) for inner in value) or (_is_fields(value) and not any(map(_nests, value)))
        for value in _listed(item).values()
    )


def _path(names: tuple[str, ...]) -> str:
    """Containers from the outermost on; the innermost alone where together they are longer than a group may be."""
    named = [name for name in names if name]
    whole = " › ".join(named)
    return whole if len(whole) <= _LONGEST_GROUP else named[-1]


def _nests(item: Any, depth: int = 0) -> bool:
    """Whether fields lie in an object's lists, whatever these are called: a location or template, not a field."""
    if not isinstance(item, dict) or depth > _DEEPEST:
        return False
    lists = [value for key, value in item.items() if isinstance(value, list) and words(key) not in _CHOICES]
    return any(_is_fields(value) or any(_nests(inner, depth + 1) for inner in value) for value in lists)


def _is_fields(items: list[Any]) -> bool:
    """Whether a list holds fields: at least half are objects with an identifier and a label or an order."""
    objects = [_values(item) for item in items if isinstance(item, dict)]
    named = [values for values in objects if "id" in values and {"label", "order"} & values.keys()]
    return bool(named) and 2 * len(named) >= len(items)


def _raw_fields(items: list[Any], place: str, group: str, first: int = 0) -> Iterator[RawField]:
    for index, item in enumerate(items, start=first):
        values = _values(item) if isinstance(item, dict) else {}
        if group:
            values.setdefault("group", group)
        yield RawField(f"{place}[{index}]".lstrip("."), values)


def _values(item: dict[str, Any]) -> dict[str, str]:
    """The known properties of a field, as text; those of nested objects count where the field itself is silent."""
    found: dict[str, str] = {}
    nested = []
    for key, value in item.items():
        if isinstance(value, dict):
            nested.append((value, ("max_length", "required", "kind", *("label", "order") * (words(key) in _SHOWN))))
        elif meaning(key) in _PROPERTIES and not isinstance(value, list):
            found.setdefault(meaning(key), _as_text(value))
    for inner, wanted in nested:
        for key, value in inner.items():
            if meaning(key) in wanted and not isinstance(value, dict | list):
                found.setdefault(meaning(key), _as_text(value))
    if "label" not in found and "group" in found:
        found["label"] = found.pop("group")
    return found


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _template(node: dict[str, Any], found: _Found, filename: str) -> ImportedTemplate:
    site = _said(node, ("location", "site", "facility", "loc", "clinic"))
    notes = [f"The file names the site {site}: check that this is the right location."] if site else []
    if found.containers:
        named = ", ".join(f"“{shortened(name)}”" for name in found.containers[:_NAMED] if name)
        more = f" and {len(found.containers) - _NAMED} more" if len(found.containers) > _NAMED else ""
        count = "1 entry was" if len(found.containers) == 1 else f"{len(found.containers)} entries were"
        notes.append(f"{count} taken as a group of fields, not as a field: {named or 'without a name'}{more}.")
    return template_of(
        found.fields,
        name=_said(node, _NAMES) or stem(filename),
        code=_said(node, _CODES),
        notes=notes,
        specialty=_said(node, ("specialty", "speciality", "department")),
    )


def _said(node: dict[str, Any], keys: tuple[str, ...]) -> str:
    """The first text under one of the keys, in the order of the keys."""
    said = {words(key): value for key, value in node.items() if isinstance(value, str | int)}
    return next((str(said[key]) for key in keys if key in said), "")
