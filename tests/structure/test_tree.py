"""What the tree holds and what it must not: no loose ends, no addresses of somebody's machine, locks that agree."""

import re
import tomllib

import pytest

from tests.structure import tree

TOP = {
    ".ci", ".gitignore", "README.md", "audit", "delivery", "docs", "manage.py", "mapping", "portal", "pyproject.toml",
    "requirements-dev.lock", "requirements.lock", "sandbox", "static", "templates", "tests",
}  # fmt: skip
TEXTS = (".py", ".md", ".toml", ".html", ".css", ".js", ".svg", ".lock", ".txt", ".json", ".yaml", ".yml", ".cfg", "")
# (put together here, so that this file does not hold what it forbids)
HOSTS = [
    "pypi" + ".org",
    "pythonhosted" + ".org",
    "npmjs" + ".",
    "--index" + "-url",
    "--find" + "-links",
    "/simple" + "/",
]
PLACES = re.compile(r"(?<![\w./-])/(work|root|home)" + r"/\w")
LOOSE_ENDS = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")


def lines_with(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{path}:{number}"
        for path in tree.files()
        if path.suffix in TEXTS
        for number, line in enumerate(tree.text(path).splitlines(), start=1)
        if pattern.search(line)
    ]


def locked(name: str) -> set[str]:
    """The names in a lock file, normalised as PEP 503 says."""
    found = re.findall(r"^([A-Za-z0-9_.-]+)(?:\[[^]]*\])?==", tree.text(tree.Path(name)), re.MULTILINE)
    return {normal(one) for one in found}


def pins(name: str) -> set[str]:
    """Each `name==version` of a lock file, with its marker."""
    return {
        line.rstrip(" \\") for line in tree.text(tree.Path(name)).splitlines() if re.match(r"[A-Za-z0-9].*==", line)
    }


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def wanted(requirements: list[str]) -> set[str]:
    return {normal(re.split(r"[\[<>=!~; ]", one, maxsplit=1)[0]) for one in requirements}


@pytest.fixture(scope="module")
def pyproject() -> dict:
    return tomllib.loads(tree.text(tree.Path("pyproject.toml")))


def test_the_top_level_stays_as_it_is():
    assert {path.parts[0] for path in tree.files()} <= TOP


def test_no_loose_ends_are_left():
    assert lines_with(LOOSE_ENDS) == []


def test_no_package_host_is_named():
    """The locks are good for any index or mirror: hashes say what a package must be, not where it comes from."""
    assert lines_with(re.compile("|".join(map(re.escape, HOSTS)))) == []


def test_no_path_of_somebodys_machine_is_named():
    assert lines_with(PLACES) == []


def test_S26_everything_pyproject_asks_for_is_locked(pyproject):
    assert wanted(pyproject["project"]["dependencies"]) <= locked("requirements.lock")
    assert wanted(pyproject["dependency-groups"]["dev"]) <= locked("requirements-dev.lock")


def test_the_development_lock_holds_everything_the_other_does():
    """manage.py relies on it: where the tests' set is installed, the other need not be."""
    assert pins("requirements.lock") <= pins("requirements-dev.lock")


def test_S26_every_locked_package_has_a_hash():
    for name in ("requirements.lock", "requirements-dev.lock"):
        entries = re.split(r"\n(?=[A-Za-z0-9])", tree.text(tree.Path(name)).strip())
        bare = [entry.splitlines()[0] for entry in entries if "==" in entry and "--hash=sha256:" not in entry]
        assert bare == []


def test_every_management_command_has_a_test():
    texts = "\n".join(map(tree.text, tree.tests()))
    commands = [path.stem for path in tree.product() if path.parent.name == "commands" and path.stem != "__init__"]
    assert commands
    assert [name for name in commands if f'"{name}"' not in texts] == []
