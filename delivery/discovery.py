"""Ask eCW itself which templates a location has, through the location's reading connection, where that can list them.

Nothing is saved: what comes back is judged like an imported file, and goes to the same preview.
"""

from django.db import transaction

from audit.record import record
from delivery import rate
from delivery.channels.base import TemplateLister, Unavailable
from delivery.channels.registry import lister_for
from delivery.failures import failure
from mapping.importers import limited
from mapping.importers.base import ImportedTemplate, ImportRefused
from mapping.importers.reading import templates_of
from portal.models import Connection, Location
from portal.targets import check_target


class CannotDiscover(Exception):
    """Why eCW was not asked, or what its answer lacks, in words for the screen."""


def discover(location: Location) -> tuple[ImportedTemplate, ...]:
    """The location's templates as eCW has them now. Makes one call; never inside a transaction."""
    connection = location.reading_connection
    if connection is None:
        raise CannotDiscover("This location has no reading connection; choose one in its settings.")
    if not connection.enabled or connection.environment != location.environment:
        raise CannotDiscover("The reading connection is switched off, or of another environment than the location.")
    lister = _lister(connection)
    try:
        if not rate.granted(connection):
            raise CannotDiscover("The calls of this minute are used up. Try again in a minute.")
        answer = lister.templates(location.facility)
    except Unavailable as error:
        entry = failure(error.reason_code)
        raise CannotDiscover(f"eCW did not list its templates: {entry.title[0].lower()}{entry.title[1:]}.") from None
    finally:
        lister.close()
    found = _read(answer)
    with transaction.atomic():
        record(
            "template.discover",
            practice=location.practice.code,
            location=location.code,
            object_type="connection",
            object_id=str(connection.pk),
            detail={"connection": connection.pk, "fields": sum(len(template.fields) for template in found)},
        )
    return found


def _lister(connection: Connection) -> TemplateLister:
    try:
        return lister_for(
            connection.kind, connection.settings, connection.secrets(), connection.environment, resolve=check_target
        )
    except (ValueError, Unavailable) as error:
        raise CannotDiscover(
            str(error) if isinstance(error, ValueError) else "The connection cannot be used."
        ) from None


def _read(answer: bytes) -> tuple[ImportedTemplate, ...]:
    """The templates of the answer, read in a child process like a file: a receiver may send anything."""
    try:
        return templates_of(limited.read("templates.json", answer))
    except ImportRefused as refused:
        raise CannotDiscover(f"eCW's answer holds no template that can be taken: {refused}") from None
