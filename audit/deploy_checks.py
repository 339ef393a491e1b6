"""Deployment check: on PostgreSQL the product does not own its own log (`check --deploy --database default`)."""

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Tags, Warning, register
from django.db import connections

from audit.checks import migrations_wait
from audit.insert_only import LEAVES
from audit.roles import standing

HINT = "Let a role that only migrates own the tables, and grant the rest: manage.py audit_roles (docs/audit.md)."


@register(Tags.database, deploy=True)
def log_belongs_to_another(databases: Sequence[str] | None = None, **options: Any) -> list[CheckMessage]:
    """Whoever owns a table, or is superuser, can take its triggers away: an intruder in the application could too."""
    found: list[CheckMessage] = []
    for alias in databases or []:
        connection = connections[alias]
        if connection.vendor != "postgresql" or migrations_wait(connection):
            continue
        told = standing(connection)
        if told["superuser"]:
            words = f"The product connects as {told['user']}, a superuser of the database's server."
            found.append(Warning(words, hint=HINT, id="audit.W001"))
        elif told["owned"]:
            words = f"The product connects as {told['user']}, who owns tables of the audit log: {told['owned'][0]} …"
            found.append(Warning(words, hint=HINT, id="audit.W002"))
        elif beyond := {table for table, rights in told["beyond"].items() if _too_much(table, rights)}:
            words = f"{told['user']} may do more to the audit log than insert and read: {', '.join(sorted(beyond))}."
            found.append(Warning(words, hint=HINT, id="audit.W003"))
    return found


def _too_much(table: str, rights: list[str]) -> bool:
    """The sealer deletes what the trigger lets go; nothing else is anybody's."""
    return bool(set(rights) - ({"DELETE"} if table in LEAVES else set()))
