"""C-CDA documents to an SFTP server whose host key is pinned: nothing is sent before the key was compared."""

import contextlib
import errno
import io
import stat
import time
from typing import NoReturn

import paramiko

from delivery.channels import ccda, drop, hl7
from delivery.channels.base import OutgoingNote, Receipt, Rendered, Unavailable
from delivery.channels.drop_settings import SftpSettings, fingerprint
from delivery.channels.network import Guard, NotConnected, Resolve, dial, left

KEEP_ALIVE = 20
KEYS: tuple[type[paramiko.PKey], ...] = (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey)
REASONS = {
    errno.ENOENT: "folder_missing",
    errno.EACCES: "folder_denied",
    errno.EPERM: "folder_denied",
    errno.ENOSPC: "disk_full",
    errno.EDQUOT: "disk_full",
}
# What a session that is gone raises; a socket's own time-out among it.
GONE = (EOFError, TimeoutError, ConnectionError, paramiko.SSHException)


def reason(error: OSError) -> str:
    """The reason code of a refusal. SFTP v3 has one word, Failure, for a full disk and all else that goes wrong."""
    return REASONS.get(error.errno or 0, "sftp_write_failed")


def private_key(pem: str) -> paramiko.PKey:
    """A private key in OpenSSH's form or PEM, without a passphrase; ValueError in plain words."""
    for kind in KEYS:
        try:
            return kind.from_private_key(io.StringIO(pem.strip() + "\n"))
        except (paramiko.SSHException, ValueError, TypeError, IndexError):
            continue
    raise ValueError("The private key cannot be read: OpenSSH's form or PEM, without a passphrase.")


class Remote:
    """drop.Directory of an SFTP server."""

    def __init__(self, client: paramiko.SFTPClient, directory: str) -> None:
        self.client = client
        self.directory = directory.rstrip("/") or "/"

    def path(self, name: str) -> str:
        return f"{self.directory.rstrip('/')}/{name}"

    def digest(self, name: str, like: bytes) -> str | None:
        try:
            found = self.client.lstat(self.path(name))
            if found.st_size != len(like) or not stat.S_ISREG(found.st_mode or stat.S_IFREG):
                return ""
            with self.client.open(self.path(name), "rb") as file:
                return drop.sha256(file.read(len(like) + 1))
        except GONE:
            raise drop.Cut from None
        except FileNotFoundError:
            return None
        except PermissionError:
            return drop.sha256(like)  # may be written to and not read: the size is what can be compared
        except OSError as error:
            self._refused(error)

    def write(self, name: str, body: bytes) -> None:
        try:
            self.remove(name)
            with self.client.open(self.path(name), "wbx") as file:
                file.write(body)
        except GONE:
            raise drop.Cut from None
        except OSError as error:
            self._refused(error)

    def name_finally(self, temporary: str, name: str) -> None:
        """SSH_FXP_RENAME, which takes no other file's place (draft-ietf-secsh-filexfer-02, 6.5), not OpenSSH's own."""
        try:
            self.client.rename(self.path(temporary), self.path(name))
        except GONE:
            raise drop.Cut from None
        except OSError as error:
            if self.digest(name, b"") is not None:
                raise FileExistsError from None
            self._refused(error)

    def _refused(self, error: OSError) -> NoReturn:
        """The server's refusal; of a session that is gone paramiko says so by a bare OSError as well."""
        if self.client.sock.closed:
            raise drop.Cut from None
        raise Unavailable(reason(error)) from None

    def remove(self, name: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            self.client.remove(self.path(name))


class SftpChannel:
    """base.Channel to an SFTP server, used by one thread."""

    def __init__(self, settings: SftpSettings, resolve: Resolve, guard: Guard) -> None:
        self.settings = settings
        self.resolve = resolve
        self.guard = guard
        self.key = private_key(settings.private_key) if settings.private_key else None
        self.transport: paramiko.Transport | None = None
        self.remote: Remote | None = None

    def render(self, note: OutgoingNote) -> Rendered:
        """Pure; raises CannotExpress."""
        hl7.refuse_values(note.values)
        return Rendered(ccda.document(note), drop.CONTENT_TYPE)

    def open(self) -> None:
        """Connect, compare the host key, sign in, find the directory. Raises Unavailable."""
        self.close()
        try:
            self._connect()
            self._sign_in()
            self._enter()
        except BaseException:
            self.close()
            raise

    def _connect(self) -> None:
        deadline = time.monotonic() + self.settings.connect_seconds
        try:
            sock = dial(self.resolve, self.settings.host, self.settings.port, deadline)
            self.transport = paramiko.Transport(sock)
            self.transport.start_client(timeout=left(deadline))
        except NotConnected as error:
            raise Unavailable(error.reason) from None
        except TimeoutError:
            raise Unavailable("connect_timeout") from None
        except (paramiko.SSHException, EOFError, OSError):
            raise Unavailable("sftp_no_ssh") from None
        if fingerprint(self.transport.get_remote_server_key().asbytes()) not in self.settings.host_keys:
            raise Unavailable("sftp_host_key")

    def _sign_in(self) -> None:
        transport, own = self._transport(), self.settings
        transport.auth_timeout = own.connect_seconds
        transport.set_keepalive(KEEP_ALIVE)
        try:
            if self.key is not None:
                transport.auth_publickey(own.user, self.key)
            if not transport.is_authenticated() and own.password:
                transport.auth_password(own.user, own.password, fallback=False)
        except (paramiko.AuthenticationException, paramiko.BadAuthenticationType):
            raise Unavailable("sftp_denied") from None
        except (*GONE, OSError):
            raise Unavailable("peer_closed") from None
        if not transport.is_authenticated():
            raise Unavailable("sftp_denied")

    def _enter(self) -> None:
        transport, own = self._transport(), self.settings
        try:
            channel = transport.open_session(timeout=own.connect_seconds)
            channel.settimeout(own.call_seconds)
            channel.invoke_subsystem("sftp")
            client = paramiko.SFTPClient(channel)
            found = client.stat(own.directory)
        except GONE:
            raise Unavailable("sftp_no_sftp") from None
        except OSError as error:
            raise Unavailable(reason(error)) from None
        if not stat.S_ISDIR(found.st_mode or stat.S_IFDIR):
            raise Unavailable("folder_missing")
        self.remote = Remote(client, own.directory)

    def _transport(self) -> paramiko.Transport:
        assert self.transport is not None  # noqa: S101  # _connect raises, or has made it
        return self.transport

    def _opened(self) -> Remote:
        if self.remote is None or self.transport is None or not self.transport.is_active():
            self.open()
        assert self.remote is not None  # noqa: S101  # open raises, or has found it
        return self.remote

    def send(self, rendered: Rendered, control_id: str) -> Receipt:
        """Leave one document. Raises Refused, Unavailable or NoAnswer."""
        return drop.leave(self._opened(), self.settings.prefix, rendered, control_id, self.guard)

    def find(self, body: bytes, control_id: str) -> str:
        """Whether a document of which nobody knows was left. Raises Unavailable."""
        return drop.find(self._opened(), self.settings.prefix, body, control_id, taken_away=self.settings.taken_away)

    def close(self) -> None:
        """End the session."""
        if self.transport is not None:
            self.transport.close()
        self.transport = self.remote = None
