"""The entries of the main menu: shown only where a role allows them and their address exists."""

from dataclasses import dataclass

from django.urls import NoReverseMatch, reverse

from portal.access import EVERY_ROLE
from portal.models import Role


@dataclass(frozen=True)
class Entry:
    """One entry: its address's name, its icon (heroicons, outline), and the roles that see it."""

    label: str
    icon: str
    url_name: str
    roles: frozenset[str] = EVERY_ROLE


@dataclass(frozen=True)
class Link:
    """An entry as one person sees it on one page."""

    label: str
    icon: str
    url: str
    current: bool


SEES_NOTES = frozenset({Role.DIRECTOR, Role.OPERATOR, Role.AUDITOR, Role.CLINICIAN, Role.METADATA_ONLY})
ENTRIES = (
    Entry("Overview", "home", "portal:home"),
    Entry("Deliveries", "paper-airplane", "delivery:deliveries", SEES_NOTES),
    Entry("Alerts", "bell-alert", "delivery:alerts", SEES_NOTES),
    Entry("Completeness", "clipboard-document-check", "delivery:completeness", SEES_NOTES),
    Entry("Reports", "chart-bar", "delivery:report", SEES_NOTES),
    Entry("Events", "bell", "delivery:events", SEES_NOTES),
    Entry(
        "Templates & mapping",
        "arrows-right-left",
        "mapping:templates",
        frozenset({Role.DIRECTOR, Role.MAPPING_EDITOR, Role.OPERATOR, Role.AUDITOR}),
    ),
    Entry(
        "Codes",
        "hashtag",
        "codes:drugs",
        frozenset({Role.DIRECTOR, Role.MAPPING_EDITOR, Role.OPERATOR, Role.AUDITOR}),
    ),
    Entry(
        "Connections",
        "server-stack",
        "portal:connections",
        frozenset({Role.DIRECTOR, Role.OPERATOR, Role.AUDITOR}),
    ),
    Entry("Audit", "shield-check", "portal:audit", frozenset({Role.DIRECTOR, Role.AUDITOR})),
    Entry("Settings", "cog-6-tooth", "portal:settings", frozenset({Role.DIRECTOR})),
    Entry(
        "Practice",
        "academic-cap",
        "delivery:learning",
        frozenset({Role.DIRECTOR, Role.MAPPING_EDITOR, Role.CLINICIAN}),
    ),
)

# Pages of delivery that are steps of something else: a rehearsal of mapping, a scribe's endpoint of the settings. Codes
# have several pages.
ELSEWHERE = {
    "/deliveries/certification/": "portal:home",
    "/deliveries/changes/": "portal:home",
    "/deliveries/facts/": "portal:home",
    "/deliveries/pilot/": "portal:home",
    "/deliveries/rehearsals/": "mapping:templates",
    "/deliveries/scribes/": "portal:settings",
    "/codes/": "codes:drugs",
    "/exports/": "portal:audit",
    "/deliveries/exports/": "portal:audit",
    "/deliveries/requests/": "portal:audit",
}


def _address(url_name: str) -> str:
    try:
        return reverse(url_name)
    except NoReverseMatch:
        return ""


def _is_current(url: str, path: str) -> bool:
    return path == url or (url != "/" and path.startswith(url))


def links(roles: frozenset[str], path: str) -> list[Link]:
    """The menu for these roles; the entry under whose address the path lies most closely is current."""
    seen = [(entry, _address(entry.url_name)) for entry in ENTRIES if entry.roles & roles]
    home = next((_address(name) for under, name in ELSEWHERE.items() if path.startswith(under)), path)
    under = max((url for _, url in seen if url and _is_current(url, home)), key=len, default="")
    return [Link(entry.label, entry.icon, url, url == under) for entry, url in seen if url]
