"""The catalogue as a page for people: the text of docs/failures.md."""

from collections.abc import Iterator

from delivery.failures import CHAPTERS, Button, Failure

OPENING = """# Why a note waits or failed

Made from `delivery/failures/` by `python3 manage.py document_failures`; do not edit by hand.
*Accepted* means that the receiver said yes; only *verified* means that the chart was read back.
"""
PRESS = {
    Button.RELEASE: "Release",
    Button.REPLAY: "Send as a new delivery",
    Button.VERIFY: "Look into the chart now",
    Button.DECIDE: "It is in the chart / It is not there, send again / Cancel",
    Button.CONNECTION: "Open the connection",
    Button.MAPPING: "Open the mapping",
    Button.TEMPLATE: "Open the template",
    Button.LOCATION: "Open the location",
    Button.AGREEMENT: "Open the agreements",
    Button.DIAGNOSES: "Look a code up",
    Button.DRUGS: "Open the drug workbench",
    Button.APP_DATA: "See what waits in App Data",
    Button.CHANGES: "Compare the runs",
    Button.PILOT: "Open the pilot",
    Button.MISROUTED: "See what was found, and let the notes go",
}


def document() -> str:
    """Markdown, one chapter per kind of trouble, one heading per code."""
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    yield OPENING
    for title, entries in CHAPTERS:
        yield f"## {title}\n"
        for entry in entries:
            yield from _entry(entry)


def _entry(entry: Failure) -> Iterator[str]:
    yield f"### {entry.title}\n"
    yield f"`{entry.code}` · whose job: **{entry.owner}**\n"
    yield f"{entry.happened}\n"
    yield f"*What to do:* {entry.todo}\n"
    if entry.button:
        yield f"*What to press:* {PRESS[entry.button]}\n"
