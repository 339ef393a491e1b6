"""A real OpenSSH server on a free port, with its own keys and configuration, that lets one key in to SFTP alone."""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from tests.needs import missing
from tests.processes import free_port


def keypair(path: Path, kind: str = "ed25519") -> Path:
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "test", "-f", str(path)], check=True)
    return path


class Sshd:
    """One server; `directory` is what a session may write to."""

    def __init__(self, folder: Path, port: int = 0) -> None:
        program = shutil.which("sshd") or "/usr/sbin/sshd"
        if not Path(program).exists() or not shutil.which("ssh-keygen"):
            missing("no OpenSSH server here: install openssh-server")
        self.program, self.folder, self.port = program, folder, port or free_port()
        self.user = pwd.getpwuid(os.getuid()).pw_name
        self.directory = folder / "inbox"
        self.directory.mkdir(parents=True, exist_ok=True)
        self.key = keypair(folder / "user_key")
        self.host_key = keypair(folder / "host_key")
        shutil.copy(f"{self.key}.pub", folder / "authorized_keys")
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> "Sshd":
        config = self.folder / "sshd_config"
        lines = {
            "ListenAddress": "127.0.0.1",
            "Port": str(self.port),
            "HostKey": str(self.host_key),
            "AuthorizedKeysFile": str(self.folder / "authorized_keys"),
            "PidFile": "none",
            "StrictModes": "no",
            "UsePAM": "no",
            "PasswordAuthentication": "no",
            "PermitRootLogin": "prohibit-password",
            "ForceCommand": "internal-sftp",
            "Subsystem": "sftp internal-sftp",
            "LogLevel": "ERROR",
        }
        lines |= self.rules()
        config.write_text("".join(f"{name} {value}\n" for name, value in lines.items()))
        if os.getuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)  # where it locks itself in before anybody has signed in
        self.process = subprocess.Popen(
            self.command([self.program, "-D", "-e", "-f", str(config)]),
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return self
            except OSError:
                time.sleep(0.02)
        raise AssertionError("sshd did not come up")

    def rules(self) -> dict[str, str]:
        """Lines of the configuration that differ."""
        return {}

    def command(self, server: list[str]) -> list[str]:
        return server

    def sessions(self, signum: int) -> None:
        """A signal for every process of the server and of its sessions: they end or freeze without a word."""
        assert self.process is not None
        first = psutil.Process(self.process.pid)
        for each in [*first.children(recursive=True), first]:
            with contextlib.suppress(psutil.NoSuchProcess):
                each.send_signal(signum)

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.sessions(signal.SIGKILL)
            self.process.wait(10)

    def pinned(self) -> str:
        return (self.folder / "host_key.pub").read_text()

    def settings(self, **changes: object) -> dict[str, object]:
        own = {
            "host": "127.0.0.1",
            "port": self.port,
            "user": self.user,
            "host_key": self.pinned(),
            "directory": str(self.directory),
            "connect_seconds": 5,
            "call_seconds": 5,
        }
        return own | changes

    def secrets(self) -> dict[str, str]:
        return {"private_key": self.key.read_text()}


class PasswordSshd(Sshd):
    """The same server, letting a user in by password alone.

    OpenSSH looks a password up in the system's own files. So it runs where /etc/passwd and /etc/shadow are others, in a
    mount namespace of its own: nothing of the machine changes. Only root may do that.
    """

    USER, PASSWORD = "scribeport-sftp", "right | password \\ ñ"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        if os.getuid() != 0 or not shutil.which("unshare") or not shutil.which("openssl"):
            pytest.skip("a user with a password can be made by root alone, in a mount namespace (util-linux, openssl)")
        self.user = self.USER
        hashed = subprocess.run(
            ["openssl", "passwd", "-6", "-stdin"], input=self.PASSWORD.encode(), capture_output=True, check=True
        ).stdout.decode()
        (folder / "passwd").write_text(f"{Path('/etc/passwd').read_text()}{self.USER}:x:0:0::{folder}:/bin/sh\n")
        (folder / "shadow").write_text(f"{self.USER}:{hashed.strip()}:20000:0:99999:7:::\n")
        if subprocess.run(self.command(["true"]), capture_output=True).returncode:
            pytest.skip("no mount namespace may be made here")

    def rules(self) -> dict[str, str]:
        return {
            "PasswordAuthentication": "yes",
            "PubkeyAuthentication": "no",
            "PermitRootLogin": "yes",
        }

    def command(self, server: list[str]) -> list[str]:
        mounts = " && ".join(f"mount --bind '{self.folder}/{name}' /etc/{name}" for name in ("passwd", "shadow"))
        return ["unshare", "--mount", "sh", "-c", f'{mounts} && exec "$@"', "sh", *server]

    def secrets(self) -> dict[str, str]:
        return {"password": self.PASSWORD}
