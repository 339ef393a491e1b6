"""The report of a run: one statement made of what is stored, always the same, and its signature.

The JSON is the statement itself; HTML and PDF show it. Whoever has the JSON and the signature can check them with the
audit log's public key; the same SHA-256 stands in the sealed event `certification.end`.
"""

import hashlib
import json
from typing import Any

from audit.checkpoints import BadNote, NoSigningKey, opened, sign
from delivery.certification.models import CertificationArtefact, CertificationResult, CertificationRun

FORMAT = "scribeport certification report 1"


def statement(run: CertificationRun) -> dict[str, Any]:
    """All that is claimed, each claim with its artefact, and the SHA-256 of every artefact."""
    location = run.location
    results = CertificationResult.objects.filter(run=run).select_related("artefact")
    artefacts = CertificationArtefact.objects.filter(run=run).order_by("name")
    return {
        "format": FORMAT,
        "practice": location.practice.code,
        "location": location.code,
        "environment": location.environment,
        "run": run.pk,
        "by": run.by,
        "started_at": run.started_at.isoformat() if run.started_at else None,
        "finished_at": run.finished_at.isoformat() if run.finished_at else None,
        "state": str(run.state),
        "settings": run.settings,
        "subject": run.subject,
        "tests": [_claim(result) for result in results],
        "artefacts": [
            {"name": name, "sha256": sha256, "content_type": kind}
            for name, sha256, kind in artefacts.values_list("name", "sha256", "content_type")
        ],
    }


def _claim(result: CertificationResult) -> dict[str, Any]:
    return {
        "name": result.name,
        "title": result.title,
        "passed": result.passed,
        "applies": result.applies,
        "says": result.says,
        "seconds": result.seconds,
        **({"proof": result.proof} if result.proof else {}),  # reports from before it was kept come out as they were
        "artefact": {"name": result.artefact.name, "sha256": result.artefact.sha256},
    }


def as_json(run: CertificationRun) -> bytes:
    return (json.dumps(statement(run), ensure_ascii=False, sort_keys=True, indent=1) + "\n").encode()


def signed(run: CertificationRun) -> tuple[str, str]:
    """SHA-256 of the JSON, and the signed note over it; "" where this process has no key (the log has the hash)."""
    digest = hashlib.sha256(as_json(run)).hexdigest()
    try:
        return digest, sign(lines(run, digest))
    except NoSigningKey:
        return digest, ""


def lines(run: CertificationRun, digest: str) -> str:
    """What is signed: whose run, how it ended, and the report's SHA-256."""
    whose = f"scribeport/certification/{run.location.practice.code}/{run.location.code}"
    return f"{whose}\nrun {run.pk} {run.state}\nreport sha256 {digest}\n"


def is_genuine(run: CertificationRun) -> bool:
    """Whether the stored rows still make exactly the report that was signed."""
    digest = hashlib.sha256(as_json(run)).hexdigest()
    try:
        return digest == run.report_sha256 and opened(run.signature) == lines(run, digest)
    except BadNote:
        return False
