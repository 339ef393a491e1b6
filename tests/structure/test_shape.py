"""The shape of the code: short functions, short files, names that say something, one job said in the first line."""

import ast
import re
from statistics import quantiles

from tests.structure import tree

LONGEST_FUNCTION = 60
LONGEST_FILE = 400
TESTS_PER_LINE = 1.4
VAGUE = re.compile(r"(^|_)(manager|helper|util|utils|handler|processor|data|info|service|services|engine|misc)s?\.py$")
FIRST_LINE = re.compile(r'(#!.*\n)?"""\S')  # to parse all tests for their first line would take seconds
LOG_CALLS = ("debug", "info", "warning", "error", "exception", "critical")


def test_no_function_is_longer_than_a_screen():
    assert [str(one) for one in tree.functions() if one.size > LONGEST_FUNCTION] == []


def test_functions_are_mostly_short():
    sizes = [one.size for one in tree.functions()]
    tenths = quantiles(sizes, n=10)
    print(f"{len(sizes)} functions: median {tenths[4]:.0f} lines, nine of ten within {tenths[8]:.0f}")  # noqa: T201
    assert tenths[4] <= 9
    assert tenths[8] <= 30


def test_no_file_is_too_long_to_read_at_a_sitting():
    assert [f"{path} ({tree.lines(path)})" for path in tree.product() if tree.lines(path) > LONGEST_FILE] == []


def test_every_file_is_named_for_its_job():
    assert [str(path) for path in tree.files() if VAGUE.search(path.name)] == []


def test_every_module_says_its_job_in_its_first_line():
    silent = [
        str(path)
        for path in [*tree.product(), *tree.tests()]
        if tree.text(path).strip() and not FIRST_LINE.match(tree.text(path))
    ]
    assert silent == []


def test_imports_stand_at_the_top():
    hidden = [
        f"{one.path}:{node.lineno}"
        for one in tree.functions()
        for node in ast.walk(one.node)
        if isinstance(node, ast.Import | ast.ImportFrom) and str(one.path) != "manage.py"
    ]
    assert hidden == []


def test_nothing_prints():
    printing = [
        f"{path}:{node.lineno}"
        for path in tree.product()
        if path.name not in ("manage.py", "verify_log.py")
        for node in ast.walk(tree.parsed(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert printing == []


def test_log_messages_are_written_out_where_they_are_logged():
    """A built message is withheld by portal/scrubbing.py; what is to be read must be a literal."""
    built = [
        f"{path}:{node.lineno}"
        for path in tree.product()
        for node in ast.walk(tree.parsed(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in LOG_CALLS
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id in ("log", "logger")
        and node.args
        and not (isinstance(node.args[0], ast.Constant) and isinstance(node.args[0].value, str))
    ]
    assert built == []


def test_there_is_more_test_than_code():
    code, tests = (sum(map(tree.lines, paths)) for paths in (tree.product(), tree.tests()))
    print(f"{code} lines of code, {tests} of tests: {tests / code:.2f}")  # noqa: T201
    assert tests / code >= TESTS_PER_LINE
