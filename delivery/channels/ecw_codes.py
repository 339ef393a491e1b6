"""eCW's own status codes in a transaction's answer. "1" is success; others collide with HTTP's numbers.

Relayed by client code that talks to eCW. Never test for "begins with 2": 201 means that several patients were found.
"""

import re

SUCCESS = "1"
FORM = re.compile(r"[0-9]{1,6}", re.ASCII)
REFUSALS = frozenset(
    {
        "100", "101", "108", "109", "114", "123", "139", "201", "202",
        "301", "302", "303", "304", "305", "306", "307", "308", "2024", "2025", "2026", "2027",
    }
)  # fmt: skip


def reason(code: str) -> str:
    """The reason code of a refusal; "" for a code that is not known to be one."""
    return f"ecw_{code}" if code in REFUSALS else ""


def plain(said: str) -> str:
    """What a receiver gives as its code, where it has a code's form; "" for words: they may be a patient's, and codes
    go into the audit log."""
    return said if FORM.fullmatch(said) else ""
