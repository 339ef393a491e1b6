"""What the tests of alerts share: a clock one moves, and a practice whose connection can be broken and mended."""

from datetime import UTC, datetime, timedelta

import pytest

from delivery.alerts import course, sending
from delivery.alerts.conditions import Condition

BEGIN = datetime(2026, 3, 19, 15, 0, tzinfo=UTC)


class World:
    """The practice at a time of its own."""

    def __init__(self, cast, monkeypatch) -> None:
        self.cast, self.now = cast, BEGIN
        monkeypatch.setattr(sending.timezone, "now", lambda: self.now)
        self.found: list[Condition] | None = None
        monkeypatch.setattr(course, "conditions", self._conditions)

    def _conditions(self, practice, limits, now):
        return list(self.found or []) if practice == self.cast.practice else []

    def wrong(self, *kinds: str, location="north", **more) -> None:
        """From now on just these conditions hold."""
        place = getattr(self.cast, location) if location else None
        self.found = [Condition(kind, place, subject=f"{kind}:1", **more) for kind in kinds]

    def look(self, **later: float) -> None:
        self.now += timedelta(**later)
        course.look(self.cast.practice, self.now)

    def send(self, **later: float) -> int:
        self.now += timedelta(**later)
        return sending.send_due()


@pytest.fixture
def clinic(cast, monkeypatch, settings):
    settings.EMAIL_HOST = "mail.tests"  # the mails go to Django's outbox in memory
    settings.SITE_URL = "https://scribeport.example"
    return World(cast, monkeypatch)
