"""Starts, watches and kills the product's real processes, each group killed at the end whatever happens.

    site.run("web", "gunicorn", …, ready=answers(url))

A `Site` is a temporary data folder, a migrated database in it (or a fresh one of the PostgreSQL that DATABASE_URL names), an
own broker and the free ports its processes listen on. Logs go to files, so that a silent death can be read.
"""

import contextlib
import ctypes
import fcntl
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import psycopg
import pytest
from django.db import connection

ROOT = Path(__file__).resolve().parent.parent
CONFIGURED = str(connection.settings_dict["NAME"])  # not the test run's
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)


def free_port() -> int:
    """A port nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def wait_until(
    what: Callable[[], bool], seconds: float, complaint: Callable[[], str] = lambda: "it never came"
) -> None:
    """Poll until true; AssertionError with the complaint when the time is over."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, f"after {seconds} s: {complaint()}"
        time.sleep(0.05)


def answers(url: str) -> Callable[[], bool]:
    """Whether something at the address answers HTTP at all (a 404 is an answer)."""

    def ask() -> bool:
        try:
            urllib.request.urlopen(url, timeout=2).close()
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False
        return True

    return ask


def listens(port: int) -> Callable[[], bool]:
    """Whether something takes connections on the port."""

    def ask() -> bool:
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex(("127.0.0.1", port)) == 0

    return ask


def die_with_parent() -> None:
    """In the child, before exec: a killed test run takes its processes with it (Linux)."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


@dataclass
class Process:
    """One started process and everything it starts."""

    name: str
    popen: subprocess.Popen
    log_path: Path

    def log(self) -> str:
        return self.log_path.read_text(errors="replace")

    def running(self) -> bool:
        return self.popen.poll() is None

    def send(self, signum: int) -> None:
        """Signal the whole group, so that pool children and gunicorn workers get it too."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.popen.pid, signum)

    def kill(self) -> None:
        """Kill it and all it started, also what has made a group of its own."""
        with contextlib.suppress(psutil.NoSuchProcess):
            for one in psutil.Process(self.popen.pid).children(recursive=True):
                with contextlib.suppress(psutil.NoSuchProcess):
                    one.kill()
        self.send(signal.SIGKILL)
        self.popen.wait()

    def stop(self, seconds: float = 15) -> int:
        """Ask it to end and return its exit status; a process that does not is killed and fails the test."""
        self.popen.terminate()
        try:
            return self.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.name} did not stop within {seconds} s:\n{self.log()[-3000:]}") from None

    def wait(self, ready: Callable[[], bool], seconds: float) -> None:
        """Poll until ready; fail at once when the process has died."""

        def ready_or_dead() -> bool:
            assert self.running(), f"{self.name} ended with {self.popen.returncode}:\n{self.log()[-3000:]}"
            return ready()

        wait_until(ready_or_dead, seconds, lambda: f"{self.name} is not ready:\n{self.log()[-3000:]}")


@dataclass
class Site:
    """One installation in a temporary folder: its environment, its database, its processes."""

    folder: Path
    database_url: str
    settings: dict[str, str] = field(default_factory=dict)  # more environment variables for every process
    processes: list[Process] = field(default_factory=list)

    def environment(self, **more: str) -> dict[str, str]:
        """The test run's environment without its own data folder, with this site's."""
        return {
            **os.environ,
            "SCRIBEPORT_DATA": str(self.folder / "data"),
            "DATABASE_URL": self.database_url,
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
            "SCRIBEPORT_OWN_ENVIRONMENT": "1",
            **self.settings,
            **more,
        }

    def manage(self, *arguments: str, **more: str) -> str:
        """Run a management command to its end and return its standard output; AssertionError when it fails."""
        command = [sys.executable, str(ROOT / "manage.py"), *arguments]
        done = subprocess.run(command, env=self.environment(**more), cwd=self.folder, capture_output=True, text=True)
        assert done.returncode == 0, f"{arguments}: {done.returncode}\n{done.stderr[-3000:]}"
        return done.stdout

    def run(
        self, name: str, *command: str, ready: Callable[[], bool] | None = None, seconds: float = 40, **more: str
    ) -> Process:
        """Start a command in a group of its own and wait until it is ready."""
        log_path = self.folder / f"{name}-{len(self.processes)}.log"
        with log_path.open("wb") as log:
            popen = subprocess.Popen(
                command,
                env=self.environment(**more),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=die_with_parent,
            )
        process = Process(name, popen, log_path)
        self.processes.append(process)
        if ready:
            process.wait(ready, seconds)
        return process

    def module(self, name: str, *command: str, **options) -> Process:
        """`run` for `python -m …` with the test run's own interpreter."""
        return self.run(name, sys.executable, "-m", *command, **options)

    def web(self, port: int, application: str = "portal.wsgi:application", **options) -> Process:
        """gunicorn as in production (two workers, threads)."""
        listen = ["--bind", f"127.0.0.1:{port}", "--worker-class", "gthread", "--workers", "2", "--threads", "8"]
        ready = answers(f"http://127.0.0.1:{port}/healthz")
        return self.module("web", "gunicorn", *listen, "--no-control-socket", application, ready=ready, **options)

    def kill_all(self) -> None:
        for process in self.processes:
            process.kill()


