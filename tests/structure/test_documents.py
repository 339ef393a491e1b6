"""The documents agree with the code: links, settings, dependencies, commands, version."""

import re
import tomllib
from pathlib import Path
from urllib.parse import unquote

import pytest
from django.core.management import get_commands

from tests.structure import tree

PAGES = [path for path in tree.files() if path.suffix == ".md"]
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
NOT_OURS = {"DJANGO_SETTINGS_MODULE", "USER", "HOME", "PATH"}
PICTURE = re.compile(r'<img[^>]+src="([^"]+)"')


def page(name: str) -> str:
    return tree.text(Path(name))


def anchors(path: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", tree.text(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", re.sub(r"[`*]", "", one)).strip().lower().replace(" ", "-") for one in headings}


def broken(path: Path) -> list[str]:
    """The links of a page that lead nowhere in the tree."""
    text = re.sub(r"```.*?```|`[^`\n]*`", "", tree.text(path), flags=re.DOTALL)
    found = []
    for link in LINK.findall(text) + PICTURE.findall(text):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = unquote(link).partition("#")
        target = (tree.ROOT / path.parent / name).resolve() if name else tree.ROOT / path
        if not target.exists() or (
            anchor and target.suffix == ".md" and anchor not in anchors(target.relative_to(tree.ROOT))
        ):
            found.append(link)
    return found


@pytest.mark.parametrize("path", PAGES, ids=str)
def test_every_link_leads_somewhere(path):
    assert broken(path) == []


@pytest.mark.parametrize("path", PAGES, ids=str)
def test_every_file_that_is_named_exists(path):
    named = re.findall(
        rf"`((?:{'|'.join((*tree.PACKAGES, 'tests', 'docs', 'templates', 'static'))})/[\w./-]+)`", tree.text(path)
    )
    assert [name for name in named if not (tree.ROOT / name).exists()] == []


@pytest.mark.parametrize("path", [path for path in PAGES if path.parts[0] == "docs"], ids=str)
def test_every_page_can_be_reached_from_the_readme(path):
    reached, to_read = set(), [Path("README.md")]
    while to_read:
        here = to_read.pop()
        for link in LINK.findall(tree.text(here)):
            target = (tree.ROOT / here.parent / unquote(link).partition("#")[0]).resolve()
            if target.suffix == ".md" and target.exists() and target not in reached:
                reached.add(target)
                to_read.append(target.relative_to(tree.ROOT))
    assert tree.ROOT / path in reached


def test_every_setting_read_from_the_environment_is_in_operations():
    names = set(re.findall(r'(?:env\.\w+|own_secret)\(\s*"([A-Z_]+)"', page("portal/settings.py")))
    read_elsewhere = {
        name
        for path in tree.product()
        for name in re.findall(r'(?:environ(?:\.get)?[\[(]|getenv\()\s*"([A-Z_]+)"', tree.text(path))
    }
    assert len(names) > 15
    written = page("docs/operations.md")
    assert sorted(name for name in (names | read_elsewhere) - NOT_OURS if f"`{name}`" not in written) == []


def test_operations_names_no_setting_that_nothing_reads():
    written = set(re.findall(r"^\| `([A-Z_]+)`", page("docs/operations.md"), re.MULTILINE))
    everything = "\n".join(map(tree.text, tree.product()))
    assert sorted(name for name in written if f'"{name}"' not in everything) == []


def test_every_dependency_has_its_reason():
    project = tomllib.loads(page("pyproject.toml"))
    asked = project["project"]["dependencies"] + project["dependency-groups"]["dev"]
    names = {re.split(r"[\[<>=!~; ]", one, maxsplit=1)[0] for one in asked}
    rows = re.findall(r"^\| `([^`]+)` \| (.+?) \| (.+?) \|$", page("docs/dependencies.md"), re.MULTILINE)
    assert {name for name, _, _ in rows} == names
    assert all(len(reason) > 10 and len(against) > 3 for _, reason, against in rows)


def test_the_changelog_tells_the_running_version():
    project = tomllib.loads(page("pyproject.toml"))
    (first, *_) = re.findall(r"^## (\S+)", page("docs/CHANGELOG.md"), re.MULTILINE)
    assert first == project["project"]["version"]


def test_the_readmes_commands_exist():
    commands = set(re.findall(r"python3? manage\.py (\w+)", "\n".join(map(tree.text, PAGES))))
    assert {"demo", "test"} <= commands
    assert commands - set(get_commands()) == set()


def test_a_broken_link_would_be_found(tmp_path, monkeypatch):
    (tmp_path / "page.md").write_text("[here](page.md#there) [gone](gone.md) ![x](gone.png) [ok](page.md)\n# Here\n")
    monkeypatch.setattr(tree, "ROOT", tmp_path)
    assert broken(Path("page.md")) == ["page.md#there", "gone.md", "gone.png"]
