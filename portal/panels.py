"""Pieces of the portal's pages that belong to apps above it: named by string in the settings, never imported."""

from collections.abc import Iterable

from django.conf import settings
from django.db.models import Model
from django.http import HttpRequest
from django.utils.module_loading import import_string

from portal.requests import PortalRequest


def rendered(names: Iterable[str], request: PortalRequest, shown: Model) -> tuple[str, ...]:
    """What each panel has to say of the object shown (a Location, Scribe or Connection); silent ones are left out."""
    made = (import_string(name)(request, shown) for name in names)
    return tuple(panel for panel in made if panel)


def banners(request: HttpRequest) -> tuple[str, ...]:
    """What the apps above the portal have to say over every page, such as that nothing is being sent."""
    made = (import_string(name)(request) for name in settings.BANNERS)
    return tuple(banner for banner in made if banner)