def on_postgresql(database_url: str) -> bool:
    return database_url.startswith(("postgres://", "postgresql://"))


@contextlib.contextmanager
def fresh_database(folder: Path, template: str = "") -> Iterator[str]:
    """The URL of a new database: a file in the folder, or one on the PostgreSQL of DATABASE_URL; empty or a copy."""
    given = os.environ.get("DATABASE_URL", "")
    if not on_postgresql(given):
        if template:
            shutil.copy(template.removeprefix("sqlite:///"), folder / "site.sqlite3")
        yield f"sqlite:///{folder / 'site.sqlite3'}"
        return
    name = f"scribeport_{secrets.token_hex(6)}"
    with psycopg.connect(given, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}" + (f" TEMPLATE {urlsplit(template).path[1:]}" if template else ""))
        try:
            yield urlsplit(given)._replace(path=f"/{name}").geturl()
        finally:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def migrated_database(tmp_path_factory, django_db_setup, django_db_blocker) -> Iterator[str]:
    """The URL of a migrated database that sites are copied from: copying takes a moment, migrating seconds.

    It is itself a copy of the test run's own (empty between two tests, when a session's fixtures are made), where the
    run has one: pytest-django makes none when no test asks for it.
    """
    with django_db_blocker.unblock():
        connection.close()  # nobody may be connected to what is copied
    folder, own = tmp_path_factory.mktemp("migrated"), str(connection.settings_dict["NAME"])
    with fresh_database(folder, "" if own == CONFIGURED else url_of(own)) as database_url:
        if own == CONFIGURED:
            Site(folder, database_url).manage("migrate", "--verbosity", "0")
        yield database_url


def migrated_once(shared: Path) -> Path:
    """A migrated SQLite database for the workers of a run to copy: the first makes it, the others wait for it.

    To migrate an empty database takes ten seconds of computing, to find that nothing is to be done one.
    """
    room = shared / "migrated"
    room.mkdir(exist_ok=True)
    with (room / "turn").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if not (room / "done").exists():
            Site(room, f"sqlite:///{room / 'site.sqlite3'}").manage("migrate", "--verbosity", "0")
            (room / "done").touch()
    return room / "site.sqlite3"


def put_migrated(migrated_database: str, data: Path) -> Path:
    """The data folder of a command that migrates first, with nothing left to do for it (where the run is on SQLite)."""
    data.mkdir(parents=True)
    if not on_postgresql(migrated_database):
        shutil.copy(migrated_database.removeprefix("sqlite:///"), data / "scribeport.sqlite3")
    return data


def url_of(name: str) -> str:
    given = os.environ.get("DATABASE_URL", "")
    return urlsplit(given)._replace(path=f"/{name}").geturl() if on_postgresql(given) else f"sqlite:///{name}"


@pytest.fixture
def site(migrated_database: str) -> Iterator[Site]:
    """A migrated installation of its own; every process group is killed when the test ends."""
    folder = Path(tempfile.mkdtemp(prefix="scribeport-site-"))
    with fresh_database(folder, migrated_database) as database_url:
        made = Site(folder, database_url)
        try:
            yield made
        finally:
            made.kill_all()
            shutil.rmtree(folder, ignore_errors=True)
