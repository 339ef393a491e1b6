"""The report as PDF, made of the same statement: the same run gives the same bytes."""

from collections import Counter
from io import BytesIO
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.pagesizes import letter
from reportlab.lib.styles import ParagraphStyle, getSampleStyleSheet
from reportlab.platypus import Paragraph, Preformatted, SimpleDocTemplate, Spacer, Table, TableStyle

from delivery.certification.models import CertificationRun
from delivery.certification.report import statement

STYLES = getSampleStyleSheet()
SMALL = ParagraphStyle("small", parent=STYLES["BodyText"], fontSize=8, leading=10)
MONO = ParagraphStyle("mono", parent=STYLES["Code"], fontSize=6.5, leading=8)
WORDS = {(True, True): "passed", (False, True): "FAILED", (True, False): "nothing to test", (False, False): "FAILED"}


def word(test: dict[str, Any]) -> str:
    """How a test came out; what a person signed for or nobody can show is called so."""
    said: str = test.get("proof", "") if test["passed"] else ""
    return {"unprovable": "not provable here"}.get(said, said) or WORDS[test["passed"], test["applies"]]


def as_pdf(run: CertificationRun) -> bytes:
    said, out = statement(run), BytesIO()
    title = f"Certification of {said['location']}, run {said['run']}"
    page = SimpleDocTemplate(out, pagesize=letter, title=title, author="Scribeport", invariant=1)
    page.build(story(said, run))
    return out.getvalue()


def story(said: dict[str, Any], run: CertificationRun) -> list[Any]:
    came = Counter(map(word, said["tests"]))
    outcomes = ", ".join(f"{count} {outcome}" for outcome, count in came.items()) or "none was made"
    facts = (
        f"Practice {escape(said['practice'])}, location {escape(said['location'])} ({said['environment']}). "
        f"Run {said['run']} by {escape(said['by'])}, from {said['started_at']} to {said['finished_at']}: "
        f"<b>{said['state']}</b>. Of {len(said['tests'])} tests "
        f"{outcomes}. Synthetic patients only."
    )
    return [
        Paragraph(f"Certification of {escape(said['location'])}", STYLES["Title"]),
        Paragraph(facts, STYLES["BodyText"]),
        Spacer(1, 8),
        Paragraph("What was proven", STYLES["Heading2"]),
        *(Paragraph(line, SMALL) for line in subject_lines(said["subject"])),
        Paragraph("Tests", STYLES["Heading2"]),
        table(said["tests"]),
        Paragraph("Signature", STYLES["Heading2"]),
        Preformatted(run.signature or "Not signed; the SHA-256 stands in the sealed audit log.", MONO),
        Paragraph(f"Report (JSON), SHA-256: {run.report_sha256}", SMALL),
        Paragraph("Artefacts", STYLES["Heading2"]),
        *(Paragraph(f"{escape(row['name'])}<br/>{row['sha256']}", SMALL) for row in said["artefacts"]),
    ]


def subject_lines(subject: dict[str, Any]) -> list[str]:
    rows = [
        f"Template {escape(code)}, version {of['template_version']} ({of['template']}), "
        f"mapping {of['mapping_version']} ({of['mapping'] or 'none'})"
        for code, of in sorted(subject["templates"].items())
    ]
    return rows + [
        f"{escape(part)}: {escape(', then '.join(kinds))}" for part, kinds in sorted(subject["ways"].items())
    ]


def table(tests: list[dict[str, Any]]) -> Table:
    head = [Paragraph(f"<b>{word}</b>", SMALL) for word in ("Test", "Outcome", "What was seen", "Artefact")]
    rows = [
        [
            Paragraph(f"<b>{escape(test['name'])}</b><br/>{escape(test['title'])}", SMALL),
            Paragraph(word(test), SMALL),
            Paragraph(escape(test["says"]), SMALL),
            Paragraph(f"{escape(test['artefact']['name'])}<br/>{test['artefact']['sha256'][:16]}…", SMALL),
        ]
        for test in tests
    ]
    made = Table([head, *rows], colWidths=[150, 60, 180, 100], repeatRows=1)
    lines = [("GRID", (0, 0), (-1, -1), 0.25, colors.grey), ("VALIGN", (0, 0), (-1, -1), "TOP")]
    made.setStyle(TableStyle(lines))
    return made
