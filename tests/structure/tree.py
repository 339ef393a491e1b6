"""The files of the project as the structure tests see them: what git would commit."""

import ast
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("audit", "portal", "mapping", "delivery", "sandbox")


@cache
def files() -> tuple[Path, ...]:
    """Every tracked or new file that is not ignored, as a path from the root; outside git, what a copy would hold."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if listed.returncode == 0:
        names = [Path(name) for name in listed.stdout.splitlines()]
    else:
        hidden = {".venv", "data", "__pycache__"}
        names = [path.relative_to(ROOT) for path in ROOT.rglob("*") if not hidden & set(path.relative_to(ROOT).parts)]
    return tuple(sorted(name for name in names if (ROOT / name).is_file()))


def text(path: Path) -> str:
    return (ROOT / path).read_text(encoding="utf-8", errors="replace")


def lines(path: Path) -> int:
    return len(text(path).splitlines())


def product() -> list[Path]:
    """Our own Python, without tests and migrations."""
    return [
        path
        for path in files()
        if path.suffix == ".py" and path.parts[0] in (*PACKAGES, "manage.py") and "migrations" not in path.parts
    ]


def tests() -> list[Path]:
    return [path for path in files() if path.suffix == ".py" and path.parts[0] == "tests"]


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(text(path), filename=str(path))


@dataclass(frozen=True)
class Function:
    path: Path
    name: str
    line: int
    size: int
    node: ast.FunctionDef | ast.AsyncFunctionDef

    def __str__(self) -> str:
        return f"{self.path}:{self.line} {self.name} ({self.size} lines)"


@cache
def functions() -> tuple[Function, ...]:
    """Every function of our own code, methods and inner ones too."""
    return tuple(
        Function(path, node.name, node.lineno, (node.end_lineno or node.lineno) - node.lineno + 1, node)
        for path in product()
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
