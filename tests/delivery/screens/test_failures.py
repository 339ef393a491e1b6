"""The failure catalogue knows every reason the program can give, and says it in words for people."""

import ast
import re
from collections.abc import Iterable, Iterator
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from delivery.failures import CATALOGUE, CHAPTERS, FAMILIES, Button, Owner, failure
from delivery.failures.document import PRESS, document

ROOT = Path(__file__).resolve().parents[3]
# Problems of a mapping that hold a note; those of validation.py and sample_message.py stop a publication instead.
SOURCES = [
    *(path for path in (ROOT / "delivery").rglob("*.py") if not {"failures", "sample_message.py"} & {*path.parts}),
    *(ROOT / "mapping" / name for name in ("apply.py", "routing.py", "rules.py")),
]
CODE = re.compile(r"[a-z][a-z0-9_]*")
# What takes a code without calling it reason_code: its name and the code's place among the arguments.
OTHER_TAKERS = {"Problem": 0, "stop": 0}


def literals(node: ast.expr) -> Iterator[str]:
    """The texts an expression may be: both branches of a choice, and the fixed beginning of an f-string."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from literals(node.body)
        yield from literals(node.orelse)
    elif isinstance(node, ast.BoolOp):
        for value in node.values:
            yield from literals(value)
    elif isinstance(node, ast.JoinedStr) and node.values:
        yield from literals(node.values[0])
    elif isinstance(node, ast.Tuple) and node.elts:  # (code, problems)
        yield from literals(node.elts[0])


def takers(trees: Iterable[ast.Module]) -> dict[str, int]:
    """Every function and class that takes a `reason_code`, and its place among the arguments given by position."""
    found = dict(OTHER_TAKERS)
    for node in (node for tree in trees for node in ast.walk(tree)):
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("__"):
            names = [argument.arg for argument in node.args.args]
        elif isinstance(node, ast.ClassDef):
            own = [one for one in node.body if isinstance(one, ast.FunctionDef) and one.name == "__init__"]
            fields = [one.target.id for one in node.body if isinstance(one, ast.AnnAssign)]
            names = [argument.arg for argument in own[0].args.args[1:]] if own else fields
        else:
            continue
        if "reason_code" in names:
            found[node.name] = names.index("reason_code")
    return found


def codes_in(tree: ast.Module, places: dict[str, int]) -> Iterator[str]:
    """Every reason code written in a source: handed on as one, raised with one, or returned by what gives one."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in places and len(node.args) > places[name]:
                yield from literals(node.args[places[name]])
            for keyword in node.keywords:
                if keyword.arg == "reason_code" or (name == "Problem" and keyword.arg == "code"):
                    yield from literals(keyword.value)
        elif isinstance(node, ast.Assign) and "reason_code" in {name.id for name in names_in(node.targets[0])}:
            yield from literals(node.value)
        elif isinstance(node, ast.Tuple) and len(node.elts) == 3 and ast.unparse(node.elts[1]).startswith("State."):
            yield from literals(node.elts[2])  # begin([(ticket, State.READY, code)])
        elif isinstance(node, ast.FunctionDef) and "reason code" in (ast.get_docstring(node) or ""):
            for inner in ast.walk(node):
                if isinstance(inner, ast.Return) and inner.value:
                    yield from literals(inner.value)


def names_in(node: ast.expr) -> Iterator[ast.Name]:
    return (inner for inner in ast.walk(node) if isinstance(inner, ast.Name))


def codes(source: str) -> set[str]:
    tree = ast.parse(source)
    return set(codes_in(tree, takers([tree])))


def listed(code: str) -> bool:
    """Of a code put together of parts, its beginning must be one of the catalogue's."""
    begun = code.endswith("_") and any(known.startswith(code) for known in CATALOGUE)
    return code in CATALOGUE or code.split("_", 1)[0] in FAMILIES or begun


def test_the_search_for_codes_finds_them_in_every_spelling():
    source = """
class Refused(Exception):
    def __init__(self, reason_code, code=""): ...
class Look:
    delivery: int
    reason_code: str = ""
class Unavailable(Refused): ...
def park(ticket, reason_code): ...
def gate():
    "The reason code of the gate, or nothing."
    return "gate_shut" if x else ""
raise Refused("ae")
Look(row, "no_reader")
park(ticket, f"lint_{z}")
x(reason_code="dns" if y else "crash")
Problem(code="no_route")
reason_code, problems = ("older_version", ()) if late else first(x)
begin([(ticket, State.READY, "replay")])
"""
    passed_on = {"ae", "no_reader", "lint_", "dns", "crash", "no_route"}
    assert codes(source) - {""} == passed_on | {"gate_shut", "older_version", "replay"}


def test_every_reason_code_in_the_source_has_an_entry():
    trees = {path: ast.parse(path.read_text()) for path in SOURCES}
    places = takers(trees.values())
    places |= dict.fromkeys(("CannotExpress", "Refused", "Unavailable", "NoAnswer"), places["ChannelError"])
    found = {(code, path.name) for path, tree in trees.items() for code in codes_in(tree, places)}
    found = {one for one in found if CODE.fullmatch(one[0])}
    assert ("crash", "lanes.py") in found, "the search finds nothing: has the way codes are written changed?"
    unlisted = sorted(one for one in found if not listed(one[0]))
    assert not unlisted, "\n".join(map(str, unlisted))


@pytest.mark.parametrize("entry", CATALOGUE.values(), ids=lambda entry: entry.code)
def test_each_entry_says_what_happened_whose_job_it_is_and_what_to_do(entry):
    assert 0 < len(entry.title) <= 60
    assert entry.happened.endswith(".")
    assert entry.todo.endswith(".")
    assert entry.owner in Owner
    assert entry.button in Button
    assert not re.search(r"exactly once|immutable|HIPAA certified|Traceback", entry.happened + entry.todo)


def test_no_code_is_listed_twice():
    assert len(CATALOGUE) == sum(len(entries) for _, entries in CHAPTERS)


def test_an_unlisted_code_is_admitted_and_not_guessed_at():
    entry = failure("never_heard_of")
    assert entry.code == "never_heard_of"
    assert entry.owner is Owner.US
    assert "no entry" in entry.happened
    assert len(failure("x" * 60).title) <= 60


def test_a_code_of_a_family_speaks_with_the_familys_words():
    assert failure("lint_segment_count").title == CATALOGUE["lint"].title


def test_every_button_has_its_words():
    assert set(PRESS) == set(Button) - {Button.NONE}


def test_the_page_in_docs_is_the_catalogue():
    assert (ROOT / "docs" / "failures.md").read_text() == document(), "run: python3 manage.py document_failures"


def test_the_command_writes_the_page(settings, tmp_path):
    (tmp_path / "docs").mkdir()
    settings.BASE_DIR = tmp_path
    call_command("document_failures", stdout=StringIO())
    assert (tmp_path / "docs" / "failures.md").read_text() == document()
