"""`manage.py suggest_mapping FILE`: which field of a template each section of a note should go to, and why."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from mapping.columns import remembered
from mapping.importers import limited
from mapping.importers.base import ImportedTemplate, ImportRefused
from mapping.importers.headers import NOTHING, Known
from mapping.importers.reading import templates_of
from mapping.matching import suggest
from mapping.queries import learned_labels
from mapping.suggestion import Suggestion
from portal.models import Practice


class Command(BaseCommand):
    help = "Suggests for each section of a note the fields of a template file, with confidence and reason."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="a template in any format the import takes")
        parser.add_argument("--json", action="store_true", help="one JSON object, by template where there are several")
        parser.add_argument("--practice", help="the code of a practice whose published mappings are to be followed")

    def handle(self, *args: Any, **options: Any) -> None:
        followed = practice(options["practice"]) if options["practice"] else None
        templates = read(options["file"], remembered(followed) if followed else NOTHING)
        learned = learned_labels(followed) if followed else {}
        found = {
            name: suggest(template.fields, learned) for name, template in zip(names(templates), templates, strict=True)
        }
        if options["json"]:
            shown = {name: in_json(suggestions) for name, suggestions in found.items()}
            self.stdout.write(json.dumps(shown if len(shown) > 1 else next(iter(shown.values())), ensure_ascii=False))
            return
        for name, suggestions in found.items():
            self.stdout.write(name)
            self.stdout.writelines(line(suggestion) for suggestion in suggestions.values())


def read(path: Path, known: Known = NOTHING) -> tuple[ImportedTemplate, ...]:
    """The templates of a file; raises CommandError with the reason."""
    try:
        return templates_of(limited.read(path.name, path.read_bytes(), known), known)
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from None
    except ImportRefused as refused:
        raise CommandError(str(refused)) from None


def practice(code: str) -> Practice:
    found = Practice.objects.filter(code=code).first()
    if found is None:
        raise CommandError(f"There is no practice {code!r}.")
    return found


def names(templates: Sequence[ImportedTemplate]) -> list[str]:
    """The templates' names; with the code where two have the same."""
    given = [template.name for template in templates]
    return [
        template.name if given.count(template.name) == 1 else f"{template.name} ({template.code})"
        for template in templates
    ]


def in_json(suggestions: dict[str, Suggestion]) -> dict[str, dict[str, Any]]:
    return {
        code: {
            "field_ids": list(suggestion.field_ids),
            "confidence": suggestion.confidence,
            "reason": suggestion.reason,
            "candidates": [asdict(candidate) for candidate in suggestion.candidates],
            "mode": suggestion.mode,
        }
        for code, suggestion in suggestions.items()
    }


def line(suggestion: Suggestion) -> str:
    where = ", ".join(suggestion.field_ids) or "-"
    return f"  {suggestion.section_code:28} {where:24} {suggestion.confidence:4.2f}  {suggestion.reason}\n"
