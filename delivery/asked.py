"""What sending and reading ask of the configuration, read once and kept while it stands (portal/revision.py)."""

from collections.abc import Iterable
from functools import lru_cache

from delivery.models import Delivery, TemplateStop
from delivery.pilot.cohort import cohort_of
from delivery.ways.unsafe import unsafe_by
from mapping.models import Template
from mapping.queries import drifted_since, published_spec
from portal import agreements
from portal.models import Connection, Location, Scribe
from portal.revision import Kept

MOST_KEPT = 4096


def stopped(template: Template) -> bool:
    """Whether a template's notes wait for somebody to look (delivery/misrouting.py)."""
    return TemplateStop.objects.filter(template=template, looked_at=None).exists()


class Asked:
    """Rows, mappings in force and missing agreements under one revision."""

    def __init__(self) -> None:
        cache = lru_cache(MOST_KEPT)
        self.spec = cache(published_spec)
        self.drifted = cache(drifted_since)
        self.stopped = cache(stopped)
        self.unsafe = cache(unsafe_by)
        self._cohort = cache(cohort_of)
        # An agreement ends with a day, which is no change of its row.
        self._missing = cache(lambda location, scribe, _day: agreements.missing(location, scribe))
        self._location = cache(
            lambda key: Location.objects.select_related("practice", "reading_connection__practice").get(pk=key)
        )
        self._connection = cache(lambda key: Connection.objects.select_related("practice").get(pk=key))
        self._scribe = cache(lambda key: Scribe.objects.get(pk=key))
        self._template = cache(lambda key: Template.objects.get(pk=key))

    def missing(self, location: Location, scribe: Scribe) -> list[str]:
        return self._missing(location, scribe, agreements.today_at(location))

    def outside_pilot(self, location_id: int, provider_id: str) -> bool:
        """Whether the provider's notes wait, as the location's pilot has not come to them."""
        cohort = self._cohort(location_id)
        return cohort is not None and not cohort.has(provider_id)

    def complete(self, deliveries: Iterable[Delivery]) -> None:
        """Give each delivery, read with its note and its version, the rows of the configuration that it names."""
        for delivery in deliveries:
            delivery.location = self._location(delivery.location_id)
            delivery.connection = self._connection(delivery.connection_id) if delivery.connection_id else None
            delivery.note.scribe = self._scribe(delivery.note.scribe_id)
            version = delivery.note_version
            version.template = self._template(version.template_id) if version.template_id else None


kept = Kept(Asked)
