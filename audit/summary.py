"""A search of the log as a PDF of a page or two: how many events, of which kinds, by whom, when, and how far proved."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

from django.db.models import Count, Max, Min
from reportlab.lib import colors
from reportlab.lib.pagesizes import LETTER
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer, Table

from audit.actions import ACTIONS
from audit.canonical import utc
from audit.queries import Search, found
from audit.standing import standing

MOST = 200  # rows of one table


@dataclass(frozen=True)
class Summary:
    """The PDF's bytes, and how many events it counts."""

    content: bytes
    events: int


def summary(search: Search, filters: Sequence[str], names: dict[str, str], made_by: str) -> Summary:
    """Count what a search finds. `filters` are its filters as text, `names` the people's, by id."""
    events = found(search).order_by()
    numbers = events.aggregate(count=Count("pk"), first=Min("at"), last=Max("at"))
    styles = getSampleStyleSheet()
    story: list[Any] = [Paragraph("Audit log: summary", styles["Title"])]
    facts = [
        ("Practice", search.scope.practice or "none: the installation itself"),
        ("Locations", ", ".join(sorted(search.scope.locations)) if search.scope.locations is not None else "all"),
        ("Narrowed to", ", ".join(filters) or "nothing: every event"),
        ("Events", f"{numbers['count']:,}"),
        ("From, to", f"{utc(numbers['first'])} to {utc(numbers['last'])}" if numbers["count"] else "none"),
        ("Made by", made_by),
        ("Proved by", _proof(search.scope.practice)),
    ]
    story += [_table(facts), Spacer(1, 12)]
    for heading, column, words in (
        ("What was done", "event", {name: action.sentence for name, action in ACTIONS.items()}),
        ("Who did it", "actor_id", names),
        ("Where", "location", {"": "no location"}),
        ("How it ended", "outcome", {"ok": "done", "denied": "refused", "error": "failed"}),
    ):
        counted = events.values_list(column).annotate(number=Count("pk")).order_by("-number", column)[:MOST]
        rows = [(words.get(value, value), value, f"{number:,}") for value, number in counted]
        story += [Paragraph(heading, styles["Heading2"]), _table(rows or [("none", "", "0")]), Spacer(1, 8)]
    out = io.BytesIO()
    SimpleDocTemplate(out, pagesize=LETTER, title="Audit log: summary", invariant=True).build(story)
    return Summary(out.getvalue(), numbers["count"])


def _proof(practice: str) -> str:
    anchored = standing(practice).anchored
    if anchored is None:
        return "no anchored checkpoint: a summary proves nothing by itself"
    checkpoint = anchored.checkpoint
    return f"checkpoint of {checkpoint.size} leaves, {utc(checkpoint.at)}, root {checkpoint.root[:32]}…"


def _table(rows: Sequence[Sequence[str]]) -> Table:
    body = getSampleStyleSheet()["BodyText"]
    cells = [[Paragraph(escape(_plain(cell)), body) for cell in row] for row in rows]
    widths = [120, 380] if len(rows[0]) == 2 else [270, 160, 70]
    return Table(cells, colWidths=widths, style=[("LINEBELOW", (0, 0), (-1, -1), 0.25, colors.lightgrey)])


def _plain(text: str) -> str:
    """What the PDF's own fonts cannot show becomes a question mark: nothing in the log is written in other letters."""
    return text.encode("cp1252", "replace").decode("cp1252")
