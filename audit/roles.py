"""PostgreSQL's own rights on the log: the application may insert and read, the sealer may also purge, neither owns it.

Whoever owns a table can take its triggers away; so the role that migrates owns all of them and runs at deployment only.
The statements are printed by `manage.py audit_roles` and run by whoever administers the server.
"""

import re
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from audit.checks import insert_only_tables
from audit.insert_only import LEAVES

NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")
SEALERS = ("audit_tree", "audit_sealerstate")  # what the sealer alone keeps up to date
RIGHTS = ("UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")
# Whatever changes a table of the log stands in the server's log with who did it. Event triggers need a superuser.
WATCH = (
    "CREATE OR REPLACE FUNCTION audit_tell_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$DECLARE one record; BEGIN "
    "FOR one IN SELECT * FROM pg_event_trigger_ddl_commands() WHERE object_identity LIKE '%audit_%' LOOP "
    "RAISE LOG 'scribeport: % on % by %', one.command_tag, one.object_identity, session_user; END LOOP; END$$",
    "DROP EVENT TRIGGER IF EXISTS audit_ddl",
    "CREATE EVENT TRIGGER audit_ddl ON ddl_command_end EXECUTE FUNCTION audit_tell_ddl()",
)


class BadName(Exception):
    """Not a role's name as PostgreSQL takes it unquoted."""


def statements(connection: BaseDatabaseWrapper, app: str, sealer: str, watch: bool = False) -> list[str]:
    """What gives both roles their rights on the tables that are there; may be run again after each migration."""
    if not all(NAME.fullmatch(name) for name in (app, sealer)):
        raise BadName
    log = insert_only_tables(connection)
    tables = ", ".join(f'"{table}"' for table in log)
    made = []
    for role in (app, sealer):
        made += [
            f"GRANT USAGE ON SCHEMA public TO {role}",
            f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}",
            f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role}",
            f"REVOKE UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON {tables} FROM {role}",
        ]
    made += [f'REVOKE INSERT, UPDATE, DELETE ON "{table}" FROM {app}' for table in (*SEALERS, "audit_purgecertificate")]
    made += [f"REVOKE UPDATE, DELETE ON django_migrations FROM {role}" for role in (app, sealer)]
    made += [f'GRANT DELETE ON "{table}" TO {sealer}' for table in sorted(LEAVES)]
    return [*made, *(WATCH if watch else ())]


def standing(connection: BaseDatabaseWrapper) -> dict[str, Any]:
    """Who this process is, which tables of the log it owns, and what it may do there beyond inserting and reading."""
    log = insert_only_tables(connection)
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user, rolsuper FROM pg_roles WHERE rolname = current_user")
        user, superuser = cursor.fetchone()
        cursor.execute(
            "SELECT tablename FROM pg_tables WHERE tableowner = current_user AND tablename = ANY(%s) ORDER BY 1", [log]
        )
        owned = [name for (name,) in cursor.fetchall()]
        beyond = {}
        for table in log:
            cursor.execute(
                "SELECT r FROM unnest(%s::text[]) r WHERE has_table_privilege(%s, r)", [list(RIGHTS), f'"{table}"']
            )
            if found := [right for (right,) in cursor.fetchall()]:
                beyond[table] = found
    return {
        "user": user,
        "superuser": superuser,
        "owned": owned,
        "beyond": beyond,
        "apart": not (superuser or owned or beyond),
    }
