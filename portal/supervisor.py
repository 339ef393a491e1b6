"""Run the product's processes from one command: start, watch, restart what dies, end all together.

Each child is a process group of its own that can be killed; nothing is shared between them but the database, the
broker and the data folder.
"""

import contextlib
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from django.conf import settings

log = logging.getLogger(__name__)

STOP_SECONDS = 15.0
RESTART_PAUSE = 1.0
WORKER = "portal.web_worker.WholeRequests"  # gthread, safe from callers who never finish a request


@dataclass
class Child:
    """One supervised process; its standard error goes to `data/logs/<name>.log`."""

    name: str
    arguments: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    restarts: int = 0

    def start(self) -> None:
        folder = settings.DATA_DIR / "logs"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (folder / f"{self.name}.log").open("ab") as sink:
            self.process = subprocess.Popen(  # noqa: S603
                self.arguments,
                cwd=settings.BASE_DIR,
                env={**os.environ, **self.env},
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                start_new_session=True,
            )

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def signal(self, number: int) -> None:
        """To the whole group, so that a worker's own children go with it."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)


class Supervisor:
    """Keeps its children running until told to stop."""

    def __init__(self, children: Sequence[Child]) -> None:
        self.children = list(children)
        self.stopping = False

    def start(self) -> None:
        for child in self.children:
            child.start()

    def watch_once(self) -> None:
        """Start again what has died."""
        for child in self.children:
            if not child.alive and not self.stopping:
                child.restarts += 1
                log.warning("%(process)s ended and is started again", {"process": child.name})
                child.start()

    def stop(self) -> None:
        """Ask all to end, then make them."""
        self.stopping = True
        for child in reversed(self.children):
            child.signal(signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while any(child.alive for child in self.children) and time.monotonic() < deadline:
            time.sleep(0.05)
        for child in self.children:
            child.signal(signal.SIGKILL)
            if child.process is not None:
                child.process.wait()

    def run(self, each_second: Callable[[], None] = lambda: None) -> None:
        """Watch until SIGTERM or Ctrl-C, then stop everything."""
        signal.signal(signal.SIGTERM, lambda *_: self._interrupt())
        try:
            while True:
                self.watch_once()
                each_second()
                time.sleep(RESTART_PAUSE)
        except KeyboardInterrupt:
            log.info("asked to stop")
        finally:
            self.stop()

    def _interrupt(self) -> None:
        raise KeyboardInterrupt


def web(host: str, port: int) -> Child:
    """gunicorn with threads: 16 embedded, more by SCRIBEPORT_WEB_THREADS."""
    arguments = [sys.executable, "-m", "gunicorn", "portal.wsgi", "--bind", f"{host}:{port}"]
    arguments += ["--worker-class", WORKER, "--workers", str(settings.WEB_PROCESSES)]
    arguments += ["--threads", str(settings.WEB_THREADS), "--timeout", "60", "--graceful-timeout", "10"]
    return Child("web", arguments)


def sealer() -> Child:
    """The process that seals, anchors and verifies the audit log."""
    return Child("sealer", [sys.executable, str(settings.BASE_DIR / "manage.py"), "seal_audit"])


def listener() -> Child:
    """The process that HL7 feeds of events come to."""
    return Child("listener", [sys.executable, str(settings.BASE_DIR / "manage.py"), "listen_events"])


def worker() -> Child:
    """A Celery worker whose threads carry out the deliveries; its own poll runs beside them."""
    arguments = [sys.executable, "-m", "celery", "-A", "portal", "worker", "--pool", "threads"]
    arguments += ["--concurrency", str(settings.WORKER_THREADS), "--loglevel", "WARNING"]
    arguments += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    # Django's checks load every page of the portal, a third of a worker's memory; whoever starts it here has made them.
    return Child("worker", arguments, {"CELERY_SKIP_CHECKS": "1"})
