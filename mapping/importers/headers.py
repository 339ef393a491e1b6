"""Column headers and JSON keys that practices use, and the property each of them means."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from types import MappingProxyType

# What the people of a practice said of headers nobody else uses: by words(header) the property, "" for none of them.
Known = Mapping[str, str]
NOTHING: Known = MappingProxyType({})

HEADERS: dict[str, tuple[str, ...]] = {
    "order": (
        *("order", "sequence", "seq", "position", "pos", "no", "nr", "number", "index", "rank", "set id"),
        *("sort order", "display order", "field order", "obx order", "obx sequence", "sequence number", "order no"),
    ),
    "id": (
        *("field id", "field identifier", "field code", "field key", "field no", "field number", "fieldid"),
        *("identifier", "id", "code", "key", "element id", "item id", "obx 3", "obx3", "obx identifier", "obx id"),
        *("item no", "item number", "item code"),
        *("observation identifier", "section id", "section identifier", "section code", "template field id"),
    ),
    "label": (
        *("field label", "field name", "label", "name", "field", "heading", "caption", "title", "display name"),
        *("section field name", "section name", "section label", "section title", "description", "field description"),
        *("field title", "element", "item"),
    ),
    "kind": ("type", "field type", "kind", "field kind", "data type", "datatype", "entry type", "input type", "format"),
    "max_length": (
        *("max length", "maximum length", "maxlength", "max len", "maxlen", "length", "len", "max chars", "maxchars"),
        *("max characters", "maximum characters", "character limit", "char limit", "characters", "chars", "limit"),
        *("max size", "size", "field length", "max"),
    ),
    "required": ("required", "is required", "mandatory", "req", "obligatory", "must", "required field"),
    "group": (
        *("group", "group name", "section", "category", "tab", "panel", "area", "section group", "parent"),
        *("note section", "path", "category path", "section path"),
    ),
    "template": ("template", "template name", "templatename", "progress note template", "form", "form name"),
    "template_code": ("template id", "template code", "template identifier", "template key"),
    "location": ("location", "loc", "site", "facility", "clinic", "office", "practice location"),
    "specialty": ("specialty", "speciality", "department"),
}
# The same in Spanish, without accents; they yield to an English header for the same property.
SPANISH: dict[str, tuple[str, ...]] = {
    "order": ("orden", "secuencia", "posicion", "numero de orden"),
    "id": (
        "id del campo",
        "id campo",
        "identificador",
        "identificador del campo",
        "codigo del campo",
        "codigo",
        "clave",
    ),
    "label": ("etiqueta", "nombre del campo", "nombre", "campo", "titulo", "encabezado", "etiqueta del campo"),
    "kind": ("tipo", "tipo de campo", "tipo de dato"),
    "max_length": ("longitud maxima", "longitud max", "longitud", "largo maximo", "maximo de caracteres"),
    "required": ("obligatorio", "requerido"),
    "group": ("seccion", "grupo", "categoria"),
    "template": ("plantilla", "nombre de la plantilla"),
    "location": ("ubicacion", "sede", "clinica"),
    "specialty": ("especialidad",),
}
for _name, _headers in SPANISH.items():
    HEADERS[_name] += _headers
_KNOWN = {header: name for name, headers in HEADERS.items() for header in headers}
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_WORD = re.compile(r"[^\W_]+")
# Where no header is known for the label, one with such a word is taken for it: "Name on screen".
_NAMING = frozenset({"name", "label", "heading", "caption", "title", "nombre", "etiqueta", "titulo", "encabezado"})
_OF_OTHERS = frozenset({"file", "user", "author", "by", "table", "column", "practice", "provider", "group"})
# The vendor's name before a header ("eCW Field ID") says nothing about the column.
_VENDOR = frozenset({"ecw", "eclinicalworks", "emr", "ehr"})
_VENDOR_AS_WRITTEN = re.compile("eCW|eClinicalWorks")  # their capitals would divide them


def words(header: str) -> str:
    """A header without case, punctuation and the vendor's name: "eCW Field-ID*" and "ecwFieldId" are "field id"."""
    split = _WORD.findall(_CAMEL.sub(" ", _VENDOR_AS_WRITTEN.sub("ecw ", header)).casefold())
    return " ".join(word for word in split if word not in _VENDOR)


def meaning(header: str, known: Known = NOTHING) -> str:
    """The property a header names, or ""; "#" is the order. What a person said of it comes first."""
    said = words(header)
    if said in known:
        return known[said]
    return "order" if header.strip() == "#" else _KNOWN.get(_unaccented(said), "")


def _unaccented(said: str) -> str:
    return "".join(letter for letter in unicodedata.normalize("NFD", said) if not unicodedata.combining(letter))


def meanings(headers: Sequence[str], known: Known = NOTHING) -> dict[str, int]:
    """Per property the column it stands in. Of two headers for one property the more usual one counts."""
    best: dict[str, tuple[int, int]] = {}
    for column, header in enumerate(headers):
        name, said = meaning(header, known), words(header)
        if name:
            listed = HEADERS[name]
            usual = -1 if said in known else listed.index(_unaccented(said)) if _unaccented(said) in listed else 0
            best[name] = min(best.get(name, (usual, column)), (usual, column))
    columns = {name: column for name, (_usual, column) in best.items()}
    taken = naming(headers, columns, known)
    if taken is not None:
        columns["label"] = taken
    if "label" not in columns and "group" in columns:
        columns["label"] = columns.pop("group")  # "Section" beside "Field ID" names the field, not a group
    return columns


def naming(headers: Sequence[str], columns: Mapping[str, int], known: Known = NOTHING) -> int | None:
    """The column that names the fields by a header nobody knows; None where one is known, or several may be it."""
    if "label" in columns or "id" not in columns:
        return None
    said = [set(_unaccented(words(header)).split()) if words(header) not in known else set() for header in headers]
    fitting = [
        column
        for column, each in enumerate(said)
        if each & _NAMING and not each & _OF_OTHERS and not meaning(headers[column])
    ]
    return fitting[0] if len(fitting) == 1 else None


def accepted(name: str) -> str:
    """Some accepted headers for a property, for messages."""
    return ", ".join(re.sub(r"\bId\b", "ID", header.title()) for header in HEADERS[name][:4])
