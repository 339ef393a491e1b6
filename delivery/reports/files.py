"""A report as files: CSV that no spreadsheet takes for formulas, and PDF."""

from collections.abc import Iterable, Iterator, Sequence
from io import BytesIO
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.pagesizes import letter
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer, TableStyle
from reportlab.platypus import Table as Grid

from delivery.completeness.tables import Table, written
from delivery.reports.periods import Period
from delivery.reports.summary import Summary

COLUMNS = ("period", "first_day", "last_day", "location", "what", "value")
STYLES = getSampleStyleSheet()


def lines(one: Summary) -> Iterator[tuple[str, object]]:
    """The report of one location, line by line."""
    yield "Notes received", one.received
    for words, number in one.ends:
        yield words, number
    yield "Verified, share", one.share
    yield "From post to verified", one.times
    for title, number in one.causes:
        yield f"Cause: {title}", number
    done = one.complete
    yield "Days of which completeness can be said", f"{done.days - done.unsure} of {done.days}"
    if done.closed or done.days > done.unsure:
        yield "Visits closed in eCW", done.closed
        yield "Closed visits with a note", done.received
        yield "Closed visits with a verified note", done.verified
        yield "Closed visits without a note", done.missing


def as_csv(period: Period, summaries: Iterable[Summary]) -> Table:
    head = (period.label, period.first.isoformat(), period.last.isoformat())
    return written(COLUMNS, ((*head, one.location.code, *line) for one in summaries for line in lines(one)))


def as_pdf(period: Period, summaries: Sequence[Summary]) -> Table:
    """Letter pages; the same figures give the same bytes."""
    out, rows = BytesIO(), [list(lines(one)) for one in summaries]
    page = SimpleDocTemplate(out, pagesize=letter, title=f"Notes, {period.label}", author="Scribeport", invariant=1)
    story: list[Any] = [Paragraph(escape(f"Notes, {period.label}"), STYLES["Title"])]
    for one, said in zip(summaries, rows, strict=True):
        story += [Paragraph(escape(f"{one.location.name} ({one.location.code})"), STYLES["Heading2"]), _grid(said)]
        story += [Paragraph(escape(f"Days of {one.location.time_zone}."), STYLES["BodyText"]), Spacer(1, 10)]
    page.build(story)
    return Table(out.getvalue(), sum(map(len, rows)))


def _grid(said: Sequence[tuple[str, object]]) -> Grid:
    cells = [[Paragraph(escape(str(cell)), STYLES["BodyText"]) for cell in line] for line in said]
    ruled = TableStyle([("LINEBELOW", (0, 0), (-1, -1), 0.25, colors.lightgrey), ("VALIGN", (0, 0), (-1, -1), "TOP")])
    return Grid(cells, colWidths=[320, 150], style=ruled, hAlign="LEFT")
