"""The broker of the embedded set-up: kombu's files in a folder, each of which appears whole or not at all.

kombu itself writes a message into a file that a worker can already see. A worker that is quick enough reads half of it,
calls that unrecoverable and ends.
"""

import time
import uuid
from pathlib import Path
from typing import Any

from kombu.transport import TRANSPORT_ALIASES, filesystem
from kombu.utils.json import dumps

SCHEME = "files"
TRANSPORT_ALIASES[SCHEME] = "portal.embedded_broker:Transport"


class Channel(filesystem.Channel):
    """kombu's channel with whole files."""

    def _put(self, queue: str, payload: dict[str, Any], **_: Any) -> None:  # type: ignore[override]  # kombu itself has two
        name = f"{time.time_ns():020d}_{uuid.uuid4()}"
        draft = Path(self.data_folder_out, f"{name}.draft")
        draft.write_text(dumps(payload))
        draft.rename(draft.with_name(f"{name}.{queue}.msg"))

    def get_table(self, exchange: str) -> list[Any]:
        """The queues of an exchange; none while the file that names them is being written."""
        try:
            return list(super().get_table(exchange))
        except ValueError:
            return []


class Transport(filesystem.Transport):
    """What `files://` means."""

    Channel = Channel
