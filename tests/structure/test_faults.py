"""docs/faults.md: every row of the fault matrix is listed, every test it names exists, and none is left out."""

import re
from pathlib import Path

import pytest

from tests.structure import tree

ROWS = (
    [f"P{number:02}" for number in range(1, 27)]
    + [f"N{number:02}" for number in range(1, 23)]
    + [f"A{number:02}" for number in range(1, 28)]
    + [f"W{number:02}" for number in range(1, 11)]
    + [f"S{number:02}" for number in range(1, 29)]
    + [f"L{number:02}" for number in range(1, 17)]
)
LISTED = dict(re.findall(r"^\| ([PNASWL]\d\d) \| [^|]+ \| (.+) \|$", tree.text(Path("docs/faults.md")), re.MULTILINE))
NAMED = re.compile(r"`(tests/[\w/]+\.py)`: ((?:`test_\w+`(?:, )?)+)")


def named(row: str) -> set[tuple[str, str]]:
    """The tests that a row names, with their files."""
    return {(path, name) for path, names in NAMED.findall(LISTED[row]) for name in re.findall(r"`(test_\w+)`", names)}


def written() -> dict[str, set[tuple[str, str]]]:
    """The tests of the tree that are named after a row."""
    found: dict[str, set[tuple[str, str]]] = {}
    for path in sorted((tree.ROOT / "tests").rglob("test_*.py")):
        for name, rows in re.findall(r"^ *def (test_((?:[PNASWL]\d\d_)+)\w+)", path.read_text(), re.MULTILINE):
            for row in rows.strip("_").split("_"):
                found.setdefault(row, set()).add((str(path.relative_to(tree.ROOT)), name))
    return found


WRITTEN = written()


def test_every_row_is_listed_and_no_other():
    assert sorted(LISTED) == sorted(ROWS)


@pytest.mark.parametrize("row", ROWS)
def test_a_row_names_exactly_the_tests_that_are_named_after_it(row):
    assert named(row) == WRITTEN.get(row, set())


@pytest.mark.parametrize("row", ROWS)
def test_a_row_without_a_test_says_why(row):
    assert named(row) or re.match(r"No test: .{40,}", LISTED[row])
