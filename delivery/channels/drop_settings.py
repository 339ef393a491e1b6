"""The settings of a connection that leaves documents in a directory: of this machine, or of an SFTP server."""

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from delivery.channels.setting_values import seconds, text, whole, yes_or_no

# A document's name is this and its control id, which says nothing of anybody: names end up in logs.
PREFIX = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}|")
FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")
USER = re.compile(r"[^\s\x00-\x1f\x7f:/@]{1,100}")
ENVIRONMENTS = ("sandbox", "production")


@dataclass(frozen=True)
class FolderSettings:
    """A folder of this machine (or mounted on it). `roots` are the folders that this installation may write below."""

    folder: Path
    roots: tuple[Path, ...]
    prefix: str = ""
    taken_away: bool = True  # the partner removes what it has taken: absence then proves nothing

    @classmethod
    def read(cls, settings: Mapping[str, Any], secrets: Mapping[str, str], environment: str) -> "FolderSettings":
        """From a Connection's settings; ValueError says in plain words what is wrong."""
        _check_environment(environment)
        folder = text(settings, "folder").strip()
        return cls(
            folder=inside(folder, tuple(map(str, settings.get("allowed_folders") or ()))),
            roots=tuple(Path(each) for each in settings.get("allowed_folders") or ()),
            prefix=_prefix(settings),
            taken_away=yes_or_no({"taken_away": True, **settings}, "taken_away"),
        )


@dataclass(frozen=True)
class SftpSettings:
    """An SFTP server, known by its host key and by nothing else. Times are seconds."""

    host: str
    user: str
    directory: str
    host_keys: tuple[str, ...]  # SHA256 fingerprints, as ssh-keygen -l prints them
    port: int = 22
    prefix: str = ""
    taken_away: bool = True
    connect_seconds: float = 10.0
    call_seconds: float = 30.0
    password: str = field(default="", repr=False)
    private_key: str = field(default="", repr=False)

    @classmethod
    def read(cls, settings: Mapping[str, Any], secrets: Mapping[str, str], environment: str) -> "SftpSettings":
        """From a Connection's settings and opened secrets; ValueError says in plain words what is wrong."""
        _check_environment(environment)
        made = cls(
            host=text(settings, "host").strip(),
            port=whole(settings, "port", 22),
            user=text(settings, "user").strip(),
            directory=directory_of(text(settings, "directory").strip()),
            host_keys=fingerprints(text(settings, "host_key")),
            prefix=_prefix(settings),
            taken_away=yes_or_no({"taken_away": True, **settings}, "taken_away"),
            connect_seconds=seconds(settings, "connect_seconds", 10.0, most=60.0),
            call_seconds=seconds(settings, "call_seconds", 30.0, most=120.0),
            password=text(secrets, "password"),
            private_key=text(secrets, "private_key"),
        )
        if not made.host or any(letter.isspace() or letter in "/@" for letter in made.host):
            raise ValueError("Host must be a name or an address alone, without a path or spaces.")
        if not 1 <= made.port <= 65535:
            raise ValueError("Port must be a number from 1 to 65535.")
        if not USER.fullmatch(made.user):
            raise ValueError("The user's name is missing, or holds characters that no account has.")
        if not (made.password or made.private_key):
            raise ValueError("A password or a private key is needed to sign in.")
        return made


def _check_environment(environment: str) -> None:
    if environment not in ENVIRONMENTS:
        raise ValueError(f"Environment must be one of {', '.join(ENVIRONMENTS)}.")


def _prefix(settings: Mapping[str, Any]) -> str:
    prefix = text(settings, "file_prefix").strip()
    if not PREFIX.fullmatch(prefix):
        raise ValueError("The file name's beginning may have letters, digits, - and _ only, at most 40.")
    return prefix


def inside(folder: str, roots: tuple[str, ...]) -> Path:
    """The folder as it is, symbolic links followed, below one of `roots`; ValueError in plain words."""
    if not folder or "\x00" in folder or not Path(folder).is_absolute() or ".." in Path(folder).parts:
        raise ValueError("The folder must be a whole path that begins with / and has no .. in it.")
    real = Path(folder).resolve()
    if not any(real.is_relative_to(Path(root).resolve()) for root in roots):
        raise ValueError(
            "This folder lies outside those this installation may write to. Whoever runs the server can add one to "
            "SCRIBEPORT_ALLOWED_FOLDERS."
        )
    return real


def directory_of(directory: str) -> str:
    """A directory of the server, as typed; ValueError for one that leads elsewhere than it says."""
    if re.search(r"[\x00-\x1f\x7f\\]", directory) or ".." in PurePosixPath(directory).parts:
        raise ValueError("The directory must not contain .., \\ or control characters.")
    return directory or "."


def fingerprints(typed: str) -> tuple[str, ...]:
    """SHA256 fingerprints of the host keys named, one a line: as a fingerprint, or as a public key."""
    found = tuple(_fingerprint(line.strip()) for line in typed.splitlines() if line.strip())
    if not found:
        raise ValueError("The server's host key is missing: without it nobody can tell whose server answers.")
    return found


def _fingerprint(line: str) -> str:
    if FINGERPRINT.fullmatch(line):
        return line
    words = line.split()
    blob = next((word for word in words if word.startswith("AAAA")), "")
    try:
        raw = base64.b64decode(blob, validate=True)
    except binascii.Error:
        raw = b""
    if not raw:
        raise ValueError("A host key is a line of known_hosts, a public key, or its fingerprint (SHA256:…).")
    return fingerprint(raw)


def fingerprint(blob: bytes) -> str:
    """As ssh-keygen -l prints it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
