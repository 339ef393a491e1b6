"""Write docs/failures.md from the failure catalogue."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from delivery.failures.document import document


class Command(BaseCommand):
    help = "Writes docs/failures.md from the failure catalogue."

    def handle(self, *args: Any, **options: Any) -> None:
        path = settings.BASE_DIR / "docs" / "failures.md"
        path.write_text(document(), encoding="utf-8")
        self.stdout.write(f"wrote {path}")
