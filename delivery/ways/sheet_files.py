"""The comparison sheet as files: CSV that no spreadsheet takes for formulas, and PDF."""

from collections.abc import Iterator, Sequence
from io import BytesIO
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.pagesizes import letter
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.platypus import Paragraph, SimpleDocTemplate, TableStyle
from reportlab.platypus import Table as Grid

from delivery.completeness.tables import Table, written
from delivery.ways.sheet import Claim, Sheet
from portal.models import Location

COLUMNS = ("location", "way", "in_use_by", "claim", "state", "shown_at", "evidence", "where")
STYLES = getSampleStyleSheet()
SET_UP = "The set-up"


def lines(head: Sequence[Claim], sheets: Sequence[Sheet]) -> Iterator[tuple[str, str, Claim]]:
    """Way, connections, claim; what is said of the whole set-up first."""
    yield from ((SET_UP, "", claim) for claim in head)
    yield from ((one.way.label, ", ".join(one.connections), claim) for one in sheets for claim in one.claims)


def as_csv(location: Location, head: Sequence[Claim], sheets: Sequence[Sheet]) -> Table:
    return written(COLUMNS, (_row(location, *line) for line in lines(head, sheets)))


def _row(location: Location, way: str, by: str, claim: Claim) -> tuple[str, ...]:
    own = claim.evidence
    return (location.code, way, by, claim.what, own.word, _moment(claim), own.says, own.url)


def as_pdf(location: Location, head: Sequence[Claim], sheets: Sequence[Sheet]) -> Table:
    """Letter pages; the same findings give the same bytes."""
    out, said = BytesIO(), list(lines(head, sheets))
    title = f"Ways into the chart at {location.name} ({location.code})"
    page = SimpleDocTemplate(
        out, pagesize=letter, title=title, author="Scribeport", invariant=1, topMargin=36, bottomMargin=36
    )
    story: list[Any] = [Paragraph(escape(title), STYLES["Heading1"])]
    story.append(Paragraph("Proven: shown here, with its date. Assumed: nobody has seen it here.", STYLES["BodyText"]))
    for way in dict.fromkeys(name for name, _, _ in said):
        mine = [(by, claim) for name, by, claim in said if name == way]
        use = "" if way == SET_UP else f" – {mine[0][0] or 'not used here'}"
        story += [Paragraph(escape(f"{way}{use}"), STYLES["Heading3"]), _grid([claim for _, claim in mine])]
    page.build(story)
    return Table(out.getvalue(), len(said))


def _grid(claims: Sequence[Claim]) -> Grid:
    cells = [[_cell(text) for text in (one.what, one.evidence.word, _moment(one), one.evidence.says)] for one in claims]
    ruled = TableStyle([("LINEBELOW", (0, 0), (-1, -1), 0.25, colors.lightgrey), ("VALIGN", (0, 0), (-1, -1), "TOP")])
    return Grid(cells, colWidths=[165, 75, 85, 215], style=ruled, hAlign="LEFT")


def _cell(text: str) -> Paragraph:
    return Paragraph(f'<font size="8">{escape(text)}</font>', STYLES["BodyText"])


def _moment(claim: Claim) -> str:
    return f"{claim.evidence.at:%Y-%m-%d %H:%M} UTC" if claim.evidence.at else ""
