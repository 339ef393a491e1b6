"""What is imported when it is first called (audit/when_called.py) is there, and keeps to the imports' one way."""

import ast
from collections.abc import Iterator

import pytest
from django.utils.module_loading import import_string

from tests.structure import tree

LAYERS = ("audit", "portal", "mapping", "delivery")  # each imports itself and those before it


def paths(module: ast.Module) -> Iterator[str]:
    """Every path that is given to when_called; of an f-string in a comprehension one for each of its kinds."""
    within = {
        call: one
        for one in ast.walk(module)
        if isinstance(one, ast.DictComp | ast.ListComp | ast.SetComp | ast.GeneratorExp)
        for call in calls(one)
    }
    for call in calls(module):
        (given,) = call.args
        if isinstance(given, ast.JoinedStr):
            (each,) = within[call].generators
            yield from (filled(given, each.target.id, kind) for kind in ast.literal_eval(each.iter))
        else:
            yield ast.literal_eval(given)


def calls(node: ast.AST) -> list[ast.Call]:
    return [
        one
        for one in ast.walk(node)
        if isinstance(one, ast.Call) and "when_called" in (getattr(one.func, "id", ""), getattr(one.func, "attr", ""))
    ]


def filled(given: ast.JoinedStr, name: str, kind: str) -> str:
    """The f-string with this kind in place of the name, which is all that it may hold."""
    assert all(part.value.id == name for part in given.values if isinstance(part, ast.FormattedValue))
    return "".join(part.value if isinstance(part, ast.Constant) else kind for part in given.values)


def wrong(user: str, path: str) -> str:
    """Why code of the package `user` may not load this, or ""."""
    package = path.partition(".")[0]
    if package not in LAYERS or LAYERS.index(package) > LAYERS.index(user):
        return f"{user} does not import {package}"
    try:
        return "" if callable(import_string(path)) else f"{path} is no function"
    except ImportError as error:
        return str(error)


def used() -> list[tuple[str, str]]:
    return [(str(path), one) for path in tree.product() for one in paths(tree.parsed(path))]


def test_whatever_is_loaded_later_is_there_and_imports_run_one_way():
    assert {(user, path): why for user, path in used() if (why := wrong(user.partition("/")[0], path))} == {}


def test_those_of_an_f_string_are_each_looked_at():
    assert {path for user, path in used() if user == "delivery/views/sheet.py"} == {
        "delivery.ways.sheet_files.as_csv",
        "delivery.ways.sheet_files.as_pdf",
    }


@pytest.mark.parametrize(
    "code, found",
    [
        ('f = when_called("audit.balp.lime")', ["audit.balp.lime"]),
        ('F = {".x": (1, when_called("audit.balp.line"))}', ["audit.balp.line"]),
        ('F = [when_called.when_called(f"a.as_{k}.{k}") for k in ("b", "c")]', ["a.as_b.b", "a.as_c.c"]),
    ],
)
def test_a_path_is_found_wherever_it_stands(code, found):
    assert list(paths(ast.parse(code))) == found


@pytest.mark.parametrize(
    "user, path, why",
    [
        ("delivery", "audit.balp.lime", "does not define"),
        ("delivery", "audit.balb.line", "No module named"),
        ("delivery", "audit.balp.DCM", "is no function"),
        ("audit", "portal.crypto.seal", "audit does not import portal"),
        ("delivery", "sandbox.app.make", "delivery does not import sandbox"),
    ],
)
def test_one_that_nobody_could_call_is_noticed(user, path, why):
    assert why in wrong(user, path)
