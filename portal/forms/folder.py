"""The settings of a connection that leaves C-CDA documents in a folder; docs/channels/ccda.md says how."""

from typing import Any

from django import forms

from portal.forms.connections import ConnectionForm
from portal.models import Connection, ConnectionKind, Practice
from portal.targets import check_folder

PREFIX = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$"


class DropForm(ConnectionForm):
    """What a folder and an SFTP server have in common: the names of files, and who removes them."""

    assumed = frozenset({"taken_away"})

    file_prefix = forms.RegexField(
        PREFIX,
        required=False,
        label="Beginning of file names",
        help_text="Letters, digits, - and _. A random id follows; nothing of a patient stands in a name.",
    )
    taken_away = forms.BooleanField(
        required=False,
        label="The partner removes what it has taken",
        help_text="Then a document that is gone may have been taken, and a doubt about it waits for a person.",
    )

    def __init__(self, practice: Practice, connection: Connection | None, data: Any = None) -> None:
        super().__init__(practice, connection, data)
        self.initial = {"taken_away": True, **self.initial}


class FolderForm(DropForm):
    """A folder of this machine, or of a share mounted on it."""

    kind = ConnectionKind.CCDA_FOLDER
    wide = frozenset({"name", "folder"})
    sections = (
        ("", "", ("name", "environment", "enabled")),
        ("Where documents are left", "Under a temporary name first; never over another file.", ("folder",)),
        ("Files", "", ("file_prefix", "taken_away")),
    )

    folder = forms.CharField(
        max_length=500,
        help_text="A whole path, below a folder that whoever runs this server has allowed.",
    )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if "folder" in cleaned:
            self.check_reachable("folder", lambda: check_folder(cleaned["folder"]))
        return cleaned
