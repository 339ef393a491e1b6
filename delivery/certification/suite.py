"""The tests of a run, in the order they are made; those that change a chart for others come late, the audit last."""

from delivery.certification import audited, checklist, encounter, errors, functional, load, security
from delivery.certification.desk import Test
from portal.models import Location

GATE = "connections"  # where this fails, nothing could be delivered: the rest is not tried


def tests_of(location: Location) -> list[Test]:
    """Every test for this location as it is now."""
    return [
        *functional.tests(location),
        *encounter.tests(),
        *checklist.tests(),
        *errors.tests(),
        *security.tests(),
        *load.tests(),
        *audited.tests(),
    ]
