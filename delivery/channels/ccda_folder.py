"""C-CDA documents into a folder of this machine, or of a share mounted on it, where a partner takes them."""

import contextlib
import errno
import os
import stat
from pathlib import Path

from delivery.channels import ccda, drop, hl7
from delivery.channels.base import OutgoingNote, Receipt, Rendered, Unavailable
from delivery.channels.drop_settings import FolderSettings, inside
from delivery.channels.network import Guard

REASONS = {
    errno.ENOENT: "folder_missing",
    errno.ENOTDIR: "folder_missing",
    errno.ESTALE: "folder_missing",
    errno.EACCES: "folder_denied",
    errno.EPERM: "folder_denied",
    errno.EROFS: "folder_denied",
    errno.ENOSPC: "disk_full",
    errno.EDQUOT: "disk_full",
    errno.EFBIG: "disk_full",
}
IN_DOUBT = (errno.EIO, errno.ETIMEDOUT, errno.ESTALE)  # of a share: it may have done what it was asked
NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)


def reason(error: OSError) -> str:
    """The reason code of a failure of the file system."""
    return REASONS.get(error.errno or 0, "folder_failed")


class Folder:
    """drop.Directory over an open descriptor: what the path leads to later does not matter."""

    def __init__(self, path: Path) -> None:
        try:
            self.fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise Unavailable(reason(error)) from None

    def close(self) -> None:
        os.close(self.fd)

    def writable(self) -> bool:
        return os.access(".", os.W_OK | os.X_OK, dir_fd=self.fd, effective_ids=os.access in os.supports_effective_ids)

    def digest(self, name: str, like: bytes) -> str | None:
        try:
            size = os.stat(name, dir_fd=self.fd, follow_symlinks=False)
            if not stat.S_ISREG(size.st_mode) or size.st_size != len(like):
                return ""
            with os.fdopen(os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=self.fd), "rb") as file:
                return drop.sha256(file.read())
        except FileNotFoundError:
            return None
        except PermissionError:
            return drop.sha256(like)  # a folder to write to and not to read: the size is what can be compared
        except OSError as error:
            raise Unavailable(reason(error)) from None

    def write(self, name: str, body: bytes) -> None:
        try:
            self.remove(name)  # of an earlier try; made anew, so that no link put in its place is followed
            made = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640, dir_fd=self.fd)
            with os.fdopen(made, "wb") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            self._remove_quietly(name)
            raise Unavailable(reason(error)) from None

    def _remove_quietly(self, name: str) -> None:
        with contextlib.suppress(OSError):  # the failure before it is the one that is told
            self.remove(name)

    def name_finally(self, temporary: str, name: str) -> None:
        try:
            self._link(temporary, name)
        except FileExistsError:
            raise
        except OSError as error:
            if error.errno in IN_DOUBT:
                raise drop.Cut from None
            raise Unavailable(reason(error)) from None
        self._settle(temporary)

    def _link(self, temporary: str, name: str) -> None:
        """A second name fails where one is there, which a renaming would replace."""
        try:
            os.link(temporary, name, src_dir_fd=self.fd, dst_dir_fd=self.fd, follow_symlinks=False)
        except OSError as error:
            if error.errno not in NO_LINKS:
                raise
            if self.digest(name, b"") is not None:  # a file system without links: looked for first, as well as it goes
                raise FileExistsError from None
            os.rename(temporary, name, src_dir_fd=self.fd, dst_dir_fd=self.fd)

    def _settle(self, temporary: str) -> None:
        """It has its name: whatever fails now is not the document's."""
        self._remove_quietly(temporary)
        with contextlib.suppress(OSError):
            os.fsync(self.fd)

    def remove(self, name: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name, dir_fd=self.fd)


class FolderChannel:
    """base.Channel into a folder, used by one thread."""

    def __init__(self, settings: FolderSettings, guard: Guard) -> None:
        self.settings = settings
        self.guard = guard
        self.folder: Folder | None = None

    def render(self, note: OutgoingNote) -> Rendered:
        """Pure; raises CannotExpress."""
        hl7.refuse_values(note.values)
        return Rendered(ccda.document(note), drop.CONTENT_TYPE)

    def open(self) -> None:
        """The folder, followed anew: a link may lead elsewhere than when it was allowed. Raises Unavailable."""
        try:
            path = inside(str(self.settings.folder), tuple(map(str, self.settings.roots)))
        except ValueError:
            raise Unavailable("target_not_allowed") from None
        self.folder = Folder(path)
        if not self.folder.writable():
            self.close()
            raise Unavailable("folder_denied")

    def send(self, rendered: Rendered, control_id: str) -> Receipt:
        """Leave one document. Raises Refused, Unavailable."""
        return drop.leave(self._opened(), self.settings.prefix, rendered, control_id, self.guard)

    def find(self, body: bytes, control_id: str) -> str:
        """Whether a document of which nobody knows was left. Raises Unavailable."""
        return drop.find(self._opened(), self.settings.prefix, body, control_id, taken_away=self.settings.taken_away)

    def _opened(self) -> Folder:
        if self.folder is None:
            self.open()
        assert self.folder is not None  # noqa: S101  # open raises, or has opened it
        return self.folder

    def close(self) -> None:
        """Let the folder go."""
        if self.folder is not None:
            self.folder.close()
            self.folder = None
