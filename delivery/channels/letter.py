"""Lays paragraphs on letter pages as a PDF, with the fonts every reader has; the same bytes for the same words. Pure.

reportlab's own flowing of paragraphs takes 20 ms a note, which is most of what an export of everything would cost: it
reads markup and measures word by word. A note has neither markup nor more than two styles.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate

from reportlab.lib.pagesizes import LETTER
from reportlab.pdfbase.pdfmetrics import getFont
from reportlab.pdfgen.canvas import Canvas

CODEC = "cp1252"  # what the PDF's own fonts can show
MARGIN = 72  # points, an inch
TAB = "    "


@dataclass(frozen=True)
class Style:
    """How lines of a kind look; lengths in points."""

    font: str
    size: float
    leading: float
    before: float  # between it and what stands above


HEADING = Style("Helvetica-Bold", 14, 18, 16)
BODY = Style("Helvetica", 10, 12, 6)


def pages(title: str, paragraphs: list[tuple[str, Style]]) -> bytes:
    """The PDF. Line ends and indents stay as they are; every character must be one of CODEC's."""
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=LETTER, invariant=True, pageCompression=0)
    canvas.setTitle(title)
    page = _Page(canvas)
    for words, style in paragraphs:
        page.set(style)
        for line in lines(words, style, LETTER[0] - 2 * MARGIN):
            page.write(line)
    canvas.drawText(page.text)
    canvas.save()
    return out.getvalue()


class _Page:
    """The page that is being written, and how far down."""

    def __init__(self, canvas: Canvas) -> None:
        self.canvas, self.style, self.y = canvas, BODY, LETTER[1] - MARGIN
        self.text = canvas.beginText()

    def set(self, style: Style) -> None:
        """The lines that follow look like this, and stand apart from those above."""
        self.style = style
        self.y -= style.before
        self._begin()

    def _begin(self) -> None:
        self.text.setFont(self.style.font, self.style.size, self.style.leading)
        self.text.setTextOrigin(MARGIN, self.y - self.style.leading)

    def write(self, line: str) -> None:
        if self.y - self.style.leading < MARGIN:
            self.canvas.drawText(self.text)
            self.canvas.showPage()
            self.text, self.y = self.canvas.beginText(), LETTER[1] - MARGIN
            self._begin()
        self.text.textLine(line)
        self.y -= self.style.leading


def lines(words: str, style: Style, width: float) -> Iterator[str]:
    """The text's lines, each no wider than that: broken after a blank, or inside a word that has no room at all."""
    widths = getFont(style.font).widths
    room = width / style.size * 1000
    for line in words.expandtabs(len(TAB)).split("\n"):
        ends = list(accumulate(map(widths.__getitem__, line.encode(CODEC))))
        begun = 0
        while ends and ends[-1] - (ends[begun - 1] if begun else 0) > room:
            stop = _stop(line, ends, begun, room)
            yield line[begun:stop]
            begun = stop
        yield line[begun:]


def _stop(line: str, ends: list[float], begun: int, room: float) -> int:
    """Where the line that begins there is broken."""
    limit = (ends[begun - 1] if begun else 0) + room
    fits = begun + 1
    while fits < len(ends) and ends[fits] <= limit:
        fits += 1
    blank = line.rfind(" ", begun, fits)
    return blank + 1 if blank > begun else fits
