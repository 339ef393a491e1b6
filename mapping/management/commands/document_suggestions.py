"""Write docs/suggestions.md: how suggestions are made, and how right they were on templates nobody tuned them on."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from mapping.reliability import document


class Command(BaseCommand):
    help = "Writes docs/suggestions.md from the held-out templates."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        path = settings.BASE_DIR / "docs" / "suggestions.md"
        path.write_text(document(settings.BASE_DIR / "tests" / "mapping" / "holdout"), encoding="utf-8")
        self.stdout.write(f"wrote {path}")
