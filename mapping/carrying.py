"""Carries what was read from a file from the preview page to the save: signed, compressed, in a hidden field.

So nothing lies about on the server, and what is saved is what was shown. Templates hold no patient data.
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from django.core import signing

from mapping.importers.base import ImportedTemplate, ImportRefused
from mapping.importers.reading import Reading, reading_from_json, reading_in_json, template_from_json
from portal.models import Location, User

SALT = "mapping.carrying"
MAX_AGE = 2 * 3600
MAX_CHARACTERS = 1_000_000


class CannotCarry(Exception):
    """The preview is too old, was altered, or is another person's or location's: choose the file again."""


def packed(templates: Sequence[ImportedTemplate], source: str, location: Location, user: User) -> str:
    """A token for the hidden field; raises ImportRefused where it would be too large."""
    return _packed({"source": source, "templates": [asdict(item) for item in templates]}, location, user)


def unpacked(token: str, location: Location, user: User) -> tuple[list[ImportedTemplate], str]:
    """The templates and the file's name; raises CannotCarry."""
    content = _unpacked(token, location, user, "templates")
    return [template_from_json(item) for item in content["templates"]], content["source"]


def packed_reading(reading: Reading, source: str, location: Location, user: User) -> str:
    """The same for a file whose columns a person is asked about."""
    return _packed({"source": source, "reading": reading_in_json(reading)}, location, user)


def unpacked_reading(token: str, location: Location, user: User) -> tuple[Reading, str]:
    """The reading and the file's name; raises CannotCarry."""
    content = _unpacked(token, location, user, "reading")
    return reading_from_json(content["reading"]), content["source"]


def _packed(content: dict[str, Any], location: Location, user: User) -> str:
    token = signing.dumps({"by": user.pk, "to": location.pk, **content}, salt=SALT, compress=True)
    if len(token) > MAX_CHARACTERS:
        raise ImportRefused("The file holds too much to be shown at once. Split it by template.")
    return token


def _unpacked(token: str, location: Location, user: User, key: str) -> dict[str, Any]:
    try:
        content: dict[str, Any] = signing.loads(token, salt=SALT, max_age=MAX_AGE)
    except signing.BadSignature:
        raise CannotCarry from None
    if (content["by"], content["to"]) != (user.pk, location.pk) or key not in content:
        raise CannotCarry
    return content
