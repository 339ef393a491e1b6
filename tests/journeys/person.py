"""A person at the portal, whose clicks and key presses are counted: never an address, always what stands on the screen."""

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Locator, Page

PASTE = 2  # key presses
BEGIN, END = "<!-- counted by the journey test -->", "<!-- end of the count -->"


@dataclass
class Stage:
    """What one stage of the journey asked of the person."""

    name: str
    clicks: int = 0
    keys: int = 0
    fields: int = 0
    pages: int = 0
    waited: float = 0.0  # seconds that the product made the person wait for, beyond a page


@dataclass
class Person:
    """Presses what can be seen, and types into fields by their labels."""

    page: Page
    stages: list[Stage] = field(default_factory=list)

    @contextmanager
    def at(self, name: str) -> Iterator[Stage]:
        self.stages.append(Stage(name))
        try:
            yield self.now
        except Exception as failure:
            failure.add_note(f"Stage: {name}\nAddress: {self.page.url}\n{self.page.inner_text('main')[:1800]}")
            raise

    @property
    def now(self) -> Stage:
        return self.stages[-1]

    def click(self, what: Locator) -> None:
        """One click on what is to be seen; a page that it leads to is counted."""
        before = self.page.url
        what.click()
        self.now.clicks += 1
        self.page.wait_for_load_state("load")
        self.now.pages += self.page.url != before

    def row(self, what: Locator) -> None:
        """A line of the list, opened by its time: as much as a click (the link's unseen words make its middle uncertain)."""
        before = self.page.url
        what.locator("a.row-link").first.press("Enter")
        self.page.wait_for_url(lambda url: url != before)
        self.now.clicks += 1
        self.now.pages += 1

    def button(self, name: str, within: Locator | None = None) -> None:
        self.click((within or self.page).get_by_role("button", name=name, exact=True).first)

    def link(self, name: str, within: Locator | None = None) -> None:
        self.click((within or self.page).get_by_role("link", name=name, exact=True).first)

    def menu(self, name: str) -> None:
        """An entry of the main menu."""
        self.link(name, self.page.get_by_role("navigation", name="Main"))

    def write(self, label: str, text: str) -> None:
        """Into a field, replacing what stands there."""
        self._field(label).fill(text)
        self.now.keys += len(text)

    def paste(self, label: str, text: str) -> None:
        self._field(label).fill(text)
        self.now.keys += PASTE

    def choose(self, label: str, option: str) -> None:
        """From a list: one click to open it, one on the option."""
        self._field(label).select_option(label=option)
        self.now.clicks += 1

    def tick(self, label: str) -> None:
        self.labelled(label).click()
        self.now.clicks += 1
        self.now.fields += 1

    def _field(self, label: str) -> Locator:
        self.now.clicks += 1
        self.now.fields += 1
        return self.labelled(label)

    def labelled(self, label: str) -> Locator:
        """The field of this label, whether or not it says of itself that it is optional, or assumed."""
        said = re.compile(rf"^\s*{re.escape(label)}(\s+(optional|assumed|not used|needed).*)?\s*$", re.DOTALL)
        return self.page.get_by_label(said).filter(visible=True).first

    def sees(self, text: str | re.Pattern[str], seconds: float = 10) -> None:
        """Wait until a text is to be seen; what is longer than a moment counts as waiting."""
        began = time.monotonic()
        self.page.get_by_text(text).filter(visible=True).first.wait_for(timeout=seconds * 1000)
        passed = time.monotonic() - began
        self.now.waited += passed if passed > 1 else 0.0


# The keystroke-level model (Card, Moran, Newell 1980): a key of an average typist, pointing at something and pressing,
# homing between mouse and keys, and making up one's mind before each field or press. Reading a page is our own guess.
KEY, POINT, HOME, MIND, READ = 0.28, 1.3, 0.4, 1.35, 8.0


def seconds(stage: Stage) -> float:
    """How long a stage takes a person who knows what to type, by that model, waiting included."""
    hand = stage.keys * KEY + stage.clicks * (POINT + MIND) + 2 * stage.fields * HOME
    return hand + stage.pages * READ + stage.waited


def together(stages: list[Stage]) -> list[Stage]:
    """One line for each name, in the order in which they were begun."""
    found: dict[str, Stage] = {}
    for stage in stages:
        one = found.setdefault(stage.name, Stage(stage.name))
        for name in ("clicks", "keys", "fields", "pages", "waited"):
            setattr(one, name, getattr(one, name) + getattr(stage, name))
    return list(found.values())


def table(stages: list[Stage]) -> str:
    """The count as a table of Markdown, and its sum."""
    rows = together(stages)
    total = Stage(
        "in all", *(sum(getattr(one, name) for one in rows) for name in ("clicks", "keys", "fields", "pages", "waited"))
    )
    lines = ["| stage | clicks | keys | fields | pages | minutes |", "|---|---|---|---|---|---|"]
    for one in (*rows, total):
        minutes = f"{seconds(one) / 60:.1f}"
        lines.append(f"| {one.name} | {one.clicks} | {one.keys} | {one.fields} | {one.pages} | {minutes} |")
    return "\n".join(lines)


def count_into(page: Path, stages: list[Stage]) -> None:
    """Where SCRIBEPORT_JOURNEY names the page, write the table between its marks; else it must say nearly the same."""
    before, _, rest = page.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    if os.environ.get("SCRIBEPORT_JOURNEY", "").endswith(page.name):
        page.write_text(f"{before}{BEGIN}\n\n{table(stages)}\n\n{END}{after}")
        return
    said = re.findall(r"^\| (?!stage|---)(.+?) \| (\d+) \| (\d+) \|", rest.partition(END)[0], re.MULTILINE)
    counted = [(stage.name, stage.clicks, stage.keys) for stage in together(stages)]
    assert [name for name, *_ in said[:-1]] == [name for name, *_ in counted]
    for (name, clicks, keys), (_, now, pressed) in zip(said, counted, strict=False):
        assert (int(clicks), abs(int(keys) - pressed) <= 12) == (now, True), name  # ports have four or five digits
