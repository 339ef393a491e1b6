#!/usr/bin/env python3
"""Start any Scribeport command; on a bare machine, first make the virtual environment it needs.

`python3 manage.py demo` runs the product, `python3 manage.py test` passes the tests. Both need Python 3.11
and pip and nothing else: when this interpreter does not have the locked packages, they are installed into
`.venv` beside this file and the command starts again inside it.
"""

import gc
import hashlib
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
VENV = HERE / ".venv"


def locked_set(command: str) -> Path:
    """The lock file a command needs: the tests need the development tools as well."""
    return HERE / ("requirements-dev.lock" if command == "test" else "requirements.lock")


def installed(lock: Path) -> bool:
    """Whether `.venv` holds what this lock file asks for (a stamp of its content is left after installing)."""
    stamp = VENV / f"{lock.name}.sha256"
    return stamp.is_file() and stamp.read_text() == hashlib.sha256(lock.read_bytes()).hexdigest()


def install(lock: Path) -> None:
    """Make `.venv` and install the locked set, hashes checked."""
    python = VENV / "bin" / "python"
    if not python.is_file():
        print(f"Making a virtual environment in {VENV} (once) …", file=sys.stderr)
        made = subprocess.run([sys.executable, "-m", "venv", str(VENV)], stdout=sys.stderr)
        if made.returncode:
            sys.exit(
                "Python could not make a virtual environment. On Debian and Ubuntu: apt install python3-venv, "
                "then run the same command again."
            )
    print(f"Installing the locked packages of {lock.name} (once, under a minute) …", file=sys.stderr)
    # What is never imported is never compiled: a quarter of the time.
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
    done = subprocess.run([*pip, "--require-hashes", "-r", str(lock)], stdout=sys.stderr)
    if done.returncode:
        sys.exit("pip could not install the packages (see above). Check the network or proxy, then run again.")
    (VENV / f"{lock.name}.sha256").write_text(hashlib.sha256(lock.read_bytes()).hexdigest())


def ensure_packages(command: str) -> None:
    """Return at once where the packages are there; else install them and start again inside `.venv`."""
    if os.environ.get("SCRIBEPORT_OWN_ENVIRONMENT"):
        return  # a packager's or container's own environment: never touch it
    if sys.version_info < (3, 11):
        sys.exit(f"Scribeport needs Python 3.11 or newer; this is {sys.version.split()[0]}.")
    inside = Path(sys.prefix).resolve() == VENV.resolve()
    lock = locked_set(command)
    # The tests' set holds everything the other does (tests/structure/test_tree.py).
    if not installed(lock) and not installed(locked_set("test")):
        install(lock)
    if not inside:
        python = str(VENV / "bin" / "python")
        os.execv(python, [python, str(HERE / "manage.py"), *sys.argv[1:]])


def main() -> None:
    command = sys.argv[1] if len(sys.argv) > 1 else ""
    ensure_packages(command)
    # To migrate a new database is to make six thousand classes, which the collector would search 700 objects at a time:
    # a fifth of the ten seconds, for 35 MB.
    gc.set_threshold(50_000, 20, 20)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    from django.core.management import execute_from_command_line

    from audit.context import Actor, acting

    # Who types commands on the server has no account here: the operating system's name must do.
    with acting(Actor("command", command, os.environ.get("USER", ""))):
        execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
