"""Is what this process needs there: a database, migrated, the keys of patient data, and a broker."""

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from kombu.exceptions import OperationalError

from portal.celery import app
from portal.keyring import PURPOSES, KeysUnavailable, ring

SECONDS = 2


def _database() -> tuple[str, str]:
    """What of "ok", "unreachable" holds for the database, and of "ok", "behind", "unknown" for its migrations."""
    try:
        executor = MigrationExecutor(connection)
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError:
        connection.close()
        return "unreachable", "unknown"
    return "ok", "behind" if plan else "ok"


def _broker() -> str:
    if not settings.REDIS_URL:
        return "embedded"
    try:
        with app.connection_for_write() as broker:
            broker.ensure_connection(max_retries=0, timeout=SECONDS)
    except (OperationalError, OSError):
        return "unreachable"
    return "ok"


def _keys() -> str:
    """Whether patient data can be opened and sealed; the keys themselves are asked for once a minute at most."""
    try:
        for purpose in PURPOSES:
            ring(purpose)
    except KeysUnavailable:
        return "unavailable"
    except DatabaseError:
        connection.close()
        return "unknown"
    return "ok"


def state() -> dict[str, str]:
    """`database`, `migrations`, `keys` and `broker`, each in one word; "ok" and "embedded" are good."""
    database, migrations = _database()
    return {"database": database, "migrations": migrations, "keys": _keys(), "broker": _broker()}
