"""`check --deploy --database default` says when the product could take its own log's triggers away."""

import io
import uuid

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import connection

from audit import deploy_checks
from audit.deploy_checks import log_belongs_to_another
from tests.audit.test_roles import roles, run  # noqa: F401
from tests.structure import tree

pytestmark = pytest.mark.django_db


def told() -> list[str]:
    return [one.id for one in log_belongs_to_another(databases=["default"])]


@pytest.fixture
def owner(db, postgres_only):
    """Somebody who owns one table of the log and is no superuser."""
    name = f"sp_owner_{uuid.uuid4().hex[:8]}"
    run(f"CREATE ROLE {name} NOLOGIN", f"GRANT USAGE, CREATE ON SCHEMA public TO {name}")
    run(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {name}", f"ALTER TABLE audit_leaf OWNER TO {name}")
    yield name
    run("RESET ROLE")


def test_a_superuser_is_told(postgres_only):
    assert told() == ["audit.W001"]


def test_an_owner_of_one_table_is_told_by_its_name(owner):
    run(f"SET ROLE {owner}")
    (warning,) = log_belongs_to_another(databases=["default"])
    assert (warning.id, "audit_leaf" in warning.msg, owner in warning.msg) == ("audit.W002", True, True)
    assert "audit_roles" in warning.hint


@pytest.mark.parametrize("place", [0, 1])
def test_the_roles_as_granted_are_told_nothing(roles, place):  # noqa: F811
    run(f"SET ROLE {roles[place]}")
    assert told() == []


@pytest.mark.parametrize("right", ["UPDATE", "DELETE", "TRUNCATE", "TRIGGER"])
def test_one_right_too_many_is_told(roles, right):  # noqa: F811
    run(f"GRANT {right} ON delivery_move TO {roles[0]}", f"SET ROLE {roles[0]}")
    (warning,) = log_belongs_to_another(databases=["default"])
    assert (warning.id, "delivery_move" in warning.msg) == ("audit.W003", True)


def test_it_is_asked_of_named_databases_only(postgres_only):
    assert log_belongs_to_another(databases=None) == []


def test_while_migrations_wait_it_says_nothing(postgres_only, monkeypatch):
    monkeypatch.setattr(deploy_checks, "migrations_wait", lambda connection: True)
    assert told() == []


def test_the_command_fails_over_it(postgres_only):
    with pytest.raises(SystemCheckError, match="W001"):
        call_command("check", "--deploy", "--database", "default", "--fail-level", "WARNING", stderr=io.StringIO())


def test_on_sqlite_there_are_no_roles_to_speak_of():
    if connection.vendor != "postgresql":
        assert told() == []


def test_the_documentation_names_each_warning():
    text = tree.text(tree.Path("docs/operations.md"))
    assert "audit.W001` to `W003" in text
    assert "check --deploy --database default" in text
