"""manage.py on a machine: what it installs, and when it leaves the environment alone."""

import hashlib
import subprocess
import sys

import pytest

import manage
from tests.structure import tree


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A project folder with two lock files and nothing installed; what would be installed is noted."""
    for name in ("requirements.lock", "requirements-dev.lock"):
        (tmp_path / name).write_text(f"# {name}\n")
    noted = []
    monkeypatch.setattr(manage, "HERE", tmp_path)
    monkeypatch.setattr(manage, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(manage, "install", lambda lock: noted.append(lock.name))
    monkeypatch.setattr(manage.os, "execv", lambda python, arguments: noted.append("again inside .venv"))
    monkeypatch.delenv("SCRIBEPORT_OWN_ENVIRONMENT", raising=False)
    return tmp_path, noted


def stamp(folder, name):
    (folder / ".venv").mkdir(exist_ok=True)
    digest = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    (folder / ".venv" / f"{name}.sha256").write_text(digest)


@pytest.mark.parametrize(
    "command, wanted", [("test", "requirements-dev.lock"), ("demo", "requirements.lock"), ("", "requirements.lock")]
)
def test_a_bare_folder_gets_what_the_command_needs(folder, command, wanted):
    manage.ensure_packages(command)
    assert folder[1] == [wanted, "again inside .venv"]


def test_what_is_installed_is_not_installed_again(folder):
    stamp(folder[0], "requirements.lock")
    manage.ensure_packages("demo")
    assert folder[1] == ["again inside .venv"]


def test_the_tests_set_serves_every_command(folder):
    stamp(folder[0], "requirements-dev.lock")
    manage.ensure_packages("demo")
    assert folder[1] == ["again inside .venv"]


def test_the_other_set_does_not_serve_the_tests(folder):
    stamp(folder[0], "requirements.lock")
    manage.ensure_packages("test")
    assert folder[1] == ["requirements-dev.lock", "again inside .venv"]


def test_a_changed_lock_is_installed(folder):
    stamp(folder[0], "requirements.lock")
    (folder[0] / "requirements.lock").write_text("changed\n")
    manage.ensure_packages("demo")
    assert folder[1][0] == "requirements.lock"


def test_an_environment_of_ones_own_is_left_alone(folder, monkeypatch):
    monkeypatch.setenv("SCRIBEPORT_OWN_ENVIRONMENT", "1")
    manage.ensure_packages("test")
    assert folder[1] == []


def test_a_failed_installation_ends_with_a_sentence(tmp_path):
    """The real manage.py, a real virtual environment, and a lock that no package can satisfy."""
    (tmp_path / "manage.py").write_text(tree.text(tree.Path("manage.py")))
    (tmp_path / "requirements.lock").write_text("no-such-package-at-all==0 --hash=sha256:" + "0" * 64 + "\n")
    command = [sys.executable, "manage.py", "demo"]
    offline = {"PATH": "", "PIP_NO_INDEX": "1"}
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=offline)
    assert done.returncode != 0
    assert "pip could not install the packages" in done.stderr
    assert "Traceback" not in done.stderr
