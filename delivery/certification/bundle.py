"""A run written into a folder: the report in three forms, its signature, and every artefact, to be handed over."""

from pathlib import Path
from typing import TYPE_CHECKING

from django.template.loader import render_to_string

from audit.when_called import when_called
from delivery.certification.evidence import open_artefact
from delivery.certification.models import CertificationArtefact, CertificationRun
from delivery.certification.report import as_json, statement

if TYPE_CHECKING:
    from delivery.certification.report_pdf import as_pdf
else:
    as_pdf = when_called("delivery.certification.report_pdf.as_pdf")


def write(run: CertificationRun, folder: Path) -> None:
    """Everything of a run; files that stand there are replaced. The notes are synthetic, and so is all of this."""
    within = folder / "artefacts"
    within.mkdir(parents=True, exist_ok=True)
    (folder / "report.json").write_bytes(as_json(run))
    (folder / "report.sig").write_text(run.signature, encoding="utf-8")
    (folder / "report.html").write_text(as_html(run), encoding="utf-8")
    (folder / "report.pdf").write_bytes(as_pdf(run))
    for artefact in CertificationArtefact.objects.filter(run=run).order_by("name"):
        (within / artefact.name).write_bytes(open_artefact(artefact))


def as_html(run: CertificationRun, before: str = "artefacts/", after: str = "") -> str:
    """The report as a page of its own; an artefact's address is its name between `before` and `after`."""
    context = {"said": statement(run), "run": run, "before": before, "after": after}
    return render_to_string("delivery/certification/report.html", context)
