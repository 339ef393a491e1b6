"""What the completeness of one day can say, and when it must say that it cannot."""

from dataclasses import dataclass
from datetime import date, datetime

NO_SOURCE, NOT_YET, NEVER, SILENT, TROUBLE, UNTOLD, TOLD = (
    "no_source", "not_yet", "never", "silent", "trouble", "untold", "told",
)  # fmt: skip


@dataclass(frozen=True)
class Says:
    """How far a day's figures can be believed: `sure` is False where nothing may be concluded from them."""

    code: str
    word: str
    meaning: str
    tone: str
    sure: bool


_CANNOT, _PERHAPS = "Cannot say", "Perhaps more"
SAYS: dict[str, Says] = {
    code: Says(code, word, meaning, tone, sure=code == TOLD)
    for code, word, tone, meaning in (
        (NO_SOURCE, _CANNOT, "off", "No source tells of this location’s closed visits. Its settings can name one."),
        (NOT_YET, _CANNOT, "off", "The source of closed visits was set up later."),
        (NEVER, _CANNOT, "warn", "The source has never told of a closed visit; perhaps eCW does not send them."),
        (SILENT, _CANNOT, "warn", "The source told of nothing that day: nobody was seen, or it was silent."),
        (TROUBLE, _PERHAPS, "warn", "The source is in trouble since then: it may not have told of every visit."),
        (UNTOLD, _PERHAPS, "warn", "Notes came of visits that the source did not tell of as closed."),
        (TOLD, "", "ok", ""),
    )
}


@dataclass(frozen=True)
class DayCount:
    """One day of one location. `waiting` closed so lately that a note is not missed yet; `untold` are visits of which
    a note came that day and no closing was told.
    """

    day: date
    closed: int = 0
    waiting: int = 0
    received: int = 0
    verified: int = 0
    came: int = 0
    untold: int = 0
    says: Says = SAYS[TOLD]
    running: bool = False  # the day has not ended there
    counted_at: datetime | None = None  # by a worker; None: on the spot

    @property
    def missing(self) -> int:
        """Closed, and no note of it came."""
        return self.closed - self.received - self.waiting

    @property
    def unproven(self) -> int:
        """A note came and was not read back whole."""
        return self.received - self.verified

    @property
    def known(self) -> bool:
        """Whether the counts mean anything at all: without a source a 0 is no number."""
        return bool(self.closed) or self.says.sure or self.says.code in (TROUBLE, UNTOLD)

    @property
    def complete(self) -> bool:
        """Every closed visit is verified, and the source can be believed."""
        return self.says.sure and not self.running and self.closed == self.verified

    @property
    def state(self) -> tuple[str, str]:
        """Tone and word of the whole day."""
        if self.missing > 0:
            return "act", f"{self.missing} missing"
        if not self.says.sure:
            return self.says.tone, self.says.word
        if self.running or self.waiting:
            return "wait", "Under way"
        if self.unproven:
            return "warn", f"{self.unproven} not verified"
        return "ok", "Complete" if self.closed else "No visit"
