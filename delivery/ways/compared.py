"""What directors compare vendors on, as it stands at one location (B34): registration, certification, templates."""

from datetime import UTC, datetime, time

from django.urls import reverse

from delivery.certification.standing import standing
from delivery.ways.capabilities import newest
from delivery.ways.sheet import NOT_DONE, Claim, Evidence
from mapping.models import Template
from mapping.queries import newest_version, published_of
from portal.models import Location, PartnerItem, PartnerState, PartnerStep


def compared(location: Location) -> list[Claim]:
    """Four claims about the set-up as a whole, each with what stands behind it."""
    return [
        Claim("Registered as a partner of eClinicalWorks", registration(location)),
        Claim("Certified as it is set up now", certification(location)),
        Claim("Every template has a mapping in force", templates(location)),
        Claim("A change at eCW is noticed by a daily probe", probes(location)),
    ]


def registration(location: Location) -> Evidence:
    """As a director wrote it down; the documents and their fingerprints are on the page of the registration."""
    items = PartnerItem.objects.filter(practice=location.practice_id, state=PartnerState.ACCEPTED)
    done = list(items.exclude(decided_on=None).only("step", "decided_on"))
    if not done:
        return NOT_DONE
    last = max(item.decided_on for item in done if item.decided_on)
    says = f"{len(done)} of {len(PartnerStep)} steps accepted, as a director recorded."
    return Evidence("attested", says, datetime.combine(last, time(), UTC), reverse("portal:partner"))


def certification(location: Location) -> Evidence:
    found = standing(location)
    if found.run is None:
        return NOT_DONE
    url = reverse("delivery:certification-report", args=[found.run.pk, "html"])
    return Evidence(
        "attested" if found.attested else "proven",
        f"Run {found.run.pk} at {found.run.location.code}.",
        found.run.finished_at,
        url,
    )


def templates(location: Location) -> Evidence:
    """Counted, with the specialties they are for; one without a mapping holds its notes, and is said."""
    rows = list(Template.objects.filter(location=location).order_by("code"))
    versions = [version for version in map(newest_version, rows) if version]
    if not versions:
        return NOT_DONE
    bare = [row.code for row in rows if published_of(row) is None]
    kinds = ", ".join(sorted({row.specialty for row in rows if row.specialty})) or "no specialty named"
    says = f"{len(rows)} template{'' if len(rows) == 1 else 's'} ({kinds}); not mapped: {', '.join(bare) or 'none'}."
    at = max(version.imported_at for version in versions)
    return Evidence("not_so" if bare else "proven", says, at, reverse("mapping:templates"))


def probes(location: Location) -> Evidence:
    made, rows = newest(location)
    if made is None:
        return NOT_DONE
    gone = sum(row.vanished is not None for row in rows)
    says = f"Probed by {made.by}: {len(rows)} findings, {gone} vanished."
    return Evidence("proven", says, made.at, f"{reverse('delivery:ways', args=[location.code])}#probe")
