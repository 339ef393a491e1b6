"""The documents attached to a posted note: what may be attached, and their bytes."""

import base64
import re
from dataclasses import dataclass, field
from typing import Any

CONTENT_TYPE = re.compile(r"[a-z]{1,40}/[a-z0-9][a-z0-9.+-]{0,79}")
SPACE = re.compile(r"[ \t\r\n]+")


@dataclass(frozen=True)
class Document:
    """One of /attachments; `data` is Base64 as posted, `content` its bytes."""

    content_type: str
    title: str
    data: str = field(repr=False)

    @property
    def content(self) -> bytes:
        return decoded(self.data)


def decoded(data: str) -> bytes:
    """The bytes of a Base64 text, with or without line breaks (RFC 2045). ValueError for anything else."""
    try:
        return base64.b64decode(SPACE.sub("", data), validate=True)
    except ValueError:  # binascii.Error among them
        pass
    raise ValueError("not Base64")  # out here: the decoder's error may show what it was given


def documents_of(data: dict[str, Any]) -> tuple[Document, ...]:
    """Those of a note that has passed validation, in its order."""
    rows = data.get("attachments") or []
    return tuple(Document(row["content_type"].lower(), row.get("title") or "", row["data"]) for row in rows)
