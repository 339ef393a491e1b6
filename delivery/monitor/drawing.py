"""The chart of outcomes, drawn by the server: stacked bars, the line of the oldest that waited, and marks. Pure.

Lengths are units of the drawing's own (WIDTH by HEIGHT); the browser scales them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from delivery.filters import moment
from delivery.monitor.marks import Mark
from delivery.monitor.outcomes import OUTCOMES, Counts, by_outcome
from delivery.monitor.span import Span
from delivery.words import ago

WIDTH, HEIGHT = 960, 170
LEFT, RIGHT, TOP, BOTTOM = 44, 44, 12, 148  # the field of the bars
GAP = 2.0
LABELS = 8  # of the time axis, at most
LEAST_OLDEST = 60.0  # seconds: what waits less needs no line
STEPS = (1, 2, 5)


@dataclass(frozen=True)
class Piece:
    """One layer of one bar."""

    name: str
    y: float
    height: float


@dataclass(frozen=True)
class Column:
    """One bar with all its height, which is a link to its own time."""

    x: float
    width: float
    pieces: tuple[Piece, ...]
    numbers: tuple[int, ...]  # in the order of OUTCOMES
    total: int
    words: str
    when: str
    since: str
    until: str


@dataclass(frozen=True)
class Line:
    """A vertical mark, or one of a scale."""

    x: float
    y: float
    text: str
    kind: str = ""


@dataclass(frozen=True)
class Chart:
    """All that the template puts down."""

    columns: tuple[Column, ...]
    marks: tuple[Line, ...]
    scale: tuple[Line, ...]
    times: tuple[Line, ...]
    oldest: tuple[str, ...]  # points of polylines
    oldest_most: str
    empty: bool
    zone: str


def draw(span: Span, counts: Counts, oldest: Mapping[int, int], marks: Sequence[Mark], zone: ZoneInfo) -> Chart:
    """The chart of a span. `oldest` gives, for a bar, the age in seconds of the oldest that waited within it."""
    layers = [by_outcome(counts, bar) for bar in range(span.bars)]
    most = max((sum(layer.values()) for layer in layers), default=0)
    top = ceiling(most)
    columns = tuple(_column(span, bar, layer, top, zone) for bar, layer in enumerate(layers))
    longest = max([*oldest.values(), 0])
    worth_a_line = longest >= LEAST_OLDEST
    return Chart(
        columns=columns,
        marks=tuple(Line(_x(span, mark.at), TOP, f"{_clock(mark.at, zone)} {mark.words}", mark.kind) for mark in marks),
        scale=tuple(Line(LEFT, _y(value, top), f"{value:,}") for value in sorted({0, top // 2, top})),
        times=tuple(_times(span, columns, zone)),
        oldest=tuple(_polylines(oldest, columns, longest)) if worth_a_line else (),
        oldest_most=ago(timedelta(seconds=longest)) if worth_a_line else "",
        empty=most == 0,
        zone=f"{span.end.astimezone(zone):%Z}",
    )


def ceiling(most: int) -> int:
    """The scale's end: the next of 1, 2, 5, 10, 20, 50 …"""
    power = 1
    while True:
        for step in STEPS:
            if step * power >= most:
                return step * power
        power *= 10


def _x(span: Span, at: datetime) -> float:
    whole = span.bars * span.size
    return round(LEFT + (at - span.origin).total_seconds() / whole * (WIDTH - LEFT - RIGHT), 1)


def _y(value: float, top: float) -> float:
    return round(BOTTOM - (BOTTOM - TOP) * value / (top or 1), 1)


def _column(span: Span, bar: int, layer: dict[str, int], top: int, zone: ZoneInfo) -> Column:
    begins, ends = span.bar(bar)
    width = (WIDTH - LEFT - RIGHT) / span.bars
    pieces, under = [], 0
    for name, number in layer.items():
        pieces.append(Piece(name, _y(under + number, top), round(_y(under, top) - _y(under + number, top), 1)))
        under += number
    when = f"{_clock(begins, zone)} to {_clock(ends, zone)}"
    labels = {outcome.name: outcome.label.lower() for outcome in OUTCOMES}
    parts = ", ".join(f"{number:,} {labels[name]}" for name, number in layer.items())
    words = f"{when}: {under:,} received" + (f": {parts}" if parts else "")
    return Column(
        x=round(LEFT + bar * width + GAP / 2, 1),
        width=round(width - GAP, 1),
        pieces=tuple(pieces),
        numbers=tuple(layer.get(outcome.name, 0) for outcome in OUTCOMES),
        total=under,
        words=words,
        when=when,
        # By the place's clock, whatever clock the chart is read by: so the address is read again.
        since=moment(begins, span.zone),
        until=moment(ends - datetime.resolution, span.zone),
    )


def _clock(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%d %b %H:%M}"


def _times(span: Span, columns: Sequence[Column], zone: ZoneInfo) -> list[Line]:
    every = -(-span.bars // LABELS)
    form = "%H:%M" if span.size <= 3600 else "%d %b" if span.size >= 86400 else "%a %H:%M"
    shown = range(0, span.bars, every)
    return [Line(columns[bar].x, HEIGHT - 6, f"{span.bar(bar)[0].astimezone(zone):{form}}") for bar in shown]


def _polylines(oldest: Mapping[int, int], columns: Sequence[Column], longest: int) -> list[str]:
    """A line through the middles of the bars; broken where nobody noted what waited."""
    known = sorted(bar for bar in oldest if 0 <= bar < len(columns))
    runs: list[list[int]] = [[bar] for bar in known[:1]]
    for last, bar in pairwise(known):
        if bar == last + 1:
            runs[-1].append(bar)
        else:
            runs.append([bar])
    middles = [column.x + column.width / 2 for column in columns]
    return [" ".join(f"{middles[bar]:.1f},{_y(oldest[bar], longest)}" for bar in run) for run in runs]
