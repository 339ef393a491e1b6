"""Whether what a location sends has been proven: the newest passing run that holds for it, or what must be run."""

from dataclasses import dataclass

from delivery.certification.models import CertificationRun, RunState
from delivery.certification.subject import differences, subject_of
from portal.models import Environment, Location

LOOKED_THROUGH = 50  # passing runs of a practice, the newest first


@dataclass(frozen=True)
class Standing:
    """The run that proves the location as it is now; without one, why, and where to run one."""

    run: CertificationRun | None
    why: str = ""
    run_at: str = ""  # the code of the sandbox location to run it at

    @property
    def attested(self) -> bool:
        """Whether the run rests on a person's word, as no chart can be read where it was made."""
        return self.run is not None and self.run.results.exclude(proof="").exists()


def standing(location: Location) -> Standing:
    """Held against every passing run of the practice's sandbox: by content, so that the rows may be others."""
    wanted = subject_of(location)
    passed = CertificationRun.objects.filter(
        location__practice=location.practice_id,
        location__environment=Environment.SANDBOX,
        location__for_learning=location.for_learning,  # what is proven in practice mode proves nothing elsewhere
        state=RunState.PASSED,
    )
    nearest: list[str] = []
    for run in passed.select_related("location").order_by("-finished_at", "-pk")[:LOOKED_THROUGH]:
        lacking = differences(wanted, run.subject)
        if not lacking:
            return Standing(run)
        if not nearest or len(lacking) < len(nearest):
            nearest = lacking
    return Standing(
        None, f"{nearest[0][0].upper()}{nearest[0][1:]}" if nearest else "No run has passed yet", where(location)
    )


def where(location: Location) -> str:
    """The sandbox location that a run is to be made at: the one with most of the same templates."""
    if location.environment == Environment.SANDBOX:
        return location.code
    mine = set(location.templates.values_list("code", flat=True))
    others = Location.objects.filter(
        practice=location.practice_id, environment=Environment.SANDBOX, for_learning=False
    ).order_by("code")
    shared = [(len(mine & set(other.templates.values_list("code", flat=True))), other.code) for other in others]
    return max(shared, key=lambda pair: pair[0], default=(0, ""))[1]


def lacks(location: Location) -> list[str]:
    """For portal's release: what of certification is lacking at a production location."""
    found = standing(location)
    if found.run is not None:
        return []
    what = (
        f"run certification at {found.run_at}"
        if found.run_at
        else "make a sandbox location and run certification there"
    )
    return [f"Certification: {found.why[0].lower()}{found.why[1:]}; {what}."]
