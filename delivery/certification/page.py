"""What a location's certification page shows: its standing, the newest run with its results, and those before."""

from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from delivery.certification.attested import samples
from delivery.certification.desk import ATTESTED, UNPROVABLE
from delivery.certification.models import CertificationResult, CertificationRun, RunState
from delivery.certification.report import is_genuine
from delivery.certification.standing import standing
from delivery.words import ago
from portal.models import Environment, Location

KEPT_IN_VIEW = 20
TONES = {
    RunState.WAITING: "wait",
    RunState.RUNNING: "wait",
    RunState.PASSED: "ok",
    RunState.FAILED: "act",
    RunState.BROKEN: "warn",
}


@dataclass(frozen=True)
class Row:
    """One test of a run: its result, or that it is at work or still to be made."""

    name: str
    title: str
    tone: str
    word: str
    says: str = ""
    artefact: Any = None


def context_of(location: Location) -> dict[str, Any]:
    runs = list(CertificationRun.objects.filter(location=location).order_by("-created_at", "-pk")[:KEPT_IN_VIEW])
    newest = runs[0] if runs else None
    rows = rows_of(newest) if newest else []
    return {
        "location": location,
        "standing": standing(location),
        "samples": samples(location),
        "sandbox": location.environment == Environment.SANDBOX,
        "run": newest,
        "rows": rows,
        "made": sum(row.artefact is not None for row in rows),
        "goes_on": newest is not None and not newest.is_over,
        "tone": TONES[RunState(newest.state)] if newest else "off",
        "genuine": bool(newest and newest.is_over and newest.signature and is_genuine(newest)),
        "since": ago(timezone.now() - newest.created_at) if newest else "",
        "earlier": [(run, TONES[RunState(run.state)]) for run in runs[1:]],
    }


def rows_of(run: CertificationRun) -> list[Row]:
    """Every test that was planned, in order, as far as it has come."""
    results = {row.name: row for row in CertificationResult.objects.filter(run=run).select_related("artefact")}
    return [row_of(name, results.get(name), run) for name in run.planned]


def word_of(result: CertificationResult) -> tuple[str, str]:
    """Tone and word of a result: what a person signed for, and what nobody can show here, is never called passed."""
    if not result.passed:
        return "act", "Failed"
    if not result.applies:
        return "off", "Nothing to test"
    return {ATTESTED: ("warn", "Attested"), UNPROVABLE: ("off", "Not provable here")}.get(
        result.proof, ("ok", "Passed")
    )


def row_of(name: str, result: CertificationResult | None, run: CertificationRun) -> Row:
    if result is None:
        at_work = name == run.at_work
        word = "At work" if at_work else "Not made" if run.is_over else "To come"
        return Row(name, "", "wait" if at_work else "off", word)
    tone, word = word_of(result)
    return Row(name, result.title, tone, word, result.says, result.artefact)
