"""System check: the triggers that make tables insert-only stand in the database (`check --database default`).

While migrations wait it says nothing, or `migrate` itself would refuse to bring a table its triggers.
"""

from collections.abc import Sequence
from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor

from audit.insert_only import InsertOnlyModel, faults


def insert_only_tables(connection: BaseDatabaseWrapper) -> list[str]:
    """The tables of InsertOnlyModel's heirs that migrations have made so far."""
    there = set(connection.introspection.table_names())
    models = (model for model in apps.get_models() if issubclass(model, InsertOnlyModel))
    return [model._meta.db_table for model in models if model._meta.db_table in there]


def migrations_wait(connection: BaseDatabaseWrapper) -> bool:
    """Whether a migration is still to be applied: it may be the one that brings the triggers."""
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


@register(Tags.database)
def triggers_stand(databases: Sequence[str] | None = None, **options: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    for alias in databases or []:
        connection = connections[alias]
        if migrations_wait(connection):
            continue
        for table in insert_only_tables(connection):
            if wrong := faults(connection, table):
                found.append(
                    Error(
                        f"{table} is not protected against changes: {', '.join(wrong)}.",
                        hint="Find out who removed the protection, then run: manage.py restore_audit_triggers",
                        id="audit.E001",
                    )
                )
    return found
